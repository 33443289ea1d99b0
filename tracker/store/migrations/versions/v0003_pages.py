"""Schema 3: filed tables, requests of units, accounts and sessions, calendar addresses."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """New tables only: whoever runs on schema 2 beside this goes on undisturbed."""
    there = set(sa.inspect(op.get_bind()).get_table_names())
    if "document" not in there:
        _documents()
    if "filing" not in there:
        _filings()
    _requests()
    _people()
    op.create_table(
        "feed",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("unit", sa.String),
        sa.Column("digest", sa.String, nullable=False),
        sa.Column("created_at", _AT, nullable=False),
        sa.Column("created_by", sa.String, nullable=False),
        sa.Column("revoked_at", _AT),
        sa.PrimaryKeyConstraint("id", name="pk_feed"),
    )
    op.create_index("uq_feed_digest", "feed", ["digest"], unique=True)


def _documents() -> None:
    op.create_table(
        "document",
        sa.Column("id", _ID, nullable=False),
        sa.Column("digest", sa.String, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_document"),
    )
    op.create_index("uq_document_digest", "document", ["digest"], unique=True)


def _filings() -> None:
    op.create_table(
        "filing",
        sa.Column("id", _ID, nullable=False),
        sa.Column("assignment_id", _ID, nullable=False),
        sa.Column("form", sa.String, nullable=False),
        sa.Column("unit", sa.String, nullable=False),
        sa.Column("at", _AT, nullable=False),
        sa.Column("recorded_at", _AT, nullable=False),
        sa.Column("who", sa.String),
        sa.Column("file", sa.Text, nullable=False),
        sa.Column("document_id", _ID, nullable=False),
        sa.Column("digest", sa.String, nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("findings", sa.Text, nullable=False),
        sa.Column("questions", sa.Integer, nullable=False),
        sa.Column("in_force", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_filing"),
    )
    in_force = sa.text("in_force")
    op.create_index(
        "uq_filing_assignment_id",
        "filing",
        ["assignment_id"],
        unique=True,
        sqlite_where=in_force,
        postgresql_where=in_force,
    )
    op.create_index("ix_filing_assignment_id_digest", "filing", ["assignment_id", "digest"])
    op.create_index("ix_filing_form_unit", "filing", ["form", "unit"])


def _requests() -> None:
    op.create_table(
        "request",
        sa.Column("id", _ID, nullable=False),
        sa.Column("assignment_id", _ID, nullable=False),
        sa.Column("ref", sa.String, nullable=False),
        sa.Column("unit", sa.String, nullable=False),
        sa.Column("at", _AT, nullable=False),
        sa.Column("who", sa.String, nullable=False),
        sa.Column("email", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("wanted_until", sa.Date),
        sa.Column("answered_at", _AT),
        sa.Column("answered_by", sa.String),
        sa.Column("answer", sa.String),
        sa.Column("until", sa.Date),
        sa.Column("reply", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_request"),
    )
    op.create_index("ix_request_assignment_id", "request", ["assignment_id"])
    op.create_index("ix_request_answer", "request", ["answer"])


def _people() -> None:
    op.create_table(
        "account",
        sa.Column("name", sa.String, nullable=False),
        sa.Column("role", sa.String, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
        sa.Column("created_at", _AT, nullable=False),
        sa.Column("disabled_at", _AT),
        sa.PrimaryKeyConstraint("name", name="pk_account"),
    )
    op.create_table(
        "session",
        sa.Column("token", sa.String, nullable=False),
        sa.Column("account", sa.String, nullable=False),
        sa.Column("role", sa.String, nullable=False),
        sa.Column("via", sa.String, nullable=False),
        sa.Column("created_at", _AT, nullable=False),
        sa.Column("seen_at", _AT, nullable=False),
        sa.Column("expires_at", _AT, nullable=False),
        sa.Column("csrf", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("token", name="pk_session"),
    )
    op.create_index("ix_session_account", "session", ["account"])
