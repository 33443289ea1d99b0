"""How fast mails may come to a domain: what the settings allow, and what its server was heard to say.

A server that says “too fast” is left alone for a while, by every pass and every process; what waits for it
meanwhile has not been refused, and loses none of its attempts.  All of it is one row of ``meta``, read and
written in the transactions that claim and record.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlmodel import Session

from tracker.core.policy import Rate
from tracker.store.database import locked_meta, write_meta
from tracker.store.facts import read_fact

#: How long a domain is left alone after the first, second, … refusal in a row; the last one stands for the rest.
HOLDS = (timedelta(minutes=5), timedelta(minutes=15), timedelta(hours=1))

#: The longest span that a rate can speak of.
LONGEST = timedelta(days=1)

NAME = "pace"


@dataclass(slots=True)
class _Domain:
    """What is known of one: held ``until``, after so many refusals in a row, and what was taken when."""

    until: datetime | None = None
    refusals: int = 0
    taken: list[tuple[datetime, int]] = field(default_factory=list)


class RateLimits:
    """The domains that are held or have a rate, as they stand at ``now``."""

    def __init__(self, session: Session, rates: Mapping[str, Rate], now: datetime) -> None:
        self._session = session
        self._rates = rates
        self._now = now
        # Where others may claim or hear of the same at this moment, the row is there to be locked.
        self._domains = _domains(locked_meta(session, NAME, make="{}" if rates else None))

    def room(self) -> dict[str, int]:
        """How many mails may be taken now for each domain that does not take as many as there are."""
        found = {name: self._left(name) for name in self._rates}
        found |= {name: 0 for name, domain in self._domains.items() if self._is_held(domain)}
        return found

    def _is_held(self, domain: _Domain) -> bool:
        # A time further ahead than any hold was written by a clock that has been set back since.
        return domain.until is not None and self._now < domain.until <= self._now + 2 * HOLDS[-1]

    def _left(self, name: str) -> int:
        rate, domain = self._rates[name], self._domains.get(name)
        if domain is None:
            return rate.count
        since = self._now - rate.per
        return max(0, rate.count - sum(count for at, count in domain.taken if since < at <= self._now))

    def took(self, count: Mapping[str, int]) -> None:
        """Remember what was claimed for domains with a rate."""
        counted = {name: number for name, number in count.items() if name in self._rates and number}
        for name, number in counted.items():
            since = self._now - self._rates[name].per
            domain = self._domains.setdefault(name, _Domain())
            # What a clock that has been set back since took counts again once it is there.
            domain.taken = [each for each in domain.taken if since < each[0] <= self._now + LONGEST]
            domain.taken.append((self._now, number))
        if counted:
            self._save()

    def heard(self, *, too_fast: Iterable[str], taken: Iterable[str]) -> None:
        """Servers said so of these domains: leave the first ones alone, go on with the others."""
        slower = set(too_fast)
        if slower and not self._domains:
            self._domains = _domains(locked_meta(self._session, NAME, make="{}"))
        for name in slower:
            domain = self._domains.setdefault(name, _Domain())
            # Mails that were under way together are refused together: that is one refusal.
            if not self._is_held(domain):
                domain.until = self._now + HOLDS[min(domain.refusals, len(HOLDS) - 1)]
                domain.refusals += 1
        faster = [
            known
            for name in set(taken) - slower
            if (known := self._domains.get(name)) is not None
            and known.until is not None
            and not self._is_held(known)
        ]
        for known in faster:
            known.until, known.refusals = None, 0
        if slower or faster:
            self._save()

    def _save(self) -> None:
        kept = {
            name: domain
            for name, domain in self._domains.items()
            if domain.until is not None or (domain.taken and self._now - max(domain.taken)[0] <= LONGEST)
        }
        write_meta(self._session, NAME, json.dumps({name: _written(domain) for name, domain in kept.items()}))


def domain_of(address: str) -> str:
    """What stands behind the @, in small letters."""
    return address.rpartition("@")[2].casefold()


def by_domain(addresses: Iterable[str]) -> Counter[str]:
    """How many addresses each domain has."""
    return Counter(domain_of(address) for address in addresses)


def _domains(text: str | None) -> dict[str, _Domain]:
    return read_fact(text, NAME, lambda found: {name: _read(of) for name, of in found.items()}, {})


def _written(domain: _Domain) -> dict[str, object]:
    return {
        "until": None if domain.until is None else domain.until.isoformat(),
        "refusals": domain.refusals,
        "taken": [(at.isoformat(), count) for at, count in domain.taken],
    }


def _read(facts: Mapping[str, object]) -> _Domain:
    until, taken = facts["until"], facts["taken"]
    assert isinstance(taken, list)
    return _Domain(
        None if until is None else datetime.fromisoformat(str(until)),
        int(str(facts["refusals"])),
        [(datetime.fromisoformat(at), count) for at, count in taken],
    )
