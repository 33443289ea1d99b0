"""One conversation with a mail server: aiosmtplib opens it, encrypts it and logs in; the mails are ours.

The commands of a mail are spoken here and not by aiosmtplib's ``sendmail`` for two reasons: only so is it
known whether the answer that did not come was the one after the final dot (the mail may have been taken) or an
earlier one (it has not been); and a server that offers PIPELINING (RFC 2920) gets the end of one mail and the
envelope of the next in one write, which is at least twice as fast.
"""

from __future__ import annotations

import asyncio
import base64
import re
import socket
import ssl
from dataclasses import dataclass, field
from functools import cache
from typing import cast

import aiosmtplib

from tracker.i18n.message import Message
from tracker.mail.transport.message import WireBytes
from tracker.mail.transport.replies import Reply, Stage
from tracker.mail.transport.transport import Envelope, Security
from tracker.mail.transport.wire import LostError, Wire

#: Seconds that a server has to answer our goodbye.
GOODBYE = 2.0
_ADDRESS = re.compile(r"[!-;=?-~]+@[!-;=?-~]+")
END = b".\r\n"


#: Commands that a server need not know.
_UNKNOWN = frozenset({500, 501, 502, 504})


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """Where and how to connect.  ``tls`` is None only for plain text.

    It may be silent for ``timeout`` seconds, and for ``last_answer`` once it has a whole mail: a server that thinks
    that long about one has mostly taken it (RFC 5321, 4.5.3.2.6).
    """

    host: str
    port: int
    security: Security
    tls: ssl.SSLContext | None
    user: str | None
    password: str | None = field(repr=False)
    timeout: float
    last_answer: float

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    def without_secrets(self, text: str) -> str:
        """``text`` on one line, and without the password even where a server repeats it."""
        text = " ".join(text.split())
        if self.password:
            user, password = (self.user or "").encode(), self.password.encode()
            encoded = (
                base64.b64encode(secret).decode() for secret in (b"\0" + user + b"\0" + password, password)
            )
            for secret in (self.password, *encoded):
                text = text.replace(secret, "…")
        return text


class CannotConnectError(Exception):
    """No conversation came about; the text is one sentence without secrets.

    ``is_refusal`` says that the server was there and does not want us: the same again soon would be held against us.
    """

    def __init__(self, why: str, *, is_refusal: bool = False) -> None:
        super().__init__(why)
        self.is_refusal = is_refusal


@dataclass(slots=True)
class StepProgress:
    """What one step has learnt, also where it broke off half-way.

    Once ``content_sent`` is set, the server may have taken the mail.
    """

    content_sent: bool = False
    finished: Reply | None = None
    begun: Reply | None = None
    stage: Stage | None = None


async def connect(server: ServerAddress) -> Session:
    """A conversation past greeting, encryption and login.  Raises CannotConnectError."""
    client = aiosmtplib.SMTP(
        hostname=server.host,
        port=server.port,
        timeout=server.timeout,
        use_tls=server.security == "tls",
        start_tls=server.security == "starttls",
        tls_context=server.tls,
        local_hostname=await asyncio.to_thread(_own_name),
    )
    try:
        async with asyncio.timeout(server.timeout * 2):
            await client.connect()
            if client.is_ehlo_or_helo_needed:
                await _say_hello(client)
            if server.user is not None:
                await _log_in(client, server.user, server.password or "")
    except (aiosmtplib.SMTPException, OSError, ssl.SSLError, TimeoutError, ValueError) as error:
        client.close()
        raise CannotConnectError(
            server.without_secrets(_why(server, error)), is_refusal=_is_refusal(error)
        ) from None
    return Session(server, client)


async def _say_hello(client: aiosmtplib.SMTP) -> None:
    try:
        await client.ehlo()
    except aiosmtplib.SMTPHeloError as error:
        if error.code not in _UNKNOWN or not client.is_connected:
            raise
        await client.helo()


async def _log_in(client: aiosmtplib.SMTP, user: str, password: str) -> None:
    """In one way alone: whoever tries each that is offered counts as several who guess."""
    ways = {"plain": client.auth_plain, "login": client.auth_login, "cram-md5": client.auth_crammd5}
    offered = [way for name, way in ways.items() if name in client.supported_auth_methods]
    if not offered:
        raise aiosmtplib.SMTPException("no way to log in is offered that we know")
    for way in offered:
        try:
            await way(user, password)
        except aiosmtplib.SMTPAuthenticationError as error:
            # 504: it does not know this way after all, and has looked at no password.
            if error.code != 504 or way is offered[-1]:
                raise
        else:
            return


def _is_refusal(error: Exception) -> bool:
    if isinstance(error, aiosmtplib.SMTPAuthenticationError):
        return True
    return isinstance(error, aiosmtplib.SMTPResponseException) and error.code >= 500


@cache
def _own_name() -> str:
    """For the greeting; asking for it can take the name server's time, so it is asked once."""
    return socket.getfqdn()


def _why(server: ServerAddress, error: Exception) -> str:
    if isinstance(error, aiosmtplib.SMTPAuthenticationError):
        return str(
            Message(
                "outcomes.login_refused",
                server=server,
                user=server.user,
                reply=f"{error.code} {error.message}",
            )
        )
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return str(Message("outcomes.turned_away", server=server, reply=f"{error.code} {error.message}"))
    certificate = _certificate_error(error)
    if certificate is not None:
        return str(Message("outcomes.certificate", server=server, reply=certificate.verify_message))
    if server.security == "starttls" and "STARTTLS" in str(error):
        return str(Message("outcomes.no_starttls", server=server))
    if isinstance(error, TimeoutError):
        return str(Message("outcomes.no_answer", server=server))
    return str(Message("outcomes.cannot_connect", server=server, reply=str(error)))


