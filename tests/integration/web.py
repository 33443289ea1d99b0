"""What the tests of the pages share: a site over a small campaign, and browsers at it."""

from __future__ import annotations

import re
from contextlib import contextmanager

from starlette.testclient import TestClient

from tests.tools import CAMPAIGN, Place, quick_folder
from tests.world import at
from tracker.access.accounts import add_account
from tracker.clock import VirtualClock
from tracker.core.roles import Role
from tracker.service.app import App
from tracker.service.simulation import CollectingSender
from tracker.web.application import make_application
from tracker.web.base.site import Site

SECRET = "nine yellow tables"
HOST = "https://tracker.example"
SETTINGS = """\
mail:
  from: {name: 督办提醒, email: tracker@kaoshi.example}
  link_base: https://tracker.example
operator: {name: 管理员, email: operator@kaoshi.example, language: zh}
"""


class House:
    """A site on a virtual clock; ``browser`` opens it, ``sign_in`` as somebody."""

    def __init__(self, app, clock):
        self.app, self.clock, self.woken = app, clock, 0
        self.sender = CollectingSender(lambda mail: mail.key)
        app.engine.sender = self.sender
        self.restart()

    def restart(self):
        """Another process answers, on another machine or after the end of the one before; browsers notice nothing."""
        self.site = Site(self.app, self._wake)
        self._serving = make_application(self.site)

    async def application(self, scope, receive, send):
        await self._serving(scope, receive, send)

    def _wake(self):
        self.woken += 1

    def account(self, name, role=Role.SUPERVISOR, password=SECRET):
        with self.app.database.writing() as session:
            add_account(session, name, role, password, self.clock.now())

    def browser(self, host=HOST, peer="10.7.7.7", **headers):
        return TestClient(
            self.application,
            base_url=host,
            client=(peer, 50000),
            headers=headers,
            follow_redirects=False,
            raise_server_exceptions=False,
        )

    def sign_in(self, name, role=Role.SUPERVISOR):
        """A browser of somebody with a new account."""
        self.account(name, role)
        browser = self.browser()
        answer = browser.post("/sign-in", data={"name": name, "password": SECRET})
        assert answer.status_code == 303, answer.text
        return browser


@contextmanager
def house(settings=SETTINGS, start="2022-05-05 09:30", tasks=CAMPAIGN, database="sqlite://", **environ):
    with quick_folder() as folder:
        place = Place(folder, settings=settings, tasks=tasks)
        clock = VirtualClock(at(start))
        app = App(place.config, database=database, environ=environ, clock=clock)
        try:
            yield House(app, clock)
        finally:
            app.close()


def csrf_of(browser, path="/sign-in/nothing"):
    """What this browser's forms say."""
    found = re.search(r'name="csrf" value="([^"]*)"', browser.get(path).text)
    return found[1] if found else ""


def shown(browser, path="/sign-in/nothing"):
    """The sentence on the next page."""
    found = re.search(r'<p class="flash" role="status">(.*?)</p>', browser.get(path).text, re.DOTALL)
    return found[1] if found else ""
