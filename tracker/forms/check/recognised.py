"""A table form that was found in a workbook: where it stands and what its header says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

from tracker.core.form import ColumnKind, FieldKind, Form
from tracker.forms.book import FileKind, Place, Sheet
from tracker.forms.check.form_fields import FieldFound, read_month
from tracker.forms.finding import Finding
from tracker.forms.mark import Mark
from tracker.i18n.message import Message


@dataclass(frozen=True)
class Recognised:
    """A table form in a workbook.  ``columns`` is by column id the sheet column, ``first_row`` the first of data.

    ``sheet`` has the cells of this table alone, at their addresses.  ``fields`` is by field id where the content
    stands (its label, where it is empty) and what it says, verbatim; ``heads`` where the label of each column stands.
    ``file`` is the name of the file.  ``continued`` are the tables in which its rows go on, ``notes`` what was found
    when this was worked out.  ``again`` has what the header says a second time, under the same label and otherwise; units
    under whatever label.
    """

    form: Form
    sheet: Sheet
    mark: Mark | None
    unit_text: str | None
    unit_place: Place | None
    period_text: str | None
    filled_on: date | None
    filled_on_place: Place | None
    head_rows: tuple[int, ...]
    first_row: int
    columns: Mapping[str, int]
    fields: Mapping[str, tuple[Place, str]]
    heads: Mapping[str, Place]
    kind: FileKind = "xlsx"
    file: str = ""
    continued: tuple[Recognised, ...] = ()
    notes: tuple[Finding, ...] = ()
    again: Mapping[FieldKind, tuple[FieldFound, ...]] = field(default_factory=dict)

    @property
    def corner(self) -> Place:
        """The first cell of its head."""
        return self.head_rows[0], min(self.columns.values())

    def text(self, place: Place) -> str:
        """The words in a cell, verbatim; “” where there are none."""
        cell = self.sheet.cells.get(place)
        return cell.value if cell is not None and isinstance(cell.value, str) else ""

    @property
    def day_text(self) -> str:
        """What stands for the day of filling in, readable or not."""
        dates = (each.id for each in self.form.header if each.kind is FieldKind.DATE)
        return next((self.fields[each][1] for each in dates if each in self.fields), "")

    @cached_property
    def name_column(self) -> str | None:
        """The column that says what a row is about, where the table has one."""
        names = (each.id for each in self.form.columns if each.kind is ColumnKind.NAME)
        return next((each for each in names if each in self.columns), None)

    @property
    def how_nil(self) -> Message:
        """How to say in it that there is nothing to report: the document's own form has no place for a √."""
        if any(each.kind is FieldKind.NIL and each.id in self.fields for each in self.form.header):
            return Message("findings.nil_by_tick")
        return Message("findings.nil_by_words")


@dataclass(frozen=True)
class Recognition:
    """What a workbook holds: every form, or else why it holds none."""

    tables: tuple[Recognised, ...] = ()
    findings: tuple[Finding, ...] = ()


def header_month(recognised: Recognised) -> tuple[int, int] | None:
    """The year and month that the header names as its period (期次)."""
    return None if recognised.period_text is None else read_month(recognised.period_text)
