"""Due rows in SQLite to mails that the server has taken: our way, and the way that is written down first."""

from __future__ import annotations

import smtplib
import time
from datetime import UTC
from email.message import EmailMessage
from email.policy import SMTP
from itertools import groupby
from pathlib import Path

from sqlalchemy import select
from sqlmodel import Session, col

from bench.child import Figures
from bench.world import MORNING, TODAY, Service, made_up
from tracker.access.links import Links
from tracker.core.model import Campaign, Item, Mail, MailKind, Reason
from tracker.mail.compose.render import Rendered, Renderer
from tracker.mail.transport.message import message_id
from tracker.mail.transport.opening import open_transport
from tracker.outbox.queries import stored_mails
from tracker.outbox.queue import Claimed, mail_domain
from tracker.outbox.rows import items_from_json, items_to_json
from tracker.service.enclosures import Enclosures
from tracker.service.engine import Engine
from tracker.service.sender import MailSender
from tracker.service.simulation import CollectingSender
from tracker.store.tables import AssignmentRow, MailRow, MailState


def warm(campaign: Campaign) -> Renderer:
    """Layouts are compiled once in the life of a service, and not on anybody's time here."""
    renderer = Renderer(campaign, links=Links("https://tracker.example", ("a key for measuring",)))
    assert not renderer.check()
    return renderer


def ours(folder: str, port: int, mails: int, rows: int, connections: int) -> Figures:
    """One pass of the engine on the morning on which everything is due."""
    snapshot = made_up(mails, rows)
    renderer = warm(snapshot.campaign)
    transport = open_transport(
        f"smtp+plain://127.0.0.1:{port}", mailbox_dir=Path(folder, "mailbox"), connections=connections
    )
    service = Service(Path(folder, "ours.db"), snapshot, MailSender(renderer, transport))
    engine = service.engine
    # With the calendar of its dates enclosed, as the service sends it.
    engine.sender = sender = MailSender(renderer, transport, Enclosures(service.database))
    engine.bring_up_to_date(service.clock.now())
    service.clock.set(MORNING)
    start, cpu = time.perf_counter(), time.process_time()
    report = engine.run_pass()
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    assert report.planned == report.delivered[MailState.SENT] == mails, report
    size = len(sender.compose(_any_mail(engine), snapshot).data)
    service.close()
    return {"rate": mails / seconds, "cpu": cpu / mails * 1000, "size": size}


def _any_mail(engine: Engine) -> Claimed:
    with engine.database.reading() as session:
        stored = stored_mails(session, "main", limit=1)[0]
    return Claimed(stored.id, 1, 1, stored.message_id, stored.mail)


def loop(folder: str, port: int, mails: int, rows: int, most: int) -> Figures:
    """The same database; objects for rows, EmailMessage, smtplib on one connection, a commit for each mail."""
    snapshot = made_up(mails, rows)
    renderer = warm(snapshot.campaign)
    service = Service(Path(folder, "loop.db"), snapshot, CollectingSender(lambda mail: mail.key))
    service.engine.bring_up_to_date(service.clock.now())
    sender, domain = snapshot.settings.mail_from, mail_domain(snapshot)
    smtp = smtplib.SMTP("127.0.0.1", port)
    start, cpu = time.perf_counter(), time.process_time()
    with Session(service.database.engine, expire_on_commit=False) as session:
        due = session.execute(
            select(AssignmentRow)
            .where(col(AssignmentRow.effective_due) == TODAY, col(AssignmentRow.quiet).is_(False))
            .order_by(col(AssignmentRow.unit))
            .limit(most * rows)
        ).scalars()
        for name, group in groupby(due, key=lambda row: row.unit):
            items = tuple(Item(row.key, name, Reason.DUE_TODAY, TODAY, 0) for row in group)
            contact = snapshot.campaign.units[name].contacts[0]
            key = f"digest/{TODAY}/{contact.email}"
            session.add(
                MailRow(
                    key=key,
                    message_id=message_id(key, domain),
                    kind=MailKind.DIGEST,
                    recipient=contact.email,
                    name=contact.name,
                    unit=name,
                    language="zh",
                    timezone="Asia/Shanghai",
                    at=MORNING,
                    day=TODAY,
                    content=items_to_json(items),
                    details="{}",
                    seen_event=0,
                    not_before=MORNING,
                )
            )
        session.commit()
        queued = select(MailRow).where(col(MailRow.state) == MailState.QUEUED)
        for row in session.execute(queued).scalars().all():
            mail = Mail(
                key=row.key,
                at=row.at.replace(tzinfo=UTC),
                to=row.recipient,
                name=row.name,
                unit=row.unit,
                kind=MailKind.DIGEST,
                language="zh",
                items=items_from_json(row.content),
            )
            data = as_email_message(renderer.render(mail), mail, row.message_id, sender.name, sender.email)
            smtp.sendmail(sender.email, [mail.to], data)
            row.state = MailState.SENT
            row.sent_at = MORNING
            session.commit()
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    smtp.quit()
    service.close()
    return {"rate": most / seconds, "cpu": cpu / most * 1000}


def as_email_message(rendered: Rendered, mail: Mail, id_: str, name: str, email: str) -> bytes:
    """The standard library's way from words to bytes."""
    message = EmailMessage(policy=SMTP)
    message["From"] = f"{name} <{email}>"
    message["To"] = f"{mail.name} <{mail.to}>"
    message["Subject"] = rendered.subject
    message["Date"] = mail.at
    message["Message-ID"] = id_
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(rendered.text)
    message.add_alternative(rendered.html, subtype="html")
    return message.as_bytes()
