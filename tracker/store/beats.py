"""The beat of what is overdue for a unit (docs/design/ledger.md)."""

from __future__ import annotations

from datetime import date

from sqlalchemy import Index
from sqlmodel import Field

from tracker.store.columns import of_campaign
from tracker.store.tables import Base


class BeatRow(Base, table=True):
    """The beat of what is overdue for one unit, as long as anything is; ``next_on`` is when to look at it next."""

    __tablename__ = "beat"
    __table_args__ = (Index("ix_beat_campaign_next_on", "campaign", "next_on"),)

    campaign: str = of_campaign(primary_key=True)
    unit: str = Field(primary_key=True)
    anchor: date
    next_on: date


BEAT = BeatRow.__table__  # type: ignore[attr-defined]
