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

from tracker.core.policy import Web
from tracker.core.status import URGENCY
from tracker.dashboard.outbox import queue
from tracker.errors import TrackerError
from tracker.i18n.catalogue import ENGLISH
from tracker.i18n.message import say
from tracker.outbox.mail_server import ServerState, read_state
from tracker.service.heartbeat import remembered
from tracker.store.tables import MAIL
from tracker.web.base.access_policy import is_forwarded, is_in_front, is_loopback, peer_of
from tracker.web.base.error_pages import AGAIN, said
from tracker.web.base.readiness import degraded, reasons
from tracker.web.base.site import Site, site_of

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
    why, to_mend = ([say(each, ENGLISH) for each in found(site)] for found in (reasons, degraded))
    facts = {"ready": not why, "reasons": why, "degraded": to_mend}
    return JSONResponse(facts, status_code=503 if why else 200)


def metrics(request: Request) -> Response:
    """Figures of this moment, from the database, where every process tells the same; and what this one answered.

    To this machine, and else to whoever has the token.
    """
    if not _may_count(request):
        refusal = TrackerError("no_metrics_token")
        return PlainTextResponse(f"{said(request, refusal)}\n", 401, {"WWW-Authenticate": "Bearer"})
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Figures(site_of(request)))
    try:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE)
    except (SQLAlchemyError, TrackerError):
        return PlainTextResponse("the database does not answer\n", 503, {"Retry-After": str(AGAIN)})


def _may_count(request: Request) -> bool:
    settings, peer = site_of(request).snapshot.settings, peer_of(request)
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
                .where(MAIL.c.campaign == site.snapshot.campaign.id)
                .group_by(MAIL.c.state, MAIL.c.kind)
            )
            for state, kind, number in session.execute(counted):
                mails.add_metric([state, kind], number)
            waits = queue(session, site.snapshot.campaign.id)
            post = read_state(session, site.snapshot.campaign.id)
            beat = site.app.heartbeat.last or remembered(session)
        yield mails
        yield GaugeMetricFamily("tracker_mails_waiting", "Mails that wait to be sent", value=waits.waiting)
        oldest = (now - waits.oldest).total_seconds() if waits.oldest is not None else 0
        yield GaugeMetricFamily("tracker_oldest_waiting_seconds", "Age of the oldest of them", value=oldest)
        yield from _of_the_post(post)
        in_hand = site.board.in_hand(site.snapshot, now)
        lights = GaugeMetricFamily(
            "tracker_assignments",
            "Assignments that have opened and are open, or due this year, by light",
            labels=("light",),
        )
        for light in URGENCY:
            lights.add_metric([light.value], in_hand[light])
        yield lights
        if beat is not None:
            at = beat.at.timestamp()
            yield GaugeMetricFamily(
                "tracker_last_pass_timestamp_seconds", "When the last pass ended", value=at
            )
            yield GaugeMetricFamily("tracker_last_pass_seconds", "How long it took", value=beat.seconds)
            failed = float(beat.error is not None)
            yield GaugeMetricFamily("tracker_last_pass_failed", "Whether it went wrong", value=failed)
        problems = len(site.app.heartbeat.problems)
        yield GaugeMetricFamily("tracker_file_problems", "Errors in an edit not taken over", value=problems)
        answers = CounterMetricFamily(
            "tracker_http_requests", "Requests that this process answered", labels=("route", "status")
        )
        # A copy, as other threads go on counting.
        for (route, status), number in sorted(site.answers.copy().items()):
            answers.add_metric([route, str(status)], number)
        yield answers


def _of_the_post(post: ServerState) -> Iterator[Metric]:
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
