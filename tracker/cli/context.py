"""What a command is given: the folder of the files, the database, and how to open them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, cast

import typer

from tracker.cli.output import say
from tracker.errors import UsageError

if TYPE_CHECKING:
    from tracker.app import App


@dataclass(frozen=True, slots=True)
class Context:
    """The shared options of the command line."""

    config: Path
    database: str | None

    @contextmanager
    def open(self) -> Iterator[App]:
        """The application over these files; its warnings go to standard error."""
        from tracker.app import App

        app = App(self.config, database=self.database, environ=os.environ)
        try:
            yield app
        finally:
            app.close()


def given(context: typer.Context) -> Context:
    """The ``Context`` that the shared options were put into."""
    return cast("Context", context.obj)


def parse_day(text: str, option: str) -> date:
    """A date such as 2022-05-05.  Raises UsageError."""
    try:
        day = date.fromisoformat(text.strip())
    except ValueError:
        raise UsageError(f"{option} {text}: expected a date such as 2022-05-05") from None
    if not 1900 <= day.year <= 2200:
        raise UsageError(f"{option} {text}: expected a year from 1900 to 2200")
    return day


def parse_moment(text: str, option: str, zone: tzinfo, *, at_end: bool = False) -> datetime:
    """A date or an ISO time, as an instant; without an offset it is the campaign's time.

    A date alone means its first moment, or with ``at_end`` its last.  Raises UsageError.
    """
    text = text.strip()
    if len(text) <= 10:
        day = parse_day(text, option)
        start = datetime.combine(day, time.min, zone)
        return (
            datetime.combine(day + timedelta(days=1), time.min, zone) - timedelta(seconds=1)
            if at_end
            else start
        )
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"{option} {text}: expected a date or a time such as 2022-05-05T09:00:00+08:00"
        ) from None
    if not 1900 <= moment.year <= 2200:
        raise UsageError(f"{option} {text}: expected a year from 1900 to 2200")
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def warn(messages: list[str]) -> None:
    """Warnings, one a line."""
    for message in messages:
        say(f"warning: {message}")
