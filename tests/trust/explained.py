"""Small campaigns whose files are edited, whose units answer and whose service is down now and then, each explained.

What ``explain`` foresees is what the passes then send; what it says was sent stands in the outbox, and the other way
round; and it blames the service only for days on which it was down.
"""

from __future__ import annotations

from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

from tests.world import Running, at, definition, unit, world
from tracker.core.model import Contact, EventKind, MailKind, Unit
from tracker.core.policy import DEFAULT, MONTHLY, NO_QUIET, Interval, Policies, Policy, Quiet, Settings
from tracker.core.workdays import HolidayYear
from tracker.errors import LedgerError, UnknownNameError
from tracker.ledger.status import ledger_rows
from tracker.planning.explain import ReminderOutcome, explain
from tracker.planning.explain_wording import DID_NOT_RUN
from tracker.service.foresight import MOST, foresee

UNITS = ("wanzhou", "fuling")
A_DAY = timedelta(days=1)
WEEKLY, IN_THREE = Interval(7, "d"), Interval(3, "wd")

DEADLINES = {
    "5": ("2022-05-20", "2022-05-21", "2022-06-03", "2022-06-30", "2022-04-30", "2022-05-13"),
    "6": ("2022-05-31", "2022-06-05", "2022-05-12"),
    "9": ("持续推进", "2022-05-25"),
    "table-2": ("每月5日前", "每月10日前", "每周五前"),
}
EVENTS = ("submit", "submit", "nil", "return", "return", "extend", "waive", "pause", "resume", "undo")


@dataclass(frozen=True)
class Files:
    """What the files say."""

    deadlines: dict[str, str]
    units: tuple[str, ...] = UNITS
    gone: frozenset[str] = frozenset()
    lead: tuple[int, ...] = (7, 3, 1)
    overdue: Interval | None = WEEKLY
    escalate: Interval | None = IN_THREE
    quiet: Quiet = NO_QUIET
    grace: int = 0
    off: tuple[date, ...] = ()
    status: str | None = None
    chase_from: date = date(2022, 4, 8)
    rhythm: Any = "daily"
    number: int = 0

    def in_force(self):
        """As the engine is given it."""
        policy = Policy(
            DEFAULT, lead=self.lead, overdue=self.overdue, escalate=self.escalate, quiet=self.quiet
        )
        monthly = Policy(MONTHLY, lead=(5, 1), overdue=Interval(2, "wd"), announce=False, quiet=self.quiet)
        more: dict[str, Any] = {"5": {"grace_days": self.grace}, "6": {"status": self.status, "quota": 2}}
        asked = [
            definition(key, deadline, self.units, **more.get(key, {}))
            for key, deadline in self.deadlines.items()
            if key not in self.gone
        ]
        weekly = Contact("涪陵联络员", "fuling@unit.example", rhythm=self.rhythm)
        units = (unit("city"), unit("wanzhou"), Unit("fuling", "涪陵应急管理局", contacts=(weekly,)))
        days_off = {2022: HolidayYear(2022, frozenset(self.off), frozenset())} if self.off else None
        settings = Settings(policies=Policies({DEFAULT: policy, MONTHLY: monthly}))
        found = world(
            *asked,
            units=units,
            supervisor="city",
            holidays=days_off,
            settings=settings,
            fingerprint=f"edition {self.number}",
        )
        return replace(found, campaign=replace(found.campaign, chase_from=self.chase_from))


EDITS: dict[str, tuple[Any, ...]] = {
    "lead": ((7, 3, 1), (7, 4, 2), (14,)),
    "overdue": (WEEKLY, Interval(2, "wd"), Interval(1, "wd"), None),
    "escalate": (IN_THREE, Interval(1, "wd"), None),
    "quiet": (Quiet(), Quiet(frozenset({5})), Quiet(spans=((date(2022, 5, 16), date(2022, 5, 19)),))),
    "grace": (0, 2),
    "off": ((), (date(2022, 5, 12), date(2022, 5, 13), date(2022, 5, 25))),
    "status": (None, "done", "paused"),
    "units": (UNITS, UNITS[:1]),
    "gone": (frozenset(), frozenset({"6"}), frozenset({"5", "table-2"})),
    "chase_from": (date(2022, 4, 8), date(2022, 5, 11)),
    "rhythm": ("daily", "weekly"),
}


@dataclass
class Told:
    """What went out of each assignment, and on which days nobody planned anything."""

    of: defaultdict[tuple[str, str], set[tuple[date, str]]] = field(default_factory=lambda: defaultdict(set))
    down: set[date] = field(default_factory=set)


@dataclass(frozen=True)
class Foreseen:
    """What was foreseen of an assignment at ``now``, from the day ``since`` on, and what had been sent of it by then."""

    now: datetime
    since: date
    planned: frozenset[tuple[date, str]]
    sent: frozenset[tuple[date, str]]


