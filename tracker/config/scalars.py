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

from tracker.config.messages import Guesses, did_you_mean, quote, say
from tracker.core.policy import Interval, Rate
from tracker.core.roles import Role
from tracker.core.years import FIRST_YEAR, LAST_YEAR

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


def unfit(english: str, chinese: str) -> PydanticCustomError:
    """The finding that a value is none of what was expected."""
    # pydantic fills in braces of its template, and the file's own text may have some.
    return PydanticCustomError("unfit", "{said}", {"said": say(english, chinese)})


def _text(value: Any, what: str, chinese: str) -> str:
    if not isinstance(value, str):
        found = "nothing" if value is None else "a list or a mapping"
        found_zh = "空的" if value is None else "列表或键值"
        raise unfit(f"expected {what}, found {found}", f"应为{chinese}，此处是{found_zh}")
    return value.strip()


def day(value: Any) -> date:
    """``2022-04-08``."""
    text = _text(value, "a date such as 2022-04-08", "日期，例如2022-04-08")
    found = _DATE.fullmatch(text)
    if found is None:
        raise unfit(
            f"{quote(text)} is no date; expected one such as 2022-04-08",
            f"{quote(text)}不是日期，应如2022-04-08",
        )
    year, month, number = (int(part) for part in found.groups())
    try:
        result = date(year, month, number)
    except ValueError:
        raise unfit(f"there is no such day as {text}", f"没有{text}这一天") from None
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise unfit(
            f"{text}: expected a year from {FIRST_YEAR} to {LAST_YEAR}",
            f"{text}：年份应在{FIRST_YEAR}至{LAST_YEAR}之间",
        )
    return result


def weekday(text: str) -> int | None:
    """``friday``, ``周五`` or ``星期五``: the number of the weekday, Monday is 1; None for other words."""
    return _WEEKDAYS.get(text.strip().lower())


def moment_of_day(value: Any) -> time:
    """``09:00``."""
    text = _text(value, "a time such as 09:00", "时间，例如09:00")
    found = _TIME.fullmatch(text)
    if found is None or int(found[1]) > 23 or int(found[2]) > 59:
        raise unfit(
            f"{quote(text)} is no time of day; expected one such as 09:00",
            f"{quote(text)}不是时间，应如09:00",
        )
    return time(int(found[1]), int(found[2]))


def whole(least: int, most: int) -> Callable[[Any], int]:
    """A whole number from ``least`` to ``most``."""

    def read(value: Any) -> int:
        text = _text(value, "a whole number", "整数")
        if not _WHOLE.fullmatch(text) or not least <= int(text) <= most:
            raise unfit(
                f"{quote(text)}: expected a whole number from {least} to {most}",
                f"{quote(text)}应为{least}至{most}的整数",
            )
        return int(text)

    return read


def truth(value: Any) -> bool:
    """``true`` or ``false``, and what else YAML takes for them."""
    text = _text(value, "true or false", "true或false").lower()
    if text in TRUE_WORDS:
        return True
    if text in FALSE_WORDS:
        return False
    raise unfit(f"{quote(text)}: expected true or false", f"{quote(text)}应为true或false")


def grace(value: Any) -> int:
    """``2d``: days of grace."""
    text = _text(value, "days of grace such as 2d", "宽限天数，例如2d")
    found = _GRACE.fullmatch(text.lower())
    if found is None:
        raise unfit(f"{quote(text)}: expected days of grace such as 2d", f"{quote(text)}应为宽限天数，例如2d")
    return int(found[1])


def interval(value: Any) -> Interval | Literal["never"]:
    """``7d``, ``2wd``, or ``never``."""
    text = _text(value, "an interval such as 7d, 2wd or never", "间隔，例如7d、2wd或never")
    if text.lower() in NEVER_WORDS:
        return "never"
    try:
        return Interval.parse(text)
    except ValueError:
        raise unfit(
            f"{quote(text)}: expected an interval such as 7d, 2wd or never",
            f"{quote(text)}应为间隔，例如7d（天）、2wd（工作日）或never",
        ) from None


