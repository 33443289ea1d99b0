"""Draws an annex on a sheet: title, fields above the table, the head in two rows, the filling rules, the print.

Every field of the header is a label (“填表单位：”) in one cell or block of merged cells, and its content in the
cell or block right of it; a reader finds the content in the next cell to the right that is not covered.  Heights
are computed from the texts, as a spreadsheet does not fit merged cells by itself.

    annex = Annex(workbook, sheet_name, form)
    placed = annex.draw_head({"unit": "万州区应急管理局"}, editable={"person"})
    … rows from placed.first_row on, with annex.row(), annex.text() and annex.formats …
    annex.draw_rules(row)
    annex.finish(placed)
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import NamedTuple

from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from tracker.core.form import Column, ColumnKind, FieldKind, Form, HeaderField
from tracker.forms.book import Merge, Place

FONT = "宋体"
SIZE = 10
HEAD_SIZE = 9
TITLE_SIZE = 16
#: As many characters as a cell can hold.
LONGEST = 32_767
#: How a day is shown, as officials write it.
DAY_FORMAT = 'yyyy"年"m"月"d"日"'
#: The height of a row of the table, in points.
ROW_HEIGHT = 16.5
GREY = "#D9D9D9"

_A4 = 9
#: What is left of an A4 sheet on its side within the margins below, in points.
_PAGE_WIDTH, _PAGE_HEIGHT = 789.0, 537.0
#: Nothing is printed smaller than this: 10 points become 7.5, the smallest size that offices use (六号).
_LEAST_SCALE = 0.75
_MOST_FIELDS_A_LINE = 4
#: What the content of a field has above and below it, in points.
_AROUND = 4
#: Fields that stand in a line of their own below the others; the document does not have them.
_SECOND_LINE = frozenset({FieldKind.PERIOD, FieldKind.NIL})
#: How many characters of a spreadsheet the content of a field wants.
_WANTED = {
    FieldKind.UNIT: 26,
    FieldKind.PERIOD: 50,
    FieldKind.NIL: 6,
    FieldKind.DATE: 17,
    FieldKind.PHONE: 16,
    FieldKind.TEXT: 10,
}
#: A line of a label that is no longer than this is not broken.
_SHORT = 6
#: None of them may begin a line, so that the character before goes to the next line with them.
_NOT_FIRST = frozenset("，。、；：？！）》”’」』】〕,.;:?!)]}%")
_NOT_LAST = frozenset("（《“‘「『【〔([{")
#: What a formula begins with.
_FORMULA = ("=", "+", "-", "@")
#: Characters that a workbook cannot hold, or that no one can see.
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")
_SHEET_NAME = re.compile(r"[\[\]:*?/\\]")


class FieldSpace(NamedTuple):
    """What the content of a field has: characters across, points in height."""

    width: float
    height: float

    def holds(self, text: str) -> bool:
        """Whether ``text`` would not make its row higher."""
        return height_of(text, self.width) + _AROUND <= self.height


@dataclass(frozen=True)
class Placed:
    """Where things stand: the rows of the head, the first row below it, and the content of every field by id.

    Rows and columns are counted from 0; ``columns`` is sheet column by column id; ``rooms`` are those
    of the fields by id.
    """

    head_rows: tuple[int, int]
    first_row: int
    columns: Mapping[str, int]
    fields: Mapping[str, Place]
    rooms: Mapping[str, FieldSpace]


class Formats:
    """The formats of one workbook; each is made once."""

    def __init__(self, workbook: Workbook) -> None:
        self._workbook = workbook
        self.of = cache(self._of)

    def _of(self, **properties: object) -> Format:
        base = {"font_name": FONT, "font_size": SIZE, "valign": "vcenter"}
        made = self._workbook.add_format(base | properties)
        made.quoted = partial(self.of, **(properties | {"quote_prefix": True}))
        return made

    def head(self) -> Format:
        """A label of the table's head."""
        return self.of(border=1, align="center", text_wrap=True, bold=True, font_size=HEAD_SIZE)

    def cell(self, column: Column, **properties: object) -> Format:
        """A cell of the table's body; ``locked=False`` for one that is to be filled in."""
        look: dict[str, object] = {"border": 1, "align": "center", "text_wrap": True}
        if column.kind in {ColumnKind.NAME, ColumnKind.TEXT}:
            # As text: a name like 1-2 is no day, and “=1+1” typed in is no formula.
            look |= {"align": "left", "num_format": "@"}
        elif column.kind is ColumnKind.COUNT:
            look |= {"num_format": "0"}
        return self.of(**(look | properties))


