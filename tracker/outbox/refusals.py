"""What one pass makes of what the server said: a refusal that everybody gets is about us.

So is one in the same words to several; and one that may be either's is the recipient's, where others were served.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import replace

from tracker.mail.transport.replies import FINAL, RefusalScope, alike
from tracker.outbox.queue import Claimed
from tracker.outbox.rate_limit import domain_of
from tracker.outbox.results import Result
from tracker.store.tables import MailState

#: So many recipients, in so many domains or in the same words, and nobody got anything: then none of them is to blame.
MANY, DOMAINS = 3, 2

#: It goes later.
PUT_OFF = (MailState.DEFERRED, MailState.UNCERTAIN)


def _are_many(addresses: Collection[str]) -> bool:
    return len(addresses) >= MANY and len(set(map(domain_of, addresses))) >= DOMAINS


#: What tries no more, as far as the answer alone tells; and what is kept back until more is known.
_FOR_GOOD = FINAL | {RefusalScope.US, RefusalScope.EITHER}
_KEPT = FINAL | {RefusalScope.LATER}


class PassResults:
    """The results of one pass.  Refusals are kept back until somebody got a mail, or the pass is over.

    ``trouble_before`` is what stood in everybody's way when the server was last asked; None where nothing did.
    """

    def __init__(self, trouble_before: str | None = None) -> None:
        self.has_sent = False
        #: Results by outcome and cause, as they were written down.
        self.counts: Counter[str] = Counter()
        #: What stands in everybody's way; None where nothing does.
        self.trouble: str | None = None
        #: Why the last mail that was put off was.
        self.put_off: str | None = None
        self._before = trouble_before
        self._kept: list[Result] = []
        #: Refusals that may be the recipient's or ours, until it is known which domains were served.
        self._either: list[Result] = []
        #: Domains that got a mail, with how many of ``_either`` were refused before the last.
        self._served: dict[str, int] = {}
        self._refused: set[str] = set()
        #: Who was refused for good, by the words.
        self._alike: defaultdict[str, set[str]] = defaultdict(set)
        #: Who was refused, and is again although the server has taken others' mails since.
        self._again: set[str] = set()
        #: Whom nothing was tried for, since another mail for their domain came too fast.
        self._held: set[str] = set()
        self._said: str | None = None

    @property
    def kept(self) -> list[Claimed]:
        """Mails whose result is not known yet."""
        return [result.claimed for result in (*self._kept, *self._either)]

    @property
    def is_everybody(self) -> bool:
        """Whether nobody gets anything, and so the others need not be tried.

        One domain alone may have something against us that others have not.
        """
        return not self.has_sent and _are_many(self._refused)

    def take(self, result: Result) -> list[Result]:
        """What can be written down now."""
        if result.is_local:
            return self._counted([result])
        to = result.claimed.mail.to.casefold()
        if result.state is MailState.SENT:
            self.has_sent, self.trouble = True, None
            self._served[domain_of(to)] = len(self._either)
            kept, self._kept = self._kept, []
            return self._counted([*kept, result])
        if result.is_tried and result.verdict in _FOR_GOOD:
            self._alike[alike(result.outcome, to)].add(to)
            if self._before is None and result.claimed.ours_since is not None:
                self._again.add(to)
        if not self.has_sent:
            self._note(result, to)
        if result.verdict is RefusalScope.EITHER:
            self._either.append(result)
            return []
        if not self.has_sent and result.is_tried and result.verdict in _KEPT:
            self._kept.append(result)
            return []
        return self._counted([result])

    def _note(self, result: Result, to: str) -> None:
        if result.verdict in {RefusalScope.US, RefusalScope.EITHER}:
            self.trouble = result.outcome
        if result.verdict is RefusalScope.TOO_FAST and not result.is_tried:
            self._held.add(to)
        if result.is_tried and result.verdict is not None:
            self._refused.add(to)
            self._said = result.outcome

    def end(self) -> list[Result]:
        """The rest of them."""
        kept, self._kept = self._kept, []
        either, self._either = self._either, []
        if not self.has_sent and self._refused and _are_many(self._refused | self._held):
            self.trouble = self.trouble or self._said
        if self.is_everybody or (not self.has_sent and self._is_alike()):
            self.trouble = self.trouble or self._said
            kept = [_of_us(each) for each in kept]
        elif self._before is not None:
            kept = [_of_us(each) if self._goes_on(each) else each for each in kept]
        return self._counted([*kept, *self._settled(either)])

    def _is_alike(self) -> bool:
        return any(len(refused - self._again) >= MANY for refused in self._alike.values())

    def _goes_on(self, result: Result) -> bool:
        """Whether it is what was in the way before: mails that were put off together come back one by one."""
        to, before = result.claimed.mail.to, self._before or ""
        if result.verdict not in FINAL or (
            result.claimed.ours_since is None and alike(result.outcome, to) != alike(before, to)
        ):
            return False
        self.trouble = self.trouble or result.outcome
        return True

    def _settled(self, either: Sequence[Result]) -> list[Result]:
        """The recipient's own, where others of the domain were served.

        Several in the same words after the last that was served are a server that wants us no more.
        """
        recipients = [each.claimed.mail.to.casefold() for each in either]
        groups = [
            (domain_of(to), alike(each.outcome, to)) for to, each in zip(recipients, either, strict=True)
        ]
        sizes = Counter(group for group, _ in set(zip(groups, recipients, strict=True)))
        last = {group: place for place, group in enumerate(groups)}
        settled = []
        for group, result in zip(groups, either, strict=True):
            served = self._served.get(group[0])
            if served is not None and (sizes[group] < MANY or served > last[group]):
                settled.append(replace(result, state=MailState.FAILED, verdict=RefusalScope.RECIPIENT))
            else:
                settled.append(_of_us(result))
        return settled

    def _counted(self, results: Sequence[Result]) -> list[Result]:
        for result in results:
            if result.state in PUT_OFF and not result.is_local and (result.is_tried or self.put_off is None):
                self.put_off = result.outcome
            cause = "" if result.verdict is None else f" {result.verdict.value}"
            self.counts[f"{result.state.value}{cause}"] += 1
        return list(results)


def _of_us(result: Result) -> Result:
    return replace(result, state=MailState.DEFERRED, verdict=RefusalScope.US)
