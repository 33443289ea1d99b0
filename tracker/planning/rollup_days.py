"""The day of the roll-up: the first workday after a deadline, and the week's first workday; each is told of once.

Edits move deadlines, and the days on which nothing is to be said: what has been told of is therefore remembered, and
not worked out from the files alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, NamedTuple, Self

from sqlmodel import Session

from tracker.campaign.snapshot import CampaignSnapshot
from tracker.core.model import Definition
from tracker.core.moments import A_DAY
from tracker.core.occurrences import occurrences
from tracker.planning.rollup_facts import RollupScope, wants_rollup
from tracker.store.campaigns import read_fact, write_fact
from tracker.store.facts import read_fact as parse_fact

#: A holiday rule takes the date in force no further from the one by the rule.
A_MONTH = timedelta(days=31)
_NAME = "rollups/"
_DIGIT = re.compile(r"\d")


class _Last(NamedTuple):
    """The last occurrence of a definition that was told of, or let be: its period ("" for none) and its date in force."""

    period: str
    due: date

    def precedes(self, period: str, due: date) -> bool:
        """Whether another comes after it: by its period, and where an edit has changed the rhythm, by its date."""
        is_same_rhythm = _DIGIT.sub("0", period) == _DIGIT.sub("0", self.period)
        return period > self.period if is_same_rhythm else due > self.due


@dataclass(slots=True)
class _Memory:
    """What the people of one time zone have been told.

    ``last`` by definition, None where nothing has come up of one that is known.  ``left``, also by definition, are the
    periods, with their dates, of which nothing could be told on their day.  ``monday`` begins the last week that was told
    of.  All are of ``planned``: where something else has been planned last (a backup was restored, a clock set right),
    what was told is what went with that.
    """

    planned: date
    last: dict[str, _Last | None] = field(default_factory=dict)
    monday: date | None = None
    left: dict[str, dict[str, date]] = field(default_factory=dict)

    @classmethod
    def by(cls, found: dict[str, Any]) -> Self:
        last = {
            key: None if each is None else _Last(str(each[0]), date.fromisoformat(each[1]))
            for key, each in found["last"].items()
        }
        monday = found["monday"]
        left = {
            key: {period: date.fromisoformat(due) for period, due in each.items()}
            for key, each in found.get("left", {}).items()
        }
        planned = date.fromisoformat(found["planned"])
        return cls(planned, last, None if monday is None else date.fromisoformat(monday), left)

    def __str__(self) -> str:
        facts = {
            "planned": self.planned,
            "monday": self.monday,
            "last": {key: None if each is None else list(each) for key, each in self.last.items()},
            "left": self.left,
        }
        return json.dumps(facts, default=date.isoformat)


def told_on(
    session: Session,
    snapshot: CampaignSnapshot,
    timezone: str,
    since: date,
    day: date,
    is_tellable: Callable[[str], bool],
) -> RollupScope:
    """What the roll-up of ``day`` tells the people in ``timezone`` of, and remember it as told.

    ``since`` is the day after the last one that was planned.  It is every deadline, and the week, of which they have
    not been told yet and whose day has come; what has come into force only since then is told if its day is no
    earlier than ``since``.  What nothing can be told of now (``is_tellable`` of its reference) is left for later.
    """
    memory = _read(session, snapshot, timezone, since - A_DAY)
    now = _Memory(day, monday=memory.monday)
    refs: list[str] = []
    for definition in snapshot.campaign:
        if wants_rollup(snapshot, definition):
            refs += _deadlines(snapshot, definition, memory, now, since, day, is_tellable)
    week = _is_weekly(snapshot, now, since, day)
    write_fact(session, snapshot.campaign.id, f"{_NAME}{timezone}", str(now))
    return RollupScope(tuple(refs), week)


def take_over(session: Session, snapshot: CampaignSnapshot, timezone: str, day: date, source: str) -> None:
    """Let the people in ``timezone``, planned up to ``day``, have been told what those in ``source`` have been."""
    name = f"{_NAME}{source}"
    memory = parse_fact(read_fact(session, snapshot.campaign.id, name), name, _Memory.by, None)
    if memory is not None:
        memory.planned = day
        write_fact(session, snapshot.campaign.id, f"{_NAME}{timezone}", str(memory))


def _read(session: Session, snapshot: CampaignSnapshot, timezone: str, planned: date) -> _Memory:
    name = f"{_NAME}{timezone}"
    found = parse_fact(read_fact(session, snapshot.campaign.id, name), name, _Memory.by, None)
    return found if found is not None and found.planned == planned else _Memory(planned)


def _deadlines(
    snapshot: CampaignSnapshot,
    definition: Definition,
    memory: _Memory,
    now: _Memory,
    since: date,
    day: date,
    is_tellable: Callable[[str], bool],
) -> Iterator[str]:
    """The references of those of ``definition`` that are to be told of; the last one is kept in ``now``."""
    key, workdays = definition.key, snapshot.rules(definition).workdays
    is_known, last = key in memory.last, memory.last.get(key)
    left, still_left = memory.left.get(key, {}), {}
    since_when = min([*left.values(), *([] if last is None else [last.due])], default=None)
    for ref, period, due in _over(snapshot, definition, since_when, day):
        told_after = workdays.after(due)
        if told_after > day:
            continue
        if not is_known:
            is_told = told_after >= since
        elif last is None or last.precedes(period, due) or period in left:
            # An edit may have put its day into the past.
            is_told = True
        else:
            # An edit has given everybody more time.
            is_told = told_after >= since and due > last.due
        if is_told and not is_tellable(ref):
            # A slip may have set it aside; once that is put right it is told, whatever has been told of by then.
            still_left[period] = due
            continue
        if is_told:
            yield ref
        if last is None or last.precedes(period, due) or (is_told and period == last.period):
            last = _Last(period, due)
    now.last[key] = last
    if still_left:
        now.left[key] = still_left


def _over(
    snapshot: CampaignSnapshot, definition: Definition, since: date | None, day: date
) -> Iterator[tuple[str, str, date]]:
    """Reference, period and date in force of what is over before ``day`` and, from ``since`` on, may have to be told of."""
    issued = snapshot.campaign.issued
    first = issued if since is None else max(issued, since - A_MONTH)
    until = snapshot.workdays.on_or_after(day) + A_DAY
    for occurrence in occurrences(definition.rule, definition.key, issued, first, until):
        # What was over before the document was issued was over before anybody was asked.
        if occurrence.due is not None:
            due = snapshot.date_by_rule(definition, occurrence.due)
            if due < day:
                yield occurrence.ref, occurrence.period or "", due


def _is_weekly(snapshot: CampaignSnapshot, now: _Memory, since: date, day: date) -> bool:
    """Whether the week of ``day`` is told of, once its first workday has come and there is a campaign; kept in ``now``."""
    monday = day - timedelta(days=day.weekday())
    first = snapshot.workdays.on_or_after(monday)
    if day < first:
        return False
    is_told = since <= first if now.monday is None else now.monday < monday
    now.monday = monday
    return is_told and snapshot.campaign.issued <= day
