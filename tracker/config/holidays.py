"""``holidays/YYYY.yaml``: one year of the working calendar as a person wrote it down."""

from __future__ import annotations

from tracker.config.document import Document
from tracker.config.messages import Guesses
from tracker.config.schema import HolidaysFile
from tracker.config.schema_errors import fit
from tracker.core.workdays import HolidayYear
from tracker.i18n.message import Message


def read_year(document: Document, named: int, guesses: Guesses) -> HolidayYear | None:
    """The year in ``document``, whose file is called ``named``; None, and findings in it, if it is wrong."""
    shape = fit(document, HolidaysFile, guesses)
    if shape is None:
        return None
    before = len(document.problems)
    if shape.year != named:
        document.error(
            document.place(("year",)),
            ("year",),
            Message("config.holidays.other_year", year=shape.year, named=named),
        )
    off, work = shape.dates(shape.off), shape.dates(shape.work)
    for key, spans in (("off", shape.off), ("work", shape.work)):
        for number, span in enumerate(spans):
            if {span.from_.year, span.to.year} != {shape.year}:
                location = (key, number)
                message = Message("config.holidays.days_of", year=shape.year)
                document.error(document.place(location), location, message)
    for number, span in enumerate(shape.work):
        both = sorted(shape.dates([span]) & off)
        if both:
            location = ("work", number)
            message = Message("config.holidays.off_and_work", day=both[0])
            document.error(document.place(location), location, message)
    return HolidayYear(shape.year, off, work) if len(document.problems) == before else None
