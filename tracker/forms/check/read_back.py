"""What was read from a table, said back: rows, sums by column, what it replaced.  Whatever says it says the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from tracker.core.form import ColumnKind, Filed, Form, Said, totals
from tracker.forms.check.figures import Number, plain


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

    def said(self) -> Said:
        """In one or two sentences: 4行，合计：“人数”1000人、“金额”1.5万元。替换2022年5月3日所报（3行）。"""
        zh, en = "零报告", "Nothing to report"
        if self.rows:
            zh, en = f"{self.rows}行，合计：", f"{self.rows} row(s), sums: "
            zh += "、".join(self._sum(each, "个√") for each in self.sums) or "各栏均为0"
            en += ", ".join(self._sum(each, " √") for each in self.sums) or "all columns are 0"
        day = self.replaced_day
        if day is None:
            return Said(f"{zh}。", f"{en}.")
        rows = self.replaced_rows
        before_zh, before_en = (f"{rows}行", f"{rows} row(s)") if rows else ("零报告", "nothing to report")
        return Said(
            f"{zh}。替换{day.year}年{day.month}月{day.day}日所报（{before_zh}）。",
            f"{en}. It replaces what was filed on {day.day} {day:%b} {day.year} ({before_en}).",
        )

    def _sum(self, identifier: str, tick: str) -> str:
        column, value = self.form.by_id[identifier], self.sums[identifier]
        # 人次/年 is what the column asks for; the sum is of people.
        unit = tick if column.kind is ColumnKind.TICK else (column.unit or "").partition("/")[0]
        return f"“{column.label}”{value}{unit}"


def read_back(form: Form, filed: Filed) -> ReadBack:
    """What ``filed`` says; what it replaced is not known yet."""
    sums = {each: plain(value) for each, value in totals(form, filed.rows).items() if value}
    return ReadBack(form, len(filed.rows), sums)
