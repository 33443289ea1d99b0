"""Whether an event fits: asked once, when it is recorded, of how things stand then.

What was let in stays in: adding events up (``core/standing.fold``) refuses nothing, whatever the rules have become.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from tracker.core.model import Event, EventKind
from tracker.core.standing import Answer, fold, standing_events
from tracker.errors import LedgerError

#: More than this at once is a slip of the finger.
MOST = 1_000_000
#: Nothing is extended further than this; what is meant to go on longer has another deadline.
LONGEST_EXTENSION = timedelta(days=5 * 366)


def admit(
    event: Event,
    known: Sequence[Event],
    due: date | None,
    day: date,
    *,
    target: int | None,
    forced: bool = False,
) -> None:
    """Refuse what does not fit an assignment with the events ``known`` and this date in force.

    ``day`` is the local one from which the event counts.  ``forced`` extends what is over already.
    Raises LedgerError, in words for the person who asked for it.
    """
    is_bare = event.event is EventKind.UNDO and not standing_events(known)
    _refuse(is_bare, event, "nothing_to_undo", "there is nothing to undo")
    refuse_unfit(event, fold(known, target=target))
    if event.event is EventKind.EXTEND:
        _refuse_extension(event, due, day, forced=forced)


def refuse_unfit(event: Event, answer: Answer) -> None:
    """Refuse what the answer alone forbids, whatever the dates.  Raises LedgerError."""
    kind, count = event.event, event.count or 0
    is_waived, is_in = answer.answered == "waived", answer.answered in ("submitted", "nil")
    if kind in (EventKind.SUBMIT, EventKind.NIL):
        _refuse(is_waived, event, "is_waived", "it is waived; undo the waiver first")
        _refuse(count < 0, event, "count_below_zero", "a count cannot be below zero")
        _refuse(count > MOST, event, "count_too_large", f"a count cannot be above {MOST:,}（数量过大）")
    elif kind is EventKind.ACCEPT:
        _refuse(not is_in, event, "nothing_to_accept", "nothing has been submitted yet")
        _refuse(answer.accepted_at is not None, event, "already_accepted", "it is already accepted")
    elif kind is EventKind.RETURN:
        why = "nothing has been submitted that could be returned"
        _refuse(not is_in, event, "nothing_to_return", why)
    elif kind is EventKind.EXTEND:
        why = "an extension needs the new date (--until)"
        _refuse(event.until is None, event, "extension_without_date", why)
        _refuse(is_waived or is_in, event, "already_answered", "it is already answered")
    elif kind is EventKind.WAIVE:
        _refuse(is_waived, event, "already_waived", "it is already waived")
    elif kind is EventKind.PAUSE:
        _refuse(answer.paused, event, "already_paused", "it is already paused")
    elif kind is EventKind.RESUME:
        _refuse(not answer.paused, event, "not_paused", "it is not paused")


def _refuse(condition: bool, event: Event, code: str, why: str) -> None:  # noqa: FBT001
    if condition:
        raise LedgerError(
            f"{event.ref} of {event.unit}: cannot {event.event} it: {why}",
            code,
            ref=event.ref,
            unit=event.unit,
        )


def _refuse_extension(event: Event, due: date | None, day: date, *, forced: bool) -> None:
    name = f"{event.ref} of {event.unit}"
    facts = {"ref": event.ref, "unit": event.unit, "due": due}
    if due is None:
        raise LedgerError(f"{name} has no deadline that could be extended", "no_deadline", **facts)
    assert event.until is not None
    if event.until <= due:
        raise LedgerError(
            f"{name} is due on {due}: an extension needs a later date than that",
            "extension_too_early",
            **facts,
        )
    if day > due and not forced:
        raise LedgerError(
            f"{name} was due on {due}, and an extension is for deadlines that have not passed; "
            "--force grants it all the same",
            "deadline_passed",
            **facts,
        )
    if event.until <= day:
        raise LedgerError(
            f"{name}: more time has to end after {day}, the day on which it is given",
            "more_time_too_early",
            **facts,
        )
    latest = _after_longest(max(due, day))
    if event.until > latest:
        raise LedgerError(
            f"{name}: {event.until} is too far off; an extension ends on {latest} at the latest（延期过长）",
            "extension_too_far",
            **facts,
            until=event.until,
            latest=latest,
        )
    if forced and not (event.reason or event.note):
        raise LedgerError(
            f"{name}: an extension after the deadline needs a reason (--reason)", "reason_needed", **facts
        )


def _after_longest(day: date) -> date:
    return day + min(LONGEST_EXTENSION, date.max - day)
