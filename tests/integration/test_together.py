"""Pages, uploads, passes and reloads at the same time, on one service: each is answered as if it were alone."""

import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle

import pytest
from sqlalchemy import select

from tests.integration.test_web_answer import TABLE, Office, filled
from tests.tools import quick_folder
from tests.web import browser
from tracker.board.lights import Board, Choice
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


@pytest.mark.parametrize(
    "seconds", [4, pytest.param(60, marks=[pytest.mark.torture, pytest.mark.fault("load")])]
)
def test_whatever_is_asked_at_the_same_time_is_answered_as_if_alone(seconds, caplog):
    with quick_folder() as folder:
        office = Office(folder)
        office.app.engine.run_pass()
        units = list(office.app.force.campaign.definitions["table-2"].units)
        end, seen, filed = time.monotonic() + seconds, Counter(), []

        def ask():
            client = browser(office.app)
            for page in cycle(PAGES):
                if time.monotonic() > end:
                    return
                seen[page, client.get(page).status_code] += 1

        def upload():
            client = browser(office.app)
            for unit in units:
                if time.monotonic() > end:
                    return
                link = office.link(unit=unit)
                book = filled(client.get(f"{link}/blank.xlsx").content)
                answer = client.post(
                    f"{link}/file", files=[("file", ("表.xlsx", book))], follow_redirects=True
                )
                seen["file", answer.status_code] += 1
                filed.append(unit)

        def send():
            while time.monotonic() < end:
                office.app.engine.run_pass()
                seen["pass", 200] += 1
                time.sleep(0.05)

        def edit():
            tasks = folder / "config" / "tasks.yaml"
            before = tasks.read_text(encoding="utf-8")
            after = before.replace("task_count: 31", "task_count: 31\n  # edited", 1)
            assert after != before
            for text in cycle((after, before)):
                tasks.write_text(text, encoding="utf-8")
                seen["reload", 200] += office.app.reload()
                if time.monotonic() > end:
                    return
                time.sleep(0.2)

        works = (ask, ask, ask, upload, send, edit)
        with ThreadPoolExecutor(len(works)) as pool:
            for future in [pool.submit(work) for work in works]:
                future.result()
        assert {code for _, code in seen} == {200}, seen
        assert not [record for record in caplog.records if record.exc_info or record.levelname == "ERROR"]
        app = office.app
        office.app.engine.run_pass()
        with app.database.reading() as session:
            rows = session.execute(select(EVENT.c.unit).where(EVENT.c.ref == TABLE)).scalars().all()
            keys = session.execute(select(MAIL.c.key)).scalars().all()
        assert filed
        assert sorted(rows) == sorted(filed), "each answer is written down, and once"
        assert len(set(keys)) == len(keys)
        ask_for = {"page": 1, "size": 41}
        kept = office.site.board.matrix(app.force, Choice(), app.clock.now(), **ask_for)
        assert kept == Board(app.database).matrix(app.force, Choice(), app.clock.now(), **ask_for)
        app.close()
