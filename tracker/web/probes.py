"""For machines that watch: ``/healthz`` (alive), ``/readyz`` (able to send), ``/metrics`` (Prometheus)."""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from datetime import datetime

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from tracker.board.lights import Choice
from tracker.board.outbox import queue, stuck_since
from tracker.core.policy import Web
from tracker.core.standing import URGENCY
from tracker.engine.post import State, read_state, said_at
from tracker.engine.pulse import Beat, is_silent, remembered
from tracker.errors import TrackerError
from tracker.mail.replies import without_names
from tracker.store.tables import MAIL
from tracker.web.door import is_forwarded, is_in_front, is_loopback, peer_of
from tracker.web.refused import AGAIN, said
from tracker.web.site import Site, site_of

#: So many errors in the files are told of by their places.
SHOWN_PLACES = 10

#: By the format's own version.
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def routes() -> list[BaseRoute]:
    """Nothing here names anybody."""
    return [Route("/healthz", alive), Route("/readyz", ready), Route("/metrics", metrics)]


def alive(_: Request) -> Response:
    """This process answers."""
    return PlainTextResponse("ok\n")


def ready(request: Request) -> Response:
    """Whether mails go out: the database answers, a pass was made lately and well, the mail server takes them.

    Files with errors do not stop that, as the last good ones are worked with: they are told of as ``degraded``.
    """
    site = site_of(request)
    reasons, degraded = list(_reasons(site)), list(_degraded(site))
    facts = {"ready": not reasons, "reasons": reasons, "degraded": degraded}
    return JSONResponse(facts, status_code=503 if reasons else 200)


def _degraded(site: Site) -> Iterator[str]:
    """What somebody has to mend, while the service goes on.  The places only: messages quote what stands there."""
    pulse = site.app.pulse
    if pulse.problems:
        places = ", ".join(problem.place for problem in pulse.problems[:SHOWN_PLACES])
        yield f"an edit of the files was not taken over: {places}"
    if pulse.held is not None:
        yield pulse.held_state
    unkept = site.app.no_sign()
    if unkept is not None:
        yield str(unkept)
    if pulse.awaits_restart:
        yield f"in force after the next start only: {', '.join(pulse.awaits_restart)}"


def _reasons(site: Site) -> Iterator[str]:
    if refusal := site.app.database.refusal:
        yield f"the database takes nothing that is to be written: {without_names(refusal)}"
    if untaken := site.app.engine.untaken:
        yield f"results of {untaken} mails wait to be written down: the database does not take them"
    try:
        beat = _beat(site)
        with site.app.database.reading() as session:
            stuck = stuck_since(session, site.force.campaign.id)
            trouble = read_state(session, site.force.campaign.id).trouble(site.force)
    except (SQLAlchemyError, TrackerError):
        yield "the database does not answer"
        return
    if site.app.pulse.lost is not None:
        yield site.app.pulse.lost
    if trouble is not None:
        yield trouble
    elif stuck is not None:
        since, zone = said_at(stuck.since, site.force.zone), site.force.campaign.timezone
        yield f"no mail has gone out since {since} ({zone}), and some were put off: {without_names(stuck.said)}"
    if is_silent(site.app.pulse, beat, site.now()):
        yield "no pass was made lately"
    elif beat is not None and beat.error is not None:
        yield "the last pass failed"


def _beat(site: Site) -> Beat | None:
    with site.app.database.reading() as session:
        kept = remembered(session)
    return site.app.pulse.last or kept


def metrics(request: Request) -> Response:
    """Figures of this moment, from the database, where every process tells the same; and what this one answered.

    To this machine, and else to whoever has the token.
    """
    if not _may_count(request):
        refusal = TrackerError(
            "/metrics is open on this machine; from elsewhere send the token that TRACKER_METRICS_TOKEN holds "
            "(Authorization: Bearer …)",
            "no_metrics_token",
        )
        return PlainTextResponse(f"{said(request, refusal)}\n", 401, {"WWW-Authenticate": "Bearer"})
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Figures(site_of(request)))
    try:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE)
    except (SQLAlchemyError, TrackerError):
        return PlainTextResponse("the database does not answer\n", 503, {"Retry-After": str(AGAIN)})


