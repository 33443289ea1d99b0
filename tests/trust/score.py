"""The score of a run: what the database says was enqueued against what the mail server says it accepted.

As Jepsen's total-queue counts.  It is taken when everything has come to rest: a mail that still waits then is lost.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from tracker.store.tables import MailState

#: Mails in these states must be with the server: they were sent, or nobody said that they need not be.
OWED = frozenset({*MailState} - {MailState.FAILED, MailState.DROPPED, MailState.SUPERSEDED})


@dataclass(frozen=True, slots=True)
class Score:
    """How many: mails ``lost`` and ``unexpected``, copies beyond the first, mails whose answer never came and that
    are there all the same (``recovered``), answers that never came (``uncertain``).

    ``unexplained`` are those of the duplicates for which no answer of the same Message-ID was missing.
    """

    lost: int
    unexpected: int
    duplicates: int
    recovered: int
    uncertain: int
    unexplained: int = 0

    @property
    def holds(self) -> bool:
        """Whether the promise was kept: L = U = 0, and no copy but for an answer that never came."""
        return self.lost == self.unexpected == self.unexplained == 0

    def __str__(self) -> str:
        return f"L={self.lost} U={self.unexpected} D={self.duplicates} R={self.recovered} uncertain={self.uncertain}"


def score(enqueued: Mapping[str, str], accepted: Sequence[str], unanswered: Collection[str] = ()) -> Score:
    """``enqueued``: the state of each mail's row, by Message-ID; ``accepted``: the Message-IDs that the server took,
    in order, with every copy; ``unanswered``: those whose acceptance was never recorded by the one who sent
    them (the answer was lost, or the process killed), once for each time.

    A mail of an unknown Message-ID is unexpected, and so is one whose row says that it was never delivered,
    unless its answer never came.
    """
    copies, missing = Counter(accepted), Counter(unanswered)
    return Score(
        lost=sum(1 for id_, state in enqueued.items() if state in OWED and not copies[id_]),
        unexpected=sum(
            1 for id_ in copies if id_ not in enqueued or (enqueued[id_] not in OWED and not missing[id_])
        ),
        duplicates=sum(count - 1 for count in copies.values()),
        recovered=sum(1 for id_ in missing if copies[id_] and enqueued.get(id_) == MailState.SENT),
        uncertain=missing.total(),
        unexplained=sum(max(0, count - 1 - missing[id_]) for id_, count in copies.items()),
    )
