"""Edits of the files that wait for a person's word before they are in force (docs/design/ledger.md)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from tracker.campaign.snapshot import CampaignSnapshot
from tracker.errors import (
    AnotherDocumentError,
    DatabaseError,
    HeldBackError,
    OlderFilesError,
    RemovalsHeldBackError,
)
from tracker.ledger.editions import EditionCheck, judge
from tracker.ledger.reconcile import Changes
from tracker.store.campaigns import known_campaigns
from tracker.store.database import is_there, open_without_check
from tracker.store.tables import ASSIGNMENT


def refuse_removals(session: Session, snapshot: CampaignSnapshot, changes: Changes, today: date) -> None:
    """Raise RemovalsHeldBackError where ``changes`` take away what has a history, or more than a tenth of the ledger.

    ``accept_removals`` in the files lets them through on its day and before.
    """
    removed, word = sum(len(change.units) for change in changes.removed), snapshot.campaign.accept_removals
    if not removed or _is_good(word, today):
        return
    left = session.execute(
        select(func.count())
        .select_from(ASSIGNMENT)
        .where(ASSIGNMENT.c.campaign == snapshot.campaign.id, ASSIGNMENT.c.removed_on.is_(None))
    ).scalar_one()
    before = left + removed - sum(len(change.units) for change in changes.added)
    if changes.gone or removed * 10 > before:
        raise RemovalsHeldBackError(tuple(changes.gone), removed, before, word)


def refuse_another_document(session: Session, snapshot: CampaignSnapshot, today: date) -> None:
    """Raise AnotherDocumentError where the ledger has the campaign with another document or date of issue.

    ``accept_correction`` in the files lets it through on its day and before.
    """
    campaign = snapshot.campaign
    known = known_campaigns(session).get(campaign.id)
    if known is None or _is_good(campaign.accept_correction, today):
        return
    if (known.document, known.issued) != (campaign.document, campaign.issued):
        before, now = (f"{each.document} {each.issued}".strip() for each in (known, campaign))
        raise AnotherDocumentError(campaign.id, before, now, campaign.accept_correction)


def held_by_ledger(url: str, snapshot: CampaignSnapshot, place: str, today: date) -> list[HeldBackError]:
    """Why a ledger at ``url`` would hold back the files of ``snapshot``, which stand at ``place``; nothing is made there.

    What they take away is not counted.  None where no ledger can be looked at: files may be checked anywhere.
    """
    if not is_there(url):
        return []
    database = open_without_check(url)
    try:
        with database.reading() as session:
            return list(_at_a_glance(session, snapshot, place, today))
    except (DatabaseError, SQLAlchemyError):
        return []
    finally:
        database.close()


def _at_a_glance(
    session: Session, snapshot: CampaignSnapshot, place: str, today: date
) -> Iterator[HeldBackError]:
    if judge(session, snapshot, place, was_in_force=False) is EditionCheck.OLDER:
        yield OlderFilesError(place)
    try:
        refuse_another_document(session, snapshot, today)
    except AnotherDocumentError as error:
        yield error


def _is_good(through: date | None, today: date) -> bool:
    """Whether a word in the files, good through a day, still counts."""
    return through is not None and today <= through
