"""Schema 8: how often calendars were to change the date of an assignment."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """A new table, empty: what calendars hold by now has the number of what has never changed."""
    op.create_table(
        "revision",
        sa.Column("campaign", sa.String, nullable=False, server_default="main"),
        sa.Column("unit", sa.String, nullable=False),
        sa.Column("key", sa.String, nullable=False),
        sa.Column("period", sa.String, nullable=False),
        sa.Column("sequence", sa.Integer, nullable=False),
        sa.Column("due", sa.Date, nullable=False),
        sa.Column("ended_on", sa.Date),
        sa.Column("title", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("campaign", "unit", "key", "period", name="pk_revision"),
    )