def _certificate_error(error: BaseException | None) -> ssl.SSLCertVerificationError | None:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return error
        error = error.__cause__ or error.__context__
    return None


class Session:
    """An open conversation.  ``sent`` counts the mails that the server took in it."""

    def __init__(self, server: ServerAddress, client: aiosmtplib.SMTP) -> None:
        self.server = server
        self.pipelining = client.supports_extension("pipelining")
        self.sent = 0
        self._reset_first = False
        # From here on the transport is ours, and aiosmtplib's object is done with.
        self._wire = Wire(cast("asyncio.Transport", client.transport), server.timeout)

    @property
    def is_open(self) -> bool:
        """As far as is known without asking."""
        return self._wire.is_open

    async def step(self, finish: Envelope | None, begin: Envelope | None, progress: StepProgress) -> None:
        """Send the content of ``finish``, whose envelope was begun before, and begin ``begin``.

        ``progress.finished`` is the answer to the first.  ``progress.begun`` is the answer to the second: a
        354 says that its content may follow, anything else is a refusal at ``progress.stage``.
        Raises LostError; what had been learnt by then stands in ``progress``.
        """
        if not self._wire.is_open:
            self._wire.abort()
            raise LostError(str(Message("outcomes.closed")))
        try:
            if self.pipelining:
                await self._step_in_one_write(finish, begin, progress)
            else:
                await self._step_by_step(finish, begin, progress)
        except LostError as error:
            self._wire.abort()
            raise LostError(self.server.without_secrets(str(error))) from None

    async def quit(self) -> None:
        """Say goodbye, without waiting long for the answer."""
        try:
            async with asyncio.timeout(GOODBYE):
                self._wire.write(b"QUIT\r\n")
                await self._wire.reply()
                await self._wire.close()
        except (LostError, TimeoutError):
            pass
        finally:
            self._wire.abort()

    def abandon(self) -> None:
        """Close without a word."""
        self._wire.abort()

    async def _step_in_one_write(
        self, finish: Envelope | None, begin: Envelope | None, progress: StepProgress
    ) -> None:
        parts: list[bytes] = []
        begin = _may_begin(begin)
        if finish is not None:
            parts.append(content(finish.data))
        reset = begin is not None and self._reset_first
        if begin is not None:
            parts += [b"RSET\r\n"] if reset else []
            parts += [_mail(begin), _rcpt(begin), b"DATA\r\n"]
        self._wire.write(b"".join(parts))
        progress.content_sent = finish is not None
        if finish is not None:
            await self._finish(progress)
        if begin is None:
            return
        if reset:
            await self._reply()
            self._reset_first = False
        # Each refusal is noted at once: the server may close before it has answered the rest.
        stages: tuple[Stage, ...] = ("mail", "rcpt", "data")
        for stage in stages:
            reply = await self._reply()
            if progress.begun is None or progress.begun.code < 300:
                progress.stage, progress.begun = stage, reply
        self._reset_first = progress.begun is not None and progress.begun.code != 354
        if self._reset_first and reply.code == 354:
            # It waits for content although nobody is to get it: give it none (RFC 2920, 3.1).
            self._wire.write(END)
            await self._reply()

    async def _step_by_step(
        self, finish: Envelope | None, begin: Envelope | None, progress: StepProgress
    ) -> None:
        if finish is not None:
            self._wire.write(content(finish.data))
            progress.content_sent = True
            await self._finish(progress)
        # The answer to the other may have taken its time.
        begin = _may_begin(begin)
        if begin is None:
            return
        if self._reset_first:
            await self._ask(b"RSET\r\n")
            self._reset_first = False
        commands: tuple[tuple[Stage, bytes], ...] = (
            ("mail", _mail(begin)),
            ("rcpt", _rcpt(begin)),
            ("data", b"DATA\r\n"),
        )
        for stage, command in commands:
            progress.stage = stage
            progress.begun = reply = await self._ask(command)
            if reply.code >= 300:
                break
        self._reset_first = progress.begun is not None and progress.begun.code != 354

    async def _finish(self, progress: StepProgress) -> None:
        progress.finished = await self._reply(self.server.last_answer)
        self.sent += progress.finished.code < 300

    async def _ask(self, command: bytes) -> Reply:
        self._wire.write(command)
        return await self._reply()

    async def _reply(self, patience: float | None = None) -> Reply:
        reply = await self._wire.reply(patience)
        return reply if reply.code < 400 else Reply(reply.code, self.server.without_secrets(reply.text))


def _may_begin(envelope: Envelope | None) -> Envelope | None:
    return envelope if envelope is not None and envelope.may_begin() else None


def is_sendable(address: str) -> bool:
    """Whether an address can stand in a command: ASCII, and nothing that would end the command."""
    return _ADDRESS.fullmatch(address) is not None


def content(data: bytes) -> bytes:
    """``data`` as it goes over the wire: CRLF line ends, dots doubled at the start of a line, a dot at the end."""
    if type(data) is WireBytes:
        return data + END
    lines = b"\r\n".join(data.splitlines())
    if lines.startswith(b"."):
        lines = b"." + lines
    return lines.replace(b"\r\n.", b"\r\n..") + b"\r\n" + END


def _mail(envelope: Envelope) -> bytes:
    return f"MAIL FROM:<{envelope.sender}>\r\n".encode("ascii")


def _rcpt(envelope: Envelope) -> bytes:
    return f"RCPT TO:<{envelope.to}>\r\n".encode("ascii")
