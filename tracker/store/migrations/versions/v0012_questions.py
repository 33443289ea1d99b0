"""Schema 12: what is asked about the tables that were filed, and where in their sheet they stand."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """A new table and a column that may be empty: a process of schema 11 goes on beside this.

    What was asked before was kept as a number only: one question stands for as many, so that no table passes for
    checked that nobody has looked at.
    """
    big = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.create_table(
        "question",
        sa.Column("id", big, nullable=False),
        sa.Column("filing_id", big, nullable=False),
        sa.Column("digest", sa.String, nullable=False),
        sa.Column("sheet", sa.Text),
        sa.Column("cell", sa.String),
        sa.Column("code", sa.String, nullable=False),
        sa.Column("facts", sa.Text, nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("gone_at", sa.DateTime(timezone=True)),
        sa.Column("answer", sa.String),
        sa.Column("answered_at", sa.DateTime(timezone=True)),
        sa.Column("answered_by", sa.String),
        sa.Column("via", sa.String),
        sa.Column("note", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_question"),
    )
    op.create_index("uq_question_filing_id_digest", "question", ["filing_id", "digest"], unique=True)
    op.add_column("filing", sa.Column("seat", sa.Text))
    op.execute(
        "INSERT INTO question (filing_id, digest, code, facts, asked_at)"
        " SELECT id, 'kept', 'kept', '{\"count\": ' || questions || '}', recorded_at FROM filing"
        " WHERE in_force AND questions > 0"
    )
