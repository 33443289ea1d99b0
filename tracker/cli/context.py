"""What a command is given: the folder of the files, the database, and how to open them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

import typer

from tracker.cli.output import language_of_errors, say, told
from tracker.core.years import FIRST_YEAR, LAST_YEAR
from tracker.errors import TrackerError, UsageError, year_out_of_range

if TYPE_CHECKING:
    from tracker.service.app import App

#: A password in an address: between user and host, or as a parameter.
PASSWORD = re.compile(r"//[^/@]*:[^/@]*@|[?&]password=")

Day = TypeVar("Day", date, datetime)


@dataclass(frozen=True, slots=True)
class Context:
    """The shared options of the command line."""

    config: Path
    database: str | None

    @contextmanager
    def open(self, *, lenient: bool = False) -> Iterator[App]:
        """The application over these files, closed at the end.

        ``lenient`` is for what must go on while a file has errors: with those that were in force last.
        """
        from tracker.service.app import App
        from tracker.service.log import of_command

        app = App(self.config, database=self.database, environ=os.environ)
        app.is_lenient = lenient
        try:
            with of_command(language_of_errors):
                yield app
        except TrackerError as error:
            error.campaign = app.campaign
            raise
        finally:
            app.close()
        # At the end, as a command that fails says one sentence, which is another.
        if self.database is not None and PASSWORD.search(self.database):
            say(f"tracker: {told('password_shown', language_of_errors())}")


def given(context: typer.Context) -> Context:
    """The ``Context`` that the shared options were put into."""
    return cast("Context", context.obj)


def parse_day(text: str, option: str, zone: tzinfo | None = None) -> date:
    """A date such as 2022-05-05, or the day of an ISO time: in ``zone``, or as written.  Raises UsageError."""
    text = text.strip()
    if len(text) > len("2022-05-05"):
        moment = _moment(text, option)
        return (moment.astimezone(zone) if zone and moment.tzinfo else moment).date()
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise UsageError("expected_date", option=option, text=text) from None
    return _in_range(day, option, text)


def parse_moment(text: str, option: str, zone: tzinfo, *, at_end: bool = False) -> datetime:
    """A date or an ISO time, as an instant; without an offset it is the campaign's time.

    A date alone means its first moment, or with ``at_end`` its last.  Raises UsageError.
    """
    text = text.strip()
    if len(text) <= len("2022-05-05"):
        day = parse_day(text, option)
        start = datetime.combine(day, time.min, zone)
        return (
            datetime.combine(day + timedelta(days=1), time.min, zone) - timedelta(seconds=1)
            if at_end
            else start
        )
    moment = _moment(text, option)
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def _moment(text: str, option: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError("expected_time", option=option, text=text) from None
    return _in_range(moment, option, text)


def _in_range(found: Day, option: str, text: str) -> Day:
    if not FIRST_YEAR <= found.year <= LAST_YEAR:
        raise year_out_of_range(option, text, FIRST_YEAR, LAST_YEAR)
    return found
