"""Filled-in tables as files: as people type them in Excel or WPS, in their own ways, or into the service's blank.

A way of writing is one that must be read without an error; where a slip stands, the file says so by its address.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, time
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import openpyxl
from openpyxl.utils import get_column_letter

from tests.acceptance.annexes import FIGURES, RECTIFICATION, SELF_CHECK, Column, Row, Table, day_of, sums
from tests.acceptance.slips import TOTAL
from tests.acceptance.tables import Sending

Place = tuple[int, int]

QUIRKS = (
    "rows left blank",
    "columns moved",
    "heads retyped",
    "figures retyped",
    "ticks retyped",
    "choices retyped",
    "names retyped",
    "merged",
    "offset",
    "total",
    "numbers below",
)
TICKS = ("√", "✓", "☑", "v", "V", "是", "✔")
STAGES = {"已完成整改": ("已整改", "整改完成"), "正在整改": ("整改中",), "未整改": ("尚未整改",)}
SHEETS = ("Sheet1", "汇总表", "报表 (2)", "附件")
FULL_WIDTH = str.maketrans("0123456789.", "０１２３４５６７８９．")
HALF_WIDTH = str.maketrans("（）", "()")


@dataclass(frozen=True)
class Style:
    """In which way a file is written; drawn from the seed of the sending."""

    quirks: frozenset[str]
    is_marked: bool
    ending: str
    sheet: str
    header_is_split: bool

    @classmethod
    def of(cls, sending: Sending) -> Style:
        rng = Random(f"{sending.seed}/style")
        is_csv = sending.slip is None and rng.random() < 0.05
        quirks = set(rng.sample(QUIRKS, rng.choice((0, 0, 1, 2, 3, 4))))
        kind = sending.slip.kind if sending.slip else None
        if kind is not None and kind != "wrong total":
            quirks.discard("total")  # a second thing wrong with the same cell
        if kind == "wrong total":
            quirks.add("total")
        if kind in {"column missing", "empty"}:
            quirks.discard("heads retyped")
        if is_csv or kind is not None:
            quirks.discard("merged")
        return cls(
            frozenset(quirks),
            is_marked=not is_csv and rng.random() < 0.7,
            ending=".csv" if is_csv else ".xlsx",
            sheet=rng.choice(SHEETS) if rng.random() < 0.3 else sending.table.annex,
            header_is_split=rng.random() < 0.5,
        )


@dataclass
class Page:
    """One sheet; ``at`` tells where the value of a row and column stands."""

    sheet: str | None = None
    cells: dict[Place, Any] = field(default_factory=dict)
    merges: list[tuple[Place, Place]] = field(default_factory=list)
    at: dict[tuple[int, str], Place] = field(default_factory=dict)

    def address(self, row: int, label: str) -> str:
        return address(self.at[row, label])


def address(place: Place) -> str:
    return f"{get_column_letter(place[1] + 1)}{place[0] + 1}"


def draw(sending: Sending, style: Style) -> Page:
    """The table of ``sending`` on a page."""
    return _Drawing(sending, style).page


class _Drawing:
    def __init__(self, sending: Sending, style: Style) -> None:
        self.sending, self.style = sending, style
        self.rng = Random(f"{sending.seed}/page")
        self.page = Page()
        moved = "offset" in style.quirks
        self.top, self.left = (self.rng.randint(1, 4), self.rng.randint(1, 3)) if moved else (0, 0)
        self.columns = self._columns()
        self._put(0, 0, sending.table.annex)
        self._put(1, 0, sending.table.title)
        self._header()
        below = self._heads(5)
        below = self._rows(below)
        if "total" in style.quirks and sending.rows:
            self._total(below)
            below += 1
        self._put(below + 1, 0, "填写说明：")

    def _put(self, row: int, column: int, value: Any) -> Place:
        place = self.top + row, self.left + column
        if value is not None:
            self.page.cells[place] = value
        return place

    def _columns(self) -> list[Column]:
        columns = list(self.sending.table.columns)
        slip = self.sending.slip
        if slip is not None and slip.kind == "column missing":
            columns = [each for each in columns if each.label != slip.writes]
        if "columns moved" in self.style.quirks:
            rest = columns[1:]
            self.rng.shuffle(rest)
            columns = [columns[0], *rest]
        return columns

    def _header(self) -> None:
        sending, month = self.sending, self.sending.month
        day = day_of(month, sending.batch)
        unit = sending.unit.name if self.rng.random() < 0.8 else sending.unit.short
        says_nil = sending.is_nil or (sending.slip is not None and sending.slip.kind == "nil with rows")
        fields: list[tuple[str, str | None]] = [
            ("填表单位", unit),
            ("填表人", self.rng.choice(("张三", "李四", "王小明"))),
            ("联系电话", self.rng.choice(("023-12345678", "13800000000"))),
            ("填表时间", f"{day.year}年{day.month}月{day.day}日"),
        ]
        for row, line in enumerate((fields, self._more(month, says_nil=says_nil)), start=2):
            for number, (label, value) in enumerate(line):
                if self.style.header_is_split:
                    is_day = label == "填表时间" and self.style.ending == ".xlsx"
                    self._put(row, 3 * number, f"{label}：")
                    self._put(row, 3 * number + 1, datetime.combine(day, time()) if is_day else value)
                else:
                    self._put(row, 3 * number, f"{label}：{value or ''}")

    def _more(self, month: str, *, says_nil: bool) -> list[tuple[str, str | None]]:
        """What the document does not have: the period, which the self-check has none of, and 零报告."""
        period = [] if month == SELF_CHECK else [("期次", f"{month[:4]}年{int(month[5:])}月")]
        nil = [("零报告", "√" if says_nil else None)] if says_nil or self.style.is_marked else []
        return [*period, *nil]

    def _heads(self, row: int) -> int:
        retyped = "heads retyped" in self.style.quirks
        group_begins = 0
        for number, column in enumerate(self.columns):
            label = f"{column.label}（{column.unit}）" if column.unit else column.label
            if retyped:
                label = self._retyped(column)
            if column.group is None:
                self._merge(self._put(row, number, label), self._put(row + 1, number, None))
            else:
                self._put(row + 1, number, label)
                if number and self.columns[number - 1].group == column.group:
                    continue
                group_begins = number
                last = number
                while last + 1 < len(self.columns) and self.columns[last + 1].group == column.group:
                    last += 1
                self._merge(self._put(row, group_begins, column.group), self._put(row, last, None))
        return row + 2

    def _merge(self, first: Place, last: Place) -> None:
        if first != last:
            self.page.merges.append((first, last))

    def _retyped(self, column: Column) -> str:
        """A head as somebody types it again: other brackets, broken lines, no unit, a letter forgotten."""
        label, unit = column.label, f"（{column.unit}）" if column.unit else ""
        match self.rng.randrange(5):
            case 0:
                return (label + unit).translate(HALF_WIDTH)
            case 1:
                middle = len(label) // 2
                return f"{label[:middle]}\n{label[middle:]}\n{unit}"
            case 2:
                return label
            case 3 if len(label) >= 10:
                gone = self.rng.randrange(3, len(label) - 2)
                return label[:gone] + label[gone + 1 :] + unit
            case _:
                return f" {label} {unit}"

    def _rows(self, row: int) -> int:
        sending, slip = self.sending, self.sending.slip
        blank = "rows left blank" in self.style.quirks
        for index, values in enumerate(sending.rows):
            if blank and self.rng.random() < 0.3:
                row += 1
            for number, column in enumerate(self.columns):
                value = index + 1 if column.kind == "serial" else self._written(column, values)
                hit = slip is not None and slip.column == column.label and slip.row == index
                if hit and slip is not None:
                    value = slip.writes if slip.writes is not None else _plain(values.get(column.label))
                self.page.at[index, column.label] = self._put(row, number, value)
            row += 1
        if "merged" in self.style.quirks:
            self._merge_alike()
        if "numbers below" in self.style.quirks or not sending.rows:
            for more in range(3):
                self._put(row, 0, len(sending.rows) + more + 1)
                row += 1
        return row

    def _merge_alike(self) -> None:
        """Neighbours of one column of words that say the same become one cell."""
        for column in self.columns:
            if column.kind != "choice":
                continue
            places = [self.page.at[index, column.label] for index in range(len(self.sending.rows))]
            said = [row.get(column.label) for row in self.sending.rows]
            for index in range(0, len(places) - 1, 2):
                first, last = places[index], places[index + 1]
                if said[index] is not None and said[index] == said[index + 1] and last[0] == first[0] + 1:
                    self.page.cells.pop(last, None)
                    self._merge(first, last)

    def _total(self, row: int) -> None:
        self._put(row, 0, "合计")
        added = sums(self.sending.table, self.sending.month, self.sending.rows)
        slip = self.sending.slip
        for number, column in enumerate(self.columns):
            if column.kind in FIGURES and column.label in added:
                is_wrong = slip is not None and slip.row == TOTAL and slip.column == column.label
                value = slip.writes if is_wrong and slip is not None else _plain(added[column.label])
                self.page.at[TOTAL, column.label] = self._put(row, number, value)

    def _written(self, column: Column, values: Row) -> Any:
        value = values.get(column.label)
        if column.kind in FIGURES:
            if value == 0 and self.rng.random() < 0.5:
                return None
            return self._figure(column, value) if value is not None else None
        if column.kind == "tick":
            return None if not value else self.rng.choice(TICKS) if self._does("ticks retyped") else "√"
        if column.label == RECTIFICATION and value is not None and self._does("choices retyped"):
            return self.rng.choice((value, *STAGES[value]))
        if column.kind == "name" and value is not None and self._does("names retyped"):
            return self.rng.choice((value, value.translate(HALF_WIDTH), f" {value}"))
        return value

    def _does(self, quirk: str) -> bool:
        return quirk in self.style.quirks

    def _figure(self, column: Column, value: int | Decimal) -> Any:
        if not self._does("figures retyped"):
            return _plain(value)
        match self.rng.randrange(5):
            case 0:
                return str(value)
            case 1:
                return str(value).translate(FULL_WIDTH)
            case 2:
                return f"{value}{(column.unit or '').removesuffix('/年')}"
            case 3:
                return f"{value:,}"
            case _:
                return _plain(value)


def _plain(value: Any) -> Any:
    """As a spreadsheet keeps it; ``_written`` decides what becomes of nothing."""
    return float(value) if isinstance(value, Decimal) else value


def write(sending: Sending, style: Style, page: Page, folder: Path) -> Path:
    """The page as a file of the style's kind."""
    path = folder / f"{sending.stem}{style.ending}"
    if style.ending == ".csv":
        path.write_bytes(_csv(page, Random(f"{sending.seed}/csv")))
        return path
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.title = style.sheet
    for (row, column), value in page.cells.items():
        sheet.cell(row + 1, column + 1, value)
    for first, last in page.merges:
        sheet.merge_cells(f"{address(first)}:{address(last)}")
    if style.is_marked:
        mark = book.create_sheet("_tracker")
        mark.sheet_state = "hidden"
        table = sending.table
        for line in (
            ("tracker form", "1"),
            ("form", table.form),
            ("ref", table.ref(sending.month)),
            ("unit", sending.unit.id),
        ):
            mark.append(line)
    book.save(path)
    return path


