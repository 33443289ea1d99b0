"""The sheets of the workbook that hold rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from tracker.core.model import Light
from tracker.mail.compose.wording import tidy
from tracker.report.book import Head, ReportBook, Value, WrittenSheet
from tracker.report.model import AssignmentLine, DefinitionFacts, GroupFacts
from tracker.report.tables import worst_first

#: Characters of a title where it stands on every row; the sheet of tasks and reports has all of it.
TITLE = 80


def add_deadlines(book: ReportBook) -> WrittenSheet:
    """Every deadline of the month with its counts.  Charts read the columns from ``DEADLINE_LIGHTS`` on."""
    keys = ("on_time", "late", "overdue", "open", "asked", "done", "nil", "missing", "returned")
    heads = [
        *(book.head("name", 24), book.head("title", 50, wrap=True), book.head("due", 12)),
        *book.light_heads(Light),
        *(book.head(key, 9) for key in (*keys, "extended", "waived", "paused", "waiting")),
    ]

    def rows() -> Iterator[Sequence[Value]]:
        for each in book.report.occurrences:
            thing, tally = each.thing, each.tally
            yield (
                *(book.wording.name(thing.ref), book.wording.title(thing.title, TITLE), thing.effective_due),
                *(each.lights[light] for light in Light),
                *(tally.on_time, tally.late, tally.overdue, tally.missing - tally.overdue),
                *(tally.asked, tally.done, tally.nil, tally.missing, tally.returned),
                *(tally.extended, tally.waived, tally.paused, tally.waiting),
            )

    return book.add("deadlines", heads, rows())


def _line_heads(book: ReportBook) -> list[Head]:
    return [
        *(book.head("name", 24), book.head("title", 44, wrap=True)),
        *(book.head("unit", 26), book.head("state", 11), book.head("light", 9)),
        *(book.head("nominal", 12), book.head("due", 12)),
    ]


def _line(book: ReportBook, line: AssignmentLine) -> tuple[Value, ...]:
    thing, unit = book.report.things[line.ref], book.report.units[line.unit]
    return (
        *(book.wording.name(line.ref), book.wording.title(thing.title, TITLE), tidy(unit.name)),
        *(book.wording.state(line.word), line.light, line.due, line.effective_due),
    )


def add_missing(book: ReportBook) -> WrittenSheet:
    """Whoever has not answered what was due in the month, with whom to call; none left out."""
    heads = [
        *_line_heads(book),
        *(book.head("late_days", 10), book.head("progress", 9), book.head("target", 9)),
        *(book.head("contact", 20, wrap=True), book.head("email", 32, wrap=True)),
    ]
    rows = (
        (*_line(book, line), line.late_days or None, line.progress, line.target, *_people(book, line))
        for line in book.report.missing
    )
    return book.add("missing", heads, rows)


def _people(book: ReportBook, line: AssignmentLine) -> tuple[str, str]:
    people = book.report.units[line.unit].people
    if not people:
        return (book.wording.say("names.no_people"), "")
    return ("\n".join(tidy(each.name) for each in people), "\n".join(each.email for each in people))


def add_late(book: ReportBook) -> WrittenSheet:
    """What came in late."""
    heads = [*_line_heads(book), book.head("done_on", 12), book.head("late_days", 10)]
    rows = ((*_line(book, line), line.done_on, line.late_days) for line in book.report.late)
    return book.add("late", heads, rows)


def add_beside(book: ReportBook) -> WrittenSheet:
    """Nil returns, returned, extended, waived, paused."""
    heads = [book.head("what", 10), *_line_heads(book), book.head("done_on", 12), book.head("late_days", 10)]

    def rows() -> Iterator[Sequence[Value]]:
        for what in ("nil", "returned", "extended", "waived", "paused"):
            title = book.wording.say(f"columns.{what}")
            for each in book.report.occurrences:
                for line in getattr(each, what):
                    yield (title, *_line(book, line), line.done_on, line.late_days or None)

    return book.add("beside", heads, rows())


def add_arrears(book: ReportBook) -> WrittenSheet:
    """What is overdue from earlier months, and what of that came in."""
    heads = [
        *(book.head("what", 10), *_line_heads(book), book.head("done_on", 12), book.head("late_days", 10)),
        *(book.head("contact", 20, wrap=True), book.head("email", 32, wrap=True)),
    ]
    report = book.report
    rows = (
        (
            *(book.wording.say(f"arrears.{what}"), *_line(book, line), line.done_on, line.late_days or None),
            *_people(book, line),
        )
        for what, lines in (("open", report.arrears), ("caught_up", report.caught_up))
        for line in lines
    )
    return book.add("arrears", heads, rows)


def add_units(book: ReportBook) -> WrittenSheet:
    """Every unit with its lights, the worst first.  Charts read the columns from ``UNIT_LIGHTS`` on."""
    units = book.report.units
    heads = [book.head("unit", 32), *_group_heads(book)]

    def rows() -> Iterator[Sequence[Value]]:
        for group in worst_first(book.report.by_unit):
            unit = units[str(group.key)]
            yield (tidy(unit.name), *_group(group))

    return book.add("units", heads, rows())


def add_lights(book: ReportBook, key: str, groups: Iterable[GroupFacts]) -> WrittenSheet:
    """Sections or definitions with their lights."""
    wording = book.wording
    if key == "sections":
        heads = [book.head("section", 54, wrap=True), *_group_heads(book)]
        named = ((tidy(group.title) or wording.group(group), group) for group in groups)
        return book.add(key, heads, ((name, *_group(group)) for name, group in named))
    heads = [book.head("name", 22), book.head("title", 54, wrap=True), *_group_heads(book)]
    return book.add(
        key, heads, ((wording.name(str(group.key)), tidy(group.title), *_group(group)) for group in groups)
    )


def _group_heads(book: ReportBook) -> list[Head]:
    counts = (book.head(key, 9) for key in ("asked", "done", "late", "missing", "overdue", "arrears"))
    return [*book.light_heads(Light), *counts]


def _group(group: GroupFacts) -> tuple[int, ...]:
    due = group.due
    lights = (group.lights[light] for light in Light)
    return (*lights, due.asked, due.done, due.late, due.missing, due.overdue, group.arrears)


def add_following(book: ReportBook) -> WrittenSheet:
    """What falls due in the month after."""
    heads = [
        *(book.head("due", 12), book.head("nominal", 12), book.head("name", 24)),
        *(book.head("title", 70, wrap=True), book.head("count", 10)),
    ]
    things: list[DefinitionFacts] = sorted(book.report.following, key=lambda thing: str(thing.effective_due))
    rows = (
        (
            thing.effective_due,
            thing.due,
            book.wording.name(thing.ref),
            book.wording.title(thing.title, TITLE),
            thing.units,
        )
        for thing in things
    )
    return book.add("following", heads, rows)


#: The first column of the lights of a deadline, and of a unit.
DEADLINE_LIGHTS, UNIT_LIGHTS = 3, 1
