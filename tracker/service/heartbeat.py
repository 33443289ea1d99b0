"""How the service itself is doing: when it last worked, what came of it, and what was wrong with the files.

The last pass is kept in the database as well, so that another process can tell whether the service is alive.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from tracker.errors import HeldBackError, Problem
from tracker.i18n.message import Message
from tracker.store.database import read_meta, write_meta
from tracker.store.facts import read_fact

_NAME = "pulse"
#: A service that has not passed for so long is not at work: it wakes twice a minute.
SILENT = timedelta(minutes=5)
#: Unless a pass is under way that has come further within so long, as a first one or a large morning may for an hour.
STUCK = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class PassRecord:
    """One pass: when, how long it took in seconds, what it wrote and delivered, and what went wrong."""

    at: datetime
    seconds: float
    planned: int = 0
    delivered: int = 0
    error: str | None = None
    who: str = ""


@dataclass
class Heartbeat:
    """What the running service remembers.

    ``problems`` are those of the files that were not taken over, ``templates`` those of the operator's mail templates.
    """

    last: PassRecord | None = None
    #: When the pass that is under way last came further; None where none is.
    went_on_at: datetime | None = None
    next_at: datetime | None = None
    reloaded_at: datetime | None = None
    problems: tuple[Problem, ...] = ()
    templates: tuple[Problem, ...] = ()
    #: Why an edit is held back, and the same for machines that watch.
    held: Message | None = None
    held_state: Message = HeldBackError.state
    #: Why nothing is sent though a ledger answers.
    lost: Message | None = None
    #: Settings that an edit has changed and that hold from the next start on.
    awaits_restart: tuple[str, ...] = ()


def after_restart(names: Sequence[str]) -> Message:
    """What is said where an edit changes settings that a running service cannot change."""
    return Message("service.ready.restart", names=", ".join(names))


def is_silent(heartbeat: Heartbeat, last: PassRecord | None, now: datetime) -> bool:
    """Whether nobody is at work, as far as this process knows; ``last`` is the last pass of any."""
    if heartbeat.went_on_at is not None and now - heartbeat.went_on_at <= STUCK:
        return False
    return last is None or now - last.at > SILENT


def remember(session: Session, beat: PassRecord) -> None:
    """Keep the last pass for other processes to see."""
    facts = {
        "at": beat.at.isoformat(),
        "seconds": round(beat.seconds, 3),
        "planned": beat.planned,
        "delivered": beat.delivered,
        "error": beat.error,
        "who": beat.who,
    }
    write_meta(session, _NAME, json.dumps(facts, ensure_ascii=False))


def remembered(session: Session) -> PassRecord | None:
    """The last pass of any process; None before the first."""
    return read_fact(read_meta(session, _NAME), _NAME, _beat, None)


def _beat(facts: dict[str, Any]) -> PassRecord | None:
    return PassRecord(**{**facts, "at": datetime.fromisoformat(facts["at"])})
