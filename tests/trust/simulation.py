"""The engine under a virtual clock, with a mail server and a store that fail by a seeded plan.

    python -m tests.trust.simulation --seed 7 --days 365 -v

Two processes share a database and take turns.  Mails are refused, answers lost, the server is dead for days;
statements and commits fail, or succeed without a word; processes are killed anywhere and started again, or
frozen past their lease while the other works on; files are put in force anew; units answer.  At the end
everything heals.  Then three things must hold: the score; that whoever was told something in an undisturbed
run was told it here, at most so much later as the faults explain; and that nobody was told anything else.
"""

from __future__ import annotations

import argparse
import math
import random
import shutil
import sys
import tempfile
import threading
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from unittest.mock import patch

from sqlalchemy import select

from tests.acceptance.test_the_year import FEW, FIRST, ZONE, a_year_of_events, cut_down
from tests.tools import QUICK
from tests.trust.faults import NONE, FaultyPost, FaultyStore, Killed, Odds, Server
from tests.trust.score import Score, score
from tracker.campaign.snapshot import CampaignSnapshot
from tracker.clock import VirtualClock
from tracker.config.loader import load
from tracker.core.model import Event, EventKind
from tracker.core.workdays import Workdays
from tracker.errors import LedgerError, UnknownNameError
from tracker.outbox.queries import retry
from tracker.outbox.queue import LEASE, Claimed
from tracker.outbox.results import Result
from tracker.service import engine as engine_
from tracker.service.engine import Engine
from tracker.store.database import open_database
from tracker.store.tables import ASSIGNMENT, MAIL, UNDERWAY, MailState

DAY = timedelta(days=1)
#: When a process looks, beside 09:00; the service itself does so twice a minute.
LOOKS = (time(9), time(9, 2), time(9, 10), time(9, 30), time(10, 30), time(13), time(17))
#: How soon a pass that broke off is tried again.
TICK = timedelta(seconds=30)
#: Within so many workdays on which the server is well all day, what the faults held up is told.
GOOD_DAYS = 5
#: Days after the end in which nothing fails any more, for everything to come to rest.
HEALING = 14

IS_CLAIMED = MAIL.c.state == MailState.CLAIMED.value

#: Who was told of what: address, ref, unit.
Told = tuple[str, str, str]


@dataclass
class Run:
    """What came of one seed."""

    seed: int
    days: int
    score: Score
    mails: int
    told: dict[Told, list[date]]
    events: list[Event]
    counts: Counter[str]
    outages: list[tuple[datetime, datetime]]
    problems: list[str] = field(default_factory=list)
    latest: int = 0

    def __str__(self) -> str:
        faults = ", ".join(
            f"{count} {name}" for name, count in sorted(self.counts.items()) if name != "taken"
        )
        return f"seed {self.seed}, {self.days} days: {self.mails} mails, {self.score}, latest {self.latest} d; {faults}"


@dataclass(frozen=True)
class World:
    """The shipped campaign with few units, or with all of them, and what the units do in it."""

    snapshot: CampaignSnapshot
    folder: Path

    @classmethod
    def of(cls, folder: Path, units: Iterable[str] | None = FEW) -> World:
        config = folder / "config"
        if not config.exists():
            if units is None:
                shutil.copytree(Path("config"), config)
            else:
                cut_down(config, tuple(units))
        loaded = load(config)
        assert loaded.campaign is not None
        workdays = Workdays(loaded.holidays)
        return cls(
            CampaignSnapshot(loaded.campaign, loaded.settings, workdays, loaded.fingerprint, {}), config
        )

    def events(self, seed: int, days: int) -> list[Event]:
        rows = a_year_of_events(self.folder, seed)
        found = [
            Event(
                at=datetime.fromisoformat(row["at"]),
                ref=row["ref"],
                unit=row["unit"],
                event=EventKind(row["event"]),
                count=row.get("count"),
                until=None if row.get("until") is None else date.fromisoformat(row["until"]),
                reason=row.get("reason"),
            )
            for row in rows
        ]
        return [each for each in found if each.at < datetime.combine(FIRST + days * DAY, time(), ZONE)]


