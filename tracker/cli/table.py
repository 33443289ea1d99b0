"""Lays rows out for eyes: a row is one line, columns line up whatever the script, and nothing runs off the edge.

A Chinese character is two cells wide.  Where a terminal is too narrow, first the columns that can be missed
go, then the long ones are cut; a number, a date or a reference is never broken.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

GAP = "  "

#: No column is wider than that many cells, even into a pipe, where nothing has to fit.
WIDEST = 80

#: A long column keeps at least so many cells.
NARROWEST = 12


@dataclass(frozen=True, slots=True)
class Column:
    """One column: ``key`` of the row, whose heading is under ``head`` in the catalogue, or under the key.

    ``right`` is for numbers.  ``long`` may be cut where space is short; ``spare`` is left out altogether
    where it is very short.
    """

    key: str
    head: str | None = None
    right: bool = False
    long: bool = False
    spare: bool = False


def lines(
    rows: Sequence[Mapping[str, str]], columns: Sequence[tuple[Column, str]], width: int | None
) -> Iterator[str]:
    """The heading, then a line a row; ``columns`` come with their headings, ``width`` None means no edge."""
    from rich.cells import cell_len

    natural = {
        column.key: min(WIDEST, max(cell_len(text) for text in (heading, *(row[column.key] for row in rows))))
        for column, heading in columns
    }
    shown = list(columns)
    widths = dict(natural)
    if width is not None:
        shown = _that_fit(shown, natural, width)
        widths = _narrowed([column for column, _ in shown], natural, width)
    yield _line([(heading, widths[column.key], column.right) for column, heading in shown])
    for row in rows:
        yield _line([(row[column.key], widths[column.key], column.right) for column, _ in shown])


def _that_fit(
    columns: list[tuple[Column, str]], natural: Mapping[str, int], width: int
) -> list[tuple[Column, str]]:
    """Without the spare columns, from the right, that would leave the long ones less than they need."""
    shown = list(columns)
    for spare in reversed([each for each in columns if each[0].spare]):
        least = sum(
            min(natural[column.key], 2 * NARROWEST) if column.long else natural[column.key]
            for column, _ in shown
        )
        if least + len(GAP) * (len(shown) - 1) <= width:
            break
        shown.remove(spare)
    return shown


def _narrowed(columns: Sequence[Column], natural: Mapping[str, int], width: int) -> dict[str, int]:
    """Widths that fit: the widest of the long columns give first, none below ``NARROWEST``."""
    widths = {column.key: natural[column.key] for column in columns}
    too_much = sum(widths.values()) + len(GAP) * (len(columns) - 1) - width
    while too_much > 0:
        key = max((column.key for column in columns if column.long), key=widths.__getitem__, default=None)
        if key is None or widths[key] <= NARROWEST:
            break
        widths[key] -= 1
        too_much -= 1
    return widths


def _line(cells: Sequence[tuple[str, int, bool]]) -> str:
    from rich.cells import cell_len

    parts = []
    for text, width, right in cells:
        cut = shorten(text, width)
        room = " " * (width - cell_len(cut))
        parts.append(room + cut if right else cut + room)
    return GAP.join(parts).rstrip()


def shorten(text: str, width: int) -> str:
    """``text`` on one line in at most ``width`` cells, with … where something was cut off."""
    from rich.cells import cell_len, set_cell_size

    if cell_len(text) <= width:
        return text
    return set_cell_size(text, width - 1).rstrip() + "…"


def shown(value: Any) -> str:
    """A value as a person reads it, on one line."""
    if value is None:
        return ""
    if isinstance(value, list):
        return "、".join(shown(each) for each in value)
    # What is no text (an escape sequence in a note, say) must not reach the terminal.
    text = " ".join(str(value).split())
    return text if text.isprintable() else "".join(filter(str.isprintable, text))
