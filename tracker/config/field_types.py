"""Texts of the files into dates, numbers, addresses …; each raises ``Unfit`` with one sentence.

Every scalar comes as the text that was typed, so nothing has been guessed before it gets here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, time
from ipaddress import ip_network
from typing import Annotated, Any, Literal
from urllib.parse import quote as quote_path
from zoneinfo import ZoneInfo, available_timezones

from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

from tracker.config.messages import Guesses, did_you_mean, short
from tracker.core.policy import Interval, Rate
from tracker.core.roles import Role
from tracker.core.years import FIRST_YEAR, LAST_YEAR
from tracker.i18n.message import Message

TRUE_WORDS = frozenset({"true", "yes", "on", "是"})
FALSE_WORDS = frozenset({"false", "no", "off", "否"})
#: Where an interval could stand: there is none.
NEVER_WORDS = frozenset({"never", "none", "off", "no", "从不", "无"})

#: For the pages: there are none.
OFF = "off"

_DATE = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})", re.ASCII)
_TIME = re.compile(r"(\d{1,2}):(\d{2})", re.ASCII)
_WHOLE = re.compile(r"\d{1,9}", re.ASCII)
_GRACE = re.compile(r"(\d{1,3})(?:\s*d)?", re.ASCII)
#: From Monday on: the words for each weekday, in small letters.
_WEEKDAYS = {
    word: number
    for number, (name, sign) in enumerate(
        (
            ("monday", "一"),
            ("tuesday", "二"),
            ("wednesday", "三"),
            ("thursday", "四"),
            ("friday", "五"),
            ("saturday", "六"),
            ("sunday", "日"),
        ),
        start=1,
    )
    for word in (name, name[:3], f"周{sign}", f"星期{sign}", f"礼拜{sign}")
} | {"周天": 7, "星期天": 7, "礼拜天": 7}
#: What the zone database holds beside the places: this machine's own clock, templates, clocks with leap seconds.
_NO_PLACES = ("localtime", "posixrules", "Factory", "posix/", "right/")
_LOCAL = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}", re.ASCII)
_LABEL = r"[^\W_](?:[\w-]{0,61}[^\W_])?"
_DOMAIN = re.compile(rf"(?:{_LABEL}\.)+{_LABEL}", re.ASCII)
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\.?|\[[0-9a-fA-F:.]+\]", re.ASCII)
_PATH = re.compile(r"(?:[\w.~%-]+(?:/[\w.~%-]+)*)?", re.ASCII)
#: The first parts of our own addresses.
PAGES = re.compile(
    "act|answer|api|assignment|before|enter|feed|files|health|healthz|item|ledger.csv|mails|metrics|month|questions|readyz|remind|requests|"
    "sign-in|sign-out|static|submitted|timeline|unit|view"
)
_HEADER = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,63}", re.ASCII)

#: Names of this machine for itself.
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})


def unfit(message: Message) -> PydanticCustomError:
    """The finding that a value is none of what was expected."""
    return PydanticCustomError("unfit", "{said}", {"said": message})


def expected(wanted: Message, found: str) -> PydanticCustomError:
    """The same where that is all there is to say."""
    return unfit(Message("config.expected", found=short(found), wanted=wanted))


def _text(value: Any, wanted: Message) -> str:
    if not isinstance(value, str):
        found = Message("config.found.nothing") if value is None else Message("config.found.structure")
        raise unfit(Message("config.expected_not", wanted=wanted, found=found))
    return value.strip()


def day(value: Any) -> date:
    """``2022-04-08``."""
    wanted = Message("config.wanted.date")
    text = _text(value, wanted)
    found = _DATE.fullmatch(text)
    if found is None:
        raise unfit(Message("config.no_date", text=short(text)))
    year, month, number = (int(part) for part in found.groups())
    try:
        result = date(year, month, number)
    except ValueError:
        raise unfit(Message("config.no_such_day", text=text)) from None
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise unfit(Message("config.no_such_year", text=text, first=FIRST_YEAR, last=LAST_YEAR))
    return result


def weekday(text: str) -> int | None:
    """``friday``, ``周五`` or ``星期五``: the number of the weekday, Monday is 1; None for other words."""
    return _WEEKDAYS.get(text.strip().lower())


def moment_of_day(value: Any) -> time:
    """``09:00``."""
    wanted = Message("config.wanted.time")
    text = _text(value, wanted)
    found = _TIME.fullmatch(text)
    if found is None or int(found[1]) > 23 or int(found[2]) > 59:
        raise unfit(Message("config.no_time", text=short(text)))
    return time(int(found[1]), int(found[2]))


def whole(least: int, most: int) -> Callable[[Any], int]:
    """A whole number from ``least`` to ``most``."""

    def read(value: Any) -> int:
        wanted = Message("config.wanted.number")
        text = _text(value, wanted)
        if not _WHOLE.fullmatch(text) or not least <= int(text) <= most:
            raise unfit(Message("config.no_number", text=short(text), least=least, most=most))
        return int(text)

    return read


def truth(value: Any) -> bool:
    """``true`` or ``false``, and what else YAML takes for them."""
    wanted = Message("config.wanted.truth")
    text = _text(value, wanted).lower()
    if text in TRUE_WORDS:
        return True
    if text in FALSE_WORDS:
        return False
    raise expected(wanted, text)


def grace(value: Any) -> int:
    """``2d``: days of grace."""
    wanted = Message("config.wanted.grace")
    text = _text(value, wanted)
    found = _GRACE.fullmatch(text.lower())
    if found is None:
        raise expected(wanted, text)
    return int(found[1])


def interval(value: Any) -> Interval | Literal["never"]:
    """``7d``, ``2wd``, or ``never``."""
    wanted = Message("config.wanted.interval")
    text = _text(value, wanted)
    if text.lower() in NEVER_WORDS:
        return "never"
    try:
        return Interval.parse(text)
    except ValueError:
        raise expected(wanted, text) from None


def rate(value: Any) -> Rate:
    """``20/min``, ``500/h``, ``1000/d`` or ``1/s``."""
    wanted = Message("config.wanted.rate")
    text = _text(value, wanted)
    try:
        return Rate.parse(text)
    except ValueError:
        raise expected(wanted, text) from None


def domain(value: Any) -> str:
    """What stands behind the @ of an address, in small letters."""
    wanted = Message("config.wanted.domain")
    typed = _text(value, wanted).removeprefix("@").lower()
    text = _in_ascii(typed)
    if not _DOMAIN.fullmatch(text):
        raise expected(wanted, typed)
    return text


def address(value: Any) -> str:
    """An e-mail address, as far as it can be told without sending."""
    wanted = Message("config.wanted.address")
    text = _text(value, wanted)
    local, at, domain = text.rpartition("@")
    if "＠" in text or "。" in text:
        why = Message("config.no_address.full_width")
    elif text.count("@") != 1:
        why = Message("config.no_address.several_ats") if at else Message("config.no_address.no_at")
    elif not local or local[0] == "." or local[-1] == "." or ".." in local or not _LOCAL.fullmatch(local):
        why = Message("config.no_address.before_at")
    elif not _DOMAIN.fullmatch(domain := _in_ascii(domain)):
        why = Message("config.no_address.after_at")
    elif len(local) + len(domain) > 253 or not text.isprintable():
        why = Message("config.no_address.too_long")
    else:
        return f"{local}@{domain}"
    raise unfit(Message("config.no_address.said", text=short(text), why=why))


def where_to_submit(value: Any) -> str:
    """An address, or words on where to send it."""
    wanted = Message("config.wanted.where")
    text = _text(value, wanted)
    return address(text) if "@" in text or "＠" in text else text


def zone(value: Any) -> str:
    """The name of a time zone that exists."""
    wanted = Message("config.wanted.zone")
    text = _text(value, wanted)
    try:
        is_place = not text.startswith(_NO_PLACES)
        ZoneInfo(text)
    except (OSError, ValueError, KeyError):
        is_place = False
    if not is_place:
        near = did_you_mean(Guesses().near(text, sorted(available_timezones()), 1))
        raise unfit(Message("config.no_zone", text=short(text), near=near))
    return text


def transport(value: Any) -> str:
    """Where mail goes: ``mailbox:DIR`` or ``smtp…://[user@]host[:port]``; a password has no place in it."""
    wanted = Message("config.wanted.transport")
    text = _text(value, wanted)
    scheme, colon, rest = text.partition(":")
    if scheme == "mailbox" and rest.strip():
        return text
    if colon and scheme in ("smtp", "smtps", "smtp+plain") and rest.startswith("//"):
        user, _, server = rest.removeprefix("//").rstrip("/").rpartition("@")
        if ":" in user:
            raise unfit(Message("config.no_password_here"))
        if (found := _server(server)) and not re.search(r"\s", user):
            return text.replace(server, found, 1)
    raise expected(wanted, text)


