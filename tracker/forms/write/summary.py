"""The city's workbook: a line for each unit; each form with all rows and totals; questions; who is missing; changes.

Everything that came from a unit is written as a string or a number, so that no name becomes a formula.  Sums are
formulas with their value beside, which a recalculation confirms.  The same input gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from xlsxwriter.format import Format

from tracker.core.form import TICK, Column, ColumnKind, FiledRow, Said
from tracker.errors import TrackerError
from tracker.forms.book import column_letters
from tracker.forms.check.figures import Number, plain
from tracker.forms.write.changes_sheet import add_changes
from tracker.forms.write.in_memory import ABSENT_FILL, TOTAL, TOTAL_FILL, UNIT, InMemoryWorkbook
from tracker.forms.write.late_sheet import add_late
from tracker.forms.write.layout import GREY, ROW_HEIGHT, Annex, Placed
from tracker.forms.write.overview_sheet import DrawnSheet, OverviewSheet
from tracker.forms.write.questions_sheet import add_doubted
from tracker.forms.write.summed import FormSummary, UnitFiled, standing, sums_told
from tracker.i18n.catalogue import Language
from tracker.i18n.message import Message

__all__ = ["FormSummary", "UnitFiled", "write_summary"]

_SUBTOTAL = Said("小计", "subtotal")
_SHEET = Said("汇总", "summary")
_PERIOD = Said("期次：", "Period: ")
_SUBTOTALS = Message("findings.summary.subtotals")
#: The column in front that the annex does not have; no column of a form has an empty id.
_UNIT_ID = ""
#: So many arguments a function takes, with some to spare.
_ARGUMENTS = 200
#: A text of so many characters may need a second line.
_MAY_BREAK = 4
_SUBTOTAL_FILL = "#F2F2F2"


def write_summary(
    summaries: Sequence[FormSummary],
    *,
    title: str,
    month_text: str,
    created: datetime,
    language: Language = "zh",
) -> bytes:
    """The workbook as ``.xlsx``.

    The total of each column is computed twice: over the rows as they are written, and over the units' subtotals.
    Raises TrackerError where these differ.
    """
    pages = InMemoryWorkbook(f"{title} {month_text}", created)
    with pages:
        brief = OverviewSheet(pages, summaries, title=title, month_text=month_text, language=language)
        brief.draw([_FormSheet(pages, summary, language).draw() for summary in summaries])
        add_doubted(pages, summaries, title=title, month_text=month_text, language=language)
        add_late(pages, summaries, title=title, month_text=month_text, language=language)
        add_changes(pages, summaries, month_text=month_text, language=language)
    return pages.data()


@dataclass
class _Sums:
    """What was written: the sum of every column cell by cell, and where the subtotals stand."""

    written: dict[str, Decimal]
    from_subtotals: dict[str, Decimal]
    subtotal_rows: list[int] = field(default_factory=list)
    rows: int = 0


class _FormSheet:
    """One form, drawn as its annex with the unit in front."""

    def __init__(self, pages: InMemoryWorkbook, summary: FormSummary, language: Language) -> None:
        self._summary = summary
        self._language: Language = language
        form = summary.form
        unit = Column(_UNIT_ID, UNIT.in_(language), ColumnKind.TEXT, width=20)
        name = pages.name(f"{summary.name} {_SHEET.in_(language)}")
        self._annex = Annex(pages.workbook, name, form, columns=(unit, *form.columns), formats=pages.formats)
        self._omitted = form.omitted(summary.round_)
        self._looks = self._formats()
        self._subtotal_looks = self._formats(bold=True, bg_color=_SUBTOTAL_FILL)
        self._total_looks = self._formats(bold=True, bg_color=TOTAL_FILL)
        summed = [
            column
            for column in form.columns
            if (column.is_figure or column.kind is ColumnKind.TICK) and column.id not in self._omitted
        ]
        self._summed = {column.id: column for column in summed}
        #: Where 小计 stands, and what a unit has in place of rows.
        self._told = next(
            (column.id for column in form.columns if column.kind is ColumnKind.NAME),
            next((each.id for each in form.columns if each.kind is not ColumnKind.SERIAL), _UNIT_ID),
        )
        self._at = {column.id: number for number, column in enumerate(self._annex.columns)}

    def _formats(self, **properties: object) -> dict[str, Format]:
        looks = {}
        for column in self._annex.columns:
            more = dict(properties)
            if column.kind in {ColumnKind.COUNT, ColumnKind.TICK} and properties:
                more["num_format"] = "0"
            if column.id in self._omitted:
                more["bg_color"] = GREY
            looks[column.id] = self._annex.formats.cell(column, **more)
        return looks

    def draw(self) -> DrawnSheet:
        """The whole sheet; where its figures stand."""
        summary, say = self._summary, self._language
        told = standing(summary.units).said().in_(say)
        note = "　　".join((f"{_PERIOD.in_(say)}{summary.period_text}", summary.ref_title, told))
        placed = self._annex.draw_head({}, fields=(), note=note)
        sums = _Sums(dict.fromkeys(self._summed, Decimal(0)), dict.fromkeys(self._summed, Decimal(0)))
        row = placed.first_row
        subtotals: dict[str, int] = {}
        for unit in summary.units:
            row = self._unit(row, unit, sums)
            if unit.rows:
                subtotals[unit.unit] = row - 1
        self._total(row, sums)
        told = sums_told(_SUBTOTALS, [summary], say)
        look = self._annex.formats.of(text_wrap=True, bold=summary.open_questions > 0)
        self._annex.across(row + 1, told, look, least=18)
        self._finish(placed, row + 1)
        return DrawnSheet(summary, self._annex.sheet.get_name(), self._at, subtotals, row)

    def _finish(self, placed: Placed, last_row: int) -> None:
        self._annex.finish(placed, last_row=last_row)
        # However few rows there are: what nearly fits on a page is not squeezed onto it.
        self._annex.sheet.fit_to_pages(1, 0)

    def _unit(self, row: int, unit: UnitFiled, sums: _Sums) -> int:
        """The rows of one unit and their subtotal; returns the row below."""
        if not unit.rows:
            fill = {} if unit.has_answered or unit.state == "waived" else {"bg_color": ABSENT_FILL}
            looks = self._formats(**fill) if fill else self._looks
            beside = self._annex.formats.cell(
                self._annex.columns[self._at[self._told]],
                align="left",
                text_wrap=False,
                num_format="@",
                **fill,
            )
            self._blank(row, looks)
            self._annex.text(row, 0, unit.unit, looks[_UNIT_ID])
            self._annex.text(row, self._at[self._told], unit.instead.in_(self._language), beside)
            self._annex.row(row, self._annex.height_of_row({_UNIT_ID: unit.unit}))
            return row + 1
        first = row
        for filed in unit.rows:
            sums.rows += 1
            self._row(row, unit.unit, filed, sums)
            row += 1
        self._subtotal(row, first, unit, sums)
        return row + 1

    def _row(self, row: int, unit: str, filed: FiledRow, sums: _Sums) -> None:
        sheet, looks = self._annex.sheet, self._looks
        texts = {_UNIT_ID: unit}
        self._annex.text(row, 0, unit, looks[_UNIT_ID])
        for number, column in enumerate(self._annex.columns[1:], start=1):
            value = filed.values.get(column.id, filed.of_other_kind.get(column.id))
            if column.kind is ColumnKind.SERIAL:
                sheet.write_number(row, number, sums.rows, looks[column.id])
            elif column.id in self._omitted or value is None or value is False:
                sheet.write_blank(row, number, None, looks[column.id])
            elif value is True:
                sheet.write_string(row, number, TICK, looks[column.id])
                sums.written[column.id] += 1
            elif isinstance(value, str):
                note = filed.notes.get(column.id)
                texts[column.id] = note if note and value in note else f"{value}（{note}）" if note else value
                self._annex.text(row, number, texts[column.id], looks[column.id])
            else:
                sheet.write_number(row, number, plain(value), looks[column.id])
                sums.written[column.id] += value
        widths = self._annex.widths
        long = {
            each: text for each, text in texts.items() if 2 * len(text) + _MAY_BREAK > widths[self._at[each]]
        }
        self._annex.row(row, self._annex.height_of_row(long) if long else ROW_HEIGHT)

    def _blank(self, row: int, looks: Mapping[str, Format]) -> None:
        for number, column in enumerate(self._annex.columns):
            self._annex.sheet.write_blank(row, number, None, looks[column.id])

    def _subtotal(self, row: int, first: int, unit: UnitFiled, sums: _Sums) -> None:
        looks = self._subtotal_looks
        self._blank(row, looks)
        self._annex.text(row, 0, unit.unit, looks[_UNIT_ID])
        self._label(row, _SUBTOTAL.in_(self._language), len(unit.rows), looks)
        values = self._summary.sums(unit.filed)
        for identifier, column in self._summed.items():
            letters = column_letters(self._at[identifier])
            block = f"{letters}{first + 1}:{letters}{row}"
            formula = f'=COUNTIF({block},"{TICK}")' if column.kind is ColumnKind.TICK else f"=SUM({block})"
            self._formula(row, identifier, formula, values[identifier], looks)
            sums.from_subtotals[identifier] += Decimal(str(values[identifier]))
        sums.subtotal_rows.append(row)
        self._annex.row(row, self._annex.height_of_row({_UNIT_ID: unit.unit}))

    def _total(self, row: int, sums: _Sums) -> None:
        looks = self._total_looks
        self._blank(row, looks)
        self._annex.text(row, 0, TOTAL.in_(self._language), looks[_UNIT_ID])
        self._label(row, "", sums.rows, looks)
        for identifier, column in self._summed.items():
            total = sums.written[identifier]
            if total != sums.from_subtotals[identifier]:
                raise TrackerError(
                    "sums_differ",
                    name=self._summary.name,
                    column=column.label,
                    total=total,
                    subtotals=sums.from_subtotals[identifier],
                )
            letters = column_letters(self._at[identifier])
            formula = "=" + sum_of([f"{letters}{each + 1}" for each in sums.subtotal_rows])
            self._formula(row, identifier, formula, plain(total), looks)
        self._annex.row(row, 22)

    def _label(self, row: int, word: str, count: int, looks: Mapping[str, Format]) -> None:
        """小计 and how many rows it is over; without a column for names there is only room for the word."""
        serial = next((each for each in self._annex.columns if each.kind is ColumnKind.SERIAL), None)
        if self._annex.columns[self._at[self._told]].kind is ColumnKind.NAME:
            rows = f"{count}行" if self._language == "zh" else f"{count} rows"
            text = f"{word}（{rows}）" if word else f"共{rows}" if self._language == "zh" else rows
            self._annex.text(row, self._at[self._told], text, looks[self._told])
        elif serial is not None and word and self._language == "zh":
            self._annex.text(row, self._at[serial.id], word, looks[serial.id])

    def _formula(
        self, row: int, identifier: str, formula: str, value: Number, looks: Mapping[str, Format]
    ) -> None:
        self._annex.sheet.write_formula(row, self._at[identifier], formula, looks[identifier], value)


def sum_of(cells: Sequence[str]) -> str:
    """The sum of cells as a formula; a function takes no more than 255 arguments."""
    if not cells:
        return "0"
    if len(cells) <= _ARGUMENTS:
        return f"SUM({','.join(cells)})"
    parts = (cells[start : start + _ARGUMENTS] for start in range(0, len(cells), _ARGUMENTS))
    return f"SUM({','.join(map(sum_of, parts))})"