class Simulation:
    """One run: two engines, one database, one server."""

    def __init__(self, world: World, seed: int, days: int, odds: Odds) -> None:
        self.world = world
        self.seed = seed
        self.days = days
        self.chance = random.Random(f"faults {seed}")
        self.clock = VirtualClock(datetime.combine(FIRST, time(8), ZONE))
        # Not in memory: whoever is killed takes their connection with them.
        self._folder = tempfile.TemporaryDirectory(dir=QUICK, prefix="tracker-test-")
        self.database = open_database(f"sqlite:///{self._folder.name}/tracker.db")
        self.server = Server(self.chance, odds, self.clock, list(_outages(self.chance, odds, days)))
        self.store = FaultyStore(self.database, self.chance, odds)
        self.snapshot = world.snapshot
        self.problems: list[str] = []
        self.counts: Counter[str] = Counter()
        self.is_well = odds is NONE
        self.posts: dict[str, FaultyPost] = {}
        #: Until when the lease of a mail runs, and which ones have been sent for good.
        self.in_hand: dict[int, datetime] = {}
        self.sent: set[str] = set()
        self.engines = {name: self._start(name) for name in ("one", "two")}

    def _start(self, name: str) -> Engine:
        other = "two" if name == "one" else "one"
        post = self.posts[name] = FaultyPost(self.server, lambda: self._while_frozen(other), self._look)
        return _Watched(self, self.snapshot, post, name)

    def _look(self, mails: Iterable[Claimed]) -> None:
        """Nothing goes out whose claim does not stand, or for what was answered before its claim."""
        was, self.store.is_armed = self.store.is_armed, False
        with self.database.reading() as session:
            rows = session.execute(
                select(ASSIGNMENT.c.key, ASSIGNMENT.c.period, ASSIGNMENT.c.unit).where(ASSIGNMENT.c.quiet)
            )
            quiet = {(f"{key}@{period}" if period else key, unit) for key, period, unit in rows}
            claims = session.execute(select(MAIL.c.id, MAIL.c.fence).where(IS_CLAIMED))
            standing = {number: fence for number, fence in claims}  # noqa: C416 - rows are no pairs to dict()
        for claimed in mails:
            if standing.get(claimed.id) != claimed.fence:
                self.problems.append(f"{claimed.mail.key} went out while its claim did not stand")
            until = self.in_hand.get(claimed.id)
            if until is not None and self.clock.now() < until:
                self.problems.append(f"{claimed.mail.key} was taken while another one's lease ran")
            self.in_hand[claimed.id] = self.clock.now() + LEASE
            answered = {(item.ref, item.unit) for item in claimed.mail.items} & quiet
            if answered:
                self.problems.append(f"{claimed.mail.key} went out with {answered}, which were answered")
        self.store.is_armed = was

    def _while_frozen(self, other: str) -> None:
        """For less than a lease, or for more."""
        self.clock.set(
            self.clock.now() + timedelta(seconds=self.chance.choice((10, 120, 240, 301, 400, 900)))
        )
        worker = threading.Thread(target=self._pass, args=(other,))
        worker.start()
        worker.join()

    def _pass(self, name: str) -> None:
        """One pass, and, where it broke off, another one at the next tick, as the service does."""
        for _ in range(4):
            engine, post = self.engines[name], self.posts[name]
            self.store.is_armed = not self.is_well
            try:
                engine.run_pass()
            except Killed:
                self.counts["restarts"] += 1
                self._excuse(post, died=True)
                self.engines[name] = self._start(name)
            except Exception as error:  # noqa: BLE001 - the service logs it and tries again
                self.counts[f"passes ended by {type(error).__name__}"] += 1
            else:
                break
            finally:
                self.store.is_armed = False
            self.clock.set(self.clock.now() + TICK)
        self._excuse(post, died=False)

    def _excuse(self, post: FaultyPost, *, died: bool) -> None:
        """What the server took, and its process did not live to write down, or was too late for: no answer came."""
        states = self._states()
        for id_, (state, _) in states.items():
            if state != "sent" and id_ in self.sent:
                self.problems.append(f"{id_} was sent, and then it was {state}")
        self.sent |= {id_ for id_, (state, _) in states.items() if state == "sent"}
        kept = []
        for claimed in post.told:
            state, fence = states[claimed.message_id]
            if fence != claimed.fence or (died and state != "sent"):
                self.server.unanswered.append(claimed.message_id)
            elif state != "sent":
                kept.append(claimed)
        post.told = kept

    def let_go(self) -> None:
        """What has been written down is in nobody's hand any more."""
        was, self.store.is_armed = self.store.is_armed, False
        with self.database.reading() as session:
            claimed = set(session.execute(select(MAIL.c.id).where(IS_CLAIMED)).scalars())
        self.in_hand = {number: until for number, until in self.in_hand.items() if number in claimed}
        self.store.is_armed = was

    def _states(self) -> dict[str, tuple[str, int]]:
        was, self.store.is_armed = self.store.is_armed, False
        with self.database.reading() as session:
            rows = session.execute(select(MAIL.c.message_id, MAIL.c.state, MAIL.c.fence)).all()
        self.store.is_armed = was
        return {id_: (state, fence) for id_, state, fence in rows}

    def run(self) -> Run:
        # Nobody waits by the clock on the wall, or no seed would be the same run twice.
        with patch.object(engine_, "AGAIN", (0.0,)), patch.object(engine_, "RECORD_WITHIN", math.inf):
            return self._run()

    def _run(self) -> Run:
        # The jitter of waits is the engine's own, and part of the run.
        random.seed(f"jitter {self.seed}")
        events = self.world.events(self.seed, self.days)
        coming = iter(events)
        following = next(coming, None)
        last = FIRST + (self.days + HEALING) * DAY
        for day in (FIRST + number * DAY for number in range(self.days + HEALING)):
            self._edit_files(day)
            for look in LOOKS:
                moment = datetime.combine(day, look, ZONE)
                while following is not None and following.at <= moment:
                    self._happens(following)
                    following = next(coming, None)
                self.clock.set(max(self.clock.now(), moment))
                self._pass(self.chance.choice(("one", "two")))
            self._operator()
            if day == FIRST + self.days * DAY:
                self.is_well, self.server.odds = True, NONE
        return self._result(events, last)

    def _happens(self, event: Event) -> None:
        if event.at > self.clock.now():
            self.clock.set(event.at)
        try:
            self.engines["one"].record(event)
        except (LedgerError, UnknownNameError):
            self.counts["events that did not fit"] += 1

    def _edit_files(self, day: date) -> None:
        """An edit that changes nothing that is told, so that the ledger is looked through again."""
        if not self.is_well and self.chance.random() < 0.05:
            self.snapshot = replace(
                self.world.snapshot, fingerprint=f"{self.world.snapshot.fingerprint} {day}"
            )
            self.counts["reloads"] += 1
            for engine in self.engines.values():
                engine.adopt(self.snapshot)

    def _operator(self) -> None:
        with self.database.writing() as session:
            self.counts["retried by hand"] += retry(session, "main", None, self.clock.now())

    def _result(self, events: list[Event], last: date) -> Run:
        states = self._states()
        for name, post in self.posts.items():
            for claimed in post.told:
                if states[claimed.message_id][0] != "sent":
                    self.problems.append(f"{name} was told that {claimed.mail.key} was taken, and forgot it")
        with self.database.reading() as session:
            rest = session.execute(
                select(MAIL.c.key, MAIL.c.state).where(UNDERWAY, MAIL.c.day < last - 2 * DAY)
            ).all()
        self.problems += [f"{key} is still {state}" for key, state in rest]
        accepted = [claimed.message_id for _, claimed in self.server.accepted]
        found = score({id_: state for id_, (state, _) in states.items()}, accepted, self.server.unanswered)
        if not found.holds:
            self.problems.append(f"the score does not hold: {found}")
        counts = self.counts + self.server.counts + self.store.counts
        told, twice = _told(self.server.accepted)
        self.problems += twice
        self.database.close()
        self._folder.cleanup()
        return Run(
            self.seed, self.days, found, len(states), told, events, counts, self.server.outages, self.problems
        )


