"""How the service itself is doing."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from tracker import __version__
from tracker.core.workdays import Workdays
from tracker.dashboard.outbox import queue, states
from tracker.planning.plan import next_planning
from tracker.service.heartbeat import is_silent
from tracker.service.privileges import standing
from tracker.store.database import SCHEMA, shown
from tracker.web.base.identity import Role, require
from tracker.web.base.readiness import degraded, last_pass, next_try, reasons
from tracker.web.base.site import language_of, site_of


def page(request: Request) -> Response:
    """Whether mails go out and why not, last pass, next pass, queue, mail server, calendar, files."""
    require(request, Role.VIEWER)
    site = site_of(request)
    app, snapshot, now = site.app, site.snapshot, site.now()
    why, beat = list(reasons(site)), last_pass(site)
    with app.database.reading() as session:
        waits = queue(session, snapshot.campaign.id)
        counted = states(session, snapshot.campaign.id)
        following = next_planning(session, snapshot, now)
    facts = {
        "beat": beat,
        "is_silent": is_silent(app.heartbeat, beat, now),
        "next_at": following,
        "queue": waits,
        "reasons": why,
        "degraded": list(degraded(site)),
        "next_try": next_try(site) if why else None,
        "states": counted,
        "pulse": app.heartbeat,
        "transport": snapshot.settings.transport,
        "mailbox": snapshot.settings.mailbox,
        "calendar": _calendar(
            snapshot.workdays,
            sorted({snapshot.campaign.issued.year, site.today().year, site.today().year + 1}),
        ),
        "database": shown(app.database_url),
        "is_root": standing(app.environ).is_too_much,
        "version": __version__,
        "schema": SCHEMA,
        "summary": app.summary(language_of(request)),
        "config": str(app.config),
    }
    return site.page(request, "board/health.html", facts)


def _calendar(workdays: Workdays, years: list[int]) -> list[tuple[int, bool]]:
    """Each year, and whether its holidays are known."""
    provisional = set(workdays.provisional_years(years))
    return [(year, year not in provisional) for year in years]
