"""Schema 10: what is looked for within a campaign is found by an index that begins with it."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

_BEFORE = {
    "agenda": ("ix_agenda_next_on",),
    "assignment": (
        "ix_assignment_unit_agenda_id_mark",
        "ix_assignment_effective_due",
        "ix_assignment_nudge_on",
    ),
    "beat": ("ix_beat_next_on",),
}
_SINCE = (
    ("agenda", ("campaign", "next_on"), None),
    ("assignment", ("campaign", "unit", "agenda_id", "mark"), None),
    ("assignment", ("campaign", "effective_due"), None),
    ("assignment", ("campaign", "nudge_on"), "nudge_on IS NOT NULL"),
    ("assignment", ("campaign", "quiet"), "answered = 'returned'"),
    ("beat", ("campaign", "next_on"), None),
    ("event", ("ref",), None),
    ("mail", ("recipient",), None),
)


def upgrade() -> None:
    """Nothing but indexes: a service of schema 9 beside this goes on undisturbed."""
    for table, names in _BEFORE.items():
        for name in names:
            op.drop_index(name, table, if_exists=True)
    for table, columns, only in _SINCE:
        where = None if only is None else sa.text(only)
        name = "_".join(("ix", table, *columns))
        op.create_index(
            name, table, list(columns), sqlite_where=where, postgresql_where=where, if_not_exists=True
        )
