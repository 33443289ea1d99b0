"""The campaigns that share one ledger: what it knows of each, and the facts that each has for itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import delete, insert, select, update
from sqlmodel import Session

from tracker.core.model import owned
from tracker.store.database import read_meta, write_meta
from tracker.store.tables import CAMPAIGN, META


def read_fact(session: Session, campaign: str, name: str, *, hold: bool = False) -> str | None:
    """A single fact of one campaign, or None; ``hold`` as in ``read_meta``."""
    return read_meta(session, owned(campaign, name), hold=hold)


def write_fact(session: Session, campaign: str, name: str, value: str) -> None:
    """Set a single fact of one campaign."""
    write_meta(session, owned(campaign, name), value)


def forget_fact(session: Session, campaign: str, name: str) -> None:
    """Take a single fact of one campaign away, if it is there."""
    session.execute(delete(META).where(META.c.name == owned(campaign, name)))


def facts_like(session: Session, campaign: str, start: str) -> list[str]:
    """The names of a campaign's facts that begin with ``start``."""
    prefix = owned(campaign, start)
    names = session.execute(select(META.c.name).where(META.c.name.startswith(prefix, autoescape=True)))
    return [start + name.removeprefix(prefix) for name in names.scalars()]


@dataclass(frozen=True, slots=True)
class KnownCampaign:
    """A campaign as the ledger knows it; ``began`` is the day on which it first came into force here."""

    id: str
    title: str
    document: str
    issued: date
    began: date


_KNOWN = select(CAMPAIGN).order_by(CAMPAIGN.c.began, CAMPAIGN.c.id)


def known_campaigns(session: Session) -> dict[str, KnownCampaign]:
    """Every campaign that was ever in force in this ledger, by id, in the order in which they came."""
    return {
        row.id: KnownCampaign(row.id, row.title, row.document, row.issued, row.began)
        for row in session.execute(_KNOWN)
    }


def correct_beginning(session: Session, campaign: str, day: date) -> None:
    """The day on which a campaign first came into force was another one than its clock said."""
    session.execute(update(CAMPAIGN).where(CAMPAIGN.c.id == campaign).values(began=day))


def remember_campaign(session: Session, campaign: KnownCampaign) -> None:
    """Keep what the files call a campaign; ``began`` counts only the first time."""
    called = {"title": campaign.title, "document": campaign.document, "issued": campaign.issued}
    changed = update(CAMPAIGN).where(CAMPAIGN.c.id == campaign.id).values(**called)
    if session.connection().execute(changed).rowcount == 0:
        session.execute(insert(CAMPAIGN).values(id=campaign.id, began=campaign.began, **called))
