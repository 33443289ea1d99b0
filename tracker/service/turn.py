"""By what the service acts: the files that the ledger follows, asked for in the very transaction that acts.

Whoever looks, and writes in another transaction, may have been overtaken between the two: by an edit here or elsewhere,
or by a machine with a newer calendar.  So ``Acting.acting`` looks and writes in one, and begins anew where it was; a
claim asks the same (``claiming.claim``).
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import NamedTuple, Protocol

from sqlmodel import Session

from tracker.campaign.snapshot import InForce
from tracker.core.workdays import Workdays
from tracker.errors import HeldBackError, OlderFilesError
from tracker.ledger.beginning import begin, known_beginning, tell_of_before
from tracker.ledger.editions import (
    Verdict,
    follows,
    has_files_in_force,
    judge,
    later_calendar,
    put_in_force,
    see,
    see_held,
    see_older,
)
from tracker.ledger.ended_campaigns import end_what_is_left
from tracker.ledger.held_edits import refuse_another_document, refuse_removals
from tracker.ledger.reconcile import Changes, chased_from, horizon, reconcile
from tracker.outbox.mail_server import Post
from tracker.outbox.queue import Claimed
from tracker.outbox.results import Result
from tracker.planning.movers import go_on_in_zones
from tracker.store.database import Database


class Courier(Protocol):
    """Takes claimed mails away and tells, one by one, what became of them."""

    def send(self, mails: Sequence[Claimed], force: InForce) -> AsyncGenerator[Result, None]:
        """Results in whatever order they come; one for each mail, and none for what it did not come to in time."""

    async def close(self) -> None:
        """Let go of connections; the event loop that they belong to is about to end."""


@dataclass(slots=True, eq=False)
class Use:
    """What is gone by: one value, so that nobody takes one half before an edit and the other behind it.

    ``is_over`` once others are in force: what a pass has in hand and has not begun it gives back.
    """

    force: InForce
    courier: Courier
    post: Post
    is_over: bool = False


class Turn(NamedTuple):
    """A transaction alone in the ledger, which follows ``force``."""

    session: Session
    force: InForce


class Acting:
    """Keeps a ledger up to date with files, and acts by nothing else than what it follows.

    ``read_clock`` returns the present as an aware datetime; ``who`` names this process in claims, ``place`` where its
    files stand.
    """

    def __init__(
        self,
        database: Database,
        force: InForce,
        courier: Courier,
        *,
        read_clock: Callable[[], datetime],
        who: str,
        place: str | None = None,
    ) -> None:
        self.database = database
        self.use = Use(force, courier, Post(database, read_clock))
        self.read_clock = read_clock
        self.who = who
        self.place = place or who
        #: Whether the next edit of the files may take away what has a history, or name another document or date of
        #: issue; each holds for one edit.
        self.accept_removals = False
        self.accept_correction = False
        #: Whether the files as they are now may be older than those in force.
        self.accept_older = False
        #: Told of an edit that is held back, where it is in force still; it has to put what was before in force again.
        self.on_held: Callable[[InForce, HeldBackError], None] | None = None
        #: Told that the ledger goes by a later calendar than these files here; it puts them in force with that.
        self.on_calendar: Callable[[InForce, Workdays], None] = self._go_by
        #: What the ledger was seen to follow.
        self._was_in_force: InForce | None = None
        with database.reading() as session:
            force.beginning.day = known_beginning(session, force) or force.beginning.day

    @property
    def force(self) -> InForce:
        """The files that are gone by here; whether the ledger still follows them, only ``acting`` knows."""
        return self.use.force

    @force.setter
    def force(self, force: InForce) -> None:
        self.adopt(force)

    @property
    def courier(self) -> Courier:
        """Who takes the mails."""
        return self.use.courier

    @courier.setter
    def courier(self, courier: Courier) -> None:
        self.use.courier = courier

    @property
    def post(self) -> Post:
        """The mail server as it is found."""
        return self.use.post

    @post.setter
    def post(self, post: Post) -> None:
        self.use.post = post

    def adopt(self, force: InForce, courier: Courier | None = None, post: Post | None = None) -> None:
        """Go by other files from now on, in whatever thread; whoever acts next brings the ledger up to date with them.

        What is under way in another thread is finished as it began; what it has not begun it gives back.
        """
        before = self.use
        self.use = Use(force, courier or before.courier, post or before.post)
        before.is_over = True

    @contextmanager
    def acting(self, now: datetime) -> Iterator[Turn]:
        """A transaction alone in the ledger, and the files that it follows: what is written goes by these.

        Raises HeldBackError as ``bring_up_to_date``.
        """
        while True:
            force = self.force
            with self.database.writing() as session:
                if self._is_in_step(session, force, now):
                    yield Turn(session, force)
                    return
            self.bring_up_to_date(now)

    def bring_up_to_date(self, now: datetime, *, said_through: date | None = None) -> Changes:
        """Make the ledger what the definitions say, if it is not known to be.

        Raises HeldBackError where a person has to say first that this is meant.
        """
        changes = Changes()
        while True:
            force = self.force
            try:
                found, workdays = self._look(force, now, said_through)
            except HeldBackError as held:
                if self.on_held is None:
                    raise
                self.on_held(force, held)
                continue
            changes = found or changes
            if workdays is None:
                return changes
            self.on_calendar(force, workdays)

    def held_since(self, force: InForce) -> datetime:
        """Since when the edit of ``force`` is held back at this place; another hold of the same edit is another time."""
        with self.database.writing() as session:
            return see_held(session, force, self.place, self.read_clock())

    def is_reconciled_with(self, force: InForce) -> bool:
        """Whether somebody has brought the ledger up to date with the files of ``force``."""
        with self.database.reading() as session:
            return has_files_in_force(session, force)

    def _is_in_step(self, session: Session, force: InForce, now: datetime) -> bool:
        """Whether the ledger follows ``force``, as far ahead as it has to."""
        force.beginning.day = known_beginning(session, force) or force.beginning.day
        # Whoever has had these files in force has told where they stand, and may not have read those that stand there now.
        place = None if self._was_in_force is force else self.place
        is_in_step = follows(session, force, place, horizon(force, force.day(now)))
        if is_in_step:
            self._note(force)
        return is_in_step

    def _note(self, force: InForce) -> None:
        """The ledger follows these very files; what another thread adopts meanwhile is still to be brought in."""
        self._was_in_force = force
        self.accept_older = False
        if (use := self.use).force is force and use.is_over:
            # Overtaken, and in force again.
            self.adopt(force)

    def _look(
        self, force: InForce, now: datetime, said_through: date | None
    ) -> tuple[Changes, Workdays | None]:
        """Bring the ledger up to date with ``force``; or give the calendar that it has to go by first."""
        until, was_in_force, changes = horizon(force, force.day(now)), self._was_in_force is force, Changes()
        with self.database.reading() as session:
            if self._is_in_step(session, force, now):
                return changes, None
        with self.database.writing() as session:
            if (workdays := later_calendar(session, force)) is not None:
                return changes, workdays
            verdict = judge(session, force, self.place, was_in_force=was_in_force)
            if self.accept_removals or self.accept_correction or self.accept_older:
                # A person speaks of the files that are here.
                verdict = Verdict.EDITED if verdict is Verdict.OLDER else verdict
            is_new = known_beginning(session, force) is None
            if verdict is Verdict.OLDER:
                from_ = see_older(session, force, self.place, now)
            elif follows(session, force, None, until):
                see(session, force, self.place)
            else:
                force.beginning.day = begin(session, force, now)
                chased = chased_from(session, force)
                changes = self._reconcile(session, force, now, said_through)
                put_in_force(session, force, self.place, until, now)
                self.accept_removals = self.accept_correction = False
                if said_through is None and (is_new or chased not in (None, force.chase_from)):
                    tell_of_before(session, force, now)
            end_what_is_left(session, force, self.place, now, is_new=is_new)
        if verdict is Verdict.OLDER:
            raise OlderFilesError(self.place, from_)
        self._note(force)
        return changes, None

    def _reconcile(
        self, session: Session, force: InForce, now: datetime, said_through: date | None
    ) -> Changes:
        today = force.day(now)
        if not self.accept_correction:
            refuse_another_document(session, force, today)
        go_on_in_zones(session, force)
        changes = reconcile(session, force, now, said_through=said_through)
        if not self.accept_removals:
            refuse_removals(session, force, changes, today)
        return changes

    def _go_by(self, force: InForce, workdays: Workdays) -> None:
        if force is self.force:
            self.adopt(replace(force, workdays=workdays))