class Annex:
    """One annex on a sheet of its own; ``columns`` are those of the form, unless others are given.

    ``name`` is made fit for a sheet's name.
    """

    def __init__(
        self,
        workbook: Workbook,
        name: str,
        form: Form,
        *,
        columns: Sequence[Column] | None = None,
        formats: Formats | None = None,
    ) -> None:
        self.form = form
        self.columns = tuple(form.columns if columns is None else columns)
        self.formats = formats or Formats(workbook)
        self.sheet = workbook.add_worksheet(sheet_name(name))
        self._heights: dict[int, float] = {}
        #: A label and its content need two columns, even where the table has but one.
        self.widths = [_width_of(column) for column in self.columns]
        self.widths += [20.0] * (2 - len(self.widths))
        for number, width in enumerate(self.widths):
            self.sheet.set_column(number, number, width)

    def row(self, number: int, height: float = ROW_HEIGHT) -> None:
        """Give a row its height; rows that are not given one are not counted when pages are."""
        self._heights[number] = height
        self.sheet.set_row(number, height)

    def height_of_row(self, texts: Mapping[str, str]) -> float:
        """How high a row of the table is that has ``texts`` in it, by column id."""
        heights = (
            height_of(texts[column.id], width) + 2
            for column, width in zip(self.columns, self.widths, strict=False)
            if column.id in texts
        )
        return max([ROW_HEIGHT, *heights])

    def text(self, row: int, column: int, text: str, look: Format) -> None:
        """A text, and never anything else."""
        write_text(self.sheet, row, column, text, look)

    def block(self, merge: Merge, text: str, look: Format) -> None:
        """A text over a block of cells, merged where there is more than one."""
        if (merge.first_row, merge.first_column) != (merge.last_row, merge.last_column):
            self.sheet.merge_range(
                merge.first_row, merge.first_column, merge.last_row, merge.last_column, "", look
            )
        self.text(merge.first_row, merge.first_column, text, look)

    def across(self, row: int, text: str, look: Format, *, size: float = SIZE, least: float = 0) -> None:
        """A text over the whole width, in a row that is as high as it needs."""
        self.block(Merge(row, 0, row, len(self.widths) - 1), text, look)
        self.row(row, max(least, height_of(text, sum(self.widths), size)))

    def draw_head(
        self,
        contents: Mapping[str, str],
        *,
        title: str | None = None,
        note: str = "",
        editable: Collection[str] = (),
        fields: Sequence[HeaderField] | None = None,
    ) -> Placed:
        """The annex down to the head of its table, from row 0 on.

        ``contents`` are the texts of the fields by id, ``editable`` the ids of those that are to be filled in,
        ``fields`` which are drawn (all).  ``note`` is a line of its own between the fields and the table.
        """
        row = 0
        if self.form.annex:
            self.text(row, 0, self.form.annex, self.formats.of(font_size=12))
            self.row(row, 18)
            row += 1
        bold = self.formats.of(bold=True, font_size=TITLE_SIZE, align="center", text_wrap=True)
        self.across(row, title or self.form.title, bold, size=TITLE_SIZE, least=30)
        row += 1
        places: dict[str, Place] = {}
        rooms: dict[str, FieldSpace] = {}
        for line in self._lines(self.form.header if fields is None else fields):
            widths = self._draw_fields(row, line, contents, editable, places)
            rooms |= {field: FieldSpace(width, self._heights[row]) for field, width in widths.items()}
            row += 1
        if note:
            self.across(row, note, self.formats.of(text_wrap=True), least=18)
        else:
            # So that the lines under the fields and the table's upper edge do not run into one.
            self.row(row, 5)
        row += 1
        self._draw_labels(row)
        columns = {column.id: number for number, column in enumerate(self.columns)}
        return Placed((row, row + 1), row + 2, columns, places, rooms)

    def draw_rules(self, row: int) -> int:
        """The filling rules, verbatim, one paragraph a row; returns the row below."""
        if not self.form.instructions:
            return row
        self.across(row, "填写说明：", self.formats.of(bold=True), least=16)
        for number, rule in enumerate(self.form.instructions, start=row + 1):
            self.across(number, rule, self.formats.of(text_wrap=True, valign="top"))
        return row + 1 + len(self.form.instructions)

    def finish(self, placed: Placed, *, last_row: int | None = None) -> None:
        """Print and freeze: A4 on its side, one page wide, the head on every page and always in view.

        What nearly fits on one page is printed on one.
        """
        sheet = self.sheet
        sheet.set_landscape()
        sheet.set_paper(_A4)
        sheet.set_margins(left=0.36, right=0.36, top=0.35, bottom=0.45)
        sheet.center_horizontally()
        sheet.set_footer("&C第 &P 页，共 &N 页", {"margin": 0.2})
        sheet.repeat_rows(*placed.head_rows)
        names = [number for number, column in enumerate(self.columns) if column.kind is ColumnKind.NAME]
        serials = [number for number, column in enumerate(self.columns) if column.kind is ColumnKind.SERIAL]
        sheet.freeze_panes(placed.first_row, max(names[:1] or serials[:1] or [-1]) + 1)
        sheet.fit_to_pages(1, 1 if self.scale() >= _LEAST_SCALE else 0)
        last = max(self._heights, default=0) if last_row is None else last_row
        sheet.print_area(0, 0, last, len(self.widths) - 1)

    def scale(self) -> float:
        """By how much what was drawn is made smaller to go on one page; 1 where it fits."""
        width = sum(_pixels(width) for width in self.widths) * 0.75
        return min(1.0, _PAGE_WIDTH / width, _PAGE_HEIGHT / sum(self._heights.values()))

    def _lines(self, fields: Sequence[HeaderField]) -> list[list[HeaderField]]:
        """The fields by line, those of the document first; no more in a line than there are columns for."""
        most = min(_MOST_FIELDS_A_LINE, len(self.widths) // 2)
        lines = []
        for second in (False, True):
            some = [field for field in fields if (field.kind in _SECOND_LINE) is second]
            lines += [some[start : start + most] for start in range(0, len(some), most)]
        return lines

    def _draw_fields(
        self,
        row: int,
        fields: Sequence[HeaderField],
        contents: Mapping[str, str],
        editable: Collection[str],
        places: dict[str, Place],
    ) -> dict[str, float]:
        """One line of fields; the widths of their contents, whose places are added to ``places``."""
        wanted: list[float] = []
        for field in fields:
            wanted += [_room_for(field.label + "：", SIZE), _WANTED[field.kind]]
        blocks = share_columns(self.widths, wanted)
        widths = {}
        height = 22.0
        for number, field in enumerate(fields):
            (first, last), (start, end) = blocks[2 * number : 2 * number + 2]
            label = self.formats.of(align="left" if first == last == 0 else "right", text_wrap=True)
            self.block(Merge(row, first, row, last), f"{field.label}：", label)
            look: dict[str, object] = {"bottom": 1, "text_wrap": True, "locked": field.id not in editable}
            if field.kind is FieldKind.DATE:
                look |= {"num_format": DAY_FORMAT, "align": "left"}
            elif field.kind is not FieldKind.NIL:
                # A telephone number is none to reckon with.
                look |= {"num_format": "@", "align": "left"}
            else:
                look |= {"align": "center"}
            text = contents.get(field.id, "")
            self.block(Merge(row, start, row, end), text, self.formats.of(**look))
            places[field.id] = row, start
            width = widths[field.id] = sum(self.widths[start : end + 1])
            height = max(height, height_of(text, width) + _AROUND)
        self.row(row, height)
        return widths

    def _draw_labels(self, row: int) -> None:
        """The head: neighbours of one group below its label, the others over both rows."""
        look = self.formats.head()
        tops, lows = [18.0], [30.0]
        number = 0
        while number < len(self.columns):
            group = self.columns[number].group
            end = number
            while group is not None and end + 1 < len(self.columns) and self.columns[end + 1].group == group:
                end += 1
            if group is None:
                self.block(Merge(row, number, row + 1, number), head_text(self.columns[number]), look)
                both = height_of(head_text(self.columns[number]), self.widths[number], HEAD_SIZE)
                lows.append(both - tops[0])
            else:
                self.block(Merge(row, number, row, end), group, look)
                tops.append(height_of(group, sum(self.widths[number : end + 1]), HEAD_SIZE) + 3)
                for each in range(number, end + 1):
                    text = head_text(self.columns[each])
                    self.text(row + 1, each, text, look)
                    lows.append(height_of(text, self.widths[each], HEAD_SIZE) + 5)
            number = end + 1
        self.row(row, max(tops))
        self.row(row + 1, max(lows))


def head_text(column: Column) -> str:
    """The label of a column as the document sets it: the unit in a line of its own."""
    return f"{column.label}\n（{column.unit}）" if column.unit else column.label


def write_text(sheet: Worksheet, row: int, column: int, text: str, look: Format) -> None:
    """Write ``text`` into a cell as text; what is empty stays empty, with its look.

    What begins like a formula bears the mark of a text: without it a spreadsheet makes a formula of it as soon as
    somebody edits the cell.  That goes for looks of ``Formats``.
    """
    shown = seen(text)[:LONGEST]
    if shown.startswith(_FORMULA):
        look = getattr(look, "quoted", lambda: look)()
    if shown:
        sheet.write_string(row, column, shown, look)
    else:
        sheet.write_blank(row, column, None, look)


def seen(text: str) -> str:
    """``text`` without what a cell cannot hold: control characters go, a tab becomes a space."""
    return _UNSEEN.sub("", text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " "))


