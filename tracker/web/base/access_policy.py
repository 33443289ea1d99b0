"""How the pages may be entered: by which address, under which names, from where, with which keys."""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

from tracker.access.sessions import hashed
from tracker.core.policy import Settings, Web
from tracker.web.base.throttle import Throttle

#: A key that is not used is good for so long.
KEY_LASTS = timedelta(days=1)

#: Headers by which a server in front of ours betrays itself: then it is not this machine's user who asks.
FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "via")

#: What a name from elsewhere may be long.
LONGEST_NAME = 200


class OneTimeKeys:
    """Keys that are good once and for a while, each with the name that its user gets; kept as hashes, with a bound."""

    def __init__(self, lasts: timedelta, most: int = 1000) -> None:
        self._lasts = lasts
        self._most = most
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, tuple[datetime, str]] = OrderedDict()

    def make(self, name: str, now: datetime) -> str:
        """A new key for ``name``."""
        secret = secrets.token_urlsafe(32)
        with self._lock:
            self._kept[hashed(secret)] = (now + self._lasts, name)
            if len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return secret

    def peek(self, secret: str, now: datetime) -> str | None:
        """Whose it is, if it is good still."""
        with self._lock:
            until, name = self._kept.get(hashed(secret), (now, None))
        return name if now < until else None

    def use(self, secret: str, now: datetime) -> str | None:
        """The same, for the last time."""
        with self._lock:
            until, name = self._kept.pop(hashed(secret), (now, None))
        return name if now < until else None


def _keys() -> OneTimeKeys:
    return OneTimeKeys(KEY_LASTS)


@dataclass
class AccessPolicy:
    """One per site.  ``host`` is the address that is bound, as a number.

    ``keys`` are those of the first entry, which is of this machine; what people take along from one machine to another
    stands in the database.
    """

    host: str = "127.0.0.1"
    throttle: Throttle = field(default_factory=Throttle)
    keys: OneTimeKeys = field(default_factory=_keys)

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine gets here."""
        return is_loopback(self.host)

    def is_ours(self, header: str, settings: Settings) -> bool:
        """Whether a request for this ``Host`` is meant for us: another name may be another site's (DNS rebinding)."""
        name = host_of(header)
        if name is None:
            return False
        listen = host_of((settings.web or Web()).listen)
        if is_loopback(name) or name in {self.host, listen, host_of(urlsplit(settings.link_base).netloc)}:
            return True
        # No page elsewhere can have a number for a name; which numbers are ours, nobody has told us.
        return _number(name) is not None and bool((number := _number(self.host)) and number.is_unspecified)


def host_of(netloc: str) -> str | None:
    """The host of ``HOST:PORT``, in small letters; None for what is none."""
    try:
        name = urlsplit(f"//{netloc}").hostname
    except ValueError:
        return None
    return None if name is None or "@" in netloc or "/" in netloc else name.rstrip(".")


@lru_cache(maxsize=16)
def root_of(link_base: str) -> str:
    """The path of an address, without a slash at its end: that under which the pages are."""
    return urlsplit(link_base).path.rstrip("/")


def is_loopback(name: str) -> bool:
    """Whether this name or number means the machine itself."""
    number = _number(name)
    if number is None:
        return name == "localhost"
    mapped = number.ipv4_mapped if isinstance(number, IPv6Address) else None
    return (mapped or number).is_loopback


def is_forwarded(connection: HTTPConnection) -> bool:
    """Whether a server in front of ours hands this on."""
    return any(name in connection.headers for name in FORWARDED)


def peer_of(connection: HTTPConnection) -> str:
    """The address that the request comes from."""
    return connection.client.host if connection.client is not None else ""


def is_in_front(address: str, web: Web) -> bool:
    """Whether it is that of a server in front of ours, by what the settings say."""
    vouching = () if web.proxy is None else web.proxy.sources
    return _is_among(address, (*vouching, *web.forwarded_from))


@lru_cache(maxsize=4096)
def _is_among(address: str, sources: tuple[str, ...]) -> bool:
    number = _number(address)
    if isinstance(number, IPv6Address) and number.ipv4_mapped is not None:
        number = number.ipv4_mapped
    return number is not None and any(number in ip_network(source) for source in sources)


def vouched_name(connection: HTTPConnection, web: Web) -> str | None:
    """The name in the trusted proxy's header; from anywhere else that header says nothing."""
    if web.proxy is None or not _is_among(peer_of(connection), web.proxy.sources):
        return None
    said = connection.headers.getlist(web.proxy.header)
    if len(said) != 1:
        return None
    try:
        name = said[0].encode("latin-1").decode().strip()
    except ValueError:
        return None
    return name if name and name.isprintable() and len(name) <= LONGEST_NAME else None


def asker(connection: HTTPConnection, web: Web) -> str:
    """The address of whoever asks; a declared server in front of ours says on whose behalf it does.

    Each of them adds the one that it was asked by at the end; what stands before that, anybody may have written.
    """
    address = peer_of(connection)
    said = ",".join(connection.headers.getlist("x-forwarded-for")).split(",")
    while said and is_in_front(address, web):
        before = said.pop().strip()
        number = _number(before) or _number(host_of(before) or "")
        if number is None:
            break
        address = str(number)
    return address


def _number(name: str) -> IPv4Address | IPv6Address | None:
    # After a % Python takes anything at all for the name of an interface.
    if "%" in name:
        return None
    try:
        return ip_address(name.strip("[]"))
    except ValueError:
        return None
