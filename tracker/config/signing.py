"""The keys that sign links: from the environment, else made once and kept beside the database."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterable, Sequence
from pathlib import Path

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from tracker.config.environment import warn_of_readers
from tracker.core.policy import Settings
from tracker.errors import UsageError

#: Its name, beside the database or under ``var/``.
NAME = "secret"

#: A key that is shorter could be guessed.
SHORTEST = 16


def signing_keys(settings: Settings, database: str) -> tuple[str, ...]:
    """The keys in force, the first of which signs.

    ``TRACKER_SECRET`` may hold two, ``NEW OLD``, while links under the old one are still about.
    Raises UsageError for one that is too short, or where a new one cannot be kept.
    """
    if settings.signing_key is None:
        return _kept(_place(database))
    keys = tuple(key for key in re.split(r"[\s,]+", settings.signing_key) if key)
    if not keys or any(len(key) < SHORTEST for key in keys):
        raise UsageError("key_too_short", least=SHORTEST)
    return keys


def keys_to_save(settings: Settings, database: str) -> tuple[str, ...]:
    """The keys that only the file beside the database holds; none where they come from outside, or there are none yet."""
    path = _place(database)
    return _kept(path) if settings.signing_key is None and path.exists() else ()


def keep_keys(keys: Sequence[str], database: str) -> None:
    """Sign with ``keys`` from now on, and go on accepting those that were kept.  Raises UsageError as above."""
    path = _place(database)
    known = _kept(path) if path.exists() else ()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write(path, dict.fromkeys((*keys, *known))).replace(path)
    except OSError as error:
        raise _not_kept(path, error) from None


def _place(database: str) -> Path:
    try:
        parsed = make_url(database)
    except ArgumentError:
        return Path("var") / NAME
    is_file = parsed.get_backend_name() == "sqlite" and parsed.database not in {None, "", ":memory:"}
    return (Path(str(parsed.database)).parent if is_file else Path("var")) / NAME


def _kept(path: Path) -> tuple[str, ...]:
    """The keys in ``path``; one is made if it is not there: of several processes one makes it, all read it."""
    try:
        if not path.exists():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _make(path)
        warn_of_readers(path, path.stat().st_mode)
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise _not_kept(path, error) from None
    found = tuple(line.strip() for line in lines if line.strip())
    if not found or any(len(key) < SHORTEST for key in found):
        raise UsageError("holds_no_key", path=path)
    return found


def _not_kept(path: Path, error: Exception) -> UsageError:
    return UsageError("key_not_kept", path=path, error=error)


def _make(path: Path) -> None:
    """Written whole beside it and then linked, which fails where somebody was faster."""
    draft = _write(path, [secrets.token_urlsafe(32)])
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        return
    finally:
        draft.unlink(missing_ok=True)


def _write(path: Path, keys: Iterable[str]) -> Path:
    """A draft beside ``path`` with a key a line."""
    draft = path.with_name(f".{NAME}-{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.writelines(f"{key}\n" for key in keys)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        draft.unlink(missing_ok=True)
        raise
    return draft
