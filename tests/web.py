"""The pages for tests: the shipped campaign on a clock that is set, asked without a network."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from html.parser import HTMLParser
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy.engine import make_url
from starlette.testclient import TestClient

from tests.tools import ROOT
from tracker.clock import VirtualClock
from tracker.core.model import Event, EventKind
from tracker.service.app import App
from tracker.store.campaigns import KnownCampaign, remember_campaign
from tracker.web.application import make_application
from tracker.web.base.site import Site

ZONE = ZoneInfo("Asia/Shanghai")
AT = datetime(2022, 6, 8, 10, 0, tzinfo=ZONE)


@contextmanager
def office(
    folder: Path, *, config: Path = ROOT / "config", at: datetime = AT, database: str | None = None
) -> Iterator[App]:
    """The product over the shipped campaign, as it stands at ``at``."""
    environ = {"TRACKER_MAIL": f"mailbox:{folder / 'mailbox'}"}
    url = database or f"sqlite:///{folder / 'tracker.db'}"
    app = App(config, database=url, environ=environ, clock=VirtualClock(at))
    begin(app, at, from_issue=True)
    try:
        yield app
    finally:
        app.close()


#: Ledgers that this process has begun, as the bytes of their files, by the files in force, the moment and the way.
_BEGUN: dict[tuple[str, datetime, bool], bytes] = {}


def begin(app: App, at: datetime, *, from_issue: bool = False) -> None:
    """Bring a new ledger up to date; from a copy where it has been done before, as most tests begin with the same.

    ``from_issue``: the year is looked at from the middle of it, as if the service had been there from the issue on.
    """
    address = make_url(app.database_url)
    file = Path(address.database or "") if address.get_backend_name() == "sqlite" else None
    key = (app.snapshot.fingerprint, at, from_issue)
    if file is not None and not file.exists() and key in _BEGUN:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(_BEGUN[key])
    campaign = app.snapshot.campaign
    if from_issue:
        with app.database.writing() as session:
            remember_campaign(
                session,
                KnownCampaign(
                    campaign.id, campaign.title, campaign.document, campaign.issued, campaign.issued
                ),
            )
    app.engine.bring_up_to_date(at)
    if file is not None and key not in _BEGUN:
        with closing(sqlite3.connect(file)) as connection:
            _BEGUN[key] = connection.serialize()


def turn(app: App, at: datetime) -> None:
    """Set the clock."""
    assert isinstance(app.clock, VirtualClock)
    app.clock.set(at)


def browser(app: App, **more: object) -> TestClient:
    """A reader on the same machine."""
    return TestClient(
        make_application(Site(app, **more)),  # type: ignore[arg-type]
        base_url="http://127.0.0.1:8080",
        client=("127.0.0.1", 50000),
        follow_redirects=False,
    )


def answer(app: App, ref: str, unit: str, kind: EventKind = EventKind.SUBMIT, **more: object) -> None:
    """Something that happened."""
    app.engine.record(Event(app.clock.now(), ref, unit, kind, who="t", via="cli", **more))  # type: ignore[arg-type]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.wrong: list[str] = []
        self.open: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.wrong += [f"{tag} has {name}" for name in given if name == "style" or name.startswith("on")]
        if tag == "script" and "src" not in given:
            self.wrong.append("a script stands in the page")
        if tag == "style":
            self.wrong.append("a style sheet stands in the page")
        for name in ("src", "href", "action"):
            if re.match(r"(?:https?:)?//", given.get(name) or ""):
                self.wrong.append(f"{tag} fetches {given[name]}")
        if "id" in given:
            self.ids.append(str(given["id"]))


def flaws(html: str) -> list[str]:
    """What the pages' policy would not allow, and identifiers that stand twice."""
    reader = _Reader()
    reader.feed(html)
    twice = {each for each in reader.ids if reader.ids.count(each) > 1}
    return reader.wrong + [f"id {each} stands twice" for each in sorted(twice)]