def _csv(page: Page, rng: Random) -> bytes:
    """As Excel saves a sheet: UTF-8 with a mark, or GB 18030; a merged block has its value in the first cell."""
    rows = max(row for row, _ in page.cells) + 1
    columns = max(column for _, column in page.cells) + 1
    text = io.StringIO()
    lines = ([page.cells.get((row, column), "") for column in range(columns)] for row in range(rows))
    csv.writer(text).writerows(lines)
    return text.getvalue().encode(rng.choice(("utf-8-sig", "gb18030")))


# --- into the service's own blank, and out of its summary ---


def same(text: Any) -> str:
    """A head without white space and with one width of brackets."""
    return re.sub(r"\s", "", str(text or "")).replace("(", "（").replace(")", "）")


def head_places(sheet: Any, table: Table) -> dict[str, Place]:
    """Where the labels of ``table`` stand, from 1, the last row of a merged one."""
    labels = {same(name): each.label for each in table.columns for name in _heads_of(each)}
    bottoms = {(block.min_row, block.min_col): block.max_row for block in sheet.merged_cells.ranges}
    found: dict[str, Place] = {}
    for row, column, value in _cells(sheet):
        label = labels.get(same(value))
        if label is not None and label not in found:
            found[label] = bottoms.get((row, column), row), column
    return found


