"""The sheet that sets this month beside the last: by kind of problem, by unit, by form, with charts.

The charts stand right of their numbers, in rows that are kept free for them; no page is broken inside one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from xlsxwriter.worksheet import Worksheet

from tracker.core.form import Said
from tracker.forms.book import column_letters
from tracker.forms.check.figures import Number
from tracker.forms.write import charts
from tracker.forms.write.compared import (
    Compared,
    Pair,
    answers,
    by_unit,
    city,
    problems_by_category,
    problems_by_unit,
)
from tracker.forms.write.in_memory import (
    PAGE_HEIGHT,
    PAGE_WIDTH,
    TOTAL,
    TOTAL_FILL,
    UNKNOWN,
    InMemoryWorkbook,
)
from tracker.forms.write.layout import HEAD_SIZE, height_of, write_text
from tracker.forms.write.summed import FormSummary
from tracker.i18n.catalogue import Language

SHEET = Said("与上月相比", "Month on month")
_BEFORE, _NOW, _CHANGE = Said("上月", "Last"), Said("本月", "This"), Said("增减", "Change")
_TRIPLE = (_BEFORE, _NOW, _CHANGE)
_NOTE = Said(
    "“—”表示没有数据（未报，或者上月没有表；上一份表更早的，在单位名称后注明）；合计只加有数据的单位，“同口径”只加两个月都有数据的单位。"
    "红色为增加，绿色为减少。",
    "“—”: not known (missing, or no table last month; where the last table is older, it is said behind the unit);"
    " totals are over what is known, “like for like” over units known in both months. Red is more, green is less.",
)
_CATEGORY = Said("问题类别", "Kind of problem")
_UNIT = Said("单位", "Unit")
_FORM = Said("表", "Form")
_LIKE = Said("同口径合计（{}个单位）", "Like for like ({} units)")
_PROBLEMS = Said("全市发现问题数，按类别", "Problems found in the city, by kind")
_WORST = Said("发现问题最多的{}个单位（各表合计）", "The {} units with the most problems found (all forms)")
_ANSWERS = Said("各表报送情况（单位数）", "How the units answered (number of units)")
_STATES = (
    Said("按时", "in time"),
    Said("逾期报送", "late"),
    Said("零报告", "nil"),
    Said("未报、退回", "missing or sent back"),
    Said("免报", "not asked"),
)
_OLDER = Said(
    "（上月未报，上一份为{year}年{month}月应报）", " (none last month; the last was due {year}-{month:02})"
)
_CHANGED = "+#,##0.######;-#,##0.######;0"
#: Whole numbers without a point behind them.
_CHANGED_WHOLE = "+#,##0;-#,##0;0"
#: More and less, as inks.
_MORE, _LESS = "#C8322B", "#25803F"
_BARS = 15
_NAMES, _LEAST = 26.0, 5.5
_CHART_COLUMN, _CHART_WIDTH = 7, 900
_ROW, _LINE = 15.0, 14.0
_POINT = 4 / 3


def add_changes(
    pages: InMemoryWorkbook, summaries: Sequence[FormSummary], *, month_text: str, language: Language
) -> None:
    """Draw the sheet."""
    _Changes(pages, summaries, month_text, language).draw()


class _Changes:
    def __init__(
        self, pages: InMemoryWorkbook, summaries: Sequence[FormSummary], month_text: str, language: Language
    ) -> None:
        self._pages, self._summaries, self._language = pages, summaries, language
        self._tables = [(summary, by_unit(summary, summary.figures)) for summary in summaries]
        self._widths = self._column_widths()
        self._title = f"{month_text} {SHEET.in_(language)}".strip()
        self._sheet: Worksheet = pages.sheet(SHEET.in_(language), self._widths)
        width = sum(int(each * 7 + 5) for each in self._widths) * 0.75
        self._scale = max(40, min(100, int(PAGE_WIDTH / width * 100)))
        self._room = PAGE_HEIGHT / self._scale * 100
        self._used = 0.0
        self._heights: dict[int, float] = {}
        self._breaks: list[int] = []
        self._row = 0
        #: First and last row and column of the changes.
        self._changes: list[tuple[int, int, int]] = []
        of = pages.formats.of
        self._text = of(border=1, text_wrap=True, num_format="@", font_size=HEAD_SIZE)
        self._unknown = of(border=1, align="center", font_color="#7F7F7F", font_size=HEAD_SIZE)

    def _say(self, said: Said) -> str:
        return said.in_(self._language)

    def _column_widths(self) -> list[float]:
        """The names, then three columns for each figure, wide enough for the city's."""
        most = max((len(summary.figures) for summary in self._summaries), default=0)
        widths = [_LEAST] * max(3 * most, 20)
        for summary, rows in self._tables:
            for number, pair in enumerate(city(rows, len(summary.figures))):
                for which, value in enumerate((pair.before, pair.now, _change(pair))):
                    wanted = len(f"{value or 0:+,}") * 0.95 + 0.8
                    widths[3 * number + which] = max(widths[3 * number + which], wanted)
        return [_NAMES, *widths]

    def draw(self) -> None:
        """From top to bottom, breaking pages between blocks."""
        last = len(self._widths) - 1
        self._pages.title(self._sheet, 0, self._title, last, sum(self._widths))
        look = self._pages.formats.of(text_wrap=True)
        self._sheet.merge_range(1, 0, 1, last, "", look)
        write_text(self._sheet, 1, 0, self._say(_NOTE), look)
        self._height(0, 30)
        self._height(1, height_of(self._say(_NOTE), sum(self._widths)) + 2)
        self._row = 2
        self._draw_answers()
        for summary in self._summaries:
            rows = problems_by_category(summary)
            title = f"{summary.name} {self._say(_PROBLEMS)}"
            self._draw_charted(title, self._say(_CATEGORY), rows, has_total=True)
        worst = [row for row in problems_by_unit(self._summaries) if row.pairs[0].now][:_BARS]
        if worst:
            self._draw_charted(self._say(_WORST).format(len(worst)), self._say(_UNIT), worst, has_total=False)
        for summary, rows in self._tables:
            self._draw_table(summary, rows)
        sheet = self._sheet
        self._colour()
        # What is broken by hand stays broken, where only the width is fitted.
        sheet.fit_to_pages(1, 0)
        sheet.set_h_pagebreaks(self._breaks)
        sheet.repeat_rows(0)
        sheet.print_area(0, 0, max(self._row - 1, 1), last)
        sheet.freeze_panes(1, 1)

    def _colour(self) -> None:
        """Colour the changes by rules, so that they stay right when somebody corrects a figure."""
        for sign, ink in ((">", _MORE), ("<", _LESS)):
            look = self._pages.workbook.add_format({"font_color": ink})
            for first, last, column in self._changes:
                cell = f"{column_letters(column)}{first + 1}"
                # A stroke is greater than any number.
                rule = {
                    "type": "formula",
                    "criteria": f"=AND(ISNUMBER({cell}),{cell}{sign}0)",
                    "format": look,
                }
                self._sheet.conditional_format(first, column, last, column, rule)

    def _height(self, row: int, points: float) -> None:
        self._sheet.set_row(row, points)
        self._heights[row] = points
        self._used += points

    def _begin(self, title: str, points: float) -> None:
        """The heading of a block that is so high; on a new page where it does not fit on this one."""
        if self._used + points + 40 > self._room and self._row > 2:
            self._breaks.append(self._row)
            # The title is repeated.
            self._used = 30.0
        write_text(self._sheet, self._row, 0, title, self._pages.formats.of(bold=True, font_size=12))
        self._height(self._row, 24)
        self._row += 1

    def _draw_answers(self) -> None:
        heights = 24 + 34 + _ROW * len(self._summaries)
        points = max(heights, (110 + 42 * len(self._summaries)) / _POINT)
        self._begin(self._say(_ANSWERS), points)
        top, head = self._row, self._row
        self._pages.head(self._sheet, head, [self._say(_FORM), *map(self._say, _STATES)])
        self._height(head, 30)
        number = self._pages.formats.of(border=1, align="center", font_size=HEAD_SIZE)
        for summary in self._summaries:
            self._row += 1
            write_text(self._sheet, self._row, 0, summary.name, self._text)
            for column, count in enumerate(answers(summary), start=1):
                self._sheet.write_number(self._row, column, count, number)
            self._height(self._row, _ROW)
        self._row += 1
        block = charts.ChartSource(self._sheet.get_name(), head, head + 1, self._row - 1, (1, 2, 3, 4, 5))
        if self._summaries:
            self._chart(self._say(_ANSWERS), block, charts.ANSWERS, top, points - 24, stacked=True)

    def _draw_charted(self, title: str, of: str, rows: Sequence[Compared], *, has_total: bool) -> None:
        """A table of pairs, and its chart at its right."""
        heights = [max(_ROW, height_of(row.name, _NAMES, HEAD_SIZE) + 2) for row in rows]
        points = max(24 + sum(heights) + 34, (105 + 40 * len(rows)) / _POINT + 24)
        self._begin(title, points)
        top, head = self._row, self._row
        self._pages.head(self._sheet, head, [of, *map(self._say, _TRIPLE)])
        self._height(head, 18)
        for row, height in zip(rows, heights, strict=True):
            self._row += 1
            write_text(self._sheet, self._row, 0, row.name, self._text)
            self._pair(self._row, 1, row.pairs[0])
            self._height(self._row, height)
        if has_total:
            self._row += 1
            self._sums(self._row, self._say(TOTAL), city(rows, 1), (head + 1, self._row - 1))
        self._row += 1
        self._changes.append((head + 1, self._row - 1, 3))
        last = self._row - 1 - has_total
        block = charts.ChartSource(self._sheet.get_name(), head, head + 1, last, (1, 2))
        self._chart(title, block, (charts.BEFORE, charts.NOW), top, points - 24)

    def _chart(
        self,
        title: str,
        block: charts.ChartSource,
        colours: Sequence[str],
        top: int,
        points: float,
        *,
        stacked: bool = False,
    ) -> None:
        """Put a chart right of the rows from ``top`` on, and leave as many below as it needs."""
        chart: Any = charts.bars(self._pages.workbook, title, block, colours, stacked=stacked)
        chart.set_size({"width": _CHART_WIDTH, "height": int(points * _POINT) - 10})
        self._sheet.insert_chart(top, _CHART_COLUMN, chart, {"object_position": 2, "y_offset": 2})
        drawn = sum(self._heights[row] for row in range(top, self._row))
        while drawn < points:
            self._height(self._row, _ROW)
            drawn += _ROW
            self._row += 1
        self._height(self._row, 8)
        self._row += 1

    def _draw_table(self, summary: FormSummary, rows: Sequence[Compared]) -> None:
        """Every unit with every figure of a form."""
        columns = summary.figures
        wide = [sum(self._widths[3 * n + 1 : 3 * n + 4]) for n in range(len(columns))]
        head_height = max(
            (height_of(c.full_label, w, HEAD_SIZE) + 4 for c, w in zip(columns, wide, strict=True)),
            default=20,
        )
        called = [self._called(row) for row in rows]
        names = [max(_LINE, height_of(name, _NAMES, HEAD_SIZE) + 1) for name in called]
        self._begin(f"{summary.name} {summary.form.title}", 24 + head_height + sum(names) + 60)
        head = self._row
        bold = self._pages.formats.head()
        self._sheet.merge_range(head, 0, head + 1, 0, "", bold)
        write_text(self._sheet, head, 0, self._say(_UNIT), bold)
        for number, column in enumerate(columns):
            at = 3 * number + 1
            self._sheet.merge_range(head, at, head, at + 2, "", bold)
            write_text(self._sheet, head, at, column.full_label, bold)
            self._pages.head(self._sheet, head + 1, list(map(self._say, _TRIPLE)), at)
        self._height(head, head_height)
        self._height(head + 1, 16)
        self._row = head + 2
        first = self._row
        for row, name, height in zip(rows, called, names, strict=True):
            write_text(self._sheet, self._row, 0, name, self._text)
            for number, pair in enumerate(row.pairs):
                self._pair(self._row, 3 * number + 1, pair)
            self._height(self._row, height)
            self._row += 1
        self._sums(self._row, self._say(TOTAL), city(rows, len(columns)), (first, self._row - 1))
        self._row += 1
        whole = [row for row in rows if row.is_whole]
        if len(whole) not in {0, len(rows)}:
            self._sums(self._row, self._say(_LIKE).format(len(whole)), city(whole, len(columns)), None)
            self._row += 1
        self._changes += [(first, self._row - 1, 3 * number + 3) for number in range(len(columns))]
        self._height(self._row, 8)
        self._row += 1

    def _called(self, row: Compared) -> str:
        """The unit, and of when its last table is where that is not last month's."""
        if row.older is None:
            return row.name
        return row.name + self._say(_OLDER).format(year=row.older.year, month=row.older.month)

    def _sums(self, row: int, name: str, sums: Sequence[Pair], over: tuple[int, int] | None) -> None:
        """A row of totals; formulas where they are over whole rows of the table."""
        fill = {"bold": True, "bg_color": TOTAL_FILL}
        of = self._pages.formats.of
        write_text(self._sheet, row, 0, name, of(border=1, text_wrap=True, font_size=HEAD_SIZE, **fill))

        def formula(column: int) -> str:
            assert over is not None
            letters = column_letters(column)
            return f"=SUM({letters}{over[0] + 1}:{letters}{over[1] + 1})"

        for number, pair in enumerate(sums):
            self._pair(row, 3 * number + 1, pair, formula if over else None, **fill)
        self._height(row, max(_ROW, height_of(name, _NAMES, HEAD_SIZE)))

    def _pair(
        self,
        row: int,
        column: int,
        pair: Pair,
        formula: Callable[[int], str] | None = None,
        **look: object,
    ) -> None:
        """Last month's, this month's and the change; the change is a formula where there is one."""
        of = self._pages.formats.of
        for at, value in ((column, pair.before), (column + 1, pair.now)):
            shown = of(border=1, font_size=HEAD_SIZE, num_format=_plain(value), **look)
            if value is None:
                write_text(self._sheet, row, at, UNKNOWN, self._unknown)
            elif formula is None:
                self._sheet.write_number(row, at, value, shown)
            else:
                self._sheet.write_formula(row, at, formula(at), shown, value)
        change = _change(pair)
        if change is None:
            write_text(self._sheet, row, column + 2, UNKNOWN, self._unknown)
            return
        code = _CHANGED_WHOLE if isinstance(change, int) else _CHANGED
        shown = of(border=1, font_size=HEAD_SIZE, num_format=code, **look)
        cells = f"={column_letters(column + 1)}{row + 1}-{column_letters(column)}{row + 1}"
        self._sheet.write_formula(row, column + 2, cells, shown, change)


def _plain(value: Number | None) -> str:
    return "#,##0" if isinstance(value, int) else "#,##0.######"


def _change(pair: Pair) -> Number | None:
    if pair.before is None or pair.now is None:
        return None
    change = round(pair.now - pair.before, 6)
    return int(change) if float(change).is_integer() else change
