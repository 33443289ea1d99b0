"""What a server's answer means for the mail, and for those that wait behind it.

The code alone does not tell: QQ Mail and others answer 550, which should be final, when mails merely come
too fast.  So the text is looked at as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal, NamedTuple

#: ``too_fast`` is ``deferred``, and what waits for the same domain is held back as well.
Verdict = Literal["deferred", "failed", "too_fast"]

#: By these a refusal is known to be about how fast or how many mails come (regular expressions).
TOO_FAST = (
    # QQ Mail and Tencent's Exmail: "550 Ip frequency limited", "Domain …", "Sender …", "Connection …".
    r"frequency limit",
    # NetEase (163, 126, yeah): a class and a reason, such as "554 MI:STC" for the day's quota.
    r"\bHL:(?:ICC|IFC|IFQ|REP)\b",
    r"\bMI:(?:SFQ|STC|DMC)\b",
    r"\bRP:(?:QRC|RCL|TRC|DRC)\b",
    # Exchange: "550 5.1.90 … reached your daily limit", "5.7.705 tenant has exceeded threshold".
    r"\b5\.1\.90\b",
    r"\b5\.7\.(?:232|233|705)\b",
    r"SubmissionQuotaExceeded",
    r"(?:daily|hourly|sending|rate) (?:limit|quota)",
    r"rate.?limit|throttl|too many(?! hops)|too much|too fast",
    r"频率|过于频繁",
    # Whatever passes a limit, unless it is the size of the mail, which waiting does not cure.
    r"^(?!.*size).*(?:exceed|reach)\w* .{0,40}(?:limit|threshold|maximum number)",
    r"^(?!.*size).*(?:connection|message|recipient|rate)s? limit (?:was |has been )?(?:exceed|reach)",
    r"^(?!.*大小).*超[过出]了?.{0,12}(?:限制|上限|限额)",
)
#: By these a refusal is known not to be final, although it has the code of one.
TEMPORARY = (
    r"try again|try later|please retry",
    r"temporar",
    r"gr[ae]y.?list",
    # QQ Mail, where somebody has got much mail in a short time.
    r"mailbox unavailable or access denied",
    r"over quota|quota exceeded|mailbox (?:is )?full|容量已?满",
    r"稍后|稍候|暂时",
)


class Reply(NamedTuple):
    """A server's answer, its lines joined by spaces."""

    code: int
    text: str

    def __str__(self) -> str:
        return f"{self.code} {self.text}".rstrip()


class Judge:
    """Knows refusals that are not what their code says.

    ``temporary`` and ``permanent`` are pieces of answers that an operator has met; they come before what is
    built in, and letters may be large or small.
    """

    def __init__(self, temporary: Iterable[str] = (), permanent: Iterable[str] = ()) -> None:
        self._known_permanent = _any_of(re.escape(piece) for piece in permanent)
        self._known_temporary = _any_of(re.escape(piece) for piece in temporary)
        self._too_fast = _any_of(TOO_FAST)
        self._temporary = _any_of(TEMPORARY)

    def verdict(self, reply: Reply) -> Verdict:
        """What a refusal means."""
        said = str(reply)
        if self._known_permanent.search(said):
            return "failed"
        if self._too_fast.search(reply.text):
            return "too_fast"
        if reply.code < 500 or self._known_temporary.search(said):
            return "deferred"
        # An enhanced status of 4.x.x (RFC 3463) contradicts a 5xx, and says more.
        is_temporary = reply.text.startswith("4.") or self._temporary.search(reply.text)
        return "deferred" if is_temporary else "failed"


def _any_of(patterns: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(patterns) or r"(?!)", re.IGNORECASE)
