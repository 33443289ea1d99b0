"""Words the report: from its facts to the blocks of a page, the same for HTML, PDF and Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tracker.core.model import Light
from tracker.core.vocabulary import LIGHTS
from tracker.i18n.catalogue import Language
from tracker.mail.compose.wording import tidy
from tracker.report import tables
from tracker.report.blocks import Bar, Block, Chart, Figure, Figures, Heading, Key, Page, Part, Table, Text
from tracker.report.model import MonthReport, OccurrenceReport
from tracker.report.tables import ROWS
from tracker.report.wording import Wording

#: Characters of a name with its title before a list of units.
LEAD = 64


def compose(report: MonthReport, language: Language) -> Page:
    """The page in ``language``."""
    wording = Wording(language, report)
    blocks: list[Block] = []
    for number, (key, section) in enumerate(SECTIONS):
        blocks.append(Heading(wording.heading(number, key)))
        blocks.extend(section(wording, report))
    source = report.source
    lines = [wording.say(f"cover.{report.phase}", day=wording.day(report.day))]
    if source.supervisor:
        lines.append(wording.say("cover.by", supervisor=source.supervisor))
    return Page(
        language=language,
        at=report.at,
        title=wording.say("cover.title", month=wording.month),
        source=wording.say("cover.source", title=tidy(source.title), document=source.document),
        lines=tuple(lines),
        blocks=tuple(blocks),
        numbering=wording.say("cover.page", page="{page}", pages="{pages}"),
    )


def _overall(wording: Wording, report: MonthReport) -> Iterator[Block]:
    say, due = wording.say, report.due
    yield _figures(wording, report)
    if report.occurrences:
        units = sum(1 for group in report.by_unit if group.due.asked)
        yield Text(
            say(
                "overall.due",
                things=len(report.occurrences),
                units=units,
                asked=due.asked,
                done=due.done,
                rate=wording.rate(due),
                on_time=due.on_time,
                late=due.late,
                nil=due.nil,
                missing=due.missing,
                overdue=due.overdue,
            )
        )
        beside = [
            say(f"overall.{what}", n=count)
            for what in ("waiting", "returned", "extended", "waived", "paused")
            if (count := getattr(due, what))
        ]
        if beside:
            yield Text(say("overall.beside", list=say("overall.beside_comma").join(beside)))
    else:
        yield Text(say("overall.nothing"))
    yield Text(say("overall.arrears", n=len(report.arrears), caught_up=len(report.caught_up)))
    if report.in_hand:
        yield from _in_hand(wording, report)


def _figures(wording: Wording, report: MonthReport) -> Figures:
    say, due = wording.say, report.due
    worry = Light.RED if due.overdue else None
    return Figures(
        (
            Figure(due.asked, say("figures.asked")),
            Figure(due.done, say("figures.done"), say("figures.rate", rate=wording.rate(due))),
            Figure(due.late, say("figures.late"), light=Light.AMBER if due.late else None),
            Figure(due.missing, say("figures.missing"), say("figures.overdue", n=due.overdue), worry),
            Figure(
                len(report.arrears),
                say("figures.arrears"),
                say("figures.caught_up", n=len(report.caught_up)),
                Light.RED if report.arrears else None,
            ),
        )
    )


def _in_hand(wording: Wording, report: MonthReport) -> Iterator[Block]:
    say = wording.say
    parts = tuple(Part(light, report.lights[light]) for light in Light)
    keys = tuple(
        Key(
            part.light,
            f"{wording.light(part.light)} {part.count} · {wording.meaning(part.light, report.states)}",
        )
        for part in parts
    )
    yield Chart(say("overall.chart", n=report.in_hand), (Bar("", parts),), keys)
    states = (say("overall.state", state=wording.state(word), n=n) for word, n in report.states.items())
    listed = say("names.comma").join(states)
    yield Text(say("overall.explained", states=say("overall.states", list=listed)), small=True)


def _deadlines(wording: Wording, report: MonthReport) -> Iterator[Block]:
    if not report.occurrences:
        yield Text(wording.say("deadlines.nothing"))
        return
    bars = tuple(_bar(wording, each) for each in report.occurrences[:ROWS])
    keys = tuple(
        Key(light, LIGHTS[light].legend(wording.language))
        for light in Light
        if any(each.lights[light] for each in report.occurrences)
    )
    yield Chart(wording.say("deadlines.chart"), bars, keys)
    yield tables.deadlines_table(wording, report)


def _bar(wording: Wording, each: OccurrenceReport) -> Bar:
    thing, tally = each.thing, each.tally
    return Bar(
        f"{wording.short_day(thing.effective_due)}  {wording.title(thing.title, 30)}",
        tuple(Part(light, each.lights[light]) for light in Light),
        wording.say("deadlines.tally", done=tally.done, asked=tally.asked),
    )


def _missing(wording: Wording, report: MonthReport) -> Iterator[Block]:
    found = [each for each in report.occurrences if each.missing]
    for each in found[:ROWS]:
        lead = wording.say(
            "missing.lead",
            name=wording.listed(each.thing.ref, LEAD),
            due=wording.short_day(each.thing.effective_due),
            asked=each.tally.asked,
            done=each.tally.done,
            missing=each.tally.missing,
        )
        late = wording.late_as_one(each.missing)
        if late:
            lead = wording.details((lead, wording.say("missing.late", n=late)))
        lead += wording.say("missing.colon")
        yield Text(wording.named(each.missing, wording.missing), lead=lead)
    if not found:
        yield Text(wording.say("missing.nothing"))
    yield from _if_any(tables.calls_table(wording, report), "")


def _late(wording: Wording, report: MonthReport) -> Iterator[Block]:
    yield from _if_any(tables.late_table(wording, report), wording.say("late.nothing"))


def _beside(wording: Wording, report: MonthReport) -> Iterator[Block]:
    yield from _if_any(tables.beside_table(wording, report), wording.say("beside.nothing"))


def _arrears(wording: Wording, report: MonthReport) -> Iterator[Block]:
    yield from _if_any(tables.arrears_table(wording, report), wording.say("arrears.nothing"))


def _units(wording: Wording, report: MonthReport) -> Iterator[Block]:
    yield from _if_any(tables.units_table(wording, report), wording.say("units.nothing"))


def _sections(wording: Wording, report: MonthReport) -> Iterator[Block]:
    table = tables.lights_table(wording, report.by_section, by="section")
    yield from _if_any(table, wording.say("units.nothing"))


def _definitions(wording: Wording, report: MonthReport) -> Iterator[Block]:
    table = tables.lights_table(wording, report.by_definition, by="definition")
    yield from _if_any(table, wording.say("units.nothing"))


def _following(wording: Wording, report: MonthReport) -> Iterator[Block]:
    yield from _if_any(tables.following_table(wording, report), wording.say("following.nothing"))


def _if_any(table: Table, nothing: str) -> Iterator[Block]:
    if table.rows:
        yield table
    elif nothing:
        yield Text(nothing)


SECTIONS: tuple[tuple[str, Callable[[Wording, MonthReport], Iterator[Block]]], ...] = (
    ("overall", _overall),
    ("deadlines", _deadlines),
    ("missing", _missing),
    ("late", _late),
    ("beside", _beside),
    ("arrears", _arrears),
    ("units", _units),
    ("sections", _sections),
    ("definitions", _definitions),
    ("following", _following),
)
