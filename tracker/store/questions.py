"""What is asked about a table that was filed (docs/design/edges.md)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, Text
from sqlmodel import Field

from tracker.store.columns import BigId, UtcDateTime
from tracker.store.tables import Base


class QuestionRow(Base, table=True):
    """One question about one filing; the same is asked of it once (``digest`` is of ``code`` and ``facts``).

    ``facts`` is JSON; the sentence is made when somebody reads it.  ``gone_at`` is since when it is asked no more.
    ``answer`` is ``answered`` or ``overruled``, None while it is open; the columns behind it say by whom and why.
    """

    __tablename__ = "question"
    __table_args__ = (Index("uq_question_filing_id_digest", "filing_id", "digest", unique=True),)

    id: int | None = Field(default=None, sa_type=BigId, primary_key=True)
    filing_id: int = Field(sa_type=BigId)
    digest: str
    sheet: str | None = Field(default=None, sa_type=Text)
    cell: str | None = None
    code: str
    facts: str = Field(sa_type=Text)
    asked_at: datetime = Field(sa_type=UtcDateTime)
    gone_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    answer: str | None = None
    answered_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    answered_by: str | None = None
    via: str | None = None
    note: str | None = Field(default=None, sa_type=Text)


QUESTION = QuestionRow.__table__  # type: ignore[attr-defined]
