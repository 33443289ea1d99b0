"""Two campaigns of the same tasks and units in one ledger, through two years, against the clerk of ``oracle``."""

from dataclasses import replace
from datetime import date, timedelta
from heapq import merge
from typing import Any

import pytest

from tests.acceptance.house import assert_same, lines_of
from tests.acceptance.test_the_year import (  # noqa: F401 - fixtures
    FIRST,
    LAST,
    ZONE,
    clerk_of,
    eventful,
    few,
)
from tests.tools import quick_folder
from tracker.config.events import read_events
from tracker.core.model import owned
from tracker.service.app import App
from tracker.service.simulation import simulate
from tracker.store.database import open_database
from tracker.usecases.json_facts import mail_facts


@pytest.mark.parametrize("last", [date(2022, 6, 12), pytest.param(LAST, marks=pytest.mark.torture)])
def test_every_item_is_right_in_both_when_one_answers_and_the_other_is_silent(few, eventful, last):  # noqa: F811
    known, path = eventful
    app = App(few, database="sqlite://", environ={})
    try:
        snapshot, subject = app.snapshot, lambda mail: mail.key
        events = read_events(path, snapshot.zone, snapshot.unit_id)
    finally:
        app.close()
    with quick_folder() as folder:
        url = f"sqlite:///{folder / 'ledger.db'}"
        stories = [
            _told(replace(snapshot, campaign=replace(snapshot.campaign, id=name)), story, last, url, subject)
            for name, story in (("main", events), ("second", []))
        ]
        found: dict[str, list[Any]] = {"main": [], "second": []}
        # Day by day, in turns, as two services would.
        for name, fact in merge(*stories, key=lambda told: told[1]["at"]):
            found[name].append(fact)
    clerk = clerk_of(few)
    assert_same(clerk.mails(FIRST, last, known), lines_of(found["main"]))
    assert_same(clerk.mails(FIRST, last), lines_of(found["second"]))
    ids = [fact["message_id"] for facts in found.values() for fact in facts]
    assert len(set(ids)) == len(ids)


def _told(snapshot, events, last, url, subject):
    name = snapshot.campaign.id
    until = last + timedelta(days=1)
    for claimed, words in simulate(snapshot, events, FIRST, until, subject, database=open_database(url)):
        assert claimed.mail.key.startswith(owned(name, f"{claimed.mail.kind}/"))
        yield (
            name,
            mail_facts(claimed.mail, message_id=claimed.message_id, subject=words, zone=ZONE),
        )
