"""What the environment says, on top of the settings (docs/contract.md §7)."""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from pydantic_core import PydanticCustomError

from tracker.config import field_types
from tracker.core.policy import Settings, Web
from tracker.errors import UsageError
from tracker.i18n.message import Message

log = logging.getLogger("tracker")

#: What a credential is called that systemd hands over (``LoadCredential=mail-password:/etc/…``), by its variable.
CREDENTIALS = {
    "TRACKER_MAIL_PASSWORD": "mail-password",
    "TRACKER_SECRET": "link-keys",
    "TRACKER_OIDC_SECRET": "oidc-secret",
    "TRACKER_METRICS_TOKEN": "metrics-token",
}

#: A secret is a line or two; a longer file is another one that was named by mistake.
LONGEST = 64 * 1024


def apply_environment(settings: Settings, environ: Mapping[str, str]) -> Settings:
    """``settings`` with what ``environ`` overrides.  Raises UsageError with the variable that is wrong."""
    said: dict[str, Any] = {
        "database": _read(environ, "TRACKER_DATABASE", field_types.database),
        "transport": _read(environ, "TRACKER_MAIL", field_types.transport),
        "ledger_sign": _read(environ, "TRACKER_LEDGER_SIGN", lambda path: str(Path(path).absolute())),
        "mail_password": secret(environ, "TRACKER_MAIL_PASSWORD"),
        "signing_key": secret(environ, "TRACKER_SECRET"),
        "oidc_secret": secret(environ, "TRACKER_OIDC_SECRET"),
        "metrics_token": secret(environ, "TRACKER_METRICS_TOKEN"),
    }
    changed = replace(settings, **{name: value for name, value in said.items() if value is not None})
    listen = _read(environ, "TRACKER_WEB", field_types.web)
    if listen is None:
        return changed
    return replace(
        changed, web=None if listen == field_types.OFF else replace(changed.web or Web(), listen=listen)
    )


def secret(environ: Mapping[str, str], name: str) -> str | None:
    """The secret in the variable ``name``, in the file that ``name``_FILE names, or in systemd's credential.

    None if there is none of them.  The end of the file's line is none of the secret.  A file that others may read
    is taken and warned about: containers mount theirs so.  Raises UsageError, without the secret in it.
    """
    if value := environ.get(name):
        return value
    if path := environ.get(f"{name}_FILE"):
        return _secret_in(Path(path), f"{name}_FILE={path}", is_ours=True)
    folder, credential = environ.get("CREDENTIALS_DIRECTORY"), CREDENTIALS.get(name)
    if not folder or credential is None:
        return None
    kept = Path(folder) / credential
    return _secret_in(kept, f"the credential {kept}") if kept.exists() else None


def warn_of_readers(path: Path, mode: int) -> None:
    """Say it, once for each file, where others than its owner can read a file that holds a secret."""
    if stat.S_ISREG(mode) and mode & 0o077:
        _warn_once(str(path), stat.S_IMODE(mode))


@cache
def _warn_once(path: str, mode: int) -> None:
    log.warning("%s", Message("config.open_secret", path=path, mode=f"{mode:04o}"))


def _secret_in(path: Path, called: str, *, is_ours: bool = False) -> str:
    try:
        # Some editors put a mark before the first character, which nobody sees.
        with path.open(encoding="utf-8-sig") as file:
            # systemd guards its credentials by a folder of their own, with a mode that looks wider.
            if is_ours:
                warn_of_readers(path, os.fstat(file.fileno()).st_mode)
            value = file.read(LONGEST + 1).rstrip("\r\n")
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise UsageError("cannot_read", path=called, error=error) from None
    if not value:
        raise UsageError("no_secret", path=called)
    if len(value) > LONGEST:
        raise UsageError("secret_too_long", path=called)
    return value


def _read(environ: Mapping[str, str], name: str, read: Callable[[Any], str]) -> str | None:
    value = environ.get(name, "").strip()
    if not value:
        return None
    try:
        return read(value)
    except PydanticCustomError as error:
        raise UsageError("wrong_variable", name=name, error=(error.context or {})["said"]) from None
