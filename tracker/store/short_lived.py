"""Tables of what is over soon; nothing in them is worth keeping, and a restored database begins without it."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Field

from tracker.store.columns import UtcDateTime
from tracker.store.tables import Base, SessionRow


class JourneyRow(Base, table=True):
    """Somebody who was sent to a provider to sign in; ``ticket`` is the hash of what their cookie says.

    ``state``, ``nonce`` and ``verifier`` are what they are to bring back, ``following`` where they then go on.
    """

    __tablename__ = "journey"

    ticket: str = Field(primary_key=True)
    state: str
    nonce: str
    verifier: str
    following: str
    expires_at: datetime = Field(sa_type=UtcDateTime)


JOURNEY = JourneyRow.__table__  # type: ignore[attr-defined]

#: All of it, and who was signed in.
PASSING = (JOURNEY, SessionRow.__table__)  # type: ignore[attr-defined]
