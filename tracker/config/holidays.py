"""``holidays/YYYY.yaml``: one year of the working calendar as a person wrote it down."""

from __future__ import annotations

from tracker.config.document import Document
from tracker.config.messages import Guesses, say
from tracker.config.schema import HolidaysFile
from tracker.config.shapes import fit
from tracker.core.workdays import HolidayYear


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
            say(
                f"year is {shape.year}, but the file is called {named}.yaml; expected the same",
                f"年份{shape.year}与文件名{named}.yaml不一致",
            ),
        )
    off, work = shape.dates(shape.off), shape.dates(shape.work)
    for key, spans in (("off", shape.off), ("work", shape.work)):
        for number, span in enumerate(spans):
            if {span.from_.year, span.to.year} != {shape.year}:
                location = (key, number)
                document.error(
                    document.place(location),
                    location,
                    say(f"expected days of {shape.year}", f"应为{shape.year}年的日期"),
                )
    for number, span in enumerate(shape.work):
        both = sorted(shape.dates([span]) & off)
        if both:
            location = ("work", number)
            document.error(
                document.place(location),
                location,
                say(f"{both[0]} is a day off and a workday at once", f"{both[0]}既在放假又在上班之列"),
            )
    return HolidayYear(shape.year, off, work) if len(document.problems) == before else None
