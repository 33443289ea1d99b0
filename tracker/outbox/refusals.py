"""What one pass makes of what the server said: a refusal that everybody gets is about us."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace

from tracker.mail.transport.replies import RefusalScope
from tracker.outbox.queue import Claimed
from tracker.outbox.rate_limit import domain_of
from tracker.outbox.results import Result
from tracker.store.tables import MailState

#: So many recipients, in so many domains, and nobody got anything: then none of them is to blame.
EVERYBODY = (3, 2)


#: It goes later.
PUT_OFF = (MailState.DEFERRED, MailState.UNCERTAIN)


def _are_many(addresses: Collection[str]) -> bool:
    recipients, domains = EVERYBODY
    return len(addresses) >= recipients and len(set(map(domain_of, addresses))) >= domains


class PassResults:
    """The results of one pass.  Refusals are kept back until somebody got a mail, or the pass is over."""

    def __init__(self) -> None:
        self.has_sent = False
        #: Results by outcome and cause, as they were written down.
        self.counts: Counter[str] = Counter()
        #: What stands in everybody's way; None where nothing does.
        self.trouble: str | None = None
        #: Why the last mail that was put off was.
        self.put_off: str | None = None
        self._kept: list[Result] = []
        self._refused: set[str] = set()
        #: Whom nothing was tried for, since another mail for their domain came too fast.
        self._held: set[str] = set()
        self._said: str | None = None

    @property
    def kept(self) -> list[Claimed]:
        """Mails whose result is not known yet."""
        return [result.claimed for result in self._kept]

    @property
    def is_everybody(self) -> bool:
        """Whether nobody gets anything, and so the others need not be tried."""
        return not self.has_sent and _are_many(self._refused)

    def take(self, result: Result) -> list[Result]:
        """What can be written down now."""
        if result.state is MailState.SENT and not result.is_local:
            self.has_sent, self.trouble = True, None
            kept, self._kept = self._kept, []
            return self._counted([*kept, result])
        if self.has_sent or result.is_local or result.state is MailState.SENT:
            return self._counted([result])
        if result.verdict is RefusalScope.US:
            self.trouble = result.outcome
        if result.verdict is RefusalScope.TOO_FAST and not result.is_tried:
            self._held.add(result.claimed.mail.to.casefold())
        if result.is_tried and result.verdict is not None:
            self._refused.add(result.claimed.mail.to.casefold())
            self._said = result.outcome
            if result.verdict in {RefusalScope.RECIPIENT, RefusalScope.MAIL, RefusalScope.LATER}:
                self._kept.append(result)
                return []
        return self._counted([result])

    def end(self) -> list[Result]:
        """The rest of them."""
        kept, self._kept = self._kept, []
        if not self.has_sent and self._refused and _are_many(self._refused | self._held):
            self.trouble = self.trouble or self._said
        if self.is_everybody:
            kept = [replace(each, state=MailState.DEFERRED, verdict=RefusalScope.US) for each in kept]
        return self._counted(kept)

    def _counted(self, results: Sequence[Result]) -> list[Result]:
        for result in results:
            if result.state in PUT_OFF and not result.is_local and (result.is_tried or self.put_off is None):
                self.put_off = result.outcome
            cause = "" if result.verdict is None else f" {result.verdict.value}"
            self.counts[f"{result.state.value}{cause}"] += 1
        return list(results)