def _heads_of(column: Column) -> tuple[str, ...]:
    return (column.label, f"{column.label}（{column.unit}）") if column.unit else (column.label,)


def _cells(sheet: Any) -> Iterator[tuple[int, int, Any]]:
    for row in sheet.iter_rows():
        for cell in row:
            if cell.value is not None:
                yield cell.row, cell.column, cell.value


def fill_in(blank: Path, sending: Sending, path: Path) -> Page | None:
    """The service's blank with the rows of ``sending`` typed in; None where it has not enough lines."""
    book = openpyxl.load_workbook(blank)
    sheet = next(each for each in book.worksheets if each.sheet_state == "visible")
    heads = head_places(sheet, sending.table)
    assert set(heads) == {each.label for each in sending.table.columns}, blank.name
    first = max(row for row, _ in heads.values()) + 1
    lines = 0
    while str(sheet.cell(first + lines, heads["序号"][1]).value or "").strip().isdigit():
        lines += 1
    if lines < len(sending.rows):
        return None
    page = Page(sheet.title)
    slip = sending.slip
    for index in range(lines):
        values = sending.rows[index] if index < len(sending.rows) else {}
        for column in sending.table.columns:
            if column.kind == "serial":
                continue
            value = values.get(column.label)
            if slip is not None and (slip.row, slip.column) == (index, column.label):
                value = slip.writes if slip.writes is not None else value
            where = first + index, heads[column.label][1]
            if value is True:
                value = "√"
            sheet.cell(*where).value = None if value is False else _plain(value)
            page.at[index, column.label] = where[0] - 1, where[1] - 1
    book.save(path)
    return page
