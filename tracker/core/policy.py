"""How often somebody is reminded, and the other settings of the service, as frozen values.

Nothing here reads a file or the environment: ``tracker.config`` makes these values.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, time, timedelta
from typing import Literal

from tracker.core.model import Contact, Definition, Every
from tracker.core.roles import Role

Review = Literal["month", "quarter", "half-year", "year"]
Pace = Literal["week", "month"]

DEFAULT = "default"
MONTHLY = "monthly"

#: Who sends where nobody has been named; mail to or from .example never leaves the machine.
_SENDER = Contact("任务督办 Deadline Tracker", "tracker@localhost.example")

_INTERVAL = re.compile(r"([0-9]{1,3})(wd|d)")
_RATE = re.compile(r"([0-9]{1,6}) ?/ ?(s|min|h|d)")
_PER = {
    "s": timedelta(seconds=1),
    "min": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
}


@dataclass(frozen=True, slots=True)
class Interval:
    """A length of time: ``count`` calendar days (``d``) or workdays (``wd``)."""

    count: int
    unit: Literal["d", "wd"]

    @classmethod
    def parse(cls, text: str) -> Interval:
        """Read ``7d`` or ``2wd``.  Raises ValueError."""
        found = _INTERVAL.fullmatch(text.strip().lower())
        if found is None or int(found[1]) == 0:
            raise ValueError(f"{text!r} is no interval such as 7d or 2wd")
        return cls(int(found[1]), "wd" if found[2] == "wd" else "d")

    def __str__(self) -> str:
        return f"{self.count}{self.unit}"


@dataclass(frozen=True, slots=True)
class Rate:
    """How fast: ``count`` within any span as long as ``per``."""

    count: int
    per: timedelta

    @classmethod
    def parse(cls, text: str) -> Rate:
        """Read ``20/min``, ``500/h``, ``1000/d`` or ``1/s``.  Raises ValueError."""
        found = _RATE.fullmatch(text.strip().lower())
        if found is None or int(found[1]) == 0:
            raise ValueError(f"{text!r} is no rate such as 20/min or 500/h")
        return cls(int(found[1]), _PER[found[2]])


#: The longest that a period may be.
_CYCLES = {
    "week": timedelta(days=7),
    "month": timedelta(days=31),
    "quarter": timedelta(days=92),
    "half-year": timedelta(days=184),
    "year": timedelta(days=366),
}


@dataclass(frozen=True, slots=True)
class Quiet:
    """Days on which nothing is said: weekdays (1–7, Monday is 1), and spans [since, until)."""

    weekdays: frozenset[int] = frozenset()
    spans: tuple[tuple[date, date], ...] = ()

    def __contains__(self, day: date) -> bool:
        return day.isoweekday() in self.weekdays or any(since <= day < until for since, until in self.spans)

    def __bool__(self) -> bool:
        return bool(self.weekdays or self.spans)


NO_QUIET = Quiet()


@dataclass(frozen=True, slots=True)
class Policy:
    """When reminders of a definition go out (docs/contract.md §6).

    ``lead`` counts days before the date; the due day itself always counts.  ``overdue`` is how often it is
    said again once the time is up, ``escalate`` when silence goes upward; None means never.  ``announce``:
    whether it is said when it is first asked for.  ``review``: how often what has no date is looked at.
    ``max_repeats`` bounds the overdue reminders; None means no bound.  ``pace``: how often it is looked whether
    a quota lags.  ``rollup``: whether the supervisor is told who is missing once the time is up; None means of
    what comes back monthly.  ``quiet``: its days count like days off.
    """

    name: str
    lead: tuple[int, ...] = (30, 7, 3, 1)
    overdue: Interval | None = Interval(7, "d")
    escalate: Interval | None = Interval(3, "wd")
    announce: bool = True
    review: Review | None = "quarter"
    max_repeats: int | None = None
    pace: Pace | None = "month"
    rollup: bool | None = None
    quiet: Quiet = NO_QUIET


def built_in() -> dict[str, Policy]:
    """The policies of a service whose settings say nothing."""
    return {
        DEFAULT: Policy(DEFAULT),
        MONTHLY: Policy(MONTHLY, lead=(5, 1), overdue=Interval(2, "wd"), announce=False),
    }


@dataclass(frozen=True)
class Policies:
    """Every policy by name; ``default`` and ``monthly`` are always among them.

    ``announcing`` names those that say ``announce`` themselves instead of taking it from ``default``.
    """

    named: Mapping[str, Policy] = field(default_factory=built_in)
    announcing: frozenset[str] = frozenset()

    def for_definition(self, definition: Definition) -> Policy:
        """The policy that ``definition`` names, else ``monthly`` for what comes back monthly, else ``default``.

        What comes back is announced only where its own policy asks for that: the ``announce`` of
        ``default`` is about what is asked once, and would greet every period anew.
        """
        every = definition.rule.every
        policy = self.named[definition.policy or (MONTHLY if every is Every.MONTH else DEFAULT)]
        if every is None or not policy.announce or policy.name in self.announcing - {DEFAULT}:
            return policy
        return replace(policy, announce=False)

    def cycle(self, definition: Definition) -> timedelta:
        """How long it may take until ``definition`` comes up again: its period, or the review of what has no end."""
        every: str | None = definition.rule.every
        if every is None and definition.rule.ongoing:
            every = self.for_definition(definition).review
        return _CYCLES[every] if every is not None else timedelta()


#: In ``people``: everybody else whom the proxy or the provider vouches for.
ANYBODY = "*"


@dataclass(frozen=True, slots=True)
class Proxy:
    """A server in front of ours that says in a header who is asking; ``sources`` are its addresses or networks."""

    sources: tuple[str, ...]
    header: str


@dataclass(frozen=True, slots=True)
class Oidc:
    """A provider of OpenID Connect where people sign in, and what we are called there.

    ``claim`` is what ``people`` list them by.  The client's secret is ``Settings.oidc_secret``.
    """

    issuer: str
    client: str
    claim: str = "sub"


@dataclass(frozen=True)
class Web:
    """How the pages are served: the address, and who vouches for whom.

    ``people`` gives the roles of those whom ``proxy`` or ``oidc`` name, ``*`` that of everybody else.
    ``forwarded_from`` are addresses or networks of further servers in front of ours, which say in X-Forwarded-For for
    whom they ask.
    ``certificate`` and ``key`` are PEM files; with them the pages are served by TLS.
    """

    listen: str = "127.0.0.1:8080"
    proxy: Proxy | None = None
    oidc: Oidc | None = None
    people: Mapping[str, Role] = field(default_factory=dict)
    forwarded_from: tuple[str, ...] = ()
    certificate: str | None = None
    key: str | None = None

    def role_of(self, name: str) -> Role | None:
        """The role of somebody who is vouched for; None for whoever has none."""
        return self.people.get(name) or self.people.get(ANYBODY)


@dataclass(frozen=True)
class Settings:
    """How the service works: ``settings.yaml`` with the environment on top.

    Relative paths in the file count from the folder that holds the folder of files (``config/places.py``); ``web`` is
    None where the pages are off.  Answers to mails go to ``reply_to``, or else the sender.  ``pace`` is how fast mails
    may go to recipients of a domain (in small letters);
    ``prompted`` how many somebody outside can make us send to one reader at once, before they are gathered.
    Secrets are no part of the ``repr``.
    """

    policies: Policies = field(default_factory=Policies)
    mail_from: Contact = _SENDER
    reply_to: str | None = None
    transport: str = "mailbox:var/mailbox"
    send_at: time = time(9)
    link_base: str = "http://127.0.0.1:8080"
    mailbox: str = "var/mailbox"
    connections: int = 4
    temporary_refusals: tuple[str, ...] = ()
    permanent_refusals: tuple[str, ...] = ()
    encloses_calendar: bool = True
    pace: Mapping[str, Rate] = field(default_factory=dict)
    prompted: Rate = Rate(5, timedelta(hours=1))
    operator: Contact | None = None
    web: Web | None = field(default_factory=Web)
    database: str = field(default="sqlite:///var/tracker.db", repr=False)
    ledger_sign: str | None = None
    templates: str | None = None
    holidays: str = "holidays"
    mail_password: str | None = field(default=None, repr=False)
    signing_key: str | None = field(default=None, repr=False)
    oidc_secret: str | None = field(default=None, repr=False)
    metrics_token: str | None = field(default=None, repr=False)

    def awaiting_restart(self, edited: Settings) -> tuple[str, ...]:
        """Those settings, by their names in the file, that ``edited`` changes and a running service cannot."""
        before, after = self.web or _OFF, edited.web or _OFF
        changed = {
            "database": self.database != edited.database,
            "web": (before is _OFF) != (after is _OFF) or before.listen != after.listen,
            "web.certificate": before.certificate != after.certificate,
            "web.key": before.key != after.key,
        }
        return tuple(name for name, is_changed in changed.items() if is_changed)


_OFF = Web()
