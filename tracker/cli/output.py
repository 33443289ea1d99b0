"""Prints results: tables for eyes, JSON and CSV for programs; everything else goes to standard error."""

from __future__ import annotations

import csv
import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any

from rich.console import Console
from rich.table import Table

from tracker.core.model import Language

#: Cells that a spreadsheet would take for a formula are defused with an apostrophe (security, point 11).
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\0")


class Format(StrEnum):
    """How a listing comes out."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


def say(message: str) -> None:
    """A line for the person, not for the pipe."""
    sys.stderr.write(message + "\n")


def print_json(value: object) -> None:
    """One JSON value, indented for people who look at it all the same."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def print_json_line(value: object) -> None:
    """One value of JSON Lines."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")


def print_rows(
    rows: Iterable[Mapping[str, Any]],
    columns: Mapping[str, str],
    output: Format,
    *,
    json_value: object = None,
) -> None:
    """A listing: ``columns`` maps the keys that a table or CSV shows to their headings."""
    if output is Format.JSON:
        print_json(list(rows) if json_value is None else json_value)
    elif output is Format.CSV:
        writer = csv.writer(sys.stdout)
        writer.writerow(columns)
        writer.writerows([_plain(row.get(key)) for key in columns] for row in rows)
    else:
        _print_table(rows, columns)


def choose_language(campaign: Language | None = None) -> Language:
    """The language of tables: what the person's terminal speaks, else the campaign's."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(name, "").lower()
        if value.startswith("zh"):
            return "zh"
        if value.startswith("en"):
            return "en"
    return campaign or "zh"


def pick(words: Sequence[str], language: Language) -> str:
    """The Chinese or the English of a pair."""
    return words[0 if language == "zh" else 1]


def headings(columns: Mapping[str, tuple[str, str]], language: Language) -> dict[str, str]:
    """Column headings in one language."""
    return {key: pick(words, language) for key, words in columns.items()}


def _print_table(rows: Iterable[Mapping[str, Any]], columns: Mapping[str, str]) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in columns.values():
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*(_shown(row.get(key)) for key in columns))
    # A pipe gets whole lines; only a terminal has a width to respect.
    width = None if sys.stdout.isatty() else 220
    Console(width=width, highlight=False, markup=False, soft_wrap=False).print(table)


def _shown(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return "、".join(_shown(each) for each in value)
    return str(value)


def _plain(value: object) -> str:
    text = _shown(value)
    if isinstance(value, str) and text.startswith(FORMULA_STARTS):
        return "'" + text
    return text
