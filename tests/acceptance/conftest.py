"""A real Chromium, and offices that are served to it."""

from __future__ import annotations

import shutil

import pytest

from tests.acceptance.browsing import Served, real_chromium, run_pass
from tests.tools import CAMPAIGN, ROOT, Place, made_once
from tests.web import office
from tests.world import at

MORNING = at("2022-05-04 09:00")


# No longer than a module: Playwright keeps an event loop in this thread, and other tests want their own.
@pytest.fixture(scope="module")
def chromium():
    with real_chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def morning(tmp_path_factory):
    """The shipped campaign on the morning of 4 May 2022: a folder to begin from."""

    def pass_(folder):
        with office(folder, config=ROOT / "config", at=MORNING) as app:
            run_pass(app)

    return made_once(tmp_path_factory, "morning", pass_)


@pytest.fixture
def served(morning, tmp_path):
    """The shipped campaign, for one test alone."""
    folder = shutil.copytree(morning, tmp_path / "office")
    with office(folder, config=ROOT / "config", at=MORNING) as app:
        made = Served(app)
        yield made
        made.server.stop()


@pytest.fixture
def small(tmp_path):
    """Two districts whose table has to be accepted."""
    with office(tmp_path / "office", config=Place(tmp_path / "office").config, at=MORNING) as app:
        made = Served(app)
        yield made
        made.server.stop()


@pytest.fixture
def taken_over(tmp_path):
    """The same in July, in a ledger that chases what is due from then on."""
    tasks = CAMPAIGN.replace("chase_from: 2022-04-08", "chase_from: 2022-07-01")
    config = Place(tmp_path / "office", tasks=tasks).config
    with office(tmp_path / "office", config=config, at=at("2022-07-04 09:00")) as app:
        made = Served(app)
        yield made
        made.server.stop()