def web(value: Any) -> str:
    """``127.0.0.1:8080`` or ``off``; port 0 is any that is free."""
    wanted = Message("config.wanted.web_address")
    text = _text(value, wanted)
    if text.lower() in FALSE_WORDS | {"none"}:
        return OFF
    if ":" in text.rpartition("]")[2] and (found := _server(text, least=0)):
        return found
    raise expected(wanted, text)


def _server(text: str, *, least: int = 1) -> str | None:
    """``HOST`` or ``HOST:PORT`` as programs write it; None for what is none."""
    host, colon, port = text.rpartition(":") if ":" in text.rpartition("]")[2] else (text, "", "")
    if colon and not (_WHOLE.fullmatch(port) and least <= int(port) <= 65535):
        return None
    host = _in_ascii(host)
    return f"{host}{colon}{port}" if _HOST.fullmatch(host) else None


def _in_ascii(host: str) -> str:
    """``应急.中国`` as DNS, browsers and mail servers know it, ``xn--extu8a.xn--fiqs8s``; what is no name as it is."""
    if host.isascii():
        return host
    import idna

    try:
        return idna.encode(host, uts46=True).decode("ascii")
    except idna.IDNAError:
        return host


def database(value: Any) -> str:
    """``sqlite:///var/tracker.db`` or ``postgresql+psycopg://…``."""
    wanted = Message("config.wanted.database")
    text = _text(value, wanted)
    if re.match(r"sqlite://|postgresql(\+psycopg)?://", text):
        return text
    # What stands there may have a password in it.
    raise unfit(Message("config.no_database"))


