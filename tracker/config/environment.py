"""What the environment says, on top of the settings (CONTRACT.md §7)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic_core import PydanticCustomError

from tracker.config import scalars
from tracker.core.policy import Settings, Web
from tracker.errors import UsageError


def apply_environment(settings: Settings, environ: Mapping[str, str]) -> Settings:
    """``settings`` with what ``environ`` overrides.  Raises UsageError with the variable that is wrong."""
    said: dict[str, Any] = {
        "database": _read(environ, "TRACKER_DATABASE", scalars.database),
        "transport": _read(environ, "TRACKER_MAIL", scalars.transport),
        "mail_password": secret(environ, "TRACKER_MAIL_PASSWORD"),
        "signing_key": secret(environ, "TRACKER_SECRET"),
        "oidc_secret": secret(environ, "TRACKER_OIDC_SECRET"),
    }
    changed = replace(settings, **{name: value for name, value in said.items() if value is not None})
    listen = _read(environ, "TRACKER_WEB", scalars.web)
    if listen is None:
        return changed
    return replace(
        changed, web=None if listen == scalars.OFF else replace(changed.web or Web(), listen=listen)
    )


def secret(environ: Mapping[str, str], name: str) -> str | None:
    """The secret in the variable ``name``, or in the file that ``name``_FILE names; None if there is neither.

    The end of the file's line is none of the secret.  Raises UsageError, without the secret in it.
    """
    if value := environ.get(name):
        return value
    path = environ.get(f"{name}_FILE")
    if not path:
        return None
    try:
        value = Path(path).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "it is no text"
        raise UsageError(f"{name}_FILE={path} cannot be read: {reason}") from None
    if not value:
        raise UsageError(f"{name}_FILE={path} is empty; expected the secret")
    return value


def _read(environ: Mapping[str, str], name: str, read: Callable[[Any], str]) -> str | None:
    value = environ.get(name, "").strip()
    if not value:
        return None
    try:
        return read(value)
    except PydanticCustomError as error:
        raise UsageError(f"{name}: {error.message()}") from None
