"""The addresses that stand in mails: signed, so that whoever has one may do what it is for, and nothing else.

A token is ``KEY + PAYLOAD + "." + MAC``.  The MAC is HMAC-SHA256, cut to 128 bits, under a key of its own for each
campaign and purpose, derived from the secret that KEY names; the payload says what it is about, for whom and until
when.  The same facts make the same token: nothing here reads a clock or draws a random number.
"""

from __future__ import annotations

import hashlib
import hmac
from binascii import b2a_base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from functools import cached_property, lru_cache

from itsdangerous import Signer
from itsdangerous.encoding import base64_decode
from itsdangerous.exc import BadData, BadSignature

from tracker.core.model import MAIN, owned

#: So long after it was due, or after the mail, a link still works: corrections come in late.
LASTING = timedelta(days=60)

#: What comes up once.
NO_CYCLE = timedelta()

#: A token that is longer was made by nobody here.
LONGEST = 1024

#: Characters of a token that name its key.
_KEY_ID = 4

_URL_SAFE = bytes.maketrans(b"+/", b"-_")


class Purpose(StrEnum):
    """What a link is for."""

    #: Answering for one unit in one assignment.
    ANSWER = "answer"
    #: Reading one mail in the browser.
    VIEW = "view"
    #: Fetching one kept file that belongs to an assignment.
    PAPER = "paper"


@dataclass(frozen=True, slots=True)
class LinkClaim:
    """What a link says: ``ref`` of ``unit``, given to ``to``, and good through the day ``until`` (UTC).

    ``to`` is the mark of an address (``mark``), so that no address stands in a link to
    answer.  Of a link to a mail ``ref`` is
    the mail's key; of one to a file ``to`` is its number.
    """

    purpose: Purpose
    ref: str
    unit: str
    to: str
    until: date


class LinkError(Exception):
    """A link that does not lead anywhere."""


class ForgedLinkError(LinkError):
    """Not one of ours: cut off on its way, made up, or signed with a key that is no longer in force."""


class WrongPurposeError(LinkError):
    """One of ours, but for something else."""


class ExpiredLinkError(LinkError):
    """One of ours whose time is over; ``claim`` is what it said."""

    def __init__(self, claim: LinkClaim) -> None:
        super().__init__(f"it was good through {claim.until}")
        self.claim = claim


class _Hmac128:
    """HMAC-SHA256, of which the first half is kept: links have to be short."""

    def get_signature(self, key: bytes, value: bytes) -> bytes:
        return hmac.digest(key, value, "sha256")[:16]

    def verify_signature(self, key: bytes, value: bytes, signature: bytes) -> bool:
        return hmac.compare_digest(signature, self.get_signature(key, value))


@lru_cache(maxsize=4096)
def mark(address: str) -> str:
    """Stands for an e-mail address in a link: eight characters that only tell it apart."""
    return _base64(hashlib.sha256(address.casefold().encode()).digest()[:6])


@lru_cache(maxsize=4096)
def lasting(day: date, due: date | None, cycle: timedelta = timedelta()) -> date:
    """Through which day a link is good that was mailed on ``day`` about something due on ``due``.

    What comes up again within ``cycle`` is mailed anew by then.
    """
    return (day if due is None else max(day, due)) + LASTING + cycle


