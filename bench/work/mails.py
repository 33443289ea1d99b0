"""One digest from its items to its bytes, and ready bytes to the server."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from statistics import median

from bench.child import Figures
from bench.work.digests import as_email_message, warm
from bench.world import DOMAIN, MORNING, TODAY, made_up
from tracker.campaign.snapshot import CampaignSnapshot
from tracker.core.model import Item, Mail, MailKind, Reason
from tracker.mail.compose.render import Renderer
from tracker.mail.transport.message import message_id
from tracker.mail.transport.opening import open_transport
from tracker.mail.transport.transport import DeliveryOutcome, Envelope, Transport
from tracker.outbox.queue import Claimed, mail_domain
from tracker.service.sender import MailSender

ROWS = 30


def digests(snapshot: CampaignSnapshot, count: int, rows: int, *, alike: bool) -> list[Claimed]:
    """Mails of ``rows`` rows: the same rows for every unit, or none that another mail has too."""
    found = []
    for number in range(count):
        due = TODAY + timedelta(days=0 if alike else number + 1)
        left = (due - TODAY).days
        items = tuple(
            Item(str(n + 1), f"u{number}", Reason.LEAD if left else Reason.DUE_TODAY, due, left)
            for n in range(rows)
        )
        key = f"digest/{TODAY}/u{number}@{DOMAIN}"
        mail = Mail(
            key=key,
            at=MORNING,
            to=f"u{number}@{DOMAIN}",
            name=f"第{number}区县联络员",
            unit=f"u{number}",
            kind=MailKind.DIGEST,
            language="zh",
            items=items,
        )
        found.append(Claimed(number, 1, 1, message_id(key, mail_domain(snapshot)), mail))
    return found


def deliver(port: int, mails: int, rows: int, connections: int) -> Figures:
    """A hundred finished mails, over and over."""
    snapshot = made_up(100, rows)
    transport = open_transport(
        f"smtp+plain://127.0.0.1:{port}", mailbox_dir=Path("/nonexistent"), connections=connections
    )
    sender = MailSender(warm(snapshot.campaign), transport)
    ready = [(each, sender.compose(each, snapshot).data) for each in digests(snapshot, 100, rows, alike=True)]
    sender = snapshot.settings.mail_from.email

    def envelopes() -> Iterator[Envelope]:
        for number in range(mails):
            claimed, data = ready[number % len(ready)]
            yield Envelope(number, sender, claimed.mail.to, claimed.message_id, data)

    # The first delivery connects.
    seconds, cpu = asyncio.run(_deliver(transport, envelopes))
    size = sum(len(data) for _, data in ready) / len(ready)
    return {"rate": mails / seconds, "size": size, "cpu": cpu / mails * 1000}


async def _deliver(transport: Transport, envelopes: Callable[[], Iterator[Envelope]]) -> tuple[float, float]:
    start, cpu = time.perf_counter(), time.process_time()
    async for delivery in transport.deliver(envelopes()):
        assert delivery.outcome is DeliveryOutcome.SENT, delivery
    taken = time.perf_counter() - start, time.process_time() - cpu
    await transport.close()
    return taken


def render(count: int, rounds: int, *, alike: bool) -> Figures:
    """Milliseconds for a mail, ours and EmailMessage's, with renderers of their own that take turns."""
    snapshot = made_up(count, ROWS)
    mails = digests(snapshot, count, ROWS, alike=alike)
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(rounds):
        # A fresh renderer has no rows of earlier rounds at hand.
        sender = MailSender(warm(snapshot.campaign), _no_transport())
        ours.append(_timed(lambda claimed: sender.compose(claimed, snapshot), mails))  # noqa: B023
        renderer = warm(snapshot.campaign)
        theirs.append(_timed(lambda claimed: _email_message(renderer, claimed, snapshot), mails))  # noqa: B023
    return {"ours": median(ours), "theirs": median(theirs)}


def _no_transport() -> Transport:
    return open_transport("mailbox:/nonexistent", mailbox_dir=Path("/nonexistent"))


def _email_message(renderer: Renderer, claimed: Claimed, snapshot: CampaignSnapshot) -> bytes:
    sender = snapshot.settings.mail_from
    rendered = renderer.render(claimed.mail)
    return as_email_message(rendered, claimed.mail, claimed.message_id, sender.name, sender.email)


def _timed(make: Callable[[Claimed], object], mails: list[Claimed]) -> float:
    start = time.perf_counter()
    for claimed in mails:
        make(claimed)
    return (time.perf_counter() - start) / len(mails) * 1000
