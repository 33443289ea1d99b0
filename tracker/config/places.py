"""Where relative paths of ``settings.yaml`` count from: the folder that holds the folder of files.

Wherever a command is started, it means the same ledger and the same mailbox.  What the environment or an option says
counts from where the command is started, as a shell's words do.
"""

from __future__ import annotations

import errno
import logging
import os
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from tracker.config.document import Location
from tracker.core.policy import Settings
from tracker.errors import UsageError
from tracker.i18n.message import Message

log = logging.getLogger("tracker")

_SQLITE = "sqlite:///"
_MAILBOX = "mailbox:"


def at_home(settings: Settings, home: Path, *, names_database: bool) -> Settings:
    """``settings`` with their relative paths counted from ``home``; ``holidays`` and templates are looked for there anyway.

    With ``names_database`` somebody has named another database than they do.  Raises UsageError where there is one
    at the place that earlier versions meant, where the service was started, and another one at home.
    """
    if home == Path.cwd():
        return settings

    def placed(path: str) -> str:
        return str(home / path)

    web = settings.web
    if web is not None:
        certificate, key = (each and placed(each) for each in (web.certificate, web.key))
        web = replace(web, certificate=certificate, key=key)
    transport = settings.transport
    if transport.startswith(_MAILBOX):
        transport = f"{_MAILBOX}{placed(transport.removeprefix(_MAILBOX))}"
    return replace(
        settings,
        web=web,
        transport=transport,
        mailbox=placed(settings.mailbox),
        database=settings.database if names_database else _database(settings.database, home),
    )


def misplaced(settings: Settings, config: Path) -> Iterator[tuple[Location, Message]]:
    """Each path in the file at which something else stands than is wanted there, with the sentence; ``config`` is its folder.

    What is not there yet is nobody's mistake.
    """
    home = config.resolve().parent
    folders: tuple[tuple[Location, str | None, Path], ...] = (
        (("templates",), settings.templates, home),
        (("holidays",), settings.holidays, config),
        (("mail", "mailbox"), settings.mailbox, home),
        (("mail", "transport"), _after(_MAILBOX, settings.transport), home),
    )
    files: tuple[tuple[Location, str | None], ...] = (
        (("ledger_sign",), settings.ledger_sign),
        (("database",), _after(_SQLITE, settings.database)),
    )
    for location, path, base in folders:
        if path and not _is_folder(base / path):
            yield location, Message("config.no_folder", path=base / path)
    for location, path in files:
        if path and not _is_file(home / path):
            yield location, Message("config.no_file", path=home / path)


def _after(beginning: str, text: str) -> str | None:
    return text.removeprefix(beginning).partition("?")[0] if text.startswith(beginning) else None


def _is_folder(path: Path) -> bool:
    """A folder, not of devices, or nothing yet."""
    try:
        if not stat.S_ISDIR(path.stat().st_mode):
            return False
        with os.scandir(path) as entries:
            return not any(_is_device(entry.stat(follow_symlinks=False).st_mode) for entry in entries)
    except OSError as error:
        # A file stands where a folder on the way should.
        return error.errno != errno.ENOTDIR


def _is_device(mode: int) -> bool:
    return stat.S_ISCHR(mode) or stat.S_ISBLK(mode)


def _is_file(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except OSError as error:
        return error.errno != errno.ENOTDIR


def _database(url: str, home: Path) -> str:
    path = _file_of(url)
    if path is None or path.is_absolute():
        return url
    here, there = path.absolute(), home / path
    if here.exists() and there.exists() and not here.samefile(there):
        raise UsageError("two_databases", here=here, there=there)
    if here.exists() and not there.exists():
        _warn_once(here, there)
        return f"{_SQLITE}{here}"
    return f"{_SQLITE}{there}"


def _file_of(url: str) -> Path | None:
    """The file of an SQLite database; None for any other."""
    # Only what stands elsewhere needs it, and most commands need no database otherwise.
    from sqlalchemy.engine import make_url

    parsed = make_url(url)
    is_file = parsed.get_backend_name() == "sqlite" and parsed.database not in {None, "", ":memory:"}
    return Path(str(parsed.database)) if is_file else None


_warned: set[Path] = set()


def _warn_once(here: Path, there: Path) -> None:
    if here not in _warned:
        _warned.add(here)
        facts = {"here": here, "base": there.parent.parent, "there": there}
        log.warning("%s", Message("config.database_stays", **facts))
