"""Schema 6: a filed table knows the event that it came with, so that it is in force as long as that stands."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Find the event of each, written down with it; the ledger is then looked through once, by the rules of today."""
    big = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.add_column("filing", sa.Column("event_id", big))
    op.execute(
        "UPDATE filing SET event_id = (SELECT max(event.id) FROM event WHERE event.event IN ('submit', 'nil')"
        " AND event.assignment_id = filing.assignment_id AND event.recorded_at = filing.recorded_at)"
        " WHERE content <> '{}'"
    )
    op.execute("DELETE FROM meta WHERE name LIKE '%reconciled'")
