"""How mails leave: what a transport takes, and what it tells.

A mail's fate is one of four.  UNCERTAIN is the one that matters most: the server had all of it and its answer
never came, so it may or may not have been taken.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, Protocol

from tracker.mail.transport.replies import RefusalScope

Security = Literal["starttls", "tls", "plain"]

#: Names that are reserved for examples and tests (RFC 2606, RFC 6761): mail for them never leaves the machine.
_RESERVED = re.compile(
    r"(?:^|[.@])(?:example|test|invalid|localhost|example\.(?:com|net|org))\.?\Z", re.IGNORECASE
)


class DeliveryOutcome(StrEnum):
    """What became of a mail."""

    SENT = "sent"
    DEFERRED = "deferred"
    FAILED = "failed"
    UNCERTAIN = "uncertain"


def _always() -> bool:
    return True


def _nothing() -> None:
    return None


@dataclass(frozen=True, slots=True)
class Envelope:
    """A finished mail to one recipient.  ``id`` is the caller's own and comes back in the ``Delivery``.

    ``may_begin`` is asked last before the server hears of it, ``may_go`` before its content goes out; once one says no,
    the mail is left alone without a word.  ``begins`` is told when the content does: from then on it may have been taken.
    """

    id: int
    sender: str
    to: str
    message_id: str
    data: bytes
    may_go: Callable[[], bool] = _always
    begins: Callable[[], None] = _nothing
    may_begin: Callable[[], bool] = _always


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of the envelope ``id``; ``detail`` is one line for a person, with the server's words.

    ``kept_local`` says that it went to the local mailbox, and to no server; ``verdict`` what a refusal is about;
    not ``is_tried``, that the server was not asked about this mail.
    """

    id: int
    outcome: DeliveryOutcome
    detail: str
    kept_local: bool = False
    verdict: RefusalScope | None = None
    is_tried: bool = True


class LoginBackoff(Protocol):
    """Knows when a server may be knocked at again, for every process that does.

    ``knock`` comes before each first connection; where the server is not known to let us in, it counts as refused until
    ``is_open`` says otherwise, so that one who dies meanwhile is remembered, too.
    """

    async def knock(self, *, needs_login: bool) -> str | None:
        """None, or why not now, in one sentence."""

    async def is_open(self) -> None:
        """The server let us in."""

    async def is_shut(self, why: str, *, is_refusal: bool) -> None:
        """It did not."""


class Transport(Protocol):
    """Takes mails away.  Use one from one event loop at a time."""

    def deliver(self, envelopes: Iterable[Envelope]) -> AsyncGenerator[Delivery, None]:
        """One ``Delivery`` for each envelope that may go, as they come, in any order.

        ``envelopes`` is read little by little: it may be a generator that renders as it goes.
        """

    async def check(self) -> str | None:
        """None if mail can be sent now; otherwise why not, in one sentence."""

    async def close(self) -> None:
        """Let go of connections; call it before the event loop ends."""


def is_reserved(address: str) -> bool:
    """Whether the domain is one that belongs to nobody, such as ``wanzhou.example``."""
    return _RESERVED.search(address.rpartition("@")[2]) is not None
