"""A sign that there is a ledger, outside what can be lost with it.

The service writes the ledger's id into a small file beside the folder of files, or where ``ledger_sign`` in the
settings says, a line for each database that it has worked on.  Where the sign is there and the ledger is empty, or
another one, the ledger is lost or not mounted: all mails would go out again, so none do until a person has restored it
or said that a new one begins.  Where the file cannot be written there is no sign, and nothing is asked.
"""

from __future__ import annotations

import logging
import secrets
from pathlib import Path

from sqlalchemy.engine import make_url

from tracker.app import App
from tracker.errors import LostLedgerError
from tracker.store.database import read_meta, shown, write_meta

log = logging.getLogger("tracker")

#: The file beside the folder of files.
NAME = ".tracker-ledger"

#: The fact in the ledger.
_FACT = "ledger"


def look(app: App) -> None:
    """Let the ledger be known by its sign.  Raises LostLedgerError where it is not the one that the sign tells of."""
    if app.database.in_memory:
        return
    found, known, place = _id_of(app), _read(_file(app)), _address(app.database_url)
    is_lost = found not in known.values() and (place in known or (bool(known) and not app.names_database))
    if is_lost and not app.begins:
        where = place if place in known else next(iter(known))
        raise LostLedgerError(place, where, _file(app))
    sign(app)


def sign(app: App) -> None:
    """Write the sign of the ledger as it is now: a person, or the sign itself, has said that it is the right one."""
    if app.database.in_memory:
        return
    id_ = _id_of(app)
    if id_ is None:
        with app.database.writing() as session:
            id_ = read_meta(session, _FACT) or secrets.token_hex(8)
            write_meta(session, _FACT, id_)
    file, place = _file(app), _address(app.database_url)
    known = _read(file)
    if known.get(place) == id_:
        return
    known[place] = id_
    try:
        draft = file.with_name(f"{file.name}.{secrets.token_hex(4)}")
        draft.write_text("".join(f"{each} {at}\n" for at, each in known.items()), encoding="utf-8")
        draft.replace(file)
    except OSError as error:
        log.debug("no sign of the ledger is kept in %s: %s", file, error)


def _id_of(app: App) -> str | None:
    with app.database.reading() as session:
        return read_meta(session, _FACT)


def _file(app: App) -> Path:
    return app.home / (app.force.settings.ledger_sign or NAME)


def _read(file: Path) -> dict[str, str]:
    """The ids of ledgers by their address; none where there is no sign."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return {}
    pairs = (line.partition(" ") for line in lines if line.strip())
    return {address: id_ for id_, _, address in pairs}


def _address(url: str) -> str:
    """Where a ledger is, the same from wherever a command is started, and without a password."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite" and parsed.database:
        return f"sqlite:///{Path(parsed.database).absolute()}"
    return shown(url)
