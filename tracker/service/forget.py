"""Forgets what is old, and puts a lasting pseudonym in the place of a person (docs/privacy.md).

What the ledger needs of an old mail stays: to whom, when, which references, reasons and dates.  Events stay, and so
does the filing in force; neither way changes what the events add up to.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any

from sqlalchemy import RowMapping, and_, bindparam, delete, or_, select, update
from sqlmodel import Session

from tracker.campaign.snapshot import CampaignSnapshot
from tracker.core.model import FORGOTTEN
from tracker.forms.read.sandboxed_reader import Reader
from tracker.outbox.rows import why_unreadable
from tracker.planning.calendar_dates import DATES
from tracker.planning.superseded import FAILED_WITHIN
from tracker.service.originals import Originals
from tracker.service.person import PersonTerms
from tracker.store.batches import batches
from tracker.store.database import locked_meta, write_meta
from tracker.store.personal_data import KEPT
from tracker.store.short_lived import JOURNEY
from tracker.store.tables import DOCUMENT, FILING, MAIL, SESSION, WAITING, Base, MailState

#: The fact that says how many people have a pseudonym.
_NUMBER = "pseudonyms"

#: States of a mail that goes no more.
ENDED = tuple(state.value for state in MailState if state not in (*WAITING, MailState.CLAIMED))

#: So many rows are looked at together.
_LOT = 1_000

#: What stands in the lists of mails in the place of a subject.
_NO_SUBJECT = "（已清理 · forgotten）"


@dataclass
class Forgotten:
    """How many there were.  ``places`` counts rows by table; ``left`` are files in which a person still stands."""

    mails: int = 0
    uploads: int = 0
    sign_ins: int = 0
    pseudonym: str | None = None
    places: Counter[str] = field(default_factory=Counter)
    left: list[str] = field(default_factory=list)


def forget_before(session: Session, snapshot: CampaignSnapshot, day: date, now: datetime) -> Forgotten:
    """What was said, filed and signed in for before ``day`` (in the campaign's time zone)."""
    begin = datetime.combine(day, time.min, snapshot.zone)
    found = Forgotten()
    found.mails, enclosed = _forget_mails(session, begin, now)
    found.uploads = _forget_uploads(session, begin, enclosed)
    for table, since in ((SESSION, SESSION.c.seen_at), (JOURNEY, JOURNEY.c.expires_at)):
        is_over = or_(table.c.expires_at < now, since < begin)
        found.sign_ins += session.connection().execute(delete(table).where(is_over)).rowcount
    return found


def _forget_mails(session: Session, begin: datetime, now: datetime) -> tuple[int, set[int]]:
    """How many, and the numbers of the files that went with them."""
    # What failed lately is still told by the next digest or roll-up.
    is_needed = and_(MAIL.c.state == MailState.FAILED.value, MAIL.c.at >= now - FAILED_WITHIN)
    old = select(MAIL.c.id, MAIL.c.content, MAIL.c.details).where(
        MAIL.c.at < begin, MAIL.c.state.in_(ENDED), ~is_needed
    )
    changed, enclosed = [], set()
    for row in session.execute(old.execution_options(yield_per=_LOT)):
        details = json.loads(row.details) if why_unreadable(row) is None else {}
        if FORGOTTEN not in details:
            enclosed |= _enclosed(details)
            rest = {DATES: details[DATES]} if DATES in details else {}
            changed.append({"row": row.id, "rest": json.dumps({**rest, FORGOTTEN: True}, ensure_ascii=False)})
    forget = update(MAIL).where(MAIL.c.id == bindparam("row"))
    forget = forget.values(details=bindparam("rest"), subject=_NO_SUBJECT)
    for some in batches(changed):
        session.connection().execute(forget, list(some))
    return len(changed), enclosed


def _enclosed(details: dict[str, Any]) -> set[int]:
    numbers = details.get("enclosed")
    return {each for each in numbers if isinstance(each, int)} if isinstance(numbers, list) else set()


def _forget_uploads(session: Session, begin: datetime, enclosed: set[int]) -> int:
    """Those of filings that are not in force, and ``enclosed`` ones that nothing else needs."""
    old, needed = set(enclosed), set[int]()
    filings = select(FILING.c.document_id, FILING.c.in_force, FILING.c.recorded_at)
    for number, is_in_force, at in session.execute(filings):
        (needed if is_in_force or at >= begin else old).add(number)
    if enclosed - needed:
        for text in session.execute(
            select(MAIL.c.details).where(MAIL.c.details.contains('"enclosed"'))
        ).scalars():
            needed |= _enclosed(json.loads(text))
    return _forget_documents(session, sorted(old - needed))


def _forget_documents(session: Session, numbers: Sequence[int]) -> int:
    count = 0
    for some in batches(numbers):
        # The same file, sent again, is a new one.
        gone = update(DOCUMENT).where(DOCUMENT.c.id.in_(some), DOCUMENT.c.content != b"")
        gone = gone.values(content=b"", digest="forgotten/" + DOCUMENT.c.digest)
        count += session.connection().execute(gone).rowcount
    return count


def forget_person(session: Session, snapshot: CampaignSnapshot, person: PersonTerms) -> Forgotten:
    """Put a pseudonym in the place of ``person`` wherever people's data is kept."""
    number = int(locked_meta(session, _NUMBER, make="0") or 0) + 1
    found = Forgotten(pseudonym=person.call(number, snapshot.campaign.language))
    for name in dict.fromkeys(each.table for each in KEPT):
        columns = [
            column for each in KEPT if each.table == name and not each.is_file for column in each.columns
        ]
        found.places[name] += _rename(session, name, columns, person.replaced)
    _rename_files(session, person, found)
    if not found.places.total() and not found.left and not found.uploads:
        found.pseudonym = None
    else:
        write_meta(session, _NUMBER, str(number))
    return found


def _rename(session: Session, name: str, columns: Sequence[str], replaced: Callable[[str], str]) -> int:
    table = Base.metadata.tables[name]
    keys = [column.name for column in table.primary_key.columns]
    wanted = [table.c[column] for column in columns]
    changed: list[tuple[RowMapping, dict[str, str]]] = []
    asked = select(*(column for column in table.columns if column.name in {*keys, *columns}))
    for values in session.execute(asked.execution_options(yield_per=_LOT)).mappings():
        new = {each.name: replaced(values[each.name]) for each in wanted if values[each.name]}
        new = {column: value for column, value in new.items() if value != values[column]}
        if new:
            changed.append((values, new))
    for values, new in changed:
        where = and_(*(table.c[key] == values[key] for key in keys))
        session.execute(update(table).where(where).values(**new))
    return len(changed)


def _rename_files(session: Session, person: PersonTerms, found: Forgotten) -> None:
    in_force = set(session.execute(select(FILING.c.document_id).where(FILING.c.in_force)).scalars())
    gone = []
    with Reader() as reader:
        originals = Originals(person, reader)
        for number in session.execute(select(DOCUMENT.c.id).order_by(DOCUMENT.c.id)).scalars().all():
            row = session.execute(select(DOCUMENT).where(DOCUMENT.c.id == number)).one()
            data = bytes(row.content)
            new, is_left = originals.cleaned(data)
            if is_left and number not in in_force:
                gone.append(number)
                continue
            if is_left:
                found.left.append(row.name)
            if new != data:
                session.execute(update(DOCUMENT).where(DOCUMENT.c.id == number).values(content=new))
                found.places["document"] += 1
    found.uploads = _forget_documents(session, gone)
