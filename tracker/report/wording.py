"""The report's phrases in one language, with names, dates and lists of units as a person would write them.

The phrases lie beside the code, not in ``templates/``: they say what columns and figures mean, which only the
code knows; what an operator may word differently is what he says to people, in his mails.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Sequence
from datetime import date

from tracker.core.model import Light, State
from tracker.core.naming import Names
from tracker.core.vocabulary import LIGHTS, meaning
from tracker.i18n import terms
from tracker.i18n.catalogue import Language, words
from tracker.mail.compose.wording import Calendar, clip, tidy
from tracker.report.model import AssignmentLine, DueCounts, GroupFacts, MonthReport, UnitFacts

#: As many units as are named one by one; the workbook names them all.
NAMED = 60
#: Characters of a title that a table has room for.
TITLE = 48


class Wording:
    """Words for one report."""

    def __init__(self, language: Language, report: MonthReport) -> None:
        self.language = language
        self.say = words("report", language)
        self.calendar = Calendar(words("mails", language))
        self._report = report
        self._names = Names(report.campaign, language)
        self._numbers = self.say.listed("names.numbers")

    @property
    def month(self) -> str:
        """2022年5月 · May 2022."""
        return self.calendar.period(f"{self._report.first:%Y-%m}")

    def day(self, day: date | None) -> str:
        """A date; nothing where there is none."""
        return "" if day is None else self.calendar.day(day)

    def short_day(self, day: date | None) -> str:
        """Without the year, where it is the month's."""
        return "" if day is None else self.calendar.short(day, self._report.first)

    def heading(self, number: int, key: str) -> str:
        """一、总体情况."""
        return self.say("names.section", number=self._numbers[number], title=self.heading_text(key))

    def heading_text(self, key: str) -> str:
        """The same without its number."""
        return self.say(f"{key}.heading")

    def title(self, text: str, width: int = TITLE) -> str:
        """A title in one line."""
        return clip(text, width)

    def name(self, ref: str) -> str:
        """What people call the occurrence or definition ``ref``: 表二（2022年5月应报，4月份情况）."""
        return tidy(self._names.occurrence(ref))

    def listed(self, ref: str, width: int) -> str:
        """The same with its title behind it, as far as there is room."""
        return clip(self._names.listed(ref), width)

    def thing(self, ref: str) -> str:
        """The title of the occurrence ``ref``."""
        thing = self._report.things.get(ref)
        return "" if thing is None else self.title(thing.title)

    def unit(self, unit: str) -> str:
        """The short name."""
        facts = self._report.units.get(unit)
        return unit if facts is None else tidy(facts.short)

    def full_unit(self, unit: str) -> str:
        """The whole name."""
        facts = self._report.units.get(unit)
        return unit if facts is None else tidy(facts.name)

    def group(self, group: GroupFacts) -> str:
        """The name of a section, of the reports, or of the tasks that stand in none."""
        if group.key:
            return self.title(group.title, 60)
        return self.say("names.others" if group.key is None else "names.reports")

    def people(self, unit: UnitFacts | None) -> str:
        """Whom to call, in one line."""
        people = () if unit is None else unit.people
        told = [f"{tidy(person.name)} {person.email}".strip() for person in people]
        return self.say("names.people").join(told) or self.say("names.no_people")

    def named(self, lines: Sequence[AssignmentLine], detail: Callable[[AssignmentLine], str]) -> str:
        """Units in one sentence, each with a detail; of very many only the first."""
        names = [self._with(self.unit(line.unit), detail(line)) for line in lines[:NAMED]]
        joined = self.say("names.comma").join(names)
        if len(lines) > NAMED:
            return self.say("names.and_more", names=joined, n=len(lines))
        return joined

    def _with(self, name: str, detail: str) -> str:
        return self.say("names.detail", name=name, detail=detail) if detail else name

    def details(self, details: Iterable[str]) -> str:
        """Several, in one pair of brackets."""
        return self.say("names.details").join(each for each in details if each)

    def missing(self, line: AssignmentLine) -> str:
        """What is to be known of a unit that has not answered."""
        found = []
        if line.state is State.RETURNED:
            found.append(self.say("missing.returned"))
        if line.extended:
            found.append(self.say("missing.extended", day=self.short_day(line.effective_due)))
        if line.target is not None and line.progress:
            found.append(self.say("missing.progress", done=line.progress, target=line.target))
        if line.late_days > 0 and line.extended:
            # Of all the others the deadline says it once.
            found.append(self.say("missing.late", n=line.late_days))
        return self.details(found)

    def late_as_one(self, lines: Sequence[AssignmentLine]) -> int:
        """How late they all are whose date nobody moved; 0 if not yet."""
        return max((line.late_days for line in lines if not line.extended), default=0)

    def state(self, word: str) -> str:
        """What people are told of a state, by its name in ``core/vocabulary.STATE_WORDS``."""
        return terms.word(word, self.language)

    def light(self, light: Light) -> str:
        """The word for a light."""
        return LIGHTS[light].name(self.language)

    def meaning(self, light: Light, states: Container[str]) -> str:
        """What it means where ``states`` occur."""
        return meaning(light, self.language, states)

    @staticmethod
    def rate(tally: DueCounts) -> str:
        """How much of it is in; 100% only if everything is."""
        if not tally.asked:
            return "—"
        tenths = tally.done * 1000 // tally.asked
        return f"{tenths // 10}%" if tenths % 10 == 0 else f"{tenths / 10:.1f}%"