def rate(value: Any) -> Rate:
    """``20/min``, ``500/h``, ``1000/d`` or ``1/s``."""
    text = _text(value, "how many mails in how long, such as 20/min", "频率，例如20/min（每分钟20封）")
    try:
        return Rate.parse(text)
    except ValueError:
        raise unfit(
            f"{quote(text)}: expected how many mails in how long, such as 20/min, 500/h or 1000/d",
            f"{quote(text)}应为发信频率，例如20/min（每分钟20封）、500/h（每小时）、1000/d（每天）",
        ) from None


def domain(value: Any) -> str:
    """What stands behind the @ of an address, in small letters."""
    typed = _text(value, "a mail domain such as qq.com", "邮箱域名，例如qq.com").removeprefix("@").lower()
    text = _in_ascii(typed)
    if not _DOMAIN.fullmatch(text):
        raise unfit(
            f"{quote(typed)}: expected a mail domain such as qq.com",
            f"{quote(typed)}应为邮箱域名，即@后面的部分，例如qq.com",
        )
    return text


def address(value: Any) -> str:
    """An e-mail address, as far as it can be told without sending."""
    text = _text(value, "an e-mail address", "邮箱地址")
    local, at, domain = text.rpartition("@")
    if "＠" in text or "。" in text:
        why, why_zh = "it has a full-width character", "含有全角符号"
    elif text.count("@") != 1:
        why, why_zh = ("it has no @", "没有@") if not at else ("it has more than one @", "@不止一个")
    elif not local or local[0] == "." or local[-1] == "." or ".." in local or not _LOCAL.fullmatch(local):
        why, why_zh = "what stands before the @ is not possible", "@前面的部分不对"
    elif not _DOMAIN.fullmatch(domain := _in_ascii(domain)):
        why, why_zh = "what stands after the @ is no domain", "@后面的域名不对"
    elif len(local) + len(domain) > 253 or not text.isprintable():
        why, why_zh = "it is too long or has invisible characters", "太长或含有不可见字符"
    else:
        return f"{local}@{domain}"
    raise unfit(
        f"{quote(text)} is no e-mail address: {why}; expected one such as zhang@unit.example",
        f"{quote(text)}不是邮箱地址：{why_zh}",
    )


def where_to_submit(value: Any) -> str:
    """An address, or words on where to send it."""
    text = _text(value, "where to send it", "报送到哪里")
    return address(text) if "@" in text or "＠" in text else text


def zone(value: Any) -> str:
    """The name of a time zone that exists."""
    text = _text(value, "a time zone such as Asia/Shanghai", "时区，例如Asia/Shanghai")
    try:
        is_place = not text.startswith(_NO_PLACES)
        ZoneInfo(text)
    except (OSError, ValueError, KeyError):
        is_place = False
    if not is_place:
        english, chinese = did_you_mean(Guesses().near(text, sorted(available_timezones()), 1))
        raise unfit(
            f"there is no time zone {quote(text)}; expected one such as Asia/Shanghai{english}",
            f"没有{quote(text)}这个时区{chinese}",
        )
    return text


def transport(value: Any) -> str:
    """Where mail goes: ``mailbox:DIR`` or ``smtp…://[user@]host[:port]``; a password has no place in it."""
    text = _text(value, "mailbox:DIR or smtp://user@host:587", "mailbox:目录或smtp://用户@主机:587")
    scheme, colon, rest = text.partition(":")
    if scheme == "mailbox" and rest.strip():
        return text
    if colon and scheme in ("smtp", "smtps", "smtp+plain") and rest.startswith("//"):
        user, _, server = rest.removeprefix("//").rstrip("/").rpartition("@")
        if ":" in user:
            raise unfit(
                "a password has no place here; put it into TRACKER_MAIL_PASSWORD",
                "这里不能写密码，请用环境变量TRACKER_MAIL_PASSWORD",
            )
        if (found := _server(server)) and not re.search(r"\s", user):
            return text.replace(server, found, 1)
    raise unfit(
        f"{quote(text)}: expected mailbox:DIR, smtp://user@host:587, smtps://… or smtp+plain://…",
        f"{quote(text)}应为mailbox:目录、smtp://用户@主机:587、smtps://…或smtp+plain://…",
    )


