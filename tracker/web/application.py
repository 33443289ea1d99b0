"""The pages put together: one Starlette application over one ``Site``."""

from __future__ import annotations

import logging

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles

from tracker.errors import TrackerError
from tracker.shipped import shipped
from tracker.web.api import probes
from tracker.web.api.application import make_api
from tracker.web.auth import signing_in
from tracker.web.auth.authentication import Authentication
from tracker.web.base import light_styles
from tracker.web.base.error_pages import error_page, not_allowed, refused, wrong
from tracker.web.base.identity import NotAllowedError
from tracker.web.base.site import Site, words
from tracker.web.middleware.drained_bodies import DrainedBodies
from tracker.web.middleware.request_metrics import RequestMetrics
from tracker.web.middleware.security_headers import SecurityHeaders
from tracker.web.middleware.sub_path import SubPath
from tracker.web.pages import board, feeds, supervisor, unit
from tracker.web.pages.board import requests

log = logging.getLogger("tracker.web")


def make_application(site: Site) -> Starlette:
    """Everything under one address."""
    application = Starlette(
        routes=_routes(site),
        middleware=[
            Middleware(DrainedBodies),
            Middleware(SubPath, site=site),
            Middleware(RequestMetrics, site=site),
            Middleware(SecurityHeaders, site=site),
            Middleware(GZipMiddleware, minimum_size=1024),
            Middleware(Authentication, site=site),
        ],
        exception_handlers={
            ClientDisconnect: _gone,
            HTTPException: refused,
            NotAllowedError: not_allowed,
            TrackerError: wrong,
            Exception: _broken,
        },
    )
    application.state.site = site
    return application


def _routes(site: Site) -> list[BaseRoute]:
    return [
        *board.routes(),
        *feeds.routes(),
        *probes.routes(),
        Mount("/api", make_api(site)),
        *unit.routes(),
        *requests.routes(),
        *light_styles.routes(),
        Mount("/static", StaticFiles(directory=shipped("templates") / "web" / "static")),
        *signing_in.routes(),
        *supervisor.routes(),
    ]


def _gone(request: Request, error: Exception) -> Response:
    """For whoever went away in the middle of a form."""
    del error
    return refused(request, HTTPException(400))


def _broken(request: Request, error: Exception) -> Response:
    # The path may hold a token: only the kind of error goes into the log.
    log.error("a page failed: %s", type(error).__name__, exc_info=error)
    return error_page(request, words(request)("base.error.500"), "", 500)
