"""What was due before the ledger began, as people ask for it and settle it, by command or in the browser."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from tracker import desk
from tracker.app import App
from tracker.engine.beginning import Settled, left_before, settle
from tracker.engine.inforce import InForce
from tracker.listing import Fact


def before(
    app: App, *, refs: Collection[str] | None = None, units: Collection[str] | None = None
) -> list[Fact]:
    """By occurrence, of how many units nothing is known that was due before the ledger began."""
    now = app.clock.now()
    app.engine.bring_up_to_date(now)
    with app.database.reading() as session:
        force = app.force
        return left_before(session, force, now, refs=_meant(force, refs, now), units=units)


def settle_before(
    app: App,
    how: Settled,
    *,
    refs: Collection[str] | None,
    units: Collection[str] | None,
    who: str | None = None,
    via: str = "cli",
    note: str | None = None,
) -> int:
    """Answer all of it, or what is of ``refs`` and ``units`` (ids), in one transaction; how many there were."""
    desk.check_who(who)
    now = app.clock.now()
    with app.engine.acting(now) as (session, force):
        return settle(
            session,
            force,
            how,
            now,
            refs=_meant(force, refs, now),
            units=units,
            who=who or desk.login_name(),
            via=via,
            note=note,
        )


def _meant(force: InForce, refs: Collection[str] | None, now: datetime) -> list[str] | None:
    return None if refs is None else [force.ref(each, force.day(now)) for each in refs]