class Explained:
    """One such campaign, by the luck of ``chance``."""

    def __init__(self, chance) -> None:
        self.chance = chance
        self.files = Files({key: chance.choice(some) for key, some in DEADLINES.items()})
        self.run = Running(self.files.in_force(), "2022-04-25 08:00")
        self.told = Told()
        self.day = date(2022, 4, 25)
        self.looked = 0

    @property
    def now(self):
        """By the clock."""
        return self.run.clock.now()

    def live(self) -> int:
        """Some weeks of it; how many explanations have been looked at."""
        try:
            self._pass_days(3)
            while self.day < date(2022, 6, 10):
                for _ in range(self.chance.randint(0, 3)):
                    self._do_something()
                self.run.engine.run_pass()
                self._keep()
                foreseen = self._foreseen()
                self._pass_days(self.chance.randint(2, 9))
                for which, seen in foreseen.items():
                    self._compare(which, seen)
                self._look_back()
                if self.chance.random() < 0.3:
                    self._be_down()
            return self.looked
        finally:
            self.run.database.close()

    def _do_something(self) -> None:
        self.run.clock.set(self.now + timedelta(minutes=self.chance.randint(1, 90)))
        if self.chance.random() < 0.4:
            what = self.chance.choice([*EDITS, "deadlines"])
            value: Any = {**self.files.deadlines}
            if what == "deadlines":
                key = self.chance.choice([*DEADLINES])
                value[key] = self.chance.choice(DEADLINES[key])
            else:
                value = self.chance.choice(EDITS[what])
            self.files = replace(self.files, number=self.files.number + 1, **{what: value})
            self.run.engine.accept_removals = True
            self.run.engine.snapshot = self.files.in_force()
            self.run.engine.bring_up_to_date(self.now)
            return
        row = self.chance.choice(self._rows() or [None])
        kind = self.chance.choice(EVENTS)
        more = {"until": self.day + timedelta(days=self.chance.randint(2, 15))} if kind == "extend" else {}
        if row is not None:
            with suppress(LedgerError, UnknownNameError):
                self.run.record(EventKind(kind), row.ref, row.unit, forced=kind == "extend", **more)

    def _rows(self):
        with self.run.database.reading() as session:
            rows = ledger_rows(session, self.run.engine.snapshot, self.now, latest=self.now)
        asked = self.run.engine.snapshot.campaign.definitions
        return [row for row in rows if row.unit in asked[row.ref.partition("@")[0]].units]

    def _pass_days(self, count: int) -> None:
        for _ in range(count):
            moment = at(self.day.isoformat())
            if moment > self.now:
                self.run.clock.set(moment)
                self.run.engine.run_pass()
                self._keep()
            self.day += A_DAY
        hour = self.chance.choice(("06:00", "11:00"))
        self.run.clock.set(at(f"{self.day} {hour}"))
        if hour == "11:00":
            # The service has been running all morning.
            self.run.clock.set(at(f"{self.day} 09:00"))
            self.run.engine.run_pass()
            self._keep()
            self.run.clock.set(at(f"{self.day} {hour}"))

    def _be_down(self) -> None:
        since = self.day if self.now < at(self.day.isoformat()) else self.day + A_DAY
        self.day = since + timedelta(days=self.chance.randint(1, 5))
        self.told.down |= {since + timedelta(days=n) for n in range((self.day - since).days)}
        self.run.clock.set(at(f"{self.day} 07:00"))

    def _keep(self) -> None:
        for claimed, _ in self.run.sender.take():
            if claimed.mail.kind is MailKind.DIGEST:
                day = date.fromisoformat(claimed.mail.key.split("/")[1])
                for item in claimed.mail.items:
                    self.told.of[item.ref, item.unit].add((day, item.reason.value))

    def _explain(self, ref, who, *, foreseen):
        snapshot, place = self.run.engine.snapshot, self.run.engine.place
        with self.run.database.reading() as session:
            coming = foresee(session, snapshot, ref, who, self.now, place=place) if foreseen else ()
            return explain(session, snapshot, ref, who, self.now, coming)

    def _foreseen(self):
        rows = [row for row in self._rows() if row.dates.due is None or row.dates.due < date(2022, 7, 10)]
        found = {}
        for row in self.chance.sample(rows, min(3, len(rows))):
            self.looked += 1
            entries = self._explain(row.ref, row.unit, foreseen=True).entries
            since = self.now.astimezone(self.run.engine.snapshot.zone).date()
            planned = [
                (each.on, each.reason.value)
                for each in entries
                if each.outcome is ReminderOutcome.PLANNED
                and each.on >= since
                and "waits" not in each.because
            ]
            assert len(planned) == len(set(planned)), entries
            which = (row.ref, row.unit)
            found[which] = Foreseen(self.now, since, frozenset(planned), frozenset(self.told.of[which]))
        return found

    def _compare(self, which, seen) -> None:
        until = self.day
        if len({on for on, _ in seen.planned}) >= MOST:
            until = min(until, max(on for on, _ in seen.planned) + A_DAY)
        sent = {each for each in self.told.of[which] - seen.sent if seen.since <= each[0] < until}
        assert {each for each in seen.planned if each[0] < until} == sent, (
            which,
            sorted(sent),
            seen,
            self.files,
        )

    def _look_back(self) -> None:
        for row in self.chance.sample(rows := self._rows(), min(4, len(rows))):
            self.looked += 1
            entries = self._explain(row.ref, row.unit, foreseen=False).entries
            sent = [(each.on, each.reason.value) for each in entries if each.outcome is ReminderOutcome.SENT]
            assert len(sent) == len(set(sent)), entries
            assert set(sent) == self.told.of[row.ref, row.unit], (row.ref, row.unit, entries)
            blamed = {each.on for each in entries if str(DID_NOT_RUN) in each.because}
            assert blamed <= self.told.down, (row.ref, row.unit, entries)
