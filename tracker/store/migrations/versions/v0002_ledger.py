"""Schema 2: the ledger, the outbox.  Where everything that can be upgraded begins."""

revision = "0002"
down_revision = None


def upgrade() -> None:
    """Nothing: these tables are there."""