class Links:
    """Makes and reads links under ``base``, such as ``https://tracker.example``.

    ``keys`` are the secrets in force; the first signs, all are accepted.  They may be asked for later, by a function.
    Links of another ``campaign`` are not.  ``cycles`` says by key how long it is until something comes up again.
    """

    def __init__(
        self,
        base: str,
        keys: Sequence[str] | Callable[[], Sequence[str]],
        campaign: str = MAIN,
        cycles: Mapping[str, timedelta] | None = None,
    ) -> None:
        self.base = base.rstrip("/")
        self._cycles = cycles or {}
        self._campaign = campaign
        self._keys = keys

    def lasting(self, day: date, due: date | None, *refs: str) -> date:
        """``lasting`` for what may be about several occurrences: the longest of their cycles counts."""
        cycles = self._cycles
        if len(refs) == 1:
            return lasting(day, due, cycles.get(refs[0].partition("@")[0], NO_CYCLE))
        return lasting(
            day, due, max((cycles.get(ref.partition("@")[0], NO_CYCLE) for ref in refs), default=NO_CYCLE)
        )

    def answer(self, ref: str, unit: str, to: str, until: date) -> str:
        """The page on which ``unit`` answers for ``ref``, for the reader at the address ``to``."""
        return f"{self.base}/answer/{self.token(Purpose.ANSWER, ref, unit, mark(to), until)}"

    def view(self, mail: str, until: date) -> str:
        """The mail with the key ``mail``, as a page."""
        return f"{self.base}/view/{self.token(Purpose.VIEW, mail, '', '', until)}"

    def board(self, page: str = "/") -> str:
        """A page of the board, which asks by itself who is there."""
        return f"{self.base}{page}"

    def token(self, purpose: Purpose, ref: str, unit: str, to: str, until: date) -> str:
        """The signed part alone."""
        name, keys = self._signing
        value = name + _base64(f"{until.toordinal()}\n{unit}\n{to}\n{ref}".encode())
        # What ``Signer.sign`` would say in four times the time: a day may have a hundred thousand of them.
        return f"{value}.{_base64(hmac.digest(keys[purpose], value.encode(), 'sha256')[:16])}"

    def read(self, token: str, purpose: Purpose, now: datetime) -> LinkClaim:
        """What ``token`` says.  Raises ForgedLinkError, WrongPurposeError or ExpiredLinkError."""
        signers = self._signers.get(token[:_KEY_ID])
        if signers is None or len(token) > LONGEST or not token.isascii():
            raise ForgedLinkError
        payload = _unsigned(signers[purpose], token)
        if payload is None:
            others = (each for each in Purpose if each is not purpose)
            if any(_unsigned(signers[each], token) is not None for each in others):
                raise WrongPurposeError
            raise ForgedLinkError
        claim = _claim(purpose, payload[_KEY_ID:])
        if now.astimezone(UTC).date() > claim.until:
            raise ExpiredLinkError(claim)
        return claim

    @cached_property
    def _signing(self) -> tuple[str, dict[Purpose, bytes]]:
        name, signers = next(iter(self._signers.items()))
        return name, {purpose: signer.secret_key for purpose, signer in signers.items()}

    @cached_property
    def _signers(self) -> dict[str, dict[Purpose, Signer]]:
        """By key id; the one that signs comes first."""
        keys = self._keys() if callable(self._keys) else self._keys
        return {
            key_id(key): {purpose: _signer(key, purpose, self._campaign) for purpose in Purpose}
            for key in keys
        }


def _base64(data: bytes) -> str:
    return b2a_base64(data, newline=False).translate(_URL_SAFE, b"=\n").decode()


def key_id(key: str) -> str:
    """Names a key without telling anything of it."""
    return _base64(hashlib.sha256(b"tracker key id\0" + key.encode()).digest())[:_KEY_ID]


def _signer(key: str, purpose: Purpose, campaign: str) -> Signer:
    salt = owned(campaign, f"tracker.access.links.{purpose}")
    derived = Signer(key, salt=salt, key_derivation="hmac", digest_method=hashlib.sha256).derive_key()
    # Derived once and not for every link.
    return Signer(derived, key_derivation="none", algorithm=_Hmac128())  # type: ignore[arg-type]


def _unsigned(signer: Signer, token: str) -> bytes | None:
    """What ``signer`` has signed, written in the one way in which it writes it; else None."""
    try:
        payload = signer.unsign(token)
    except BadSignature:
        return None
    return payload if signer.sign(payload) == token.encode() else None


def _claim(purpose: Purpose, payload: bytes) -> LinkClaim:
    """What was signed, which only we can have written."""
    try:
        until, unit, to, ref = base64_decode(payload).decode().split("\n")
        return LinkClaim(purpose, ref, unit, to, date.fromordinal(int(until)))
    except (BadData, ValueError, OverflowError):
        raise ForgedLinkError from None
