"""State and light of a cell of the ledger, as docs/contract.md §5 has them, worked out a second time.

Green in time, amber due soon or done late (a late one never turns green), red overdue, blue ongoing, none not due
yet, grey waived or paused.  What has to be accepted is submitted, and not done, until it is.
What was sent back waits like what was never filed: red once its time is up, amber before.
"""

from __future__ import annotations

from tests.acceptance.cells import DAY


def light_of(clerk, asked, cell, day):
    """(state, light) of one thing asked of one unit, on ``day``."""
    definition = asked.definition
    due = clerk.date_in_force(asked, cell)
    if cell.answer == "waived":
        return "waived", "grey"
    if cell.paused:
        return "paused", "grey"
    last_day = due and due + definition.grace_days * DAY
    if cell.answer in ("submitted", "nil"):
        answered_on = cell.answered_at.astimezone(clerk.zone).date()
        is_late = last_day is not None and answered_on > last_day
        if cell.answer == "nil":
            return "nil", "amber" if is_late else "green"
        if definition.acceptance and not cell.accepted:
            return "submitted", "amber" if is_late else "green"
        if definition.rule.ongoing and (due is None or day > due):
            return "ongoing", "amber" if is_late else "blue"
        return ("done_late", "amber") if is_late else ("done", "green")
    is_overdue = last_day is not None and day > last_day
    if cell.answer == "returned":
        return "returned", "red" if is_overdue else "amber"
    return _open(clerk, asked, due, day, is_overdue=is_overdue)


def _open(clerk, asked, due, day, *, is_overdue):
    if is_overdue:
        return "overdue", "red"
    if day == due:
        return "due_today", "amber"
    if day < asked.opens:
        return "upcoming", "none"
    if due is None:
        return "ongoing", "blue"
    first_lead = max(clerk.policy_of(asked.definition).lead, default=0)
    return ("due_soon", "amber") if (due - day).days <= first_lead else ("open", "none")
