"""Schema 4: whose a row is; what is there belongs to the main campaign."""

import json
from datetime import date

import sqlalchemy as sa
import yaml
from alembic import op

revision = "0004"
down_revision = "0003"

MAIN = "main"


def upgrade() -> None:
    """New columns with a default: whoever runs on schema 3 beside this goes on undisturbed."""
    op.create_table(
        "campaign",
        sa.Column("id", sa.String, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("issued", sa.Date, nullable=False),
        sa.Column("began", sa.Date, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_campaign"),
    )
    for table in ("agenda", "assignment", "event", "mail", "feed"):
        op.add_column(table, _whose())
    _definitions()
    op.create_index("uq_agenda_campaign_key_slot", "agenda", ["campaign", "key", "slot"], unique=True)
    op.drop_index("uq_agenda_key_slot", "agenda")
    op.create_index(
        "uq_assignment_campaign_key_period_unit",
        "assignment",
        ["campaign", "key", "period", "unit"],
        unique=True,
    )
    op.drop_index("uq_assignment_key_period_unit", "assignment")
    _remember_main()


def _whose() -> sa.Column[str]:
    return sa.Column("campaign", sa.String, nullable=False, server_default=MAIN)


def _definitions() -> None:
    """SQLite cannot change a primary key in place; there are a few dozen rows."""
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        op.add_column("definition", _whose())
        op.drop_constraint("pk_definition", "definition")
        op.create_primary_key("pk_definition", "definition", ["campaign", "key"])
        return
    op.rename_table("definition", "definition_before")
    op.create_table(
        "definition",
        _whose(),
        sa.Column("key", sa.String, nullable=False),
        sa.Column("fingerprint", sa.String, nullable=False),
        sa.Column("horizon", sa.Date, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("campaign", "key", name="pk_definition"),
    )
    op.execute(
        "INSERT INTO definition (key, fingerprint, horizon, title)"
        " SELECT key, fingerprint, horizon, title FROM definition_before"
    )
    op.drop_table("definition_before")


def _remember_main() -> None:
    """What the files that were in force last say of it; without a word of theirs, the next pass says it."""
    kept = op.get_bind().execute(sa.text("SELECT value FROM meta WHERE name = 'files'")).scalar()
    try:
        head = yaml.safe_load(json.loads(kept or "{}")["tasks.yaml"])["campaign"]
        issued = date.fromisoformat(str(head["issued"]))
        title, document = str(head["title"]), str(head.get("document") or "")
    except (KeyError, TypeError, ValueError, yaml.YAMLError):
        return
    row = {"id": MAIN, "title": title, "document": document, "issued": issued, "began": issued}
    op.bulk_insert(sa.table("campaign", *(sa.column(name, _TYPES.get(name, sa.Text)) for name in row)), [row])


_TYPES = {"issued": sa.Date, "began": sa.Date}
