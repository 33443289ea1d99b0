"""The agenda: which occurrences are to be spoken of next, and through which day all has been said."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Row, insert, select, update
from sqlmodel import Session

from tracker.campaign.snapshot import CampaignSnapshot
from tracker.core.model import Definition
from tracker.core.moments import A_DAY
from tracker.core.reminders import next_on
from tracker.core.status import NOTHING, Dates, Progress
from tracker.store.campaigns import read_fact, write_fact
from tracker.store.tables import AGENDA, AgendaRow

BEGAN = "began"
PLANNED = "planned/"
#: Before a time zone: the day on which a row told there that it is late by then, and that silence goes upward.
LATE, UPWARD = "late/", "upward/"


def planned_day(session: Session, campaign: str, timezone: str) -> date | None:
    """The last local day of ``timezone`` whose digests have been written; None before the first."""
    text = read_fact(session, campaign, f"{PLANNED}{timezone}")
    return None if text is None else date.fromisoformat(text)


def set_planned_day(session: Session, campaign: str, timezone: str, day: date) -> None:
    """Remember that the digests of ``day`` have been written."""
    write_fact(session, campaign, f"{PLANNED}{timezone}", day.isoformat())
    if read_fact(session, campaign, BEGAN) is None:
        write_fact(session, campaign, BEGAN, day.isoformat())


def missed_days(session: Session, campaign: str, timezone: str) -> list[tuple[date, date]]:
    """The stretches [since, until) of local days on which no digests were written though offices worked, oldest first.

    On the day ``until`` they were, and told how things stood by then.
    """
    text = read_fact(session, campaign, f"missed/{timezone}")
    return (
        [] if text is None else [(date.fromisoformat(a), date.fromisoformat(b)) for a, b in json.loads(text)]
    )


def set_missed_days(
    session: Session, campaign: str, timezone: str, missed: Sequence[tuple[date, date]]
) -> None:
    """Remember them."""
    facts = [(since.isoformat(), until.isoformat()) for since, until in missed]
    write_fact(session, campaign, f"missed/{timezone}", json.dumps(facts))


def first_day(session: Session, campaign: str) -> date | None:
    """The day of the first digests that were ever written; None before."""
    text = read_fact(session, campaign, BEGAN)
    return None if text is None else date.fromisoformat(text)


def said_through(session: Session, snapshot: CampaignSnapshot, today: date) -> date:
    """Everything up to this day has been said to everybody."""
    yesterday = today - A_DAY
    return min(planned_day(session, snapshot.campaign.id, zone) or yesterday for zone in snapshot.timezones)


class ToldRow(NamedTuple):
    """What the people of one time zone have heard of an agenda row: it spoke ``last``, and all ``through`` that is said.

    ``late``: the last day on which it said that it is late; None where it never did, or nobody knows.  ``was_late`` is
    that of the row before an edit, where ``late`` is that of the row behind it.
    """

    last: date
    through: date
    late: date | None = None
    was_late: date | None = None


@dataclass(frozen=True, slots=True)
class LastDigests:
    """The day of the last digests in each time zone: from when on an edit of the files speaks.

    A row that spoke in the last digests goes on after them.  One that did not has still to say what the edit makes it
    say for that very day; of days before, nothing is replayed.
    """

    days: Mapping[str, date]

    @classmethod
    def by(cls, session: Session, snapshot: CampaignSnapshot, now: datetime) -> LastDigests:
        """As the ledger knows it at ``now``: where there were no digests yet, all counts as said up to yesterday."""
        days = {}
        for zone in snapshot.timezones:
            today = now.astimezone(ZoneInfo(zone)).date()
            # A clock that ran ahead has planned days that are yet to come.
            days[zone] = min(planned_day(session, snapshot.campaign.id, zone) or today - A_DAY, today)
        return cls(days)

    @property
    def through(self) -> date:
        """Everybody has had the digests up to this day."""
        return min(self.days.values())

    def heard(self, told: Mapping[str, date], zone: str) -> ToldRow:
        """By the people of ``zone``, of a row that has told each zone up to a day; nobody knows: with the last digests."""
        day = self.days[zone]
        last = told.get(zone, day)
        late = last_told(told, LATE, zone, self.days)
        return ToldRow(last, day if last >= day else day - A_DAY, late)

    def by_row(self, told: Mapping[str, date]) -> date:
        """Through which day such a row has said everything to everybody."""
        return min(self.heard(told, zone).through for zone in self.days)


def ensure_agenda(
    session: Session,
    snapshot: CampaignSnapshot,
    definition: Definition,
    period: str,
    dates: Dates,
    said_through: date,
    *,
    answer: Progress = NOTHING,
) -> tuple[int, bool]:
    """The id of the agenda row for these dates, and whether it had to be made.

    A row that is asleep is woken: somebody hangs on it again, unless their ``answer`` leaves nothing to say to them.
    """
    slot = _slot(period, dates)
    found = session.execute(
        select(AGENDA.c.id, AGENDA.c.next_on, AGENDA.c.told).where(
            AGENDA.c.campaign == snapshot.campaign.id, AGENDA.c.key == definition.key, AGENDA.c.slot == slot
        )
    ).first()
    if found is not None and (found.next_on is not None or answer.quiet):
        return found.id, False
    if found is not None:
        told = told_from_text(found.told)
        said = max(said_through, min(told.get(zone, said_through) for zone in snapshot.timezones))
        following = _following(snapshot, definition, dates, said, answer.answered)
        session.execute(update(AGENDA).where(AGENDA.c.id == found.id).values(next_on=following))
        return found.id, False
    values = agenda_values(snapshot, definition, period, dates, said_through, answered=answer.answered)
    return int(session.execute(insert(AGENDA).values(**values).returning(AGENDA.c.id)).scalar_one()), True


def agenda_values(
    snapshot: CampaignSnapshot,
    definition: Definition,
    period: str,
    dates: Dates,
    said_through: date,
    *,
    answered: str | None = None,
) -> dict[str, object]:
    """The columns of a new agenda row."""
    told = max(said_through, snapshot.campaign.issued - A_DAY)
    return {
        "campaign": snapshot.campaign.id,
        "key": definition.key,
        "slot": _slot(period, dates),
        "period": period,
        "opens": dates.opens,
        "due": dates.due,
        "effective_due": dates.effective_due,
        "next_on": _following(snapshot, definition, dates, said_through, answered),
        "told": told_to_text(dict.fromkeys(snapshot.timezones, told)),
    }


def _following(
    snapshot: CampaignSnapshot, definition: Definition, dates: Dates, said_through: date, answered: str | None
) -> date | None:
    """The next day on which something is to be said; none of what was due before the ledger began."""
    if not snapshot.is_chased(dates, answered):
        return None
    return next_on(dates, snapshot.rules(definition), said_through)


def go_on_after(
    session: Session,
    snapshot: CampaignSnapshot,
    said: date,
    which: ColumnElement[bool],
    told: Mapping[str, date] | None = None,
) -> None:
    """Let ``which`` rows of this campaign go on with their next date after ``said``, as if all up to then had been said.

    ``told``: time zones that have been told later days than that.
    """
    zones = {**dict.fromkeys(snapshot.timezones, said), **(told or {})}
    ours = AGENDA.c.campaign == snapshot.campaign.id
    for row in session.execute(select(AGENDA).where(ours, which)).all():
        definition = snapshot.campaign.definitions.get(row.key)
        if definition is None:
            continue
        before = told_from_text(row.told).items()
        kept = {name: day for name, day in before if name.startswith((LATE, UPWARD)) and day <= said}
        dates = counted_from_telling(agenda_dates(snapshot, definition, row), kept)
        values = {
            "next_on": next_on(dates, snapshot.rules(definition), said),
            "told": told_to_text({**zones, **kept}),
        }
        session.execute(update(AGENDA).where(AGENDA.c.id == row.id).values(values))


def agenda_dates(snapshot: CampaignSnapshot, definition: Definition, row: Row[Any] | AgendaRow) -> Dates:
    """The dates that the assignments of an agenda row share."""
    return Dates.of(row.opens, row.due, row.effective_due, definition.grace_days, snapshot.campaign.issued)


def counted_from_telling(dates: Dates, told: Mapping[str, date]) -> Dates:
    """The same, where silence is counted from the day on which the row has told that it is late by them."""
    days = [day for name, day in told.items() if name.startswith(LATE) and is_told_late(day, dates)]
    return replace(dates, told=max(days)) if days else dates


def _slot(period: str, dates: Dates) -> str:
    return f"{period}|{dates.effective_due or ''}"


def told_from_text(text: str) -> dict[str, date]:
    """The last day through which a row has told each time zone, as it keeps it; it does not know of what is left out.

    Behind ``LATE`` and ``UPWARD`` stands when it last told each of these.
    """
    pairs = (each.partition("=") for each in text.split(";") if each)
    return {zone: date.fromisoformat(day) for zone, _, day in pairs}


def last_told(told: Mapping[str, date], what: str, zone: str, zones: Collection[str]) -> date | None:
    """The last day on which a row has told ``zone`` of ``what`` (LATE or UPWARD).

    What it told a zone that is not of ``zones`` any more counts once that day has been told in ``zone`` too.
    """
    found = {name.removeprefix(what): day for name, day in told.items() if name.startswith(what)}
    through = told.get(zone, date.max)
    heard = (day for name, day in found.items() if name == zone or (name not in zones and day <= through))
    return max(heard, default=None)


def has_escalated(told: Mapping[str, date], zone: str, zones: Collection[str]) -> bool:
    """Whether ``zone`` has been told of silence since a row last began to be late."""
    late, upward = last_told(told, LATE, zone, zones), last_told(told, UPWARD, zone, zones)
    return upward is not None and (late is None or late <= upward)


def told_back_to(told: Mapping[str, date], zone: str, day: date) -> dict[str, date]:
    """What a row has told, as if it had told ``zone`` nothing after ``day``."""
    lost = {f"{LATE}{zone}", f"{UPWARD}{zone}"}
    return {
        name: min(each, day) if name == zone else each
        for name, each in told.items()
        if name not in lost or each <= day
    }


def is_told_late(late: date | None, dates: Dates) -> bool:
    """Whether what was told on the day ``late`` was that it is late by ``dates``."""
    return late is not None and dates.grace_until is not None and late > dates.grace_until


def told_to_text(told: Mapping[str, date]) -> str:
    """The other way round."""
    return ";".join(f"{zone}={day}" for zone, day in sorted(told.items()))
