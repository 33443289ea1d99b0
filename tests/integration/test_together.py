"""Pages, uploads, passes and reloads at the same time, on one service: each is answered as if it were alone."""

import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle
from pathlib import Path

import pytest
from sqlalchemy import select

from tests.integration.test_web_answer import TABLE, Office, filled
from tests.tools import quick_folder
from tests.web import browser
from tracker.dashboard.status_overview import Board, StatusFilter
from tracker.service.app import App
from tracker.store.tables import EVENT, MAIL

PAGES = (
    "/",
    "/?light=red",
    "/unit/wanzhou",
    "/month/2022-05",
    "/api/status?unit=wanzhou",
    "/mails",
    "/health",
    "/metrics",
)


@pytest.fixture(autouse=True)
def restless():
    """Threads change places every ten microseconds."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


class Day:
    """A busy day of an office, for so many seconds; ``seen`` counts what was answered, by what was asked."""

    def __init__(self, office: Office, folder: Path, seconds: float):
        self.office, self.app = office, office.app
        self.tasks = folder / "config" / "tasks.yaml"
        self.end = time.monotonic() + seconds
        self.seen: Counter[tuple[str, int]] = Counter()
        self.filed: list[str] = []

    @property
    def is_over(self) -> bool:
        return time.monotonic() > self.end

    def ask(self):
        client = browser(self.app)
        for page in cycle(PAGES):
            if self.is_over:
                return
            self.seen[page, client.get(page).status_code] += 1

    def upload(self):
        client = browser(self.app)
        for unit in self.app.snapshot.campaign.definitions["table-2"].units:
            if self.is_over:
                return
            link = self.office.link(unit=unit)
            file = ("表.xlsx", filled(client.get(f"{link}/blank.xlsx").content))
            answer = client.post(f"{link}/file", files=[("file", file)], follow_redirects=True)
            self.seen["file", answer.status_code] += 1
            self.filed.append(unit)

    def send(self):
        while not self.is_over:
            self.app.engine.run_pass()
            time.sleep(0.05)

    def edit(self):
        before = self.tasks.read_text(encoding="utf-8")
        after = before.replace("task_count: 31", "task_count: 31\n  # edited", 1)
        assert after != before
        for text in cycle((after, before)):
            self.tasks.write_text(text, encoding="utf-8")
            assert self.app.reload()
            if self.is_over:
                return
            time.sleep(0.2)


def in_long(seconds: float) -> object:
    return pytest.param(seconds, marks=[pytest.mark.torture, pytest.mark.fault("load")])


@pytest.mark.parametrize("seconds", [4, in_long(60)])
def test_whatever_is_asked_at_the_same_time_is_answered_as_if_alone(seconds, caplog):
    with quick_folder() as folder:
        office = Office(folder)
        app = office.app
        app.engine.run_pass()
        day = Day(office, folder, seconds)
        works = (day.ask, day.ask, day.ask, day.upload, day.send, day.edit)
        with ThreadPoolExecutor(len(works)) as pool:
            for future in [pool.submit(work) for work in works]:
                future.result()
        assert {code for _, code in day.seen} == {200}, day.seen
        assert not [record for record in caplog.records if record.exc_info or record.levelname == "ERROR"]
        app.engine.run_pass()
        with app.database.reading() as session:
            rows = session.execute(select(EVENT.c.unit).where(EVENT.c.ref == TABLE)).scalars().all()
            keys = session.execute(select(MAIL.c.key)).scalars().all()
        assert day.filed
        assert sorted(rows) == sorted(day.filed), "each answer is written down, and once"
        assert len(set(keys)) == len(keys)
        kept, counted = office.site.board, Board(app.database)
        assert matrix(kept, app) == matrix(counted, app)
        app.close()


def matrix(board: Board, app: App) -> object:
    return board.matrix(app.snapshot, StatusFilter(), app.clock.now(), page=1, size=41)
