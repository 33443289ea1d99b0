"""Prints results: tables for eyes, JSON and CSV for programs; everything else goes to standard error."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tracker.cli.table import Column, lines, shown
from tracker.errors import UsageError
from tracker.i18n.message import Message
from tracker.i18n.message import say as say_message
from tracker.report.csv_cells import write_csv

if TYPE_CHECKING:
    from tracker.i18n.catalogue import Language

#: The format that only calendars have.
ICS = "ics"


class Format(StrEnum):
    """How a listing comes out."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


def read_format(text: str) -> Format:
    """The format called ``text``.  Raises UsageError."""
    if text == ICS:
        raise UsageError("only_calendar_ics")
    if text not in set(Format):
        raise UsageError("no_format", text=text)
    return Format(text)


def read_calendar_format(text: str) -> Format | None:
    """The same, where a calendar may be wanted: None."""
    return None if text == ICS else read_format(text)


FormatOption = Annotated[
    Format, typer.Option("--format", parser=read_format, metavar="table|json|csv", help="format")
]


def say(message: str) -> None:
    """A line for the person, not for the pipe."""
    sys.stderr.write(message + "\n")


def say_result(line: str) -> None:
    """A line of the result."""
    sys.stdout.write(line + "\n")


def print_file(data: bytes) -> None:
    """A file of text as it is, with the line ends that it has."""
    sys.stdout.flush()
    stream = getattr(sys.stdout, "buffer", None)
    if stream is None:
        sys.stdout.write(data.decode())
    else:
        stream.write(data)
        stream.flush()


def print_json(value: object) -> None:
    """One JSON value, indented for people who look at it all the same."""
    say_result(json.dumps(value, ensure_ascii=False, indent=2))


def print_json_line(value: object) -> None:
    """One value of JSON Lines."""
    say_result(json.dumps(value, ensure_ascii=False))


def print_csv(rows: Iterable[Mapping[str, Any]], keys: Sequence[str]) -> None:
    """The columns ``keys`` of ``rows``, under a heading with the names that JSON has for them."""
    write_csv(sys.stdout, [keys, *([_plain(row.get(key)) for key in keys] for row in rows)])


def print_table(rows: Iterable[Mapping[str, Any]], columns: Sequence[Column], language: Language) -> None:
    """A table as wide as the terminal, or as it must be where there is none."""
    headed = [(column, told(f"heads.{column.head or column.key}", language)) for column in columns]
    texts = [{column.key: shown(row.get(column.key)) for column in columns} for row in rows]
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    inks = {} if width is None or os.environ.get("NO_COLOR") else _inks()
    for number, line in enumerate(lines(texts, headed, width)):
        if inks and number == 0:
            say_result(f"\x1b[1m{line}\x1b[0m")
        elif line[:1] in inks:
            say_result(f"\x1b[{inks[line[0]]}m{line[0]}\x1b[0m{line[1:]}")
        else:
            say_result(line)
    if not texts:
        say(told("none", language))


def language_of_errors() -> Language:
    """The language of what goes to standard error before the files are read, or instead of a result."""
    return choose_language("en")


def choose_language(campaign: Language | None = None) -> Language:
    """The language of tables: what the person's terminal speaks, else the campaign's."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(name, "").lower()
        if value.startswith("zh"):
            return "zh"
        if value.startswith("en"):
            return "en"
    return campaign or "zh"


def told(key: str, language: Language, **facts: object) -> str:
    """What stands under ``key`` in the catalogue of commands; days in it are as they are typed."""
    return say_message(Message(f"commands.{key}", **facts), language, on_command_line=True)


def stands(name: str, parts: Iterable[str], ref: str, language: Language) -> str:
    """How an assignment stands: 总结材料（2022年6月应报） 万州区：逾期办结，截止日期2022年6月6日 [table-2@2022-06]."""
    return told("stands", language, name=name, parts=told("comma", language).join(parts), ref=ref)


def _inks() -> Mapping[str, int]:
    """The colours of the signs with which lines begin."""
    from tracker.core.vocabulary import INKS

    return INKS


def _plain(value: object) -> object:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return ";".join(value)
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value