class _Watched(Engine):
    """Lets the simulation know when results have been written down."""

    def __init__(
        self, simulation: Simulation, snapshot: CampaignSnapshot, post: FaultyPost, name: str
    ) -> None:
        super().__init__(simulation.database, snapshot, post, read_clock=simulation.clock.now, who=name)
        self._simulation = simulation

    def _record(self, results: Sequence[Result]) -> Counter[MailState]:
        told = super()._record(results)
        self._simulation.let_go()
        return told


def _outages(chance: random.Random, odds: Odds, days: int) -> Iterator[tuple[datetime, datetime]]:
    for number in range(days):
        if chance.randrange(1000) < odds.outage:
            since = datetime.combine(FIRST + number * DAY, time(chance.randrange(24)), ZONE)
            yield since, since + timedelta(hours=chance.choice((1, 3, 8, 24, 72)))


def _told(accepted: list[tuple[datetime, Claimed]]) -> tuple[dict[Told, list[date]], list[str]]:
    """Who was told of what on which days, by digests; and who got two different ones on a day."""
    told: dict[Told, list[date]] = defaultdict(list)
    digests: dict[tuple[str, date], set[str]] = defaultdict(set)
    for at, claimed in accepted:
        mail, day = claimed.mail, at.astimezone(ZONE).date()
        if mail.kind != "digest":
            continue
        digests[mail.to, day].add(mail.key)
        for item in mail.items:
            told[mail.to, item.ref, item.unit].append(day)
    twice = [f"{to} got {sorted(keys)} on {day}" for (to, day), keys in digests.items() if len(keys) > 1]
    return told, twice


