"""Mails: remind now, look ahead, list, show, try again, and try the way out."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path

from tracker.config.events import read_events
from tracker.core.model import Contact, Mail, MailKind
from tracker.errors import UsageError
from tracker.i18n.catalogue import Language, words
from tracker.i18n.recognised import said_in
from tracker.i18n.terms import enclosed, word
from tracker.ledger.beginning import known_beginning
from tracker.ledger.event_target import SupposedEvents
from tracker.ledger.record import read_history
from tracker.mail.compose.details import files_sent
from tracker.mail.transport.message import message_id, validated_email
from tracker.outbox.mail_server import forget_refused_logins
from tracker.outbox.queries import retry, stored_mail, stored_mails
from tracker.outbox.queue import Claimed, mail_domain
from tracker.outbox.results import Result
from tracker.planning import reminders_now
from tracker.planning.reminders_now import Reach, Reminded
from tracker.service.app import App
from tracker.service.enclosures import Enclosures
from tracker.service.simulation import simulate
from tracker.store.database import open_database
from tracker.store.tables import MailState
from tracker.usecases.input_checks import in_order
from tracker.usecases.json_facts import (
    Fact,
    mail_facts,
    outbox_facts,
)


def whom_to_remind(app: App, refs: Sequence[str], units: Collection[str] | None) -> list[Reach]:
    """Whom ``remind_now`` would reach; nothing is sent."""
    now = app.clock.now()
    app.engine.bring_up_to_date(now)
    with app.database.reading() as session:
        return reminders_now.reach(session, app.snapshot, refs, units, now)


def remind_now(
    app: App, refs: Sequence[str], units: Collection[str] | None, *, who: str, again: bool = False
) -> Reminded:
    """Remind ``units`` (None: all) of what is open of ``refs``, because ``who`` says so; see ``nudge_now``."""
    now = app.clock.now()
    with app.engine.acting(now) as (session, snapshot):
        return reminders_now.remind_now(session, snapshot, refs, units, now, asked_by=who, again=again)


def simulated_mails(
    app: App, first: date, last: date, *, events_file: Path | None = None, mailbox: Path | None = None
) -> Iterator[tuple[date, Fact]]:
    """Every mail from ``first`` to ``last``, both included, as its day and its facts.

    What the ledger knows has happened; ``events_file`` says what else does.  ``mailbox`` gets each mail as
    an ``.eml`` file.
    """
    in_order(first, last)
    snapshot = app.snapshot
    with app.database.reading() as session:
        history = read_history(session, snapshot.campaign.id)
        snapshot.beginning.day = known_beginning(session, snapshot)
    meant = SupposedEvents(snapshot, history).take
    events = [] if events_file is None else read_events(events_file, snapshot.zone, snapshot.unit_id, meant)
    if mailbox is not None:
        mailbox.mkdir(parents=True, exist_ok=True)
    ledger = open_database("sqlite://")
    sender = app.sender(ledger)
    until = last + timedelta(days=1)
    for claimed, subject in simulate(
        snapshot, events, first, until, app.renderer.subject, history=history, database=ledger
    ):
        if mailbox is not None:
            at = claimed.mail.at.astimezone(snapshot.zone)
            name = f"{at:%Y%m%dT%H%M%S}-{claimed.message_id.strip('<>')}.eml"
            (mailbox / name).write_bytes(sender.compose(claimed, snapshot).data)
        yield (
            snapshot.day(claimed.mail.at),
            mail_facts(claimed.mail, message_id=claimed.message_id, subject=subject, zone=snapshot.zone),
        )


def mails(
    app: App, *, state: str | None = None, unit: str | None = None, limit: int | None = None
) -> list[Fact]:
    """The outbox: the newest ``limit`` mails, oldest of them first."""
    snapshot = app.snapshot
    with app.database.reading() as session:
        found = stored_mails(
            session,
            snapshot.campaign.id,
            state=state,
            unit=None if unit is None else snapshot.unit_id(unit),
            limit=limit,
        )
    shut = app.made.post.shut_until()
    return [
        outbox_facts(
            each, subject=each.subject or app.renderer.subject(each.mail), zone=snapshot.zone, shut_until=shut
        )
        for each in found
    ]


def show_mail(app: App, number: int, language: Language, *, html: bool = False) -> str:
    """One mail as its reader sees it."""
    with app.database.reading() as session:
        found = stored_mail(session, app.snapshot.campaign.id, number)
    # What went with a mail that is gone was written down then.
    is_gone = found.state is MailState.SENT
    sent = None if is_gone else Enclosures(app.database).forms_of(found.mail, app.snapshot)
    rendered = app.renderer.render(found.mail, sent)
    if html:
        return rendered.html
    at = found.mail.at.astimezone(app.snapshot.zone)
    state, outcome = word(found.state.value, language), said_in(found.outcome, language)
    say = words("commands", language)
    if outcome:
        state = say("mail.state_because", state=state, why=outcome)
    head = say(
        "mail.head", to=found.mail.to, at=f"{at:%Y-%m-%d %H:%M}", subject=rendered.subject, state=state
    )
    if files := files_sent(found.mail):
        head += f"\n{enclosed(files, language)}"
    return f"{head}\n\n{rendered.text}"


def retry_mails(app: App, number: int | None, *, since: date | None = None) -> int:
    """Queue one mail again, or every failed one of ``since`` (by default a week ago) or later; how many."""
    if number is not None and since is not None:
        raise UsageError("mail_or_since")
    with app.database.writing() as session:
        return retry(session, app.snapshot.campaign.id, number, app.clock.now(), since=since)


def send_test_mail(app: App, address: str | None) -> tuple[str, Result]:
    """Send one mail through the configured transport, past the outbox; to whom, and what came of it.

    Without an ``address`` the operator gets it.  Raises MailError for what is no address.
    """
    if address is not None:
        validated_email(address)
    snapshot, now = app.snapshot, app.clock.now()
    operator = snapshot.settings.operator
    if address is None and operator is None:
        raise UsageError("no_operator")
    contact = operator if operator is not None and address is None else Contact(str(address), str(address))
    mail = Mail(
        key=f"alert/test/{now.isoformat()}",
        at=now,
        to=contact.email,
        name=contact.name,
        unit=None,
        kind=MailKind.ALERT,
        language=snapshot.language(contact),
        details={"title": "测试邮件 · test mail", "problems": [f"{snapshot.settings.transport}"]},
    )
    claimed = Claimed(0, 0, 1, message_id(mail.key, mail_domain(snapshot)), mail)
    with app.database.writing(alone=False) as session:
        forget_refused_logins(session, snapshot.campaign.id, now)
    return contact.email, asyncio.run(_send_one(app, claimed))


async def _send_one(app: App, claimed: Claimed) -> Result:
    sender = app.sender()
    try:
        results = [result async for result in sender.send([claimed], app.snapshot)]
        return results[0]
    finally:
        await sender.close()