def sheet_name(text: str) -> str:
    """``text`` as the name of a sheet: without the signs that are refused there, 31 characters at most."""
    return _SHEET_NAME.sub(" ", seen(text).replace("\n", " "))[:31].strip(" '") or "表"


def height_of(text: str, width: float, size: float = SIZE) -> float:
    """How high a text is when it is broken into a width in characters of a spreadsheet; in points."""
    return max(1, lines_of(text, width, size)) * size * 1.36 + 2


def lines_of(text: str, width: float, size: float = SIZE) -> int:
    """Into how many lines a text is broken, by the rules of Chinese typesetting, more or less."""
    room = max(1.0, (_pixels(width) - 7) / (size * 4 / 3))
    return sum(_broken(paragraph, room) for paragraph in text.split("\n"))


def _broken(paragraph: str, room: float) -> int:
    lines, start, used = 1, 0, 0.0
    for number, char in enumerate(paragraph):
        used += _wide(char)
        if used <= room:
            continue
        # What may not begin a line takes the one before along; what may not end one goes with the next.
        cut = number
        while cut - 1 > start and (paragraph[cut] in _NOT_FIRST or paragraph[cut - 1] in _NOT_LAST):
            cut -= 1
        lines, start = lines + 1, cut
        used = sum(_wide(each) for each in paragraph[cut : number + 1])
    return lines


