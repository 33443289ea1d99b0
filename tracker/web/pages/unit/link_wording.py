"""The words of a unit's pages: what is asked, how it stands and what has happened, in the reader's language."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import NamedTuple

from starlette.requests import Request

from tracker.core.model import Event, EventKind
from tracker.core.vocabulary import LIGHTS
from tracker.core.ways_to_answer import Way
from tracker.i18n import catalogue
from tracker.i18n.terms import word
from tracker.ledger.requests import Request as UnitRequest
from tracker.ledger.requests import RequestKind
from tracker.mail.compose.cards import Cards
from tracker.mail.compose.wording import Calendar, tidy
from tracker.web.base.site import language_of, site_of, words
from tracker.web.pages.unit.link_context import LinkContext

#: Ways that put an answer in the place of one that is there.
_CORRECTING = {Way.FILE, Way.DONE, Way.NIL}


class Stage(NamedTuple):
    """A line of what has happened: when, and what."""

    at: str
    text: str
    note: str | None = None


class UnitRequestView(NamedTuple):
    """A request as the unit sees it."""

    at: str
    text: str
    said: str
    outcome: str
    reply: str | None
    is_open: bool


class LinkWording:
    """Words one case for one request."""

    def __init__(self, request: Request, case: LinkContext) -> None:
        self._case = case
        self._say = words(request)
        # Titles, dates and periods are worded as in the mails.
        self._phrases = catalogue.words("mails", language_of(request))
        self.calendar = Calendar(self._phrases)
        self._zone = site_of(request).snapshot.zone
        self._today = site_of(request).today()
        self._key, _, self._period = case.claim.ref.partition("@")
        self._card = Cards(case.snapshot.campaign, self._phrases)[self._key]

    @property
    def unit(self) -> str:
        """The unit's name."""
        return self._case.snapshot.campaign.unit_name(self._case.claim.unit)

    @property
    def title(self) -> str:
        """What is asked, as the document words it."""
        name = tidy(self._case.row.definition.title).rstrip("。；")
        form = self._case.snapshot.form(self._case.row.definition)
        if form is not None and form.annex:
            name = f"{form.annex} {name}"
        elif self._case.row.definition.task_id:
            name = f"{self._card.label} {name}"
        return name

    @property
    def name(self) -> str:
        """The same for a sentence, with its period."""
        return (
            f"{self._card.name}{self._say('answer.of_period', period=self.period)}"
            if self._period
            else self._card.name
        )

    @property
    def period(self) -> str:
        """2022年5月期（报4月情况）."""
        about = self._card.is_about_month_before
        return self.calendar.about(self._period, month_before=about) if self._period else ""

    @property
    def deadline(self) -> str:
        """As the document words it, with the date in force."""
        due = self._case.row.dates.effective_due
        if due is None:
            return self._card.deadline
        return self._phrases("row.when", deadline=self._card.deadline, date=self.calendar.weekday(due))

    @property
    def extended_from(self) -> str | None:
        """The date by the rule, where more time was given."""
        row = self._case.row
        due = row.dates.due
        return self.calendar.day(due) if row.answer.extended_due is not None and due is not None else None

    @property
    def left(self) -> str | None:
        """How much time is left, while it is open."""
        row, phrases = self._case.row, self._phrases
        days = row.days_left
        if days is None or row.answer.quiet:
            return None
        if days < 0:
            late = row.dates.grace_until is not None and self._today > row.dates.grace_until
            return phrases("row.late", n=-days) if late else phrases("row.grace")
        return (
            phrases("row.today")
            if days == 0
            else phrases("row.tomorrow")
            if days == 1
            else phrases("row.left", n=days)
        )

    @property
    def light(self) -> tuple[str, str, str]:
        """The light: its colour, its sign, and the state in words."""
        row = self._case.row
        return row.light.value, LIGHTS[row.light].sign, word(row.word, self._say.language)

    @property
    def progress(self) -> str | None:
        """How much of a quota is done."""
        row, card = self._case.row, self._card
        if row.target is None:
            return None
        done = row.answer.progress
        return self._phrases("row.progress", of=card.of, count=row.target, done=done, measure=card.measure)

    @property
    def result(self) -> str | None:
        """What is in, in a sentence; None while nothing is."""
        answer = self._case.row.answer
        if answer.answered not in ("submitted", "nil") or answer.submitted_at is None:
            return None
        last = next(
            (each for each in reversed(self._case.events) if each.event in (EventKind.SUBMIT, EventKind.NIL)),
            None,
        )
        who = (last.who if last is not None else None) or self.unit
        key = "nil" if answer.answered == "nil" else "submitted"
        sentence = self._say(f"answer.result.{key}", at=self.moment(answer.submitted_at), who=who)
        if self._case.row.waits:
            sentence += self._say("answer.result.waiting")
        return sentence

    @property
    def returned(self) -> str | None:
        """Why it was sent back, while it is."""
        if self._case.row.answer.answered != "returned":
            return None
        last = next((each for each in reversed(self._case.events) if each.event is EventKind.RETURN), None)
        return (last.reason or last.note) if last is not None else None

    @property
    def first_ways(self) -> list[Way]:
        """What is nearest at hand: while something is asked all of it, then what is left to say."""
        return [way for way in self._case.ways if not (self._is_in and way in _CORRECTING)]

    @property
    def more_ways(self) -> list[Way]:
        """What would put another answer in the place of the one that is there."""
        if not self._is_in:
            return []
        same = Way.NIL if self._case.row.answer.answered == "nil" else Way.DONE
        return [way for way in self._case.ways if way in _CORRECTING and way is not same]

    @property
    def _is_in(self) -> bool:
        return self._case.row.answer.answered in ("submitted", "nil")

    def label(self, way: Way) -> str:
        """The words of a button."""
        if self._is_in and way in _CORRECTING:
            return self._say(f"answer.correct.{way}")
        return self._say(f"answer.way.{way}_{self._card.kind}" if way == Way.DONE else f"answer.way.{way}")

    def hint(self, way: Way) -> str:
        """What the button is for, in a line."""
        return self._say(f"answer.hint.{way}_{self._card.kind}" if way == Way.DONE else f"answer.hint.{way}")

    def will(self, way: str) -> str:
        """What will be written down, if the button is pressed."""
        part = self._card.kind if self._case.row.target is None else "count"
        key = f"answer.will.{way}_{part}" if way == Way.DONE else f"answer.will.{way}"
        return self._say(key, unit=self.unit, name=self.name)

    def moment(self, at: datetime) -> str:
        """5月3日 14:20."""
        local = at.astimezone(self._zone)
        return f"{self.calendar.short(local.date(), self._today)} {local:%H:%M}"

    def day(self, day: date) -> str:
        """A date without this year's number."""
        return self.calendar.short(day, self._today)

    def stages(self) -> Iterator[Stage]:
        """What has happened, newest first."""
        for event in reversed(self._case.events):
            yield Stage(self.moment(event.at), self._event(event), event.reason or event.note)

    def _event(self, event: Event) -> str:
        text = self._say(
            f"answer.event.{event.event.value}",
            who=event.who or self._say("answer.somebody"),
            until="" if event.until is None else self.day(event.until),
        )
        return text if event.count is None else f"{text}{self._say('answer.event.count', n=event.count)}"

    def askings(self) -> list[UnitRequestView]:
        """What the unit has asked for, newest first."""
        return [self._asking(each) for each in reversed(self._case.requests)]

    def _asking(self, request: UnitRequest) -> UnitRequestView:
        say = self._say
        wanted = request.wanted_until
        if request.kind is RequestKind.EXTEND and wanted is not None:
            text = say("answer.asked.extend", who=request.who, date=self.calendar.day(wanted))
        else:
            text = say("answer.asked.say", who=request.who)
        outcome = say("answer.asked.waiting")
        if request.answer is not None:
            until = "" if request.until is None else self.calendar.day(request.until)
            outcome = say(f"answer.asked.{request.answer}", by=request.answered_by or "", date=until)
        return UnitRequestView(
            self.moment(request.at), text, request.text, outcome, request.reply, request.is_open
        )
