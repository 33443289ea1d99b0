"""Which files are in force, where several processes look at copies of their own (docs/design/ledger.md).

The ledger keeps the editions of the files that were in force, oldest first, and which one was last seen at each
place (a folder of a machine).  An edit is a change at a place, so no clock and no time of a file takes part.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from sqlmodel import Session

from tracker.engine.inforce import InForce
from tracker.store.database import read_meta, write_meta

#: What the ledger was last brought up to date with.
RECONCILED = "reconciled"
EDITIONS = "editions"

#: Said where files are behind those that another machine has put in force.
BEHIND = (
    "these files were in force before a later edit, made elsewhere; that one is in force until they are edited or renewed"
    "（本机配置文件早于已生效的修改，暂按最近生效的内容办理；请更新本机文件）"
)

#: So many editions are remembered, and as many places.
REMEMBERED = 1000


class Verdict(StrEnum):
    """What the files of a process are to the ledger."""

    IN_FORCE = "in force"
    EDITED = "edited"
    OLDER = "older"


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What the ledger was last brought up to date with; ``calendar`` is "" where an old version did it."""

    files: str
    calendar: str
    horizon: date


def reconciled(session: Session) -> Reconciled | None:
    """What the ledger was last brought up to date with; None before the first time."""
    text = read_meta(session, RECONCILED)
    if text is None:
        return None
    # Earlier versions wrote no calendar.
    if not text.startswith("["):
        files, _, horizon = text.rpartition(" ")
        return Reconciled(files, "", date.fromisoformat(horizon))
    files, calendar, horizon = json.loads(text)
    return Reconciled(files, calendar, date.fromisoformat(horizon))


def is_in_force(session: Session, force: InForce) -> bool:
    """Whether the ledger follows these files."""
    found = reconciled(session)
    return found is not None and found.files == force.fingerprint


def follows(session: Session, force: InForce, place: str | None, until: date) -> bool:
    """Whether the ledger follows these files up to ``until``, by a calendar as new as ours, and knows their ``place``."""
    found, workdays = reconciled(session), force.workdays
    return (
        found is not None
        and found.files == force.fingerprint
        and found.horizon >= until
        and (found.calendar == workdays.published or workdays.is_published_earlier(found.calendar))
        and (force.is_kept or place is None or _remembered(session)[1].get(place) == _mark(force.fingerprint))
    )


def judge(session: Session, force: InForce, place: str, *, was_in_force: bool) -> Verdict:
    """What the files of ``force``, found at ``place``, are to the ledger.

    ``was_in_force``: this process has had them in force already, and has not read others since.
    """
    found = reconciled(session)
    if found is None:
        return Verdict.EDITED
    if found.files == force.fingerprint:
        return Verdict.IN_FORCE
    order, places = _remembered(session)
    number = _number(order, _mark(force.fingerprint))
    if number < 0:
        return Verdict.EDITED
    # Files that were in force before come back by an edit only where a later edition was seen: who is behind the
    # others, or catches up with them, edits nothing.
    seen = places.get(place)
    is_edited = not was_in_force and seen is not None and number < _number(order, seen)
    return Verdict.EDITED if is_edited else Verdict.OLDER


def put_in_force(session: Session, force: InForce, place: str, until: date) -> None:
    """The ledger has been brought up to date with ``force``, which stands at ``place``, up to ``until``."""
    order, places = _remembered(session)
    before = reconciled(session)
    # The edition that an earlier version put in force was not remembered yet.
    known = order or ([] if before is None else [_mark(before.files)])
    mark = _mark(force.fingerprint)
    seen = places if force.is_kept else {**places, place: mark}
    _remember(session, [*(each for each in known if each != mark), mark], seen)
    facts = (force.fingerprint, force.workdays.published, until.isoformat())
    write_meta(session, RECONCILED, json.dumps(facts))
    write_meta(session, "files", json.dumps(dict(force.texts), ensure_ascii=False))


def see(session: Session, force: InForce, place: str) -> None:
    """These files stand at ``place`` now, unless they are those that the ledger keeps."""
    if force.is_kept:
        return
    order, places = _remembered(session)
    if places.get(place) != _mark(force.fingerprint):
        _remember(session, order, {**places, place: _mark(force.fingerprint)})


def kept_files(session: Session) -> tuple[dict[str, str], str]:
    """The files that the ledger was last brought up to date with, by name (none before the first), and their fingerprint."""
    text, found = read_meta(session, "files"), reconciled(session)
    return ({}, "") if text is None or found is None else (json.loads(text), found.files)


def _remembered(session: Session) -> tuple[list[str], dict[str, str]]:
    text = read_meta(session, EDITIONS)
    found = {} if text is None else json.loads(text)
    return found.get("order", []), found.get("places", {})


def _remember(session: Session, order: list[str], places: Mapping[str, str]) -> None:
    latest = dict(list(places.items())[-REMEMBERED:])
    write_meta(session, EDITIONS, json.dumps({"order": order[-REMEMBERED:], "places": latest}))


def _number(order: list[str], mark: str) -> int:
    """How late an edition was in force; -1 for one that never was, or too long ago."""
    return order.index(mark) if mark in order else -1


def _mark(fingerprint: str) -> str:
    """Enough to tell one edition from another."""
    return hashlib.sha256(fingerprint.encode()).hexdigest()[:16]
