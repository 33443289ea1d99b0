"""What every page needs: the application behind it, the templates, the reader's language."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo
from functools import partial
from typing import Any, cast

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import escape
from starlette.requests import Request
from starlette.responses import HTMLResponse

from tracker.access.sign_in_journeys import door_secret
from tracker.campaign.snapshot import CampaignSnapshot
from tracker.core.naming import Names
from tracker.core.vocabulary import LIGHTS
from tracker.dashboard.status_overview import Board
from tracker.errors import Problem
from tracker.i18n import catalogue
from tracker.i18n.catalogue import LANGUAGES, Language, Words, described
from tracker.i18n.message import Message, say, say_day
from tracker.i18n.recognised import said_in
from tracker.i18n.terms import way, word
from tracker.service.app import App
from tracker.shipped import shipped
from tracker.web.base import flash
from tracker.web.base.access_policy import AccessPolicy, root_of
from tracker.web.base.bodies import Bodies
from tracker.web.base.light_styles import LETTERS
from tracker.web.base.pools import Pools

#: Cookies that hold nothing but how the reader wants to see the page.
LANGUAGE_COOKIE, THEME_COOKIE = "language", "theme"
THEMES = ("auto", "light", "dark")

#: How often an open page looks for news, in seconds.
LIVE = 30.0


def _nothing() -> None:
    """Nobody is there to be woken."""


@dataclass
class Site:
    """One per process.  ``wake`` makes the service look at its outbox soon; ``access`` is how it may be entered.

    Open pages look for news every ``live`` seconds; 0 means never.  ``answers`` counts by (pattern of the address,
    status) since the start; ``pools`` are the threads for what takes long, ``bodies`` the room for what is sent here.
    """

    app: App
    wake: Callable[[], None] = _nothing
    live: float = LIVE
    access: AccessPolicy = field(default_factory=AccessPolicy)
    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    pools: Pools = field(default_factory=Pools)
    bodies: Bodies = field(default_factory=Bodies)
    environment: Environment = field(init=False)
    _secret: bytes | None = field(default=None, init=False, repr=False)
    board: Board = field(init=False)

    def __post_init__(self) -> None:
        self.environment = Environment(
            loader=FileSystemLoader(shipped("templates") / "web"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        # Macros see these too.
        self.environment.globals |= {
            "shown": LIGHTS,
            "letters": LETTERS,
            "say": say,
            "languages": {each: described(each) for each in LANGUAGES},
        }
        self.board = Board(self.app.database)

    @property
    def snapshot(self) -> CampaignSnapshot:
        """What is in force now; a reload replaces it."""
        return self.app.snapshot

    @property
    def root(self) -> str:
        """The path under which the pages are, such as ``/tracker``; nothing for most."""
        return root_of(self.snapshot.settings.link_base)

    @property
    def secret(self) -> bytes:
        """Signs what pages give out and take back; the same on every machine."""
        if self._secret is None:
            self._secret = door_secret(self.app.database)
        return self._secret

    def now(self) -> datetime:
        """The present, by the service's clock."""
        return self.app.clock.now()

    def today(self) -> date:
        """The day in the campaign's time zone."""
        return self.snapshot.day(self.now())

    def page(
        self, request: Request, template: str, facts: Mapping[str, Any], *, status: int = 200
    ) -> HTMLResponse:
        """A page from ``templates/web/TEMPLATE`` in the reader's language.

        Templates get ``facts`` and beside them ``t`` (phrases), ``site``, ``campaign``, ``request``, ``person``,
        ``called``, ``titled``, ``period`` (what a reference is called, short and long, and its period),
        ``csrf``, ``flash``, ``theme``, ``root`` (stands before every path that leads somewhere),
        ``here(name=value)`` (this page's address with other parameters), ``word``
        (states, events, kinds), ``outcome`` (what became of a mail), ``came_by`` (how something came in), ``shown``
        and ``letters`` (lights), ``day`` and ``minute`` (dates and times in the campaign's zone).
        """
        language = language_of(request)
        names = Names(self.snapshot.campaign, language)
        html = self.environment.get_template(template).render(
            **facts,
            t=words(request),
            site=self,
            campaign=self.snapshot.campaign,
            request=request,
            person=request.state.person,
            csrf=request.state.csrf,
            flash=request.state.flash,
            theme=_theme(request),
            root=escape(self.root),
            here=partial(_here, request),
            word=partial(_word, language),
            outcome=partial(_outcome, language),
            spoken=partial(_spoken, language),
            came_by=partial(way, language=language),
            called=names.occurrence,
            titled=names.titled,
            period=names.period,
            day=partial(say_day, language),
            minute=partial(_minute, self.snapshot.zone),
        )
        response = HTMLResponse(html, status_code=status)
        if request.state.flash:
            flash.forget(response)
        return response


def site_of(request: Request) -> Site:
    """The site that ``request`` was made to."""
    return cast("Site", request.app.state.site)


def language_of(request: Request) -> Language:
    """What the reader chose, else the one that is on file for them, else the campaign's language."""
    known = getattr(request.state, "language", None)
    for chosen in (request.query_params.get("language"), request.cookies.get(LANGUAGE_COOKIE), known):
        if chosen in LANGUAGES:
            return chosen
    return site_of(request).snapshot.campaign.language


def words(request: Request) -> Words:
    """The phrases in the reader's language."""
    return catalogue.words("pages", language_of(request))


def _minute(zone: tzinfo, moment: datetime | None) -> str:
    return "" if moment is None else f"{moment.astimezone(zone):%Y-%m-%d %H:%M}"


def _outcome(language: Language, text: str | None) -> str:
    return said_in(text, language)


def _spoken(language: Language, told: Problem | Message) -> str:
    """What the service has to say."""
    return told.said(language) if isinstance(told, Problem) else say(told, language)


def _word(language: Language, name: str | None) -> str:
    return word(name, language)


def _here(request: Request, **changes: object) -> str:
    """This page's address with other parameters; None takes one away."""
    url = request.url.remove_query_params([name for name, value in changes.items() if value is None])
    url = url.include_query_params(**{name: value for name, value in changes.items() if value is not None})
    return f"?{url.query}" if url.query else site_of(request).root + url.path


def _theme(request: Request) -> str:
    for chosen in (request.query_params.get("theme"), request.cookies.get(THEME_COOKIE)):
        if chosen in THEMES:
            return str(chosen)
    return "auto"
