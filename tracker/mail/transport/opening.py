"""Which transport an address such as ``smtp://user@host:587`` means."""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from tracker.errors import MailError
from tracker.mail.transport.mailbox import MailboxTransport
from tracker.mail.transport.replies import RefusalRules
from tracker.mail.transport.transport import LoginBackoff, Security, Transport

_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_PORTS = {"smtp": 587, "smtps": 465, "smtp+plain": 25}
_SECURITY: dict[str, Security] = {"smtp": "starttls", "smtps": "tls", "smtp+plain": "plain"}
_FORMS = "mailbox:DIR, smtp://user@host:587, smtps://user@host or smtp+plain://host:25"


def open_transport(
    url: str,
    *,
    mailbox_dir: Path,
    password: str | None = None,
    connections: int = 4,
    timeout: float = 60.0,
    last_answer: float = 600.0,
    backoff: LoginBackoff | None = None,
    temporary: Sequence[str] = (),
    permanent: Sequence[str] = (),
) -> Transport:
    """The transport that ``url`` means.  Nothing is connected yet.

    ``mailbox_dir`` takes the mail for reserved domains where ``url`` is a server.  ``timeout`` is how many
    seconds of silence are borne, ``last_answer`` how many after a whole mail.  ``backoff`` knows when the server may be
    asked.  ``temporary`` and ``permanent`` are pieces of servers' answers to try again after, and to give up after.
    TRACKER_MAIL_CA names further certificates to trust.  Raises MailError for a URL that is none.
    """
    scheme, _, rest = url.partition(":")
    if not url.isprintable():
        raise _no_way(ascii(_without_password(url)))
    if scheme == "mailbox":
        if not rest or rest.startswith("//"):
            raise MailError("names_no_directory", text=url)
        return MailboxTransport(Path(rest).expanduser())
    if scheme not in _PORTS:
        raise _no_way(f"“{_without_password(url)}”")
    host, port, user = _server(url, scheme)
    if user is not None and password is None:
        raise MailError("needs_password", text=f"{scheme}://{user}@{host}")
    if scheme == "smtp+plain" and user is not None and host not in _LOOPBACK:
        raise MailError("plain_password")
    from tracker.mail.transport.session import ServerAddress
    from tracker.mail.transport.smtp import SmtpTransport

    server = ServerAddress(
        host=host,
        port=port,
        security=_SECURITY[scheme],
        tls=None if scheme == "smtp+plain" else _tls(os.environ.get("TRACKER_MAIL_CA")),
        user=user,
        password=password if user is not None else None,
        timeout=timeout,
        last_answer=last_answer,
    )
    judge = RefusalRules(temporary, permanent)
    return SmtpTransport(
        server, MailboxTransport(mailbox_dir), judge, connections=connections, backoff=backoff
    )


def _no_way(text: str) -> MailError:
    return MailError("no_transport", text=text, known=_FORMS)


def _server(url: str, scheme: str) -> tuple[str, int, str | None]:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise MailError("cannot_read", path=_without_password(url), error=error) from None
    if parts.password is not None:
        raise MailError("password_in_address", text=_without_password(url))
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
            raise MailError("no_certificates", path=ca_file) from None
    return context
