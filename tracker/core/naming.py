"""What tasks, reports and their periods are called where people read: 表二（2022年6月应报，5月份情况）.

References (``table-2@2022-06``) are for programs and for those who type them; a sentence never shows one.
"""

from __future__ import annotations

import re
from datetime import date

from tracker.core.model import Campaign, Definition, Every, Kind
from tracker.errors import TrackerError
from tracker.i18n.catalogue import Language, words
from tracker.i18n.message import Message, month_name, say, say_day
from tracker.i18n.terms import word

#: What is due up to this day of a month is about the month before: “每月5日前报送上月…”.
LAST_DAY_ABOUT_MONTH_BEFORE = 15
#: Characters of a title within a name.
TITLE = 24

PERIOD = re.compile(
    r"(?P<year>\d{4})(?:-(?:(?P<month>0[1-9]|1[0-2])(?:-(?P<day>\d\d))?|W(?P<week>\d\d)|Q(?P<quarter>[1-4])|H(?P<half>[12])))?\Z",
    re.ASCII,
)
_LAST_BRACKETS = re.compile(r"(?<=.)[（(][^（）()]*[）)]$")


def period_name(period: str, language: Language, *, after: str | None = None) -> str:
    """2022年5月 · May 2022, and so on; what is no period stands as it is.

    A month need not repeat the year of what was named before it (``after``, a year).
    """
    match = PERIOD.match(period)
    if match is None:
        return period
    year, say = match["year"], words("names", language)
    if match["day"]:
        return say_day(language, date.fromisoformat(match[0]))
    if match["month"]:
        key = "period.month_again" if year == after else "period.month"
        return say(key, year=year, month=month_name(language, int(match["month"])))
    if match["week"]:
        return say("period.week", year=year, number=int(match["week"]))
    if match["quarter"]:
        return say("period.quarter", year=year, number=say.listed("quarters")[int(match["quarter"]) - 1])
    return say(f"period.half_{match['half']}" if match["half"] else "period.year", year=year)


def due_and_about(period: str, language: Language, *, month_before: bool) -> tuple[str, str | None]:
    """When something of ``period`` is due, and of which month it tells where that is the one before.

    ("2022年6月应报", "5月份情况") · ("due in June 2022", "about May 2022") · ("2022年第二季度", None)
    """
    name, match = period_name(period, language), PERIOD.match(period)
    if not month_before or match is None or not match["month"] or match["day"]:
        return name, None
    month, year = int(match["month"]), int(match["year"])
    before = f"{year:04}-{month - 1:02}" if month > 1 else f"{year - 1:04}-12"
    told, say = period_name(before, language, after=match["year"]), words("names", language)
    return say("due", period=name), say("about", month=told)


def tells_of_month_before(definition: Definition) -> bool:
    """Whether what is sent in early in a month is about the month before; something that is done never is."""
    rule = definition.rule
    is_paper = definition.kind is Kind.REPORT or (
        definition.kind is Kind.DELIVERABLE and definition.submit_to is not None
    )
    is_early = rule.day is not None and rule.day <= LAST_DAY_ABOUT_MONTH_BEFORE
    return is_paper and rule.every is Every.MONTH and is_early


class Names:
    """The names of everything in one campaign, in one language."""

    def __init__(self, campaign: Campaign, language: Language) -> None:
        self.language = language
        self._campaign = campaign
        self._say = words("names", language)

    def definition(self, key: str) -> str:
        """表二 · 表二（自查自改） · 任务5 · 任务5·第一批典型案例名单; what is gone keeps its reference."""
        found = self._campaign.definitions.get(key)
        if found is None:
            return key
        if found.task_id is None:
            return self._report(found)
        task = self._say("task", id=found.task_id)
        if found.kind is Kind.TASK:
            return task
        return self._say("deliverable", task=task, title=_clipped(found.title))

    def occurrence(self, ref: str) -> str:
        """表二（2022年6月应报，5月份情况） · 表二 (due in June 2022, about May 2022)."""
        key, _, period = ref.partition("@")
        return self._with(self.definition(key), key, period)

    def titled(self, ref: str) -> str:
        """The same with what it is: 表二 “走过场”专项整治进展情况汇总表……（2022年6月应报，5月份情况）."""
        key, _, period = ref.partition("@")
        return self._with(" ".join(filter(None, (self.definition(key), self._beside(key)))), key, period)

    def listed(self, ref: str) -> str:
        """The same where there may not be room for all of it: 表二（2022年6月应报，5月份情况） “走过场”专项整治……."""
        return " ".join(filter(None, (self.occurrence(ref), self._beside(ref.partition("@")[0]))))

    def period(self, ref: str) -> str | None:
        """2022年6月应报（5月份情况） · due in June 2022 (about May 2022); None for what is asked once."""
        key, _, period = ref.partition("@")
        if not period:
            return None
        due, about = self._due_and_about(key, period)
        return due if about is None else self._say("due_about", due=due, about=about)

    def _beside(self, key: str) -> str:
        """The title, where the name does not have it already."""
        found = self._campaign.definitions.get(key)
        title = "" if found is None else _tidy(found.title).removeprefix(f"{found.task_id}.").lstrip()
        return "" if _clipped(title) in self.definition(key) else title

    def _report(self, report: Definition) -> str:
        name = self._campaign.short_of(report) or _clipped(report.title)
        form = None if report.form is None else self._campaign.forms.get(report.form)
        if form is None or report.round is None or report.short is not None:
            return name
        # Two reports may be asked on one annex: the round tells them apart.
        round_ = form.rounds[report.round].name
        return self._say("round", name=name, round=round_)

    def _with(self, name: str, key: str, period: str) -> str:
        if not period:
            return name
        due, about = self._due_and_about(key, period)
        if about is None:
            return self._say("occurrence", name=name, due=due)
        return self._say("occurrence_about", name=name, due=due, about=about)

    def _due_and_about(self, key: str, period: str) -> tuple[str, str | None]:
        found = self._campaign.definitions.get(key)
        return due_and_about(
            period, self.language, month_before=found is not None and tells_of_month_before(found)
        )


def sentence(
    error: TrackerError | Message,
    language: Language,
    campaign: Campaign | None = None,
    *,
    on_command_line: bool = False,
) -> str:
    """What an error says, with the names that people use in ``campaign``."""
    message = error.message if isinstance(error, TrackerError) else error
    names = None if campaign is None else Names(campaign, language)

    def said(name: str, fact: str) -> str | None:
        if name == "state":
            return word(fact, language)
        if campaign is None or names is None or name not in ("unit", "ref", "key"):
            return None
        return campaign.unit_name(fact) if name == "unit" else names.occurrence(fact)

    return say(message, language, said, on_command_line=on_command_line)


def _tidy(text: str) -> str:
    return " ".join(text.split())


def _clipped(title: str) -> str:
    """A title in a few words; of one that is too long what stands in brackets at its end goes first."""
    title = _tidy(title)
    if len(title) > TITLE:
        title = _LAST_BRACKETS.sub("", title)
    return title if len(title) <= TITLE else f"{title[: TITLE - 2].rstrip('，、；。 ,;.')}……"
