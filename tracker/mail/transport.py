"""How mails leave: what a transport takes and tells, and which one an address such as ``smtp://…`` means.

A mail's fate is one of four.  UNCERTAIN is the one that matters most: the server had all of it and its answer
never came, so it may or may not have been taken.
"""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Literal, Protocol
from urllib.parse import SplitResult, unquote, urlsplit

from tracker.errors import MailError
from tracker.mail.replies import Judge, Verdict

Security = Literal["starttls", "tls", "plain"]

#: Names that are reserved for examples and tests (RFC 2606, RFC 6761): mail for them never leaves the machine.
_RESERVED = re.compile(
    r"(?:^|[.@])(?:example|test|invalid|localhost|example\.(?:com|net|org))\.?\Z", re.IGNORECASE
)
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_PORTS = {"smtp": 587, "smtps": 465, "smtp+plain": 25}
_SECURITY: dict[str, Security] = {"smtp": "starttls", "smtps": "tls", "smtp+plain": "plain"}
_FORMS = "mailbox:DIR, smtp://user@host:587, smtps://user@host or smtp+plain://host:25"


class Outcome(StrEnum):
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
    outcome: Outcome
    detail: str
    kept_local: bool = False
    verdict: Verdict | None = None
    is_tried: bool = True


class Door(Protocol):
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


def open_transport(
    url: str,
    *,
    mailbox_dir: Path,
    password: str | None = None,
    connections: int = 4,
    timeout: float = 60.0,
    last_answer: float = 600.0,
    door: Door | None = None,
    temporary: Sequence[str] = (),
    permanent: Sequence[str] = (),
) -> Transport:
    """The transport that ``url`` means.  Nothing is connected yet.

    ``mailbox_dir`` takes the mail for reserved domains where ``url`` is a server.  ``timeout`` is how many
    seconds of silence are borne, ``last_answer`` how many after a whole mail.  ``door`` knows when the server may be
    asked.  ``temporary`` and ``permanent`` are pieces of servers' answers to try again after, and to give up after.
    TRACKER_MAIL_CA names further certificates to trust.  Raises MailError for a URL that is none.
    """
    from tracker.mail.mailbox import MailboxTransport

    scheme, _, rest = url.partition(":")
    if not url.isprintable():
        raise _no_way(ascii(_without_password(url)))
    if scheme == "mailbox":
        if not rest or rest.startswith("//"):
            raise MailError(
                "“{text}” names no directory; expected mailbox:DIR", "names_no_directory", text=url
            )
        return MailboxTransport(Path(rest).expanduser())
    if scheme not in _PORTS:
        raise _no_way(f"“{_without_password(url)}”")
    host, port, user = _server(url, scheme)
    if user is not None and password is None:
        raise MailError(
            "{text} needs a password: set TRACKER_MAIL_PASSWORD or TRACKER_MAIL_PASSWORD_FILE",
            "needs_password",
            text=f"{scheme}://{user}@{host}",
        )
    if scheme == "smtp+plain" and user is not None and host not in _LOOPBACK:
        raise MailError(
            "smtp+plain:// would send the password in plain text; use smtp:// or smtps://", "plain_password"
        )
    from tracker.mail.session import Server
    from tracker.mail.smtp import SmtpTransport

    server = Server(
        host=host,
        port=port,
        security=_SECURITY[scheme],
        tls=None if scheme == "smtp+plain" else _tls(os.environ.get("TRACKER_MAIL_CA")),
        user=user,
        password=password if user is not None else None,
        timeout=timeout,
        last_answer=last_answer,
    )
    judge = Judge(temporary, permanent)
    return SmtpTransport(server, MailboxTransport(mailbox_dir), judge, connections=connections, door=door)


def _no_way(text: str) -> MailError:
    return MailError(
        "{text} is no way to send mail; expected {known}", "no_transport", text=text, known=_FORMS
    )


def _server(url: str, scheme: str) -> tuple[str, int, str | None]:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise MailError(
            "“{path}” cannot be read: {error}", "cannot_read", path=_without_password(url), error=error
        ) from None
    if parts.password is not None:
        raise MailError(
            "“{text}” has a password in it, which would show in listings and logs; "
            "put it into TRACKER_MAIL_PASSWORD or TRACKER_MAIL_PASSWORD_FILE",
            "password_in_address",
            text=_without_password(url),
        )
    if not host or _has_more(parts) or not re.fullmatch(r"[A-Za-z0-9.:_-]+", host):
        raise _no_way(f"“{url}”")
    user = unquote(parts.username) if parts.username else None
    return host, port or _PORTS[scheme], user


def _has_more(parts: SplitResult) -> bool:
    return bool(parts.path.strip("/") or parts.query or parts.fragment)


def _without_password(url: str) -> str:
    return re.sub(r"(//[^:@/]*):.*@", r"\1:…@", url)


def _tls(ca_file: str | None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca_file:
        try:
            context.load_verify_locations(cafile=ca_file)
        except (OSError, ssl.SSLError):
            raise MailError(
                "the certificates in {path} (TRACKER_MAIL_CA) cannot be read", "no_certificates", path=ca_file
            ) from None
    return context
