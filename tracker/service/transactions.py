"""By what the service acts: the files that the ledger follows, asked for in the very transaction that acts.

Whoever looks, and writes in another transaction, may have been overtaken between the two: by an edit here or elsewhere,
or by a machine with a newer calendar.  So ``LedgerFollower.acting`` looks and writes in one, and begins anew where it was; a
claim asks the same (``claiming.claim``).
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import NamedTuple, Protocol

from sqlmodel import Session

from tracker.campaign.snapshot import CampaignSnapshot
from tracker.core.workdays import Workdays
from tracker.errors import HeldBackError, OlderFilesError
from tracker.ledger.beginning import begin, known_beginning, tell_of_before
from tracker.ledger.editions import (
    EditionCheck,
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
from tracker.outbox.mail_server import MailServer
from tracker.outbox.queue import Claimed
from tracker.outbox.results import Result
from tracker.planning.movers import go_on_in_zones
from tracker.store.database import Database


class Sender(Protocol):
    """Takes claimed mails away and tells, one by one, what became of them."""

    def send(self, mails: Sequence[Claimed], snapshot: CampaignSnapshot) -> AsyncGenerator[Result, None]:
        """Results in whatever order they come; one for each mail, and none for what it did not come to in time."""

    async def close(self) -> None:
        """Let go of connections; the event loop that they belong to is about to end."""


@dataclass(slots=True, eq=False)
class SnapshotUse:
    """What is gone by: one value, so that nobody takes one half before an edit and the other behind it.

    ``is_over`` once others are in force: what a pass has in hand and has not begun it gives back.
    """

    snapshot: CampaignSnapshot
    sender: Sender
    post: MailServer
    is_over: bool = False


class LedgerTransaction(NamedTuple):
    """A transaction alone in the ledger, which follows ``snapshot``."""

    session: Session
    snapshot: CampaignSnapshot


class LedgerFollower:
    """Keeps a ledger up to date with files, and acts by nothing else than what it follows.

    ``read_clock`` returns the present as an aware datetime; ``who`` names this process in claims, ``place`` where its
    files stand.
    """

    def __init__(
        self,
        database: Database,
        snapshot: CampaignSnapshot,
        sender: Sender,
        *,
        read_clock: Callable[[], datetime],
        who: str,
        place: str | None = None,
    ) -> None:
        self.database = database
        self.use = SnapshotUse(snapshot, sender, MailServer(database, read_clock))
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
        self.on_held: Callable[[CampaignSnapshot, HeldBackError], None] | None = None
        #: Told that the ledger goes by a later calendar than these files here; it puts them in force with that.
        self.on_calendar: Callable[[CampaignSnapshot, Workdays], None] = self._go_by
        #: What the ledger was seen to follow.
        self._was_in_force: CampaignSnapshot | None = None
        with database.reading() as session:
            snapshot.beginning.day = known_beginning(session, snapshot) or snapshot.beginning.day

    @property
    def snapshot(self) -> CampaignSnapshot:
        """The files that are gone by here; whether the ledger still follows them, only ``acting`` knows."""
        return self.use.snapshot

    @snapshot.setter
    def snapshot(self, snapshot: CampaignSnapshot) -> None:
        self.adopt(snapshot)

    @property
    def sender(self) -> Sender:
        """Who takes the mails."""
        return self.use.sender

    @sender.setter
    def sender(self, sender: Sender) -> None:
        self.use.sender = sender

    @property
    def post(self) -> MailServer:
        """The mail server as it is found."""
        return self.use.post

    @post.setter
    def post(self, post: MailServer) -> None:
        self.use.post = post

    def adopt(
        self, snapshot: CampaignSnapshot, sender: Sender | None = None, post: MailServer | None = None
    ) -> None:
        """Go by other files from now on, in whatever thread; whoever acts next brings the ledger up to date with them.

        What is under way in another thread is finished as it began; what it has not begun it gives back.
        """
        before = self.use
        self.use = SnapshotUse(snapshot, sender or before.sender, post or before.post)
        before.is_over = True

    @contextmanager
    def acting(self, now: datetime) -> Iterator[LedgerTransaction]:
        """A transaction alone in the ledger, and the files that it follows: what is written goes by these.

        Raises HeldBackError as ``bring_up_to_date``.
        """
        while True:
            snapshot = self.snapshot
            with self.database.writing() as session:
                if self._is_in_step(session, snapshot, now):
                    yield LedgerTransaction(session, snapshot)
                    return
            self.bring_up_to_date(now)

    def bring_up_to_date(self, now: datetime, *, said_through: date | None = None) -> Changes:
        """Make the ledger what the definitions say, if it is not known to be.

        Raises HeldBackError where a person has to say first that this is meant.
        """
        changes = Changes()
        while True:
            snapshot = self.snapshot
            try:
                found, workdays = self._look(snapshot, now, said_through)
            except HeldBackError as held:
                if self.on_held is None:
                    raise
                self.on_held(snapshot, held)
                continue
            changes = found or changes
            if workdays is None:
                return changes
            self.on_calendar(snapshot, workdays)

    def held_since(self, snapshot: CampaignSnapshot) -> datetime:
        """Since when the edit of ``snapshot`` is held back at this place; another hold of the same edit is another time."""
        with self.database.writing() as session:
            return see_held(session, snapshot, self.place, self.read_clock())

    def is_reconciled_with(self, snapshot: CampaignSnapshot) -> bool:
        """Whether somebody has brought the ledger up to date with the files of ``snapshot``."""
        with self.database.reading() as session:
            return has_files_in_force(session, snapshot)

    def _is_in_step(self, session: Session, snapshot: CampaignSnapshot, now: datetime) -> bool:
        """Whether the ledger follows ``snapshot``, as far ahead as it has to."""
        snapshot.beginning.day = known_beginning(session, snapshot) or snapshot.beginning.day
        # Whoever has had these files in force has told where they stand, and may not have read those that stand there now.
        place = None if self._was_in_force is snapshot else self.place
        is_in_step = follows(session, snapshot, place, horizon(snapshot, snapshot.day(now)))
        if is_in_step:
            self._note(snapshot)
        return is_in_step

    def _note(self, snapshot: CampaignSnapshot) -> None:
        """The ledger follows these very files; what another thread adopts meanwhile is still to be brought in."""
        self._was_in_force = snapshot
        self.accept_older = False
        if (use := self.use).snapshot is snapshot and use.is_over:
            # Overtaken, and in force again.
            self.adopt(snapshot)

    def _look(
        self, snapshot: CampaignSnapshot, now: datetime, said_through: date | None
    ) -> tuple[Changes, Workdays | None]:
        """Bring the ledger up to date with ``snapshot``; or give the calendar that it has to go by first."""
        until, was_in_force, changes = (
            horizon(snapshot, snapshot.day(now)),
            self._was_in_force is snapshot,
            Changes(),
        )
        with self.database.reading() as session:
            if self._is_in_step(session, snapshot, now):
                return changes, None
        with self.database.writing() as session:
            if (workdays := later_calendar(session, snapshot)) is not None:
                return changes, workdays
            verdict = judge(session, snapshot, self.place, was_in_force=was_in_force)
            if self.accept_removals or self.accept_correction or self.accept_older:
                # A person speaks of the files that are here.
                verdict = EditionCheck.EDITED if verdict is EditionCheck.OLDER else verdict
            is_new = known_beginning(session, snapshot) is None
            if verdict is EditionCheck.OLDER:
                from_ = see_older(session, snapshot, self.place, now)
            elif follows(session, snapshot, None, until):
                see(session, snapshot, self.place)
            else:
                snapshot.beginning.day = begin(session, snapshot, now)
                chased = chased_from(session, snapshot)
                changes = self._reconcile(session, snapshot, now, said_through)
                put_in_force(session, snapshot, self.place, until, now)
                self.accept_removals = self.accept_correction = False
                if said_through is None and (is_new or chased not in (None, snapshot.chase_from)):
                    tell_of_before(session, snapshot, now)
            end_what_is_left(session, snapshot, self.place, now, is_new=is_new)
        if verdict is EditionCheck.OLDER:
            raise OlderFilesError(self.place, from_)
        self._note(snapshot)
        return changes, None

    def _reconcile(
        self, session: Session, snapshot: CampaignSnapshot, now: datetime, said_through: date | None
    ) -> Changes:
        today = snapshot.day(now)
        if not self.accept_correction:
            refuse_another_document(session, snapshot, today)
        go_on_in_zones(session, snapshot)
        changes = reconcile(session, snapshot, now, said_through=said_through)
        if not self.accept_removals:
            refuse_removals(session, snapshot, changes, today)
        return changes

    def _go_by(self, snapshot: CampaignSnapshot, workdays: Workdays) -> None:
        if snapshot is self.snapshot:
            self.adopt(replace(snapshot, workdays=workdays))
