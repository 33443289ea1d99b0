"""Tells the operator of files that cannot be used: once, when they have come to rest, and once more when they are well.

An editor that saves by itself leaves a file broken many times in a minute; none of that is worth a mail.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import func, select
from sqlmodel import Session

from tracker.campaign.snapshot import CampaignSnapshot
from tracker.core.model import MailKind, owned
from tracker.errors import Problem
from tracker.i18n.message import Message, say
from tracker.ledger.editions import REMEMBERED
from tracker.outbox.alerts import alert_details, alert_row
from tracker.outbox.queue import enqueue
from tracker.service.engine import Engine
from tracker.store.campaigns import read_fact, write_fact
from tracker.store.tables import MAIL

#: So long a mistake must have stood unchanged before it is told.
REST = timedelta(minutes=3)

#: The end of the key of a mail that tells of mending.
MENDED = "/mended"


class FileAlerts:
    """What one process knows of the mistakes in the files at its place, by kind (``files``, ``templates``).

    What was told is kept with the ledger by place: files that are well on one machine mend nothing on another.
    """

    def __init__(self) -> None:
        self._since: dict[str, tuple[str, datetime]] = {}
        #: What the operator was told last and is not told yet to be mended; "" for nothing.
        self._told: dict[str, str] = {}

    def look(self, engine: Engine, kind: str, problems: Sequence[Problem], now: datetime) -> None:
        """Tell what has to be told at ``now`` of the ``problems`` that stand; none means that all is well."""
        if not problems:
            self._since.pop(kind, None)
            self._tell_of_mending(engine, kind, now)
            return
        # After other files have come into force, the same mistake is a new one.
        said = [str(problem) for problem in problems]
        text = "\n".join((engine.snapshot.fingerprint, *said))
        state = hashlib.sha256(text.encode()).hexdigest()[:16]
        known, since = self._since.get(kind, ("", now))
        if known != state or since > now:
            # A file that was broken before this process began may have come to rest by now.
            since = min(_saved_at(problems) or now, now)
            self._since[kind] = state, since
        if now - since >= REST and self._told.get(kind) != state:
            with engine.database.writing() as session:
                _alert(
                    session, engine.snapshot, f"{kind}/{state}", Message(f"alerts.{kind}.wrong"), said, now
                )
                told = {**_told(session, engine, kind), engine.place: state}
                _remember(session, engine, kind, told)
            self._told[kind] = state

    def _tell_of_mending(self, engine: Engine, kind: str, now: datetime) -> None:
        if kind not in self._told:
            with engine.database.reading() as session:
                self._told[kind] = _told(session, engine, kind).get(engine.place, "")
        if not self._told[kind]:
            return
        with engine.database.writing() as session:
            told = _told(session, engine, kind)
            # Another process may have said it meanwhile, and the same mistake may stand elsewhere still.
            state = told.pop(engine.place, "")
            _remember(session, engine, kind, told)
            if state and state not in told.values():
                _alert(
                    session,
                    engine.snapshot,
                    f"{kind}/{state}{MENDED}",
                    Message(f"alerts.{kind}.mended"),
                    (),
                    now,
                )
        self._told[kind] = ""


def _saved_at(problems: Iterable[Problem]) -> datetime | None:
    """When the last of the files in question was saved; None where there is none."""
    found = []
    for file in {problem.file for problem in problems}:
        with suppress(OSError):
            found.append(Path(file).stat().st_mtime)
    return datetime.fromtimestamp(max(found), UTC) if found else None


def _told(session: Session, engine: Engine, kind: str) -> dict[str, str]:
    """By place the mistake that the operator was told of and is not told yet to be mended."""
    text = read_fact(session, engine.snapshot.campaign.id, f"alerted/{kind}") or "{}"
    # Earlier versions knew of one place.
    return dict(json.loads(text)) if text.startswith("{") else {engine.place: text}


def _remember(session: Session, engine: Engine, kind: str, told: dict[str, str]) -> None:
    latest = dict(list(told.items())[-REMEMBERED:])
    write_fact(session, engine.snapshot.campaign.id, f"alerted/{kind}", json.dumps(latest))


def _alert(
    session: Session,
    snapshot: CampaignSnapshot,
    key: str,
    title: Message,
    problems: Sequence[str],
    now: datetime,
) -> None:
    operator = snapshot.settings.operator
    if operator is None:
        return
    # What was mended and comes back is told again.
    mended = MAIL.c.key.startswith(
        owned(snapshot.campaign.id, f"{MailKind.ALERT}/{key.removesuffix(MENDED)}{MENDED}")
    )
    times = session.execute(select(func.count()).select_from(MAIL).where(mended)).scalar_one()
    details = alert_details(say(title, snapshot.language(operator)), problems, mended=not problems)
    row = alert_row(snapshot, f"{key}/{times}" if times else key, details, now)
    if row is not None:
        enqueue(session, snapshot, [row], now, 0)
