"""Schema 9: the beat of what is overdue for a unit, and from when an assignment is late again."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """A new table and a column that may be empty: whoever runs on schema 8 beside this goes on undisturbed."""
    op.create_table(
        "beat",
        sa.Column("campaign", sa.String, nullable=False, server_default="main"),
        sa.Column("unit", sa.String, nullable=False),
        sa.Column("anchor", sa.Date, nullable=False),
        sa.Column("next_on", sa.Date, nullable=False),
        sa.PrimaryKeyConstraint("campaign", "unit", name="pk_beat"),
    )
    op.create_index("ix_beat_next_on", "beat", ["next_on"])
    op.add_column("assignment", sa.Column("late_since", sa.Date))