def compare(run: Run, calm: Run, snapshot: CampaignSnapshot) -> list[str]:
    """What was told here and not there, or there and not here, beyond what the faults explain."""
    problems = []
    answered: dict[tuple[str, str], list[date]] = defaultdict(list)
    for event in run.events:
        answered[event.ref, event.unit].append(event.at.astimezone(ZONE).date())
    end = FIRST + (run.days + HEALING) * DAY
    for told, days in calm.told.items():
        here = run.told.get(told, [])
        for day in days:
            bound = _bound(snapshot, run, day)
            later = [each for each in here if day <= each <= bound]
            if later:
                run.latest = max(run.latest, (min(later) - day).days)
            # Who answered meanwhile need not hear of it any more.
            elif bound < end and not any(day <= each <= bound for each in answered[told[1:]]):
                problems.append(f"{told} should have heard on {day}, and had not by {bound}")
    for told, days in run.told.items():
        there = calm.told.get(told, [])
        problems += [
            f"{told} heard on {day}, and nobody meant them to; rather on {there}"
            for day in days
            if not any(each <= day <= _bound(snapshot, run, each) for each in there)
        ]
    return problems


def _bound(snapshot: CampaignSnapshot, run: Run, day: date) -> date:
    """By when what is due on ``day`` is told: after some workdays on which the server was well."""
    left = GOOD_DAYS
    while True:
        morning = datetime.combine(day, time(8), ZONE)
        is_well = not any(
            since < morning + timedelta(hours=10) and until > morning for since, until in run.outages
        )
        left -= is_well and snapshot.workdays.is_workday(day)
        if left <= 0:
            return day
        day += DAY


def simulate(world: World, seed: int, days: int, odds: Odds | None = None) -> Run:
    """One seed, compared with the undisturbed run of the same seed."""
    calm = Simulation(world, seed, days, NONE).run()
    run = Simulation(world, seed, days, Odds() if odds is None else odds).run()
    run.problems += [f"undisturbed: {problem}" for problem in calm.problems]
    run.problems += compare(run, calm, world.snapshot)
    return run


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--seeds", type=int, default=1, help="how many, from --seed on")
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--all", action="store_true", help="all the units, not a few")
    parser.add_argument("-v", action="store_true", help="every problem")
    given = parser.parse_args()
    code = 0
    with tempfile.TemporaryDirectory() as folder:
        world = World.of(Path(folder), None if given.all else FEW)
        for seed in range(given.seed, given.seed + given.seeds):
            run = simulate(world, seed, given.days)
            print(run)  # noqa: T201
            for problem in run.problems if given.v else run.problems[:3]:
                print("  " + problem)  # noqa: T201
            code |= bool(run.problems)
    return code


if __name__ == "__main__":
    sys.exit(main())
