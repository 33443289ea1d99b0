"""The tables of the report, in words; of very long ones the first rows only, as the workbook has them all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import partial

from tracker.core.model import Light
from tracker.core.vocabulary import NIL_WAITS
from tracker.report.blocks import Bar, Cell, Column, Part, Table
from tracker.report.model import AssignmentLine, GroupFacts, MonthReport
from tracker.report.wording import Wording

#: Rows of a table that a person may still read.
ROWS = 100
#: References that are named in one cell.
REFS = 6

Row = tuple[Cell, ...]


def cut(wording: Wording, columns: Sequence[Column], rows: Sequence[Row], title: str = "") -> Table:
    """A table of at most ``ROWS`` rows, which says how many it leaves out."""
    left_out = len(rows) - ROWS
    note = wording.say("more", n=left_out) if left_out > 0 else ""
    return Table(tuple(columns), tuple(rows[:ROWS]), title, note)


def heads(wording: Wording, *columns: tuple[str, int]) -> list[Column]:
    """Columns of words: (key, weight)."""
    return [Column(wording.say(f"columns.{key}"), weight) for key, weight in columns]


def numbers(wording: Wording, *keys: str) -> list[Column]:
    """Columns of numbers."""
    return [Column(wording.say(f"columns.{key}"), 6, right=True) for key in keys]


def deadlines_table(wording: Wording, report: MonthReport) -> Table:
    """Every deadline of the month with its counts."""
    columns = [
        *heads(wording, ("name", 20), ("title", 32), ("due", 10)),
        *numbers(wording, "asked", "done", "rate", "late", "nil", "missing", "overdue"),
    ]
    rows: list[Row] = []
    for each in report.occurrences:
        thing, tally = each.thing, each.tally
        counts = (tally.late, tally.nil, tally.missing, tally.overdue)
        rows.append(
            (
                wording.name(thing.ref),
                wording.title(thing.title),
                wording.short_day(thing.effective_due),
                str(tally.asked),
                str(tally.done),
                wording.rate(tally),
                *map(_count, counts),
            )
        )
    return cut(wording, columns, rows)


def calls_table(wording: Wording, report: MonthReport) -> Table:
    """Whom to call: each unit that owes something once, with all that it owes and its people."""
    owed: dict[str, list[AssignmentLine]] = defaultdict(list)
    for line in (*report.arrears, *report.missing):
        owed[line.unit].append(line)
    columns = [
        *heads(wording, ("unit", 20)),
        *numbers(wording, "missing"),
        *heads(wording, ("name", 44), ("people", 38)),
    ]
    rows: list[Row] = [
        (
            wording.full_unit(unit),
            str(len(owed[unit])),
            _refs(wording, owed[unit]),
            wording.people(report.units[unit]),
        )
        for unit in report.units
        if unit in owed
    ]
    return cut(wording, columns, rows, wording.say("missing.calls"))


def _refs(wording: Wording, lines: Sequence[AssignmentLine]) -> str:
    refs = wording.say("missing.comma").join(wording.name(line.ref) for line in lines[:REFS])
    return refs if len(lines) <= REFS else wording.say("missing.items", refs=refs, n=len(lines))


def late_table(wording: Wording, report: MonthReport) -> Table:
    """What came in late, the latest of one deadline first."""
    columns = [
        *heads(wording, ("name", 17), ("title", 32), ("unit", 22), ("due", 12), ("done_on", 12)),
        *numbers(wording, "late_days"),
    ]
    rows: list[Row] = [
        (
            wording.name(line.ref),
            wording.thing(line.ref),
            wording.full_unit(line.unit),
            wording.short_day(line.effective_due),
            wording.short_day(line.done_on),
            str(line.late_days),
        )
        for each in report.occurrences
        for line in sorted(each.late, key=lambda line: -line.late_days)
    ]
    return cut(wording, columns, rows)


def beside_table(wording: Wording, report: MonthReport) -> Table:
    """Nil returns, returned, extended, waived, paused: one row for each kind and deadline."""
    columns = heads(wording, ("what", 9), ("name", 17), ("title", 30), ("names", 44))
    rows: list[Row] = []
    for what in ("nil", "returned", "extended", "waived", "paused"):
        for each in report.occurrences:
            lines: tuple[AssignmentLine, ...] = getattr(each, what)
            if lines:
                names = wording.named(lines, partial(_beside, wording, what))
                head = wording.say(f"columns.{what}")
                rows.append((head, wording.name(each.thing.ref), wording.title(each.thing.title), names))
    return cut(wording, columns, rows)


def _beside(wording: Wording, what: str, line: AssignmentLine) -> str:
    if what == "extended":
        moved = wording.say(
            "beside.moved", from_=wording.short_day(line.due), to=wording.short_day(line.effective_due)
        )
        return wording.details((moved, wording.state(line.word)))
    if what != "nil":
        return ""
    waits = [wording.state(line.word)] if line.word == NIL_WAITS else []
    return wording.details(
        [*waits, *([wording.say("missing.late", n=line.late_days)] if line.late_days else [])]
    )


def arrears_table(wording: Wording, report: MonthReport) -> Table:
    """What is overdue from earlier months, and what of that came in during this one."""
    columns = heads(wording, ("what", 10), ("name", 19), ("title", 26), ("due", 20), ("names", 40))
    rows: list[Row] = []
    for what, lines in (("open", report.arrears), ("caught_up", report.caught_up)):
        by_ref: dict[str, list[AssignmentLine]] = defaultdict(list)
        for line in lines:
            by_ref[line.ref].append(line)
        for ref, those in by_ref.items():
            names = wording.named(those, lambda line: _arrear(wording, line))
            due = wording.day(report.things[ref].effective_due)
            late = wording.late_as_one(those) if what == "open" else 0
            if late:
                due = wording.say("names.detail", name=due, detail=wording.say("arrears.late", n=late))
            rows.append((wording.say(f"arrears.{what}"), wording.name(ref), wording.thing(ref), due, names))
    return cut(wording, columns, rows)


def _arrear(wording: Wording, line: AssignmentLine) -> str:
    if line.done_on is not None:
        return wording.say("arrears.done", day=wording.short_day(line.done_on), n=line.late_days)
    return wording.missing(line)


def worst_first(groups: Iterable[GroupFacts]) -> list[GroupFacts]:
    """Most red first, then most amber; equals stay in the order of the files."""
    return sorted(
        groups, key=lambda group: (-group.lights[Light.RED], -group.lights[Light.AMBER], -group.due.missing)
    )


def units_table(wording: Wording, report: MonthReport) -> Table:
    """Every unit with its lights, the worst first, and what of the month it owes."""
    groups = worst_first(report.by_unit)
    first = wording.say("columns.unit")
    rows = [(wording.full_unit(str(group.key)), *_lights(group), *_owes(group)) for group in groups]
    columns = [*_lights_columns(wording, first, 22), *numbers(wording, "asked", "done", "missing", "arrears")]
    key = "units.worst" if len(rows) > ROWS else "units.worst_first"
    note = wording.say(key, n=ROWS, all=len(rows))
    return Table(tuple(columns), tuple(rows[:ROWS]), note=note)


def lights_table(wording: Wording, groups: Iterable[GroupFacts], *, by: str) -> Table:
    """Sections or definitions with their lights."""
    if by == "section":
        named = [(wording.group(group), group) for group in groups]
        first = wording.say("columns.section")
    else:
        named = [(wording.listed(str(group.key), 36), group) for group in groups]
        first = wording.say("columns.title")
    rows: list[Row] = [(name, *_lights(group), *_owes(group)) for name, group in named]
    columns = [*_lights_columns(wording, first, 34), *numbers(wording, "asked", "done", "missing", "arrears")]
    return cut(wording, columns, rows)


def _lights_columns(wording: Wording, first: str, weight: int) -> list[Column]:
    lights = [Column(wording.light(light), 5, right=True, light=light) for light in Light]
    return [Column(first, weight), *lights, Column(wording.say("columns.share"), 18, bar=True)]


def _lights(group: GroupFacts) -> Row:
    parts = tuple(Part(light, group.lights[light]) for light in Light)
    return (*(_count(part.count) for part in parts), Bar("", parts))


def _owes(group: GroupFacts) -> Row:
    due = group.due
    if not due.asked:
        return ("", "", "", _count(group.arrears))
    return (str(due.asked), str(due.done), _count(due.missing), _count(group.arrears))


def following_table(wording: Wording, report: MonthReport) -> Table:
    """What falls due in the month after."""
    things = sorted(report.following, key=lambda thing: str(thing.effective_due))
    columns = [*heads(wording, ("due", 13), ("name", 18), ("title", 50)), *numbers(wording, "count")]
    rows: list[Row] = [
        (
            wording.day(thing.effective_due),
            wording.name(thing.ref),
            wording.title(thing.title),
            str(thing.units),
        )
        for thing in things
    ]
    return cut(wording, columns, rows)


def _count(number: int) -> str:
    """A zero is what nobody needs to read."""
    return str(number) if number else "—"
