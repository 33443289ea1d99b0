"""Small worlds for tests: campaigns by hand, an engine over a database in memory, a sender that collects."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from tracker.campaign.snapshot import CampaignSnapshot
from tracker.clock import VirtualClock
from tracker.core.deadline.expressions import parse
from tracker.core.model import Campaign, Contact, Definition, Event, EventKind, Kind, Target, Unit
from tracker.core.policy import Settings
from tracker.core.workdays import Workdays
from tracker.service.engine import Engine
from tracker.service.simulation import CollectingSender
from tracker.store.database import open_database

ZONE = ZoneInfo("Asia/Shanghai")
ISSUED = date(2022, 4, 8)


def at(text):
    """``2022-05-05`` is 09:00 in Shanghai; ``2022-05-05 14:30`` is that."""
    day, _, clock = text.partition(" ")
    return datetime.combine(date.fromisoformat(day), time.fromisoformat(clock or "09:00"), ZONE)


def definition(key, deadline, units, **more):
    kind = Kind.REPORT if key.startswith(("table", "work")) else Kind.DELIVERABLE if "/" in key else Kind.TASK
    if "quota" in more:
        count = more.pop("quota")
        more["target"] = Target(count, "典型案例", tuple(units))
    return Definition(
        key=key,
        kind=kind,
        title=f"第{key}项",
        owners="、".join(units),
        units=tuple(units),
        deadline=deadline,
        rule=parse(deadline, ISSUED).rule,
        **more,
    )


def unit(name, *emails, **more):
    contacts = tuple(Contact(f"{name}联络员", email) for email in emails or (f"{name}@unit.example",))
    return Unit(name, f"{name}应急管理局", contacts=contacts, **more)


def world(
    *definitions,
    units=("wanzhou", "fuling"),
    holidays=None,
    settings=None,
    fingerprint=None,
    supervisor=None,
):
    """What is in force: ``definitions`` for ``units`` (names, or ``Unit``)."""
    people = [each if isinstance(each, Unit) else unit(each) for each in units]
    campaign = Campaign(
        title="专项治理",
        document="渝考发〔2022〕5号",
        issued=ISSUED,
        timezone="Asia/Shanghai",
        language="zh",
        supervisor=supervisor,
        tasks=tuple(d for d in definitions if d.kind is not Kind.REPORT),
        reports=tuple(d for d in definitions if d.kind is Kind.REPORT),
        units={person.id: person for person in people},
        groups={},
        # Most tests begin somewhere in the year and mean all of it.
        chase_from=ISSUED,
    )
    mark = fingerprint or repr([*campaign, *people])
    return CampaignSnapshot(campaign, settings or Settings(), Workdays(holidays), mark)


class Running:
    """An engine on a virtual clock; ``morning`` passes a day, ``told`` says what was mailed."""

    #: Where an engine keeps its tables that was told nothing else; tests/integration/conftest.py has others.
    new_database = staticmethod(lambda: "sqlite://")

    #: Puts another campaign into each of them, where tests say so.
    decoy = None

    def __init__(self, snapshot, start="2022-04-08 08:00", url=None, sender=None):
        self.clock = VirtualClock(at(start))
        self.database = open_database(url or self.new_database())
        if self.decoy is not None:
            self.decoy(self.database, snapshot, at(start))
        self.sender = sender or CollectingSender(lambda mail: mail.key)
        self.engine = Engine(self.database, snapshot, self.sender, read_clock=self.clock.now, who="test")

    def pass_at(self, text, **options):
        """One pass at that time; the mails it sent as (address, [(ref, reason, days left)])."""
        self.clock.set(at(text))
        self.engine.run_pass(**options)
        return self.told()

    def told(self):
        return {
            claimed.mail.to: [(item.ref, item.reason.value, item.days_left) for item in claimed.mail.items]
            for claimed, _ in self.sender.take()
        }

    def record(self, kind, ref, unit="wanzhou", *, when=None, **more):
        if when is not None:
            self.clock.set(at(when))
        forced = more.pop("forced", False)
        event = Event(self.clock.now(), ref, unit, EventKind(kind), **more)
        return self.engine.record(event, forced=forced)

    def mornings(self, first, last):
        """Passes at 09:00 of every day from ``first`` to ``last``; (day, address, items) of every mail."""
        found = []
        day = date.fromisoformat(first)
        while day <= date.fromisoformat(last):
            found += [(day, to, items) for to, items in self.pass_at(day.isoformat()).items()]
            day += timedelta(days=1)
        return found


@contextmanager
def running(snapshot, start="2022-04-08 08:00", **more):
    engine = Running(snapshot, start, **more)
    try:
        yield engine
    finally:
        engine.database.close()
