"""Tells the operator of mails that have failed: each once, and all of some hours together.

An alert that has not gone out yet takes further failures in; the more there have been on a day, the longer the
next one collects.  A hundred refusals are one mail, and a server that refuses all day is a handful.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, func, or_, select, update
from sqlmodel import Session

from tracker.campaign.snapshot import CampaignSnapshot
from tracker.core.model import MailKind, owned
from tracker.i18n.catalogue import Language, words
from tracker.i18n.recognised import said_in
from tracker.i18n.terms import word
from tracker.mail.transport.replies import RefusalScope
from tracker.outbox.alerts import alert_details, alert_row
from tracker.outbox.queue import enqueue
from tracker.outbox.results import Result
from tracker.outbox.rows import details_from_json, unreadable, why_unreadable
from tracker.store.tables import MAIL, MailState

#: How long the first, second, … alert of a day waits for more of its like; the last one stands for the rest.
COLLECT = (timedelta(minutes=1), timedelta(hours=1), timedelta(hours=4), timedelta(hours=12))

#: So many are named in one alert; the others are counted.
NAMED = 50

KEY = "failed/"


def tell_of_failures(
    session: Session, snapshot: CampaignSnapshot, results: Sequence[Result], now: datetime
) -> int:
    """Put those of ``results`` that were the end of their mail into an alert; how many.

    Call it in the transaction that recorded them.  Nobody is told of an alert that failed, unless it cannot be read.
    """
    fences = {
        result.claimed.id: result.claimed.fence for result in results if result.state is not MailState.SENT
    }
    unread = [result.claimed.id for result in results if result.claimed.over is not None]
    return _tell(session, snapshot, fences, unread, now)


def set_aside_unread(
    session: Session, snapshot: CampaignSnapshot, mails: Sequence[Row[Any]], now: datetime
) -> list[Row[Any]]:
    """Put an end to those of ``mails`` (rows with all columns, locked) that cannot be read; the others."""
    good: list[Row[Any]] = []
    fences: dict[int, int] = {}
    for mail in mails:
        if (why := why_unreadable(mail)) is None:
            good.append(mail)
            continue
        fences[mail.id] = mail.fence + 1
        session.execute(
            update(MAIL)
            .where(MAIL.c.id == mail.id)
            .values(
                state=MailState.FAILED.value,
                cause=RefusalScope.MAIL.value,
                outcome=unreadable(why),
                fence=mail.fence + 1,
                lease_until=None,
            )
        )
    _tell(session, snapshot, fences, list(fences), now)
    return good


def _tell(
    session: Session,
    snapshot: CampaignSnapshot,
    fences: Mapping[int, int],
    unread: Collection[int],
    now: datetime,
) -> int:
    operator = snapshot.settings.operator
    if not fences or operator is None:
        return 0
    failed = session.execute(
        select(MAIL.c.id, MAIL.c.recipient, MAIL.c.kind, MAIL.c.day, MAIL.c.fence, MAIL.c.outcome)
        .where(
            MAIL.c.id.in_(list(fences)),
            MAIL.c.state == MailState.FAILED.value,
            or_(MAIL.c.kind != MailKind.ALERT.value, MAIL.c.id.in_(unread)),
        )
        .order_by(MAIL.c.id)
    ).all()
    language = snapshot.language(operator)
    lines = [_line(row, language) for row in failed if row.fence == fences[row.id]]
    if lines:
        while not (_added(session, snapshot, lines) or _begun(session, snapshot, lines, now)):
            pass  # Another process began the same alert just now: it is there to be added to.
    return len(lines)


def _line(row: Row[tuple[int, str, str, object, int, str]], language: Language) -> str:
    kind, outcome = word(row.kind, language), said_in(row.outcome, language)
    return words("alerts", language)(
        "failed.line", id=row.id, to=row.recipient, kind=kind, day=row.day, outcome=outcome
    )


def _added(session: Session, snapshot: CampaignSnapshot, lines: Sequence[str]) -> bool:
    """Whether an alert that has not been claimed yet took them in."""
    row = session.execute(
        select(MAIL)
        .where(
            MAIL.c.campaign == snapshot.campaign.id,
            MAIL.c.key.startswith(owned(snapshot.campaign.id, f"{MailKind.ALERT}/{KEY}")),
            MAIL.c.state == MailState.QUEUED.value,
            MAIL.c.fence == 0,
        )
        .order_by(MAIL.c.id.desc())
        .limit(1)
        .with_for_update()
    ).first()
    if row is None or why_unreadable(row) is not None:
        return False
    details = details_from_json(row.details)
    known = details["failed"]
    named = [*details["problems"][: min(known, NAMED)], *lines]
    session.execute(
        update(MAIL)
        .where(MAIL.c.id == row.id)
        .values(details=_details(row.language, named, known + len(lines)))
    )
    return True


def _begun(session: Session, snapshot: CampaignSnapshot, lines: Sequence[str], now: datetime) -> bool:
    """Whether a new one was made; not if another process was quicker."""
    operator = snapshot.settings.operator
    assert operator is not None
    of_day = f"{KEY}{snapshot.day(now)}/"
    count = session.execute(
        select(func.count())
        .select_from(MAIL)
        .where(MAIL.c.key.startswith(owned(snapshot.campaign.id, f"{MailKind.ALERT}/{of_day}")))
    ).scalar_one()
    details = _details(snapshot.language(operator), lines, len(lines))
    row = alert_row(snapshot, f"{of_day}{count + 1}", details, now)
    assert row is not None
    collects = COLLECT[min(count, len(COLLECT) - 1)]
    return enqueue(session, snapshot, [row], now, 0, not_before=now + collects) > 0


def _details(language: Language, named: Sequence[str], count: int) -> str:
    problems, say = list(named[:NAMED]), words("alerts", language)
    if count > len(problems):
        problems.append(say("failed.more", n=count - len(problems)))
    return alert_details(say("failed.title"), problems, failed=count)