def web(value: Any) -> str:
    """``127.0.0.1:8080`` or ``off``; port 0 is any that is free."""
    text = _text(value, "an address such as 127.0.0.1:8080, or off", "地址如127.0.0.1:8080，或off")
    if text.lower() in FALSE_WORDS | {"none"}:
        return OFF
    if ":" in text.rpartition("]")[2] and (found := _server(text, least=0)):
        return found
    raise unfit(
        f"{quote(text)}: expected an address and a port such as 127.0.0.1:8080, or off",
        f"{quote(text)}应为地址和端口，例如127.0.0.1:8080，或off",
    )


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
    text = _text(value, "sqlite:///FILE or postgresql+psycopg://…", "sqlite:///文件或postgresql+psycopg://…")
    if re.match(r"sqlite://|postgresql(\+psycopg)?://", text):
        return text
    raise unfit(
        "expected sqlite:///var/tracker.db or postgresql+psycopg://user@host/name",
        "应为sqlite:///var/tracker.db或postgresql+psycopg://用户@主机/库名",
    )


def link_base(value: Any) -> str:
    """Where links in mails begin; without the slash at its end."""
    text = _text(value, "an address such as https://tracker.example", "网址，例如https://tracker.example")
    scheme, separator, rest = text.partition("://")
    server, slash, path = rest.rstrip("/").partition("/")
    found, path = _server(server), re.sub(r"[^\x00-\x7f]+", lambda each: quote_path(each[0]), path)
    if not separator or scheme not in ("http", "https") or not found or not _PATH.fullmatch(path):
        raise unfit(
            f"{quote(text)}: expected an address such as https://tracker.example or https://office.example/tracker",
            f"{quote(text)}应为网址，以http(s)://开头，可带路径，例如https://office.example/tracker",
        )
    if PAGES.fullmatch(path.partition("/")[0]):
        raise unfit(
            f"{quote(text)}: the pages have a path of that name of their own; choose another one such as /tracker",
            f"{quote(text)}：网页自身已有同名路径，请换一个，例如/tracker",
        )
    return f"{scheme}://{found}{slash}{path}"


def network(value: Any) -> str:
    """An address of a machine, or a network of them such as ``10.0.0.0/24``."""
    text = _text(value, "an address such as 10.0.0.5", "地址，例如10.0.0.5")
    try:
        ip_network(text)
    except ValueError:
        raise unfit(
            f"{quote(text)}: expected the address of a machine such as 10.0.0.5, or a network such as 10.0.0.0/24",
            f"{quote(text)}应为主机地址（如10.0.0.5）或网段（如10.0.0.0/24）",
        ) from None
    return text


def header(value: Any) -> str:
    """The name of a header of HTTP, in small letters."""
    text = _text(value, "the name of a header such as X-Remote-User", "请求头名称，例如X-Remote-User")
    if not _HEADER.fullmatch(text):
        raise unfit(
            f"{quote(text)}: expected the name of a header such as X-Remote-User",
            f"{quote(text)}应为请求头名称，例如X-Remote-User",
        )
    return text.lower()


def issuer(value: Any) -> str:
    """The address of a provider of OpenID Connect; without TLS only on this machine."""
    text = _text(value, "an address such as https://login.example", "网址，例如https://login.example")
    scheme, separator, rest = text.partition("://")
    server = rest.split("/")[0]
    host = server.rpartition(":")[0] if ":" in server.rpartition("]")[2] else server
    is_here = scheme == "http" and host in LOOPBACK_NAMES
    found = _server(server)
    if not separator or " " in text or not (scheme == "https" or is_here) or not found:
        raise unfit(
            f"{quote(text)}: expected the address of a provider, beginning with https://",
            f"{quote(text)}应为身份提供方网址，以https://开头",
        )
    return text.rstrip("/").replace(server, found, 1)


def role(value: Any) -> Role:
    """``viewer``, ``supervisor`` or ``operator``."""
    text = _text(value, "viewer, supervisor or operator", "viewer、supervisor或operator")
    try:
        return Role.named(text)
    except ValueError:
        raise unfit(
            f"{quote(text)}: expected viewer, supervisor or operator",
            f"{quote(text)}应为viewer（查看）、supervisor（督办）或operator（管理）",
        ) from None


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