def _may_count(request: Request) -> bool:
    settings, peer = site_of(request).force.settings, peer_of(request)
    if is_loopback(peer) and not is_forwarded(request) and not is_in_front(peer, settings.web or Web()):
        return True
    kind, _, given = request.headers.get("authorization", "").partition(" ")
    token = settings.metrics_token
    return (
        token is not None
        and kind.lower() == "bearer"
        and hmac.compare_digest(given.strip().encode(), token.encode())
    )


class _Figures(Collector):
    """Counts when it is asked."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def collect(self) -> Iterator[Metric]:
        """Each figure with what it means."""
        site = self._site
        now = site.now()
        with site.app.database.reading() as session:
            mails = GaugeMetricFamily("tracker_mails", "Mails in the outbox", labels=("state", "kind"))
            counted = (
                select(MAIL.c.state, MAIL.c.kind, func.count())
                .where(MAIL.c.campaign == site.force.campaign.id)
                .group_by(MAIL.c.state, MAIL.c.kind)
            )
            for state, kind, number in session.execute(counted):
                mails.add_metric([state, kind], number)
            waits = queue(session, site.force.campaign.id)
            post = read_state(session, site.force.campaign.id)
            beat = site.app.pulse.last or remembered(session)
        yield mails
        yield GaugeMetricFamily("tracker_mails_waiting", "Mails that wait to be sent", value=waits.waiting)
        oldest = (now - waits.oldest).total_seconds() if waits.oldest is not None else 0
        yield GaugeMetricFamily("tracker_oldest_waiting_seconds", "Age of the oldest of them", value=oldest)
        yield from _of_the_post(post)
        matrix = site.board.matrix(site.force, Choice(), now, page=1, size=1)
        lights = GaugeMetricFamily("tracker_assignments", "Assignments by light", labels=("light",))
        for light in URGENCY:
            lights.add_metric([light.value], matrix.all_lights[light])
        yield lights
        if beat is not None:
            at = beat.at.timestamp()
            yield GaugeMetricFamily(
                "tracker_last_pass_timestamp_seconds", "When the last pass ended", value=at
            )
            yield GaugeMetricFamily("tracker_last_pass_seconds", "How long it took", value=beat.seconds)
            failed = float(beat.error is not None)
            yield GaugeMetricFamily("tracker_last_pass_failed", "Whether it went wrong", value=failed)
        problems = len(site.app.pulse.problems)
        yield GaugeMetricFamily("tracker_file_problems", "Errors in an edit not taken over", value=problems)
        answers = CounterMetricFamily(
            "tracker_http_requests", "Requests that this process answered", labels=("route", "status")
        )
        # A copy, as other threads go on counting.
        for (route, status), number in sorted(site.answers.copy().items()):
            answers.add_metric([route, str(status)], number)
        yield answers


def _of_the_post(post: State) -> Iterator[Metric]:
    told = CounterMetricFamily(
        "tracker_deliveries",
        "Attempts by what came of them and what stood in the way",
        labels=("outcome", "cause"),
    )
    for name, number in sorted(post.counts.items()):
        outcome, _, cause = name.partition(" ")
        told.add_metric([outcome, cause], number)
    yield told
    if post.is_ok is not None:
        yield GaugeMetricFamily(
            "tracker_last_delivery_ok",
            "Whether the mail server took mails when last asked",
            value=float(post.is_ok),
        )
    if post.ok_at is not None:
        at = datetime.fromisoformat(post.ok_at).timestamp()
        yield GaugeMetricFamily("tracker_last_delivery_timestamp_seconds", "When it last took some", value=at)
