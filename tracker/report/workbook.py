"""Lays the report out as a workbook: every row in full, to be sorted and filtered, with Excel's own charts.

Whatever comes from the files is written as a string, so that a unit called ``=1+1`` is one and no formula.
"""

from __future__ import annotations

from io import BytesIO

from xlsxwriter import Workbook

from tracker.i18n.catalogue import Language
from tracker.report.book import ReportBook
from tracker.report.model import MonthReport
from tracker.report.overview import add_overview
from tracker.report.sheets import (
    add_arrears,
    add_beside,
    add_deadlines,
    add_following,
    add_late,
    add_lights,
    add_missing,
    add_units,
)
from tracker.report.wording import Wording


def to_workbook(report: MonthReport, language: Language) -> bytes:
    """The report as ``.xlsx``."""
    wording = Wording(language, report)
    data = BytesIO()
    options = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_numbers": False,
        "strings_to_urls": False,
    }
    with Workbook(data, options) as workbook:
        workbook.set_properties(
            {
                "title": wording.say("cover.title", month=wording.month),
                "subject": report.source.document,
                "created": report.at.replace(tzinfo=None),
            }
        )
        book = ReportBook(workbook, wording, report)
        # The first sheet draws what the others hold.
        front = book.front()
        deadlines = add_deadlines(book)
        add_missing(book)
        add_late(book)
        add_beside(book)
        add_arrears(book)
        units = add_units(book)
        add_lights(book, "sections", report.by_section)
        add_lights(book, "definitions", report.by_definition)
        add_following(book)
        add_overview(book, front, deadlines, units)
    return data.getvalue()
