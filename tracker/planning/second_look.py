"""The last look at mails before they go: whether what stands in them is still asked, and of whom (§6.5, §6.9).

A mail is decided with the files of its day and goes by those in force when it leaves.  Whoever gets its items by now
gets them: the mail is put right where its reader is another by name, language, zone or part; what its reader is asked
no more goes to who is, today if they have had no digest, else with their next one; and where nobody is left it is kept,
and the operator hears of it.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Row, select, update
from sqlmodel import Session

from tracker.campaign.recipients import PERSON_FACTS, Recipient, Recipients, addressed_to, person_facts
from tracker.campaign.snapshot import CampaignSnapshot
from tracker.core.model import Item, Mail, MailKind, Reason, owned
from tracker.core.moments import A_DAY
from tracker.i18n.message import Message
from tracker.ledger.still_open import QUIET, as_they_stand, why_not_asked
from tracker.outbox.rows import items_from_json, items_to_json, mail_of, why_unreadable
from tracker.planning.calendar_dates import DATES, changed_dates
from tracker.planning.readdressed import (
    Moved,
    Moves,
    bare_key,
    changed_mail,
    columns_of,
    goes_to,
    in_order,
    is_another,
    is_for_all,
    is_of_day,
    readers_of,
    together,
    unit_told,
    with_facts,
)
from tracker.planning.rollup_facts import RollupScope
from tracker.planning.unreachable_units import alert_of_nobody
from tracker.store.batches import batches
from tracker.store.tables import MAIL, MailState

_UPWARD = Reason.ESCALATION

#: What is kept is looked at again so much later.

#: A mail that did not go, so that another of its name may.
LET_GO = (MailState.DROPPED.value, MailState.SUPERSEDED.value)

KEPT = Message("outcomes.kept")


@dataclass(slots=True)
class SecondLook:
    """What a look has found: mails that go as they are given here, and rows for the outbox.

    ``at_once`` is for today; what is in ``later`` waits to be told with its reader's next digest.
    """

    goes: list[tuple[Row[Any], Mail]] = field(default_factory=list)
    at_once: list[dict[str, object]] = field(default_factory=list)
    later: list[dict[str, object]] = field(default_factory=list)


def look_again(
    session: Session,
    snapshot: CampaignSnapshot,
    mails: Sequence[Row[Any]],
    now: datetime,
    timezones: Collection[str],
    *,
    edited: int = 0,
) -> SecondLook:
    """Look at claimed ``mails``, and write down what has become of those that do not go as they are.

    ``timezones`` are those in which digests may go now; up to the number ``edited`` mails are from before an edit.
    """
    return _Look(session, snapshot, mails, now, timezones, edited).run()


class _Look:
    def __init__(
        self,
        session: Session,
        snapshot: CampaignSnapshot,
        mails: Sequence[Row[Any]],
        now: datetime,
        timezones: Collection[str],
        edited: int,
    ) -> None:
        self.session = session
        self.snapshot = snapshot
        self.mails = mails
        self.now = now
        self.timezones = frozenset(timezones)
        self.edited = edited
        self.found = SecondLook()
        self._days: dict[str, date] = {}
        self._quiet: dict[date, frozenset[str]] = {}
        self._moves = Moves()
        self._unheard: set[str] = set()

    def run(self) -> SecondLook:
        contents = [items_from_json(row.content) for row in self.mails]
        asked = as_they_stand(self.session, self.snapshot, self.mails, contents, self.now, self.edited)
        for row, items, before in zip(self.mails, asked, contents, strict=True):
            changed: dict[str, object] = {} if items == before else {"content": items_to_json(items)}
            if self._is_quiet(row, items):
                self._wait(row, MailState.QUEUED, str(QUIET))
            elif row.kind == MailKind.DIGEST.value:
                self._look_at_digest(row, items, changed)
            elif row.kind == MailKind.ALERT.value:
                self._look_at_alert(row, items, changed)
            else:
                self._look_at_other(row, items, changed)
        self._carry_out()
        self._tell_dates()
        if self._unheard and (alert := alert_of_nobody(self.snapshot, self._unheard, self.now)) is not None:
            self.found.at_once.append(alert)
        return self.found

    def _day_of(self, row: Row[Any]) -> date:
        """The local day of the mail's zone."""
        day = self._days.get(row.timezone)
        if day is None:
            is_ours = row.timezone in self.snapshot.timezones
            zone = row.timezone if is_ours else self.snapshot.campaign.timezone
            day = self._days[row.timezone] = self.now.astimezone(ZoneInfo(zone)).date()
        return day

    def _people_for(self, row: Row[Any]) -> Recipients:
        """Who gets mail on the local day of the mail's zone."""
        return self.snapshot.people(self._day_of(row))

    def _is_quiet(self, row: Row[Any], items: Iterable[Item]) -> bool:
        """Whether today nothing is to be said of all that it is about.

        The week is about no policy of its own; what was sent back is told with the first digest after.
        """
        day = self._day_of(row)
        quiet = self._quiet.get(day)
        if quiet is None:
            quiet = self._quiet[day] = self.snapshot.quiet_on(day)
        if not quiet:
            return False
        refs = {item.ref for item in items}
        if any(item.reason is Reason.RETURNED for item in items):
            return False
        if row.kind == MailKind.ROLLUP.value:
            told = RollupScope.by(json.loads(row.details))
            refs = set() if told.week else set(told.refs)
        elif row.kind != MailKind.DIGEST.value:
            return False
        return bool(refs) and quiet.issuperset(ref.partition("@")[0] for ref in refs)

    def _look_at_digest(self, row: Row[Any], items: tuple[Item, ...], changed: dict[str, object]) -> None:
        people = self._people_for(row)
        person = people.persons.get(row.recipient.casefold())
        if row.id <= self.edited:
            self._tell_newcomers(row, people, items)
        if person is not None and not changed and self._is_unchanged(row, person, items):
            self.found.goes.append((row, mail_of(row, items)))
            return
        own = person.units if person is not None else ()
        mine = tuple([item for item in items if self.snapshot.responsible(item.unit, item.reason) in own])
        if len(mine) < len(items):
            changed["content"] = items_to_json(mine)
            moved, unheard = self._given_away(row, people, [item for item in items if item not in mine])
        else:
            moved, unheard = [], []
        if person is not None and mine:
            if unheard:
                kept = {
                    **columns_of(row),
                    "key": f"{bare_key(row)}/kept/{row.id}",
                    "content": items_to_json(unheard),
                }
                self.found.later.append(kept)
            self._go(row, person, mine, changed, [item.unit for item in mine])
        elif unheard:
            self._keep(row, unheard)
        elif moved:
            self._let_go(row, MailState.SUPERSEDED, goes_to(moved))
        else:
            why = why_not_asked(self.session, self.snapshot, items_from_json(row.content))
            self._let_go(row, MailState.DROPPED, why)

    def _is_unchanged(self, row: Row[Any], person: Recipient, items: tuple[Item, ...]) -> bool:
        """Whether it is the plainest of mails, as nearly all are: nothing about it has to be looked at closer."""
        if (person.email, person.name, person.language, person.timezone) != (
            row.recipient,
            row.name,
            row.language,
            row.timezone,
        ):
            return False
        units = person.units
        if person.copied or person.stands_in or row.unit not in units or row.timezone not in self.timezones:
            return False
        for _, unit, reason, _, _ in items:
            if unit not in units or reason is _UPWARD:
                return False
        return bool(items) and (row.details == "{}" or PERSON_FACTS.isdisjoint(json.loads(row.details)))

    def _given_away(
        self, row: Row[Any], people: Recipients, items: Iterable[Item]
    ) -> tuple[list[str], list[Item]]:
        """Give ``items`` to whoever gets them now: their addresses, and what is for nobody."""
        moved: dict[str, list[Item]] = defaultdict(list)
        unheard = []
        for item in items:
            unit = self.snapshot.responsible(item.unit, item.reason)
            if unit is None:
                continue
            readers = people.of_unit.get(unit, ())
            for address in readers:
                moved[address].append(item)
            if not readers:
                unheard.append(item)
                self._unheard.add(unit)
        for address, found in moved.items():
            self._give(row, people.persons[address], found)
        return [people.persons[address].email for address in moved], unheard

    def _tell_newcomers(self, row: Row[Any], people: Recipients, items: Iterable[Item]) -> None:
        """Who has become a contact since it was written hears of it today as well; who was one has it already (§6.9)."""
        news: dict[str, list[Item]] = defaultdict(list)
        for item in items:
            unit = self.snapshot.responsible(item.unit, item.reason)
            for person in people.asked(unit) if unit is not None else ():
                # Whoever asks for less of what is late has had less.
                if is_another(person, row) and not (item.reason is Reason.OVERDUE and unit in person.rhythms):
                    news[person.email.casefold()].append(item)
        for address, found in news.items():
            self._give(row, people.persons[address], found)

    def _give(self, row: Row[Any], person: Recipient, items: Sequence[Item]) -> None:
        if is_of_day(row):
            self._moves.add(person, row, items)
        else:
            self.found.at_once.append(self._for_another(row, person, items))

    def _look_at_other(self, row: Row[Any], items: tuple[Item, ...], changed: dict[str, object]) -> None:
        people = self._people_for(row)
        unit = unit_told(self.snapshot, row)
        readers = readers_of(row, people, unit)
        person = readers.get(row.recipient.casefold())
        if person is not None and unit is not None:
            if row.id <= self.edited and is_for_all(row):
                news = [each for each in people.asked(unit) if is_another(each, row)]
                self.found.at_once += [self._for_another(row, each, items, unit=unit) for each in news]
            self._go(row, person, items, changed, [unit], unit=unit)
        elif readers and unit is not None:
            # Who has had the very same has it: its key is there already.
            self.found.at_once += [
                self._for_another(row, each, items, unit=unit) for each in readers.values()
            ]
            self._let_go(row, MailState.SUPERSEDED, goes_to(each.email for each in readers.values()))
        else:
            if unit is not None:
                self._unheard.add(unit)
            self._keep(row, items)

    def _look_at_alert(self, row: Row[Any], items: tuple[Item, ...], changed: dict[str, object]) -> None:
        reader = self.snapshot.caretaker(self.snapshot.day(self.now))
        if reader is None:
            self._let_go(row, MailState.DROPPED, str(KEPT))
            return
        changed |= {
            "recipient": reader.email,
            "name": reader.name,
            "language": self.snapshot.language(reader),
        }
        self._goes(row, mail_of(row, items), changed)

    def _go(
        self,
        row: Row[Any],
        person: Recipient,
        items: tuple[Item, ...],
        changed: dict[str, object],
        about: Iterable[str],
        *,
        unit: str | None = None,
    ) -> None:
        """It goes to ``person``, unless it is not the time for that in their zone."""
        mail = mail_of(row, items)
        changed |= {
            **addressed_to(person),
            "unit": unit or (row.unit if row.unit in person.units else person.units[0]),
        }
        facts = person_facts(person, about)
        details = mail.details
        if {name: details[name] for name in PERSON_FACTS if name in details} != facts:
            changed["details"] = with_facts(details, facts)
        self._goes(row, mail, changed)

    def _goes(self, row: Row[Any], mail: Mail, changed: Mapping[str, object]) -> None:
        values = {name: value for name, value in changed.items() if getattr(row, name) != value}
        is_of_hours = row.kind in (MailKind.DIGEST.value, MailKind.ROLLUP.value)
        if is_of_hours and values.get("timezone", row.timezone) not in self.timezones:
            values |= {"state": MailState.QUEUED.value, "lease_until": None}
        else:
            self.found.goes.append((row, changed_mail(mail, values) if values else mail))
        if values:
            self._write(row, values)

    def _write(self, row: Row[Any], values: Mapping[str, object]) -> None:
        self.session.execute(update(MAIL).where(MAIL.c.id == row.id).values(**values))

    def _let_go(self, row: Row[Any], state: MailState, outcome: str) -> None:
        self._write(row, {"state": state.value, "lease_until": None, "outcome": outcome})

    def _keep(self, row: Row[Any], items: Iterable[Item]) -> None:
        self._wait(row, MailState.DEFERRED, str(KEPT), content=items_to_json(items))

    def _wait(self, row: Row[Any], state: MailState, outcome: str, **more: object) -> None:
        again = {
            "state": state.value,
            "lease_until": None,
            "outcome": outcome,
            "not_before": self.now + A_DAY,
        }
        self._write(row, {**again, **more})

    def _for_another(
        self, row: Row[Any], person: Recipient, items: Iterable[Item], *, unit: str | None = None
    ) -> dict[str, object]:
        """The same mail for ``person`` in place of its reader."""
        items = tuple(items)
        about = [unit] if unit is not None else [item.unit for item in items]
        stem = bare_key(row).removesuffix(row.recipient.casefold())
        return {
            **columns_of(row),
            "key": f"{stem}{person.email.casefold()}",
            **addressed_to(person),
            "unit": unit or person.units[0],
            "content": items_to_json(items),
            "details": with_facts(json.loads(row.details), person_facts(person, about)),
        }

    def _carry_out(self) -> None:
        """Give what moves from digests of the day to whoever gets it now."""
        moves = self._moves.by_key
        if not moves:
            return
        going = {bare_key(row): place for place, (row, _) in enumerate(self.found.goes)}
        there = {}
        for some in batches([owned(self.snapshot.campaign.id, key) for key in moves]):
            rows = self.session.execute(select(MAIL).where(MAIL.c.key.in_(some)).with_for_update())
            there.update({bare_key(row): row for row in rows})
        for key, moved in moves.items():
            row = there.get(key)
            if row is None or row.state in LET_GO:
                self.found.at_once.append(self._digest_of(key, moved, moved.items))
                continue
            if why_unreadable(row) is not None:
                self.found.later.append(self._digest_of(f"{key}/next/{moved.first.id}", moved, moved.items))
                continue
            had = {(item.ref, item.unit) for item in items_from_json(row.content)}
            items = [item for item in moved.items if (item.ref, item.unit) not in had]
            if not items:
                continue
            is_ahead = row.lost == 0 and row.state in (MailState.QUEUED.value, MailState.DEFERRED.value)
            if key in going and row.lost == 0:
                place = going[key]
                joined = self._joined(row, self.found.goes[place][1].items, items, moved)
                self.found.goes[place] = (row, changed_mail(mail_of(row, ()), joined))
            elif is_ahead:
                self._joined(row, items_from_json(row.content), items, moved)
            else:
                self.found.later.append(self._digest_of(f"{key}/next/{moved.first.id}", moved, items))

    def _tell_dates(self) -> None:
        """Let each digest that goes say which dates in its reader's calendar have changed or ended."""
        goes = self.found.goes
        digests = [place for place, (row, _) in enumerate(goes) if row.kind == MailKind.DIGEST.value]
        mails = [goes[place][1] for place in digests]
        dates = changed_dates(self.session, self.snapshot, mails, self.snapshot.day(self.now))
        for place, mail, told in zip(digests, mails, dates, strict=True):
            if told != mail.details.get(DATES, []):
                kept = {name: value for name, value in mail.details.items() if name != DATES}
                changed = {"details": json.dumps(kept | ({DATES: told} if told else {}), ensure_ascii=False)}
                self._write(goes[place][0], changed)
                goes[place] = (goes[place][0], changed_mail(mail, changed))

    def _digest_of(self, key: str, moved: Moved, items: Sequence[Item]) -> dict[str, object]:
        person = moved.person
        return {
            **columns_of(moved.first),
            "key": key,
            **addressed_to(person),
            "unit": person.units[0],
            "content": items_to_json(in_order(self.snapshot, items)),
            "details": with_facts(moved.beside, person_facts(person, [item.unit for item in items])),
        }

    def _joined(
        self, row: Row[Any], own: Sequence[Item], more: Sequence[Item], moved: Moved
    ) -> dict[str, object]:
        """Put ``more`` into a digest that has not gone out yet; its new columns."""
        items = in_order(self.snapshot, [*own, *more])
        facts = person_facts(moved.person, [item.unit for item in items])
        details = with_facts(together(json.loads(row.details), moved.beside), facts)
        values: dict[str, object] = {"content": items_to_json(items), "details": details}
        self._write(row, values)
        return values
