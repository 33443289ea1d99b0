"""Takes claimed mails from the outbox to the post: render, build, deliver, and say what became of each."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from tracker.campaign.snapshot import CampaignSnapshot
from tracker.core.policy import Settings
from tracker.errors import DatabaseError
from tracker.i18n.message import Message
from tracker.mail.compose.details import sent_with
from tracker.mail.compose.render import Renderer
from tracker.mail.compose.view import Enclosed
from tracker.mail.transport.message import Address, ThreadHeaders, build, message_id
from tracker.mail.transport.opening import open_transport
from tracker.mail.transport.replies import RefusalScope
from tracker.mail.transport.transport import DeliveryOutcome, Envelope, LoginBackoff, Transport
from tracker.outbox.queue import Claimed, mail_domain
from tracker.outbox.results import Result
from tracker.service.enclosures import Enclosures
from tracker.store.tables import MailState

STATES = {
    DeliveryOutcome.SENT: MailState.SENT,
    DeliveryOutcome.DEFERRED: MailState.DEFERRED,
    DeliveryOutcome.FAILED: MailState.FAILED,
    DeliveryOutcome.UNCERTAIN: MailState.UNCERTAIN,
}


#: What keeps a mail from being made now, and may not do so later.
PASSING = (DatabaseError, SQLAlchemyError, OSError, MemoryError)

log = logging.getLogger("tracker")


@dataclass(frozen=True, slots=True)
class Composed:
    """A finished mail: its subject, its bytes, and which forms and files are enclosed."""

    subject: str
    data: bytes
    forms: Enclosed = field(default_factory=dict)
    files: tuple[str, ...] = ()


class MailSender:
    """Renders with ``renderer``, encloses what belongs with it, and posts through ``transport``.

    With ``read_clock`` it lets go of mails whose lease is about to end: a process that was frozen meanwhile, or has
    a server that takes a minute for each, leaves them to whoever takes them over.
    """

    def __init__(
        self,
        renderer: Renderer,
        transport: Transport,
        enclosures: Enclosures | None = None,
        *,
        read_clock: Callable[[], datetime] | None = None,
    ) -> None:
        self._renderer = renderer
        self._transport = transport
        self._enclosures = enclosures
        self._read_clock = read_clock

    def compose(self, claimed: Claimed, snapshot: CampaignSnapshot) -> Composed:
        """The bytes of one mail.  Raises whatever keeps it from being written."""
        mail = claimed.mail
        attachments, enclosed = ([], {}) if self._enclosures is None else self._enclosures.of(mail, snapshot)
        rendered = self._renderer.render(mail, enclosed)
        sender = snapshot.settings.mail_from
        data = build(
            sender=Address(sender.name, sender.email),
            to=Address(mail.name, mail.to),
            subject=rendered.subject,
            text=rendered.text,
            html=rendered.html,
            id_=claimed.message_id,
            at=mail.at.astimezone(snapshot.zone),
            belongs=ThreadHeaders(
                list_id=f"tracker.{mail_domain(snapshot)}",
                # One campaign's mails to one person stand together, however their subjects differ.
                thread=message_id(
                    f"{snapshot.campaign.id}/thread/{mail.to.casefold()}", mail_domain(snapshot)
                ),
                reply_to=snapshot.settings.reply_to or sender.email,
            ),
            attachments=attachments,
        )
        return Composed(rendered.subject, data, enclosed, tuple(each.name for each in attachments))

    async def send(
        self, mails: Sequence[Claimed], snapshot: CampaignSnapshot
    ) -> AsyncGenerator[Result, None]:
        """Results as they come; mails are rendered one by one, while the ones before are on their way.

        There is none for a mail that it let go of.  One that cannot be made stops no other, whatever the reason.
        """
        waiting = {claimed.id: claimed for claimed in mails}
        composed_as: dict[int, Composed] = {}
        unwritable: list[Result] = []

        def envelopes() -> Iterator[Envelope]:
            for claimed in mails:
                if not self._may(claimed.may_begin):
                    continue
                try:
                    composed = self.compose(claimed, snapshot)
                except PASSING as error:
                    unwritable.append(
                        Result(
                            claimed,
                            MailState.DEFERRED,
                            str(Message("outcomes.unwritable_now", why=str(error))),
                        )
                    )
                    continue
                except Exception as error:
                    log.exception("mail %d cannot be written", claimed.id)
                    why = str(Message("outcomes.unwritable", why=f"{type(error).__name__}: {error}"))
                    unwritable.append(Result(claimed, MailState.FAILED, why, verdict=RefusalScope.MAIL))
                    continue
                # Its bytes are let go of as soon as they are on their way.
                composed_as[claimed.id] = replace(composed, data=b"")
                yield Envelope(
                    claimed.id,
                    snapshot.settings.mail_from.email,
                    claimed.mail.to,
                    claimed.message_id,
                    composed.data,
                    partial(self._may, claimed.may_go),
                    claimed.hand.begins,
                    partial(self._may, claimed.may_begin),
                )

        async with aclosing(self._transport.deliver(envelopes())) as deliveries:
            async for delivery in deliveries:
                claimed, made = waiting[delivery.id], composed_as[delivery.id]
                yield Result(
                    claimed,
                    STATES[delivery.outcome],
                    delivery.detail,
                    made.subject,
                    verdict=delivery.verdict,
                    is_tried=delivery.is_tried,
                    went=sent_with(made.forms, made.files),
                    is_local=delivery.kept_local and not snapshot.settings.transport.startswith("mailbox:"),
                )
        for result in unwritable:
            yield result

    def _may(self, at: Callable[[datetime], bool]) -> bool:
        return self._read_clock is None or at(self._read_clock())

    async def close(self) -> None:
        """Let go of the connections; the event loop is about to end."""
        await self._transport.close()


def transport_of(settings: Settings, backoff: LoginBackoff | None = None) -> Transport:
    """The transport that ``settings`` name; ``backoff`` knows when its server may be asked.  Raises MailError."""
    return open_transport(
        settings.transport,
        mailbox_dir=Path(settings.mailbox),
        password=settings.mail_password,
        connections=settings.connections,
        backoff=backoff,
        temporary=settings.temporary_refusals,
        permanent=settings.permanent_refusals,
    )
