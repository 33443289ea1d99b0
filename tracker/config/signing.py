"""The keys that sign links: from the environment, else made once and kept beside the database."""

from __future__ import annotations

import os
import re
import secrets
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
        return (_kept(_place(database)),)
    keys = tuple(key for key in re.split(r"[\s,]+", settings.signing_key) if key)
    if not keys or any(len(key) < SHORTEST for key in keys):
        raise UsageError(
            "TRACKER_SECRET: a key needs {least} characters at least, such as openssl rand -hex 32 makes",
            "key_too_short",
            least=SHORTEST,
        )
    return keys


def _place(database: str) -> Path:
    try:
        parsed = make_url(database)
    except ArgumentError:
        return Path("var") / NAME
    is_file = parsed.get_backend_name() == "sqlite" and parsed.database not in {None, "", ":memory:"}
    return (Path(str(parsed.database)).parent if is_file else Path("var")) / NAME


def _kept(path: Path) -> str:
    """The key in ``path``, which is made if it is not there: of several processes one makes it, all read it."""
    try:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            _make(path)
        warn_of_readers(path, path.stat().st_mode)
        found = path.read_text(encoding="utf-8-sig").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            "the key for links cannot be kept in {path}: {error}; name one with TRACKER_SECRET",
            "key_not_kept",
            path=path,
            error=error,
        ) from None
    if len(found) < SHORTEST:
        raise UsageError("{path} holds no key; remove it, and a new one is made", "holds_no_key", path=path)
    return found


def _make(path: Path) -> None:
    """Written whole beside it and then linked, which fails where somebody was faster."""
    draft = path.with_name(f".{NAME}-{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(f"{secrets.token_urlsafe(32)}\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            path.hardlink_to(draft)
        except FileExistsError:
            return
    finally:
        draft.unlink(missing_ok=True)
