"""Schema 11: what hangs on the number of an assignment that was deleted finds its own again, or hangs on none.

Until here an assignment without events could be deleted though a unit had asked or filed for it, and on SQLite the
next one got its number.
"""

from alembic import op

revision = "0011"
down_revision = "0010"

#: The number of none.
NONE = 0

_IS_ITS_CELL = (
    "assignment.unit = request.unit AND request.ref ="
    " assignment.key || CASE WHEN assignment.period = '' THEN '' ELSE '@' || assignment.period END"
)


def upgrade() -> None:
    """A request says what it is about; a refused table only whose it is.  Where two campaigns have it, nobody can tell."""
    op.execute(
        "UPDATE request SET assignment_id = COALESCE((SELECT max(assignment.id) FROM assignment"  # noqa: S608
        f" WHERE {_IS_ITS_CELL} HAVING count(*) = 1), {NONE})"
        " WHERE NOT EXISTS (SELECT 1 FROM assignment"
        f" WHERE assignment.id = request.assignment_id AND {_IS_ITS_CELL})"
    )
    op.execute(
        f"UPDATE filing SET assignment_id = {NONE} WHERE event_id IS NULL AND NOT EXISTS"  # noqa: S608
        " (SELECT 1 FROM assignment WHERE assignment.id = filing.assignment_id AND assignment.unit = filing.unit)"
    )