def share_columns(widths: Sequence[float], wanted: Sequence[float]) -> list[tuple[int, int]]:
    """Which columns, first and last, labels and contents in turn get; all columns are given away.

    A label that is broken hurts most; what is left over goes to the contents.
    """
    spare = max(0.0, sum(widths) - sum(wanted)) / sum(wanted[1::2])
    aims = [each * (1 + spare) if number % 2 else each for number, each in enumerate(wanted)]

    def cost(block: int, first: int, last: int) -> float:
        width = sum(widths[first : last + 1])
        too_little = 3 if block % 2 else 1000
        return float((width - aims[block]) ** 2 * (too_little if width < aims[block] else 1))

    @cache
    def best(block: int, first: int) -> tuple[float, tuple[int, ...]]:
        """The least cost of the blocks from ``block`` on, and where each of them ends."""
        left = len(aims) - block - 1
        if left == 0:
            return cost(block, first, len(widths) - 1), (len(widths) - 1,)
        found = []
        for last in range(first, len(widths) - left):
            rest, ends = best(block + 1, last + 1)
            found.append((cost(block, first, last) + rest, (last, *ends)))
        return min(found)

    ends = best(0, 0)[1]
    return list(zip((0, *(end + 1 for end in ends[:-1])), ends, strict=True))


def _room_for(text: str, size: float) -> float:
    """How wide a column is that holds ``text`` in one line, in characters of a spreadsheet."""
    return (sum(map(_wide, text)) * size * 4 / 3 + 3) / 7


def _wide(char: str) -> float:
    """How wide a character is, in Chinese ones; quotation marks and the √ are wide in a Chinese font."""
    return 0.55 if char < "\u0100" else 1.0


def _width_of(column: Column) -> float:
    """The width of a column: what is asked for, or a little more so that no unit and short label is broken."""
    whole = [line for line in head_text(column).split("\n") if len(line) <= _SHORT]
    return max([column.width, *(_room_for(line, HEAD_SIZE) for line in whole)])


def _pixels(width: float) -> int:
    """How wide a column is on the screen."""
    return math.floor(width * 7 + 5)
