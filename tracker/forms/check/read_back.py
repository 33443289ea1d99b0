"""What was read from a table, said back: rows, sums by column, what it replaced.  Whatever says it says the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from tracker.core.form import ColumnKind, Filed, Form, totals
from tracker.forms.check.figures import Number, plain
from tracker.i18n.message import Message


@dataclass(frozen=True, slots=True)
class ReadBack:
    """``sums`` are by column id, those that are not zero; of ticks how many.  ``replaced`` was filed at that time."""

    form: Form
    rows: int
    sums: Mapping[str, Number]
    replaced: datetime | None = None
    replaced_day: date | None = None
    replaced_rows: int = 0

    def facts(self) -> dict[str, Any]:
        """As JSON has it."""
        replaced = None
        if self.replaced is not None:
            replaced = {"at": self.replaced.isoformat(), "rows": self.replaced_rows}
        return {"rows": self.rows, "sums": dict(self.sums), "replaced": replaced}

    def said(self) -> Message:
        """In one or two sentences: 4行，合计：“人数”1000人、“金额”1.5万元。替换2022年5月3日所报（3行）。"""
        what = Message("findings.read_back.nil")
        if self.rows:
            sums = tuple(map(self._sum, self.sums)) or Message("findings.read_back.zeros")
            what = Message("findings.read_back.rows", n=self.rows, sums=sums)
        if self.replaced_day is None:
            return Message("findings.read_back.said", what=what)
        then = Message("findings.read_back.nil_then")
        if self.replaced_rows:
            then = Message("findings.read_back.rows_then", n=self.replaced_rows)
        return Message("findings.read_back.replaced", what=what, day=self.replaced_day, then=then)

    def _sum(self, identifier: str) -> Message:
        column, value = self.form.by_id[identifier], self.sums[identifier]
        if column.kind is ColumnKind.TICK:
            return Message("findings.read_back.ticks", label=column.label, value=value)
        # 人次/年 is what the column asks for; the sum is of people.
        unit = (column.unit or "").partition("/")[0]
        return Message("findings.read_back.sum", label=column.label, value=value, measure=unit)


def read_back(form: Form, filed: Filed) -> ReadBack:
    """What ``filed`` says; what it replaced is not known yet."""
    sums = {each: plain(value) for each, value in totals(form, filed.rows).items() if value}
    return ReadBack(form, len(filed.rows), sums)