def link_base(value: Any) -> str:
    """Where links in mails begin; without the slash at its end."""
    wanted = Message("config.wanted.link_base")
    text = _text(value, wanted)
    scheme, separator, rest = text.partition("://")
    server, slash, path = rest.rstrip("/").partition("/")
    found, path = _server(server), re.sub(r"[^\x00-\x7f]+", lambda each: quote_path(each[0]), path)
    if not separator or scheme not in ("http", "https") or not found or not _PATH.fullmatch(path):
        raise expected(wanted, text)
    if PAGES.fullmatch(path.partition("/")[0]):
        raise unfit(Message("config.path_of_pages", text=short(text)))
    return f"{scheme}://{found}{slash}{path}"


def network(value: Any) -> str:
    """An address of a machine, or a network of them such as ``10.0.0.0/24``."""
    wanted = Message("config.wanted.network")
    text = _text(value, wanted)
    try:
        ip_network(text)
    except ValueError:
        raise expected(wanted, text) from None
    return text


def header(value: Any) -> str:
    """The name of a header of HTTP, in small letters."""
    wanted = Message("config.wanted.header")
    text = _text(value, wanted)
    if not _HEADER.fullmatch(text):
        raise expected(wanted, text)
    return text.lower()


def issuer(value: Any) -> str:
    """The address of a provider of OpenID Connect; without TLS only on this machine."""
    wanted = Message("config.wanted.issuer")
    text = _text(value, wanted)
    scheme, separator, rest = text.partition("://")
    server = rest.split("/")[0]
    host = server.rpartition(":")[0] if ":" in server.rpartition("]")[2] else server
    is_here = scheme == "http" and host in LOOPBACK_NAMES
    found = _server(server)
    if not separator or " " in text or not (scheme == "https" or is_here) or not found:
        raise expected(wanted, text)
    return text.rstrip("/").replace(server, found, 1)


def role(value: Any) -> Role:
    """``viewer``, ``supervisor`` or ``operator``."""
    wanted = Message("config.wanted.role")
    text = _text(value, wanted)
    try:
        return Role.named(text)
    except ValueError:
        raise expected(wanted, text) from None


Day = Annotated[date, BeforeValidator(day)]
Clock = Annotated[time, BeforeValidator(moment_of_day)]
Truth = Annotated[bool, BeforeValidator(truth)]
Grace = Annotated[int, BeforeValidator(grace)]
Address = Annotated[str, BeforeValidator(address)]
SubmitTo = Annotated[str, BeforeValidator(where_to_submit)]
Zone = Annotated[str, BeforeValidator(zone)]
Transport = Annotated[str, BeforeValidator(transport)]
WebAddress = Annotated[str, BeforeValidator(web)]
Network = Annotated[str, BeforeValidator(network)]
Header = Annotated[str, BeforeValidator(header)]
Issuer = Annotated[str, BeforeValidator(issuer)]
RoleWord = Annotated[Role, BeforeValidator(role)]
DatabaseUrl = Annotated[str, BeforeValidator(database)]
LinkBase = Annotated[str, BeforeValidator(link_base)]
