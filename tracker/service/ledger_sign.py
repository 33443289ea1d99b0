"""A sign that there is a ledger, outside what can be lost with it.

The service writes the ledger's id into a small file beside the folder of files, or where ``ledger_sign`` in the
settings says, a line for each database that it has worked on.  Where the sign is there and the ledger is empty, or
another one, the ledger is lost or not mounted: all mails would go out again, so none do until a person has restored it
or said that a new one begins.  Where the file cannot be written there is no sign, nothing is asked, and whoever looks
after the service is told so.
"""

from __future__ import annotations

import logging
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from tracker.errors import DatabaseError, LostLedgerError, TrackerError
from tracker.i18n.message import Message
from tracker.store.backups import LEDGER
from tracker.store.database import Database, is_there, read_meta, shown, write_meta

log = logging.getLogger("tracker")

#: The file beside the folder of files.
NAME = ".tracker-ledger"


def refuse_unkept(file: Path) -> None:
    """Raises TrackerError where no sign of the ledger stands in ``file``, and none could be written."""
    if not file.is_file() and not os.access(file.parent, os.W_OK | os.X_OK):
        raise TrackerError("no_sign", file=file)


@dataclass(frozen=True)
class LedgerSign:
    """What tells of the ledger in ``database``, whose address is ``url``.

    ``is_named`` says that an option or the environment gave the address; ``may_begin``, that a person lets a new
    ledger begin where there was one.
    """

    file: Path
    database: Database
    url: str
    is_named: bool
    may_begin: bool = False

    def look(self) -> None:
        """Let the ledger be known by its sign.  Raises LostLedgerError as ``refuse_lost`` does."""
        if not self.refuse_lost():
            self.write()

    def refuse_lost(self) -> bool:
        """Whether the sign tells of the ledger as it is now, and where.

        Raises LostLedgerError where it tells of another one, and none may begin.
        """
        if self.database.in_memory or self.may_begin:
            return False
        known, place = self._read(), _address(self.url)
        if not known:
            return False
        id_ = self._id() if is_there(self.url) else None
        if id_ in known.values():
            return known.get(place) == id_
        if place not in known and self.is_named:
            return False
        facts = {"place": place, "sign": self.file, "remedy": Message("errors.find_ledger")}
        if place not in known:
            raise LostLedgerError("ledger_elsewhere", before=next(iter(known)), **facts)
        if is_there(self.url):
            raise LostLedgerError("other_ledger", **facts)
        raise LostLedgerError("ledger_gone", **facts)

    def write(self) -> None:
        """Write the sign of the ledger as it is now: a person, or the sign itself, has said that it is the right one."""
        if self.database.in_memory:
            return
        id_ = self._id()
        if id_ is None:
            with self.database.writing() as session:
                id_ = read_meta(session, LEDGER) or secrets.token_hex(8)
                write_meta(session, LEDGER, id_)
        known, place = self._read(), _address(self.url)
        if known.get(place) == id_:
            return
        if known and id_ not in known.values():
            # It may be a slip of the finger in the address.
            message = (
                Message("service.begins_where_lost", place=place)
                if place in known
                else Message("service.begins_beside", place=place, other=next(iter(known)))
            )
            log.warning("%s", message)
        known[place] = id_
        try:
            draft = self.file.with_name(f"{self.file.name}.{secrets.token_hex(4)}")
            draft.write_text("".join(f"{each} {at}\n" for at, each in known.items()), encoding="utf-8")
            draft.replace(self.file)
        except OSError as error:
            log.debug("no sign of the ledger is kept in %s: %s", self.file, error)

    def _id(self) -> str | None:
        try:
            with self.database.reading() as session:
                return read_meta(session, LEDGER)
        except (DatabaseError, SQLAlchemyError):
            if self.database.has_tables():
                raise
            # What is there now, such as an empty file in the place of ours, is no ledger at all.
            return None

    def _read(self) -> dict[str, str]:
        """The ids of ledgers by their address; none where there is no sign."""
        try:
            lines = self.file.read_text(encoding="utf-8").splitlines()
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
