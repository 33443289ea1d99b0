"""Schema 7: what stood in a mail's way, and since when it was us."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """New columns only, which may be empty."""
    op.add_column("mail", sa.Column("cause", sa.String))
    op.add_column("mail", sa.Column("ours_since", sa.DateTime(timezone=True)))
