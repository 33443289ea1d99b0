"""What every command and page asks of what people type, and who they are on this machine."""

from __future__ import annotations

import getpass
from datetime import date

from tracker.errors import UsageError


def login_name() -> str:
    """Who runs this process, as the history says."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"


def in_order(first: date, last: date) -> None:
    """Raises UsageError where ``last`` is before ``first``."""
    if last < first:
        raise UsageError("before_first", first=first, last=last)


def check_who(who: str | None) -> None:
    """Raises UsageError for what is no name: it stands on one line wherever it is shown."""
    if who is not None and not _is_text(who, "\u3000"):
        raise UsageError("unseen_in_name")


def check_text(option: str, text: str | None) -> None:
    """Raises UsageError for what nobody could read in the history."""
    if text is not None and not _is_text(text):
        raise UsageError("unprintable", option=option)


def _is_text(text: str, besides: str = "\n\t\u3000") -> bool:
    return all(each.isprintable() or each in besides for each in text)
