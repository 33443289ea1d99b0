"""Collects what is to be said by recipient, and writes the day's digests to the outbox in lots."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import Row
from sqlmodel import Session

from tracker.campaign.recipients import Recipient, Recipients, addressed_to, person_facts
from tracker.campaign.snapshot import CampaignSnapshot
from tracker.core.model import MailKind, Reason, Rhythm
from tracker.core.status import Dates
from tracker.ledger.record import last_event
from tracker.outbox.queue import enqueue
from tracker.outbox.rows import PRESSING
from tracker.planning.clock_rollback import written_before
from tracker.planning.unreachable_units import alert_of_nobody, heard_before

#: Mails are handed to the database in lots of this size.
LOT = 500


@dataclass(frozen=True, slots=True)
class ReminderText:
    """What is to be said of one occurrence on one day, whichever unit it is said to.

    ``rank`` sorts the most pressing first.  ``head`` and ``tail`` are the item as the outbox keeps it (see
    ``items_to_json``), to the left and right of the unit: a thousand units share them.  ``extended_from`` is the
    date by the rule where another one is in force; ``is_last``: nothing more will be said before the date.
    """

    ref: str
    rank: tuple[int, int, int, str]
    head: str
    tail: str
    extended_from: date | None = None
    is_last: bool = False


class DigestItem(NamedTuple):
    """A saying to one unit, with how much of its quota that unit has done, and what else is to be told with it.

    ``is_extended``: this unit was given more time.  ``rhythms`` are those of the contacts who hear of it today; None
    is everybody.
    """

    reminder: ReminderText
    unit: str
    progress: int = 0
    beside: Mapping[str, object] | None = None
    is_extended: bool = False
    rhythms: Collection[Rhythm] | None = None


def reminder(
    snapshot: CampaignSnapshot, key: str, period: str, dates: Dates, reason: Reason, day: date
) -> ReminderText:
    """What is said on ``day``, for ``reason``, of the occurrence with these dates."""
    due = dates.effective_due
    days_left = None if due is None else (due - day).days
    ref = f"{key}@{period}" if period else key
    rank = (PRESSING[reason], days_left or 0, snapshot.position(key), period)
    rest = json.dumps([reason.value, due.isoformat() if due else None, days_left])
    return ReminderText(
        ref,
        rank,
        f"[{json.dumps(ref)},",
        f",{rest[1:]}",
        _extended_from(snapshot, key, dates),
        due is not None and reason is Reason.LEAD and _is_last(snapshot, key, due, day),
    )


def line_of(snapshot: CampaignSnapshot, row: Row[Any], reason: Reason, day: date) -> DigestItem:
    """What is said on ``day``, for ``reason``, of the assignment of a row."""
    dates = Dates(row.opens, row.due, row.effective_due, row.grace_until)
    said = reminder(snapshot, row.key, row.period, dates, reason, day)
    return DigestItem(said, row.unit, row.progress, is_extended=row.extended_due is not None)


def _extended_from(snapshot: CampaignSnapshot, key: str, dates: Dates) -> date | None:
    definition = snapshot.campaign.definitions.get(key)
    if definition is None or dates.due is None:
        return None
    return dates.due if dates.effective_due != snapshot.date_by_rule(definition, dates.due) else None


def _is_last(snapshot: CampaignSnapshot, key: str, due: date, day: date) -> bool:
    definition = snapshot.campaign.definitions.get(key)
    if definition is None or day >= due:
        return False
    return snapshot.rules(definition).workdays.on_or_before(due) == day


class DigestWriter:
    """One mail for each of ``people`` of what ``add`` and ``add_escalation`` are given.

    Whoever answers for one unit only is finished with that unit; the few who answer for several, hear of what
    others leave undone or are in ``waiting`` (addresses) wait for the last of them.  Units that have got mail and at which
    nobody is there any more, and those in ``unheard``, are told of to the operator; of those that never had anybody,
    ``check`` warns.
    """

    def __init__(
        self,
        session: Session,
        snapshot: CampaignSnapshot,
        people: Recipients,
        day: date,
        now: datetime,
        *,
        waiting: Collection[str] = (),
        unheard: Iterable[str] = (),
    ) -> None:
        self._session = session
        self._snapshot = snapshot
        self._people = people
        self._day = day
        self._now = now
        self._seen_event = last_event(session)
        self._before = written_before(session, snapshot.campaign.id, MailKind.DIGEST, day)
        superiors = snapshot.superiors
        self._waiting = {
            address
            for address, person in people.persons.items()
            if len(person.units) > 1 or address in waiting or not superiors.isdisjoint(person.units)
        }
        self._lines: dict[str, list[DigestItem]] = defaultdict(list)
        self._upward: dict[str, list[DigestItem]] = defaultdict(list)
        self._lot: list[dict[str, object]] = []
        self._written = 0
        self._beside: dict[str, Sequence[DigestItem]] = {}
        self._everybody = snapshot.people(day).of_unit
        self._unheard = set(unheard)
        self._missed: set[str] = set()

    def add(self, unit: str, lines: Iterable[DigestItem]) -> None:
        """What one unit is told; of several about one assignment the last counts (sent back, rather than late)."""
        addresses = self._people.of_unit.get(unit, ())
        if not addresses:
            self._miss(unit, lines)
            return
        once = sorted({line.reminder.ref: line for line in lines}.values(), key=_rank)
        for address in addresses:
            rhythm = self._people.persons[address].rhythms.get(unit)
            heard = once
            if rhythm is not None:
                heard = [line for line in once if line.rhythms is None or rhythm in line.rhythms]
            if address in self._waiting:
                self._lines[address].extend(heard)
            else:
                self._write(address, heard)

    def add_for(self, address: str, lines: Iterable[DigestItem]) -> None:
        """What one person is told, who must be among ``waiting``; what the unit is told anew counts more."""
        self._lines[address][:0] = lines

    def add_beside(self, address: str, lines: Sequence[DigestItem]) -> None:
        """What such a person is told with what else there is for them."""
        self._beside[address] = lines

    def add_escalation(self, superior: str, line: DigestItem) -> None:
        """What the people of another unit are told about ``line.unit``."""
        for address in self._people.of_unit.get(superior, ()):
            self._upward[address].append(line)

    def finish(self) -> tuple[int, set[str]]:
        """Write what is left; the number of mails, and who was told what was to be told beside something else."""
        beside: set[str] = set()
        for address in self._people.persons:
            if address in self._waiting:
                found = [*self._lines.get(address, ()), *self._upward.get(address, ())]
                if found and address in self._beside:
                    found[:0] = self._beside[address]
                    beside.add(address)
                once = {(line.reminder.ref, line.unit): line for line in found}
                self._write(address, sorted(once.values(), key=self._rank_and_unit))
        self._unheard |= heard_before(self._session, self._snapshot.campaign.id, self._missed)
        if self._unheard and (alert := alert_of_nobody(self._snapshot, self._unheard, self._now)) is not None:
            enqueue(self._session, self._snapshot, [alert], self._now, 0)
        self._flush()
        return self._written, beside

    def _miss(self, unit: str, lines: Iterable[DigestItem]) -> None:
        if any(lines) and not self._everybody.get(unit):
            self._missed.add(unit)

    def _rank_and_unit(self, line: DigestItem) -> tuple[tuple[int, int, int, str], int]:
        """Units in the order of the files, as everybody reads their list."""
        return line.reminder.rank, self._snapshot.unit_position(line.unit)

    def _write(self, address: str, lines: Sequence[DigestItem]) -> None:
        before = self._before.get(address)
        if before is not None:
            lines = [line for line in lines if _item(line) not in before.items]
        if not lines:
            return
        person = self._people.persons[address]
        row = mail_row(
            MailKind.DIGEST,
            self._day,
            person,
            person.units[0],
            digest_content(lines),
            digest_details(person, lines),
            number=0 if before is None else before.mails,
        )
        self._lot.append(row)
        if len(self._lot) >= LOT:
            self._flush()

    def _flush(self) -> None:
        self._written += enqueue(self._session, self._snapshot, self._lot, self._now, self._seen_event)
        self._lot.clear()


def digest_content(lines: Sequence[DigestItem]) -> str:
    """The items of a digest as the outbox keeps them."""
    names = {of: json.dumps(of) for of in {line.unit for line in lines}}
    return f"[{','.join([f'{said.head}{names[of]}{said.tail}' for said, of, *_ in lines])}]"


def _item(line: DigestItem) -> str:
    """One of them as ``written_before`` gives it."""
    return json.dumps(json.loads(f"{line.reminder.head}{json.dumps(line.unit)}{line.reminder.tail}"))


def digest_details(
    person: Recipient, lines: Sequence[DigestItem], more: Mapping[str, object] | None = None
) -> str:
    """What a digest says beside its items, and ``more``, as JSON (docs/design/ledger.md)."""
    facts: dict[str, object] = dict(more or {})
    progress = {f"{line.reminder.ref} {line.unit}": line.progress for line in lines if line.progress}
    if progress:
        facts["progress"] = progress
    said = {
        f"{line.reminder.ref} {line.unit}": beside
        for line in lines
        if (line.beside or line.is_extended) and (beside := _beside(line))
    }
    if said:
        facts["said"] = said
    last = {line.reminder.ref: None for line in lines if line.reminder.is_last}
    if last:
        facts["last"] = list(last)
    facts.update(person_facts(person, (line.unit for line in lines)))
    return json.dumps(facts, ensure_ascii=False) if facts else "{}"


def mail_row(
    kind: MailKind, day: date, person: Recipient, unit: str, content: str, details: str, *, number: int = 0
) -> dict[str, object]:
    """The columns of the one mail of its kind that a person gets on a day; ``number`` more were written by a wrong clock."""
    again = f"/{number}" if number else ""
    return {
        "key": f"{kind.value}/{day}/{person.email.casefold()}{again}",
        **addressed_to(person),
        "kind": kind.value,
        "unit": unit,
        "day": day,
        "content": content,
        "details": details,
    }


def _beside(line: DigestItem) -> dict[str, object]:
    facts = dict(line.beside or {})
    if line.is_extended and line.reminder.extended_from is not None:
        facts["extended_from"] = line.reminder.extended_from.isoformat()
    return facts


def _rank(line: DigestItem) -> tuple[int, int, int, str]:
    return line.reminder.rank
