"""Where an assignment stands: what its events add up to, and the state and light on a given day.

Events are folded into an ``Progress`` (what was answered, whatever the date); dates and a day then make a
``Standing`` of it (what that means today).  Nothing else in the product decides a state or a light.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Literal

from tracker.core.model import Event, EventKind, Light, State

#: How what the files themselves say (``status``, ``acceptance``) stands in the history.
FILE = "file"

Answered = Literal["submitted", "nil", "returned", "waived"]


@dataclass(frozen=True, slots=True)
class Progress:
    """What the events of one assignment add up to.

    ``answered`` None means nothing yet, or not the whole of a quota.  ``submitted_at`` is the instant that
    counts for being late: the first complete submission since the last return.
    """

    answered: Answered | None = None
    paused: bool = False
    progress: int = 0
    submitted_at: datetime | None = None
    accepted_at: datetime | None = None
    extended_due: date | None = None
    via: str | None = None

    @property
    def quiet(self) -> bool:
        """Whether nothing is to be said about it any more (docs/contract.md §6.5)."""
        return self.excused or self.answered in ("submitted", "nil")

    def waits(self, *, acceptance: bool) -> bool:
        """Whether it is in and still to be accepted, where ``acceptance`` is asked for; a nil return waits as well."""
        is_in = not self.excused and self.answered in ("submitted", "nil")
        return acceptance and is_in and self.accepted_at is None

    @property
    def excused(self) -> bool:
        """Whether no answer is expected: then it is neither in nor missing, wherever answers are counted."""
        return self.paused or self.answered == "waived"


NOTHING = Progress()

_ANSWERED: tuple[Answered, ...] = ("submitted", "nil", "returned", "waived")

#: The bits of a mark beside what was answered, and how many marks there can be.
PAUSED, ACCEPTED, LATE, REMOVED, MARKS = 8, 16, 32, 64, 128
#: The mark of what was sent back and is open.
RETURNED = _ANSWERED.index("returned") + 1


def mark_of(answer: Progress, *, is_late: bool) -> int:
    """All of an answer that a standing depends on, as one number that a database can group by."""
    number = 0 if answer.answered is None else _ANSWERED.index(answer.answered) + 1
    number += PAUSED if answer.paused else 0
    number += ACCEPTED if answer.accepted_at is not None else 0
    return number + (LATE if is_late else 0)


def answer_like(mark: int, dates: Dates, zone: tzinfo) -> Progress:
    """An answer with this mark to something with these dates: any one of those that share it, as good as another."""
    number = mark % PAUSED
    day = dates.opens
    if mark & LATE and dates.grace_until is not None:
        day = dates.grace_until + timedelta(days=1)
    at = datetime.combine(day, time(12), zone)
    return Progress(
        answered=_ANSWERED[number - 1] if number else None,
        paused=bool(mark & PAUSED),
        submitted_at=at if number in (1, 2) else None,
        accepted_at=at if mark & ACCEPTED else None,
    )


@dataclass(frozen=True, slots=True)
class Dates:
    """The dates of an assignment; four dates, four names.

    ``due`` is nominal, by the rule.  ``effective_due`` is after holiday rule and extension, and the one in
    force.  ``grace_until`` is the last day that is not yet late.  All None for a task without a date.
    ``asked`` is when the document asked for it (its date of issue): nothing is said of it before; None means
    when it opens.  ``again`` is the day from which it is open and late, where it was not when its time was up.
    ``told`` is the day on which it is first told so, where silence is counted from there.
    """

    opens: date
    due: date | None
    effective_due: date | None
    grace_until: date | None
    asked: date | None = None
    again: date | None = None
    told: date | None = None

    @classmethod
    def of(
        cls,
        opens: date,
        due: date | None,
        effective_due: date | None,
        grace_days: int,
        asked: date | None = None,
    ) -> Dates:
        """With ``grace_until`` counted in calendar days from the date in force."""
        grace = None if effective_due is None else effective_due + timedelta(days=grace_days)
        return cls(opens, due, effective_due, grace, asked)

    def lie_before(self, chase_from: date) -> bool:
        """Whether it was due before that day, and not before it was asked for: then nobody is chased for silence.

        What was over when the document was issued is told as such, whenever that is.
        """
        return not self.is_lapsed and self.effective_due is not None and self.effective_due < chase_from

    @property
    def is_lapsed(self) -> bool:
        """Whether it was over before it was asked for."""
        return self.effective_due is not None and self.effective_due < (self.asked or self.opens)


@dataclass(frozen=True, slots=True)
class Standing:
    """State and light of one assignment on one day.

    ``days_left`` counts calendar days to the date in force and is negative when it has passed; ``late_days``
    counts how many days after it (and its grace) the answer came, or the silence lasts; 0 in time.
    """

    state: State
    light: Light
    days_left: int | None
    late_days: int


#: From what needs somebody most to what needs nobody.
URGENCY = (Light.RED, Light.AMBER, Light.BLUE, Light.GREEN, Light.NONE, Light.GREY)


def worst(lights: Iterable[Light]) -> Light | None:
    """The light that stands for several; None for none."""
    return min(lights, key=URGENCY.index, default=None)


def standing_places(events: Sequence[Event], by: datetime | None = None) -> list[int]:
    """Which of ``events``, in the order in which they were written down, are not taken back (``by`` an instant).

    An undo takes back the last one that stands and was not written for the files' sake alone (their acceptance is
    nothing without the answer that it is of); one through the files takes back the last word of the files that
    stands, whatever has come after it.  Where there is none, it takes back nothing.
    """
    left: list[int] = []
    taken_back: dict[int, datetime] = {}
    for place, event in enumerate(events):
        if event.event is not EventKind.UNDO:
            left.append(place)
            continue
        fits = is_word if event.via == FILE else may_be_undone
        last = next((each for each in reversed(left) if fits(events[each])), None)
        if last is not None:
            left.remove(last)
            taken_back[last] = event.at
    if by is None:
        return left
    lifted = (place for place, undone_at in taken_back.items() if undone_at > by)
    return sorted(place for place in (*left, *lifted) if events[place].at <= by)


def standing_events(events: Sequence[Event], by: datetime | None = None) -> list[Event]:
    """The same as events."""
    return [events[place] for place in standing_places(events, by)]


def fold(events: Sequence[Event], *, target: int | None = None, by: datetime | None = None) -> Progress:
    """What ``events`` of one assignment, in the order in which they were written down, add up to.

    Whether an event fits was decided when it was recorded (``core/admission.py``) and is not asked again: whatever
    the rules have become since, every history adds up to something.  ``by`` leaves out what counts from later.
    """
    answer = NOTHING
    for event in standing_events(events, by):
        answer = _after(answer, event, target)
    return answer


def is_word(event: Event) -> bool:
    """Whether this is what ``status`` in the files said."""
    return event.via == FILE and event.event in (EventKind.SUBMIT, EventKind.PAUSE, EventKind.WAIVE)


def may_be_undone(event: Event) -> bool:
    """Whether a person can take this back: all but the acceptance of what was done before it was switched on."""
    return event.via != FILE or event.event is not EventKind.ACCEPT


def has_undoable(events: Sequence[Event]) -> bool:
    """Whether a person can take anything back."""
    return any(map(may_be_undone, standing_events(events)))


def _after(answer: Progress, event: Event, target: int | None) -> Progress:
    kind = event.event
    if kind is EventKind.SUBMIT:
        return _submitted(answer, event, target)
    if kind is EventKind.NIL:
        at = _counts_from(answer, event)
        return replace(answer, answered="nil", submitted_at=at, accepted_at=None, via=event.via)
    if kind is EventKind.ACCEPT:
        # What is not all there under a later quota is not closed by an acceptance under an earlier one.
        return replace(answer, accepted_at=event.at) if answer.answered in ("submitted", "nil") else answer
    if kind is EventKind.RETURN:
        return replace(answer, answered="returned", progress=0, submitted_at=None, accepted_at=None)
    if kind is EventKind.EXTEND:
        return replace(answer, extended_due=event.until)
    if kind is EventKind.WAIVE:
        return replace(answer, answered="waived")
    return replace(answer, paused=kind is EventKind.PAUSE)


def standing(
    dates: Dates,
    answer: Progress,
    day: date,
    *,
    first_lead: int,
    ongoing: bool,
    acceptance: bool,
    zone: tzinfo,
    chase_from: date = date.min,
) -> Standing:
    """State and light on ``day`` (a local date of the campaign's time zone, as ``zone``).

    ``first_lead`` is the longest lead time in days: from then on it is due soon.
    ``ongoing`` says that the work goes on after its date (document: "…，并持续推进").  What was due before
    ``chase_from`` and is not answered is ``before``.
    """
    due, grace_until = dates.effective_due, dates.grace_until
    days_left = None if due is None else (due - day).days
    late = _late_days(answer, day, grace_until, due, zone)
    state = _answered_state(answer, day, due, is_late=late > 0, ongoing=ongoing, acceptance=acceptance)
    if state is None and dates.lie_before(chase_from):
        return Standing(State.BEFORE, Light.NONE, days_left, 0)
    if state is None:
        state = _open_state(dates, day, first_lead)
    return Standing(state, _light(state, late=late > 0), days_left, late)


def _submitted(answer: Progress, event: Event, target: int | None) -> Progress:
    """An acceptance is of what was accepted: what comes after it is not.  The word of the files needs none."""
    progress = answer.progress + (event.count or 0)
    if target is not None and event.count is None:
        # A submission without a count answers the whole of the quota.
        progress = max(target, progress)
    if target is not None and progress < target:
        answered: Answered | None = "returned" if answer.answered == "returned" else None
        return replace(
            answer, answered=answered, progress=progress, submitted_at=None, accepted_at=None, via=event.via
        )
    return replace(
        answer,
        answered="submitted",
        progress=progress,
        submitted_at=_counts_from(answer, event),
        accepted_at=event.at if event.via == FILE else None,
        via=event.via,
    )


def _counts_from(answer: Progress, event: Event) -> datetime:
    """A correction of what is already in does not make it late; word that it came earlier is taken."""
    if answer.submitted_at is None or answer.answered not in ("submitted", "nil"):
        return event.at
    return min(answer.submitted_at, event.at)


def _answered_state(
    answer: Progress, day: date, due: date | None, *, is_late: bool, ongoing: bool, acceptance: bool
) -> State | None:
    """The state that somebody's word has brought about; None where only the dates decide."""
    if answer.answered == "waived":
        return State.WAIVED
    if answer.paused:
        return State.PAUSED
    if answer.answered == "returned":
        return State.RETURNED
    if answer.answered == "nil":
        return State.NIL
    if answer.answered is None:
        return None
    if acceptance and answer.accepted_at is None:
        return State.SUBMITTED
    if ongoing and (due is None or day > due):
        return State.ONGOING
    return State.DONE_LATE if is_late else State.DONE


def _open_state(dates: Dates, day: date, first_lead: int) -> State:
    due, grace_until = dates.effective_due, dates.grace_until
    if due is None or grace_until is None:
        return State.UPCOMING if day < dates.opens else State.ONGOING
    if day > grace_until:
        return State.OVERDUE
    # A holiday rule may have moved the date to before the opening: then the date counts.
    if day == due:
        return State.DUE_TODAY
    if day < dates.opens:
        return State.UPCOMING
    return State.DUE_SOON if (due - day).days <= first_lead else State.OPEN


def _light(state: State, *, late: bool) -> Light:
    if state in (State.WAIVED, State.PAUSED):
        return Light.GREY
    if state is State.OVERDUE or (state is State.RETURNED and late):
        return Light.RED
    if late or state in (State.DUE_SOON, State.DUE_TODAY, State.DONE_LATE, State.RETURNED):
        return Light.AMBER
    if state is State.ONGOING:
        return Light.BLUE
    return Light.NONE if state in (State.BEFORE, State.UPCOMING, State.OPEN) else Light.GREEN


def _late_days(answer: Progress, day: date, grace_until: date | None, due: date | None, zone: tzinfo) -> int:
    if grace_until is None or due is None or answer.answered == "waived" or answer.paused:
        return 0
    submitted = None if answer.submitted_at is None else answer.submitted_at.astimezone(zone).date()
    answered_on = submitted or day
    return (answered_on - due).days if answered_on > grace_until else 0
