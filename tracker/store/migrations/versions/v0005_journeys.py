"""Schema 5: people who are at a provider's to sign in, so that they may come back to another machine."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """A new table only."""
    op.create_table(
        "journey",
        sa.Column("ticket", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("nonce", sa.String, nullable=False),
        sa.Column("verifier", sa.String, nullable=False),
        sa.Column("following", sa.String, nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("ticket", name="pk_journey"),
    )
