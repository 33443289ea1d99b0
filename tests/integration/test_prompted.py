"""What somebody outside makes us send is bounded: so many an hour, the rest in one mail, and nothing lost."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from sqlalchemy import select

from tests.world import at, definition, running, unit, world
from tracker.access.links import Links
from tracker.core.policy import Rate, Settings
from tracker.ledger.requests import NewRequest, RequestKind, ask, open_requests, send_link
from tracker.mail.compose.render import Renderer
from tracker.outbox.prompted import MOST, prompt
from tracker.store.tables import MAIL

BOTH = ("wanzhou", "fuling")
TABLE = definition("table-2", "2022年5月起，每月5日前", BOTH)
REF = "table-2@2022-05"
UNITS = [*(unit(name) for name in BOTH), unit("kaoshi", "li@kaoshi.example")]


@pytest.fixture
def engine():
    snapshot = world(TABLE, units=UNITS, supervisor="kaoshi")
    with running(snapshot, "2022-05-04 10:00") as found:
        found.engine.run_pass()
        found.sender.take()
        yield found


def say(engine, number, name="wanzhou"):
    now = engine.clock.now()
    new_request = NewRequest(REF, name, RequestKind.SAY, f"第{number}条", "张三", f"{name}@unit.example")
    with engine.database.writing() as session:
        ask(session, engine.engine.snapshot, new_request, now)


def sent(engine):
    engine.engine.deliver(engine.clock.now())
    return [claimed.mail for claimed, _ in engine.sender.take()]


def test_sixty_messages_from_one_link_are_five_mails_and_one(engine):
    found = []
    for number in range(60):
        say(engine, number)
        found += sent(engine)
        engine.clock.set(engine.clock.now() + timedelta(seconds=20))
    assert len(found) == 5
    engine.clock.set(engine.clock.now() + timedelta(hours=1))
    (gathered,) = sent(engine)
    shown = Renderer(engine.engine.snapshot.campaign).render(gathered)
    assert shown.subject == "【单位反馈】wanzhou应急管理局：55件"
    assert "第5条" in shown.text
    assert f"另有{55 - MOST}件" in shown.text
    # None is lost: all of them wait on the page.
    with engine.database.reading() as session:
        assert len(open_requests(session, engine.engine.snapshot.campaign.id)) == 60
    # An hour later the next one is told at once again.
    engine.clock.set(engine.clock.now() + timedelta(hours=1))
    say(engine, 60)
    (mail,) = sent(engine)
    assert mail.details["request"]["text"] == "第60条"


def test_one_reader_gets_so_many_however_many_units_write(engine):
    for number in range(7):
        say(engine, number, BOTH[number % 2])
    assert len(sent(engine)) == 5
    engine.clock.set(engine.clock.now() + timedelta(hours=1))
    (gathered,) = sent(engine)
    shown = Renderer(engine.engine.snapshot.campaign).render(gathered)
    assert shown.subject == "【单位反馈】fuling应急管理局等2个单位：2件"
    assert "fuling应急管理局张三：第5条" in shown.text
    assert "wanzhou应急管理局张三：第6条" in shown.text


def test_expired_links_are_no_way_to_flood_a_person():
    items = [definition(str(number), "2022年6月底前", BOTH) for number in range(1, 28)]
    with running(world(*items, units=UNITS, supervisor="kaoshi"), "2022-05-04 10:00") as run:
        run.engine.run_pass()
        run.sender.take()
        links = Links("https://tracker.example", ["s" * 32])
        for _ in range(2):
            for each in items:
                with run.database.writing() as session:
                    now = run.clock.now()
                    send_link(session, run.engine.snapshot, each.key, "wanzhou", "wanzhou@unit.example", now)
        assert len(sent(run)) == 5
        run.clock.set(run.clock.now() + timedelta(hours=1))
        (gathered,) = sent(run)
        shown = Renderer(run.engine.snapshot.campaign, links=links).render(gathered)
        assert shown.subject == "【办理链接】22件"
        # Each item that was asked for can be answered from it, and is named once.
        assert shown.text.count("https://tracker.example/answer/") == 22
        for number in range(6, 28):
            assert f"任务{number} wanzhou应急管理局：https://tracker.example/answer/" in shown.text
        # Once a day for each item, also of what was gathered.
        with run.database.writing() as session:
            for key in ("1", "27"):
                now = run.clock.now()
                assert not send_link(
                    session, run.engine.snapshot, key, "wanzhou", "wanzhou@unit.example", now
                )


def test_receipts_follow_the_same_rule_and_keep_what_is_enclosed(engine):
    snapshot = world(TABLE, units=UNITS, supervisor="kaoshi")
    settings = Settings(prompted=Rate(2, timedelta(minutes=30)))
    snapshot = type(snapshot)(snapshot.campaign, settings, snapshot.workdays, snapshot.fingerprint)
    row = {
        "kind": "receipt",
        "recipient": "wanzhou@unit.example",
        "name": "张三",
        "unit": "wanzhou",
        "language": "zh",
        "timezone": "Asia/Shanghai",
        "day": engine.clock.now().date(),
        "content": "[]",
    }
    now = at("2022-05-04 10:30")
    with engine.database.writing() as session:
        for number in range(6):
            details = {"files": [{"file": f"{number}.xlsx", "errors": []}], "enclosed": [number]}
            prompt(
                session,
                snapshot,
                [{**row, "key": f"receipt/{number}", "details": json.dumps(details)}],
                now,
            )
    with engine.database.reading() as session:
        rows = session.execute(select(MAIL).where(MAIL.c.kind == "receipt").order_by(MAIL.c.id)).all()
    assert len(rows) == 3
    last = json.loads(rows[-1].details)
    assert [each["file"] for each in last["files"]] == [f"{number}.xlsx" for number in range(2, 6)]
    assert (last["enclosed"], last["gathered"]) == ([2, 3, 4, 5], 4)
    assert rows[-1].not_before == now + timedelta(minutes=30)
