"""The first sheet of the city's workbook: one line a unit, the figures of all forms put together, on one page.

Its figures are formulas over the subtotals in the sheets of the forms.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from xlsxwriter.format import Format

from tracker.core.form import Column, ColumnKind, Form, Said
from tracker.forms.book import column_letters
from tracker.forms.check.figures import Number
from tracker.forms.write.in_memory import (
    ABSENT_FILL,
    OPEN_FILL,
    PAGE_HEIGHT,
    PAGE_WIDTH,
    TOTAL,
    TOTAL_FILL,
    UNIT,
    UNKNOWN,
    InMemoryWorkbook,
)
from tracker.forms.write.layout import HEAD_SIZE, height_of, write_text
from tracker.forms.write.summed import FormSummary, UnitFiled, standing, sums_told
from tracker.i18n.catalogue import Language
from tracker.i18n.message import Message

SHEET = Said("一览", "Overview")
_TITLE = Said("各单位报送情况一览", "All units at a glance")
_STATE = Said("情况", "State")
_ROWS = Said("行数", "Rows")
_OPEN = Said("疑问", "Open")
_LINES = Message("findings.summary.lines")
_NAME_WIDTH, _STATE_WIDTH, _LEAST_WIDTH = 13.0, 8.5, 6.0
#: In points: a line, the title, a line of text, the row of the forms' names.
_LINE, _TITLE_HEIGHT, _TEXT, _FORM = 12.5, 26.0, 12.5, 16.0
#: Nothing is printed smaller than this: 9 points become 6.3, which a list of figures bears.
_LEAST_SCALE = 0.7


@dataclass(frozen=True)
class DrawnSheet:
    """The sheet of a form: by column id where it stands, by unit the row of its subtotal, the row of the total."""

    summary: FormSummary
    sheet: str
    at: Mapping[str, int]
    subtotals: Mapping[str, int]
    total: int


@dataclass(frozen=True)
class OverviewFigure:
    """A figure of the overview: the sum of columns that may be added up."""

    label: str
    unit: str
    columns: tuple[str, ...]


def figures(form: Form, asked: Sequence[Column]) -> list[OverviewFigure]:
    """The figures of a form in few columns: those of one group that are counted in the same unit are added up.

    What is a part of another column (``at_most``), or has such a part, stands by itself.
    """
    wholes = {each.at_most for each in form.columns} - {None}
    found: dict[tuple[str, str, str], list[Column]] = {}
    for column in asked:
        if not column.is_figure and column.kind is not ColumnKind.TICK:
            continue
        is_alone = column.at_most is not None or column.id in wholes or column.group is None
        unit = (column.unit or "").partition("/")[0] if column.is_figure else "√"
        found.setdefault((column.group or "", unit, column.id if is_alone else ""), []).append(column)
    return [
        OverviewFigure(
            some[0].label if len(some) == 1 else some[0].group or "",
            unit,
            tuple(each.id for each in some),
        )
        for (_, unit, _), some in found.items()
    ]


class OverviewSheet:
    """The sheet: it is put before the others when it is made, and drawn when they are."""

    def __init__(
        self,
        pages: InMemoryWorkbook,
        summaries: Sequence[FormSummary],
        *,
        title: str,
        month_text: str,
        language: Language,
    ) -> None:
        self._pages, self._language = pages, language
        self._title = f"{title} {month_text} {_TITLE.in_(language)}".strip()
        self._figures = [figures(each.form, each.form.asked(each.round_)) for each in summaries]
        self._has_rows = [
            any(column.kind is ColumnKind.NAME for column in each.form.columns) for each in summaries
        ]
        self._open = [each.open_questions > 0 for each in summaries]
        self._widths = [_NAME_WIDTH, *self._column_widths(summaries)]
        self._sheet: Any = pages.sheet(SHEET.in_(language), self._widths)

    def _column_widths(self, summaries: Sequence[FormSummary]) -> Iterator[float]:
        for number, summary in enumerate(summaries):
            yield _STATE_WIDTH
            if self._has_rows[number]:
                yield _LEAST_WIDTH
            for figure in self._figures[number]:
                total = _whole(sum(_value(summary, unit, figure) or 0 for unit in summary.units))
                yield max(_LEAST_WIDTH, len(f"{total}") + 1.5)
            if self._open[number]:
                yield _LEAST_WIDTH

    def draw(self, drawn: Sequence[DrawnSheet]) -> None:
        """Title, how the forms stand, a line a unit, the totals."""
        say, sheet, of = self._language, self._sheet, self._pages.formats.of
        last = len(self._widths) - 1
        self._pages.title(sheet, 0, self._title, max(last, 1), sum(self._widths))
        sheet.set_row(0, _TITLE_HEIGHT)
        row = 1
        for each in drawn:
            summary = each.summary
            colon = "：" if say == "zh" else ": "
            told = f"{summary.name} {summary.ref_title}{colon}{standing(summary.units).said().in_(say)}"
            write_text(sheet, row, 0, told, of(font_size=HEAD_SIZE))
            sheet.set_row(row, _TEXT)
            row += 1
        first = row + 2
        head_height = self._head(row, drawn)
        units = self._units(drawn)
        for at, (unit, by_form) in enumerate(units.items(), start=first):
            self._unit(at, unit, by_form, drawn)
        end = first + len(units)
        self._total(end, first, drawn)
        is_open = any(each.summary.open_questions for each in drawn)
        told = sums_told(_LINES, (each.summary for each in drawn), say)
        write_text(sheet, end + 1, 0, told, of(bold=is_open, font_size=HEAD_SIZE))
        sheet.set_row(end + 1, _TEXT)
        height = _TITLE_HEIGHT + _TEXT * (len(drawn) + 1) + _FORM + head_height + _LINE * (len(units) + 1) + 2
        width = sum(int(each * 7 + 5) for each in self._widths) * 0.75
        fits = min(PAGE_WIDTH / width, PAGE_HEIGHT / height) >= _LEAST_SCALE
        sheet.fit_to_pages(1, 1 if fits else 0)
        sheet.center_horizontally()
        sheet.repeat_rows(row, row + 1)
        sheet.print_area(0, 0, end + 1, max(last, 1))
        sheet.freeze_panes(first, 1)

    def _units(self, drawn: Sequence[DrawnSheet]) -> dict[str, dict[int, UnitFiled]]:
        """By unit what it filed of each form, by the form's number."""
        found: dict[str, dict[int, UnitFiled]] = {}
        for number, each in enumerate(drawn):
            for unit in each.summary.units:
                found.setdefault(unit.unit, {})[number] = unit
        return found

    def _head(self, row: int, drawn: Sequence[DrawnSheet]) -> float:
        """Two rows: the forms, and their columns; how high the second is."""
        look, say, sheet = self._pages.formats.head(), self._language, self._sheet
        sheet.merge_range(row, 0, row + 1, 0, "", look)
        write_text(sheet, row, 0, UNIT.in_(say), look)
        at, height = 1, 24.0
        for number, each in enumerate(drawn):
            labels = [_STATE.in_(say), *([_ROWS.in_(say)] if self._has_rows[number] else ())]
            labels += [
                f"{figure.label}\n（{figure.unit}）" if figure.unit else figure.label
                for figure in self._figures[number]
            ]
            labels += [_OPEN.in_(say)] if self._open[number] else []
            summary = each.summary
            round_ = summary.form.rounds[summary.round_].name if summary.round_ is not None else ""
            name = f"{summary.name}（{round_}）" if round_ else summary.name
            if len(labels) > 1:
                sheet.merge_range(row, at, row, at + len(labels) - 1, "", look)
            write_text(sheet, row, at, name, look)
            for label in labels:
                write_text(sheet, row + 1, at, label, look)
                height = max(height, height_of(label, self._widths[at], HEAD_SIZE) + 4)
                at += 1
        sheet.set_row(row, _FORM)
        sheet.set_row(row + 1, height)
        return height

    def _unit(
        self, row: int, unit: str, by_form: Mapping[int, UnitFiled], drawn: Sequence[DrawnSheet]
    ) -> None:
        sheet, say, of = self._sheet, self._language, self._pages.formats.of
        short = next((each.short for each in by_form.values() if each.short), unit)
        write_text(sheet, row, 0, short, of(border=1, num_format="@", font_size=HEAD_SIZE))
        sheet.set_row(row, _LINE)
        at = 1
        for number, each in enumerate(drawn):
            filed = by_form.get(number)
            is_absent = filed is not None and not filed.has_answered and filed.state != "waived"
            fill = {"bg_color": ABSENT_FILL} if is_absent else {}
            look = of(border=1, align="center", font_size=HEAD_SIZE, **fill)
            write_text(sheet, row, at, filed.state_word.in_(say) if filed is not None else "", look)
            at += 1
            if self._has_rows[number]:
                known = filed is not None and filed.is_known
                self._number(row, at, len(filed.rows) if filed is not None and known else None, look)
                at += 1
            for figure in self._figures[number]:
                value = None if filed is None else _value(each.summary, filed, figure)
                formula = None
                if value is not None and unit in each.subtotals:
                    formula = _sum(each, figure, each.subtotals[unit])
                self._number(row, at, value, look, formula)
                at += 1
            if self._open[number]:
                count = sum(one.answer is None and one.unit == unit for one in each.summary.questions)
                shown = (
                    of(border=1, align="center", font_size=HEAD_SIZE, bg_color=OPEN_FILL) if count else look
                )
                self._number(row, at, count or None, shown, empty="")
                at += 1

    def _total(self, row: int, first: int, drawn: Sequence[DrawnSheet]) -> None:
        look = self._pages.formats.of(
            border=1, align="center", bold=True, bg_color=TOTAL_FILL, font_size=HEAD_SIZE
        )
        write_text(self._sheet, row, 0, TOTAL.in_(self._language), look)
        self._sheet.set_row(row, _LINE + 2)
        at = 1
        for number, each in enumerate(drawn):
            units = each.summary.units
            told = f"{sum(unit.has_answered for unit in units)}/{len(units)}"
            write_text(self._sheet, row, at, told, look)
            sums: list[Number] = [sum(len(unit.rows) for unit in units)] if self._has_rows[number] else []
            sums += [
                _whole(sum(_value(each.summary, unit, figure) or 0 for unit in units))
                for figure in self._figures[number]
            ]
            sums += [each.summary.open_questions] if self._open[number] else []
            for value in sums:
                at += 1
                letters = column_letters(at)
                self._number(row, at, value, look, f"=SUM({letters}{first + 1}:{letters}{row})")
            at += 1

    def _number(
        self,
        row: int,
        at: int,
        value: Number | None,
        look: Format,
        formula: str | None = None,
        *,
        empty: str = UNKNOWN,
    ) -> None:
        if value is None:
            write_text(self._sheet, row, at, empty, look)
        elif formula is not None:
            self._sheet.write_formula(row, at, formula, look, value)
        else:
            self._sheet.write_number(row, at, value, look)


def _value(summary: FormSummary, unit: UnitFiled, figure: OverviewFigure) -> Number | None:
    """None where nobody knows it."""
    if not unit.is_known:
        return None
    sums = summary.sums(unit.filed)
    return _whole(sum(sums[each] for each in figure.columns))


def _whole(value: Number) -> Number:
    # Money has two places or so; a float that was added up has more.
    rounded = round(value, 6)
    return int(rounded) if float(rounded).is_integer() else rounded


def _sum(drawn: DrawnSheet, figure: OverviewFigure, row: int) -> str:
    quoted = drawn.sheet.replace("'", "''")
    cells = (f"'{quoted}'!{column_letters(drawn.at[each])}{row + 1}" for each in figure.columns)
    return f"=SUM({','.join(cells)})"
