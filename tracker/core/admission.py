"""Whether an event fits: asked once, when it is recorded, of how things stand then.

What was let in stays in: adding events up (``core/status.fold``) refuses nothing, whatever the rules have become.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from tracker.core.model import Event, EventKind
from tracker.core.status import NOTHING, Progress, fold, has_undoable
from tracker.core.years import LAST_YEAR
from tracker.errors import LedgerError

#: More than this at once is a slip of the finger.
MOST = 1_000_000
#: No date that a person means lies later than this.
LATEST = date(LAST_YEAR, 12, 31)


def admit(
    event: Event,
    known: Sequence[Event],
    due: date | None,
    day: date,
    *,
    today: date,
    target: int | None,
    forced: bool = False,
) -> None:
    """Refuse what does not fit an assignment with the events ``known`` and this date in force.

    ``day`` is the local one from which the event counts, ``today`` the one on which it is written down: nothing has
    happened that is still to come.  ``forced`` extends what is over already.
    Raises LedgerError, in words for the person who asked for it.
    """
    _refuse(day > today, event, "still_to_come", day=day)
    is_bare = event.event is EventKind.UNDO and not has_undoable(known)
    _refuse(is_bare, event, "nothing_to_undo")
    refuse_contradiction(event, target)
    refuse_unfit(event, fold(known, target=target))
    if event.event is EventKind.EXTEND:
        _refuse_extension(event, due, day, forced=forced)


def awaits(answer: Progress, kind: EventKind) -> bool:
    """Whether this is what an assignment that stands so waits for; a correction it would take, and does not wait for."""
    is_in = answer.answered in ("submitted", "nil")
    if kind is EventKind.ACCEPT:
        return is_in and answer.accepted_at is None
    if kind is EventKind.RETURN:
        return is_in
    if kind is EventKind.RESUME:
        return answer.paused
    if kind is EventKind.UNDO:
        return answer != NOTHING
    return not is_in and answer.answered != "waived" and not (kind is EventKind.PAUSE and answer.paused)


def refuse_contradiction(event: Event, target: int | None) -> None:
    """Refuse what contradicts itself, whatever there is already; ``target`` is the quota.  Raises LedgerError."""
    kind, count = event.event, event.count
    if count is not None:
        _refuse(kind is not EventKind.SUBMIT, event, "count_of_nothing")
        _refuse(count < 1, event, "count_too_small")
        _refuse(count > MOST, event, "count_too_large", most=f"{MOST:,}")
        _refuse(target is None, event, "no_quota")
    _refuse(event.until is not None and kind is not EventKind.EXTEND, event, "date_of_nothing")


def refuse_unfit(event: Event, answer: Progress) -> None:
    """Refuse what the answer alone forbids, whatever the dates.  Raises LedgerError."""
    kind = event.event
    is_waived, is_in = answer.answered == "waived", answer.answered in ("submitted", "nil")
    if kind in (EventKind.SUBMIT, EventKind.NIL):
        _refuse(is_waived, event, "is_waived")
    elif kind is EventKind.ACCEPT:
        _refuse(not is_in, event, "nothing_to_accept")
        _refuse(answer.accepted_at is not None, event, "already_accepted")
    elif kind is EventKind.RETURN:
        _refuse(not is_in, event, "nothing_to_return")
    elif kind is EventKind.EXTEND:
        _refuse(event.until is None, event, "extension_without_date")
        _refuse(is_waived or is_in, event, "already_answered")
    elif kind is EventKind.WAIVE:
        _refuse(is_waived, event, "already_waived")
    elif kind in (EventKind.PAUSE, EventKind.RESUME):
        _refuse(is_waived, event, "nothing_to_pause")
    if kind is EventKind.PAUSE:
        _refuse(answer.paused, event, "already_paused")
    elif kind is EventKind.RESUME:
        _refuse(not answer.paused, event, "not_paused")


def _refuse(condition: bool, event: Event, code: str, **facts: object) -> None:  # noqa: FBT001
    if condition:
        raise LedgerError(code, ref=event.ref, unit=event.unit, **facts)


def _refuse_extension(event: Event, due: date | None, day: date, *, forced: bool) -> None:
    _refuse(due is None, event, "no_deadline")
    assert due is not None
    assert event.until is not None
    _refuse(event.until <= due, event, "extension_too_early", due=due)
    _refuse(day > due and not forced, event, "deadline_passed", due=due)
    _refuse(event.until <= day, event, "more_time_too_early", due=due)
    _refuse(event.until > LATEST, event, "extension_too_far", until=event.until, latest=LATEST)
    _refuse(forced and not (event.reason or event.note), event, "reason_needed")
