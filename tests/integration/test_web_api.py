"""The API tells what the commands tell, keeps to its own description, and says in a sentence what it cannot answer."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import update

from tests.tools import ROOT
from tests.web import answer, browser, flaws, office
from tracker.core.model import EventKind, Light
from tracker.ledger.light_counts import Moment, summaries
from tracker.service.heartbeat import PassRecord, remember
from tracker.store.tables import MAIL, MailState
from tracker.usecases import campaign_files, ledger, mailing
from tracker.usecases.forms.overview import missing_facts
from tracker.usecases.json_facts import (
    calendar_facts,
    deadline_facts,
    definition_facts,
    status_facts,
    unit_facts,
)
from tracker.web.application import make_application
from tracker.web.base.site import Site


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    with office(tmp_path_factory.mktemp("api"), config=ROOT / "config") as made:
        made.engine.run_pass()
        answer(made, "table-2@2022-05", "wanzhou")
        answer(made, "table-2@2022-06", "fuling", EventKind.NIL)
        answer(made, "5", "chengkou", count=1)
        yield made


@pytest.fixture(scope="module")
def client(app):
    return browser(app)


def day(text):
    from datetime import date

    return date.fromisoformat(text)


def listings(app):
    """Each address with what the commands print as JSON, by the same functions that they call."""
    campaign = app.snapshot.campaign
    _, rows = ledger.status(app)
    yield "/tasks", [definition_facts(each) for each in campaign.tasks]
    yield "/tasks?reports=true", [definition_facts(each) for each in campaign.reports]
    yield "/units", [unit_facts(each, campaign) for each in campaign.units.values()]
    may = ledger.due_between(app, day("2022-05-01"), day("2022-05-31"), "wanzhou")
    yield "/calendar?from=2022-05-01&to=2022-05-31&unit=万州", list(calendar_facts(app.snapshot, may))
    yield "/status", status_facts(app.snapshot, app.clock.now(), rows)
    yield "/history", ledger.history(app)
    yield "/explain?ref=5&unit=chengkou", ledger.explanation(app, "5", "chengkou")
    reading, dates = campaign_files.read_deadline("每月5日前", campaign.issued, None, None)
    yield "/deadline?text=每月5日前", deadline_facts(reading, dates)
    yield "/mails?limit=3", mailing.mails(app, limit=3)
    yield "/forms/missing?month=2022-05", missing_facts(app, day("2022-05-01"))


def test_it_tells_what_the_commands_tell(app, client):
    for path, facts in listings(app):
        got = client.get(f"/api{path}")
        assert got.status_code == 200, (path, got.text)
        assert got.json() == json.loads(json.dumps(facts)), path


def test_a_day_without_a_time_is_looked_at_from_its_end(client):
    rows = client.get("/api/status?at=2022-06-08&unit=wanzhou&ref=table-2@2022-05").json()["rows"]
    assert [row["state"] for row in rows] == ["done_late"]
    rows = client.get("/api/status?at=2022-06-07&unit=wanzhou&ref=table-2@2022-05").json()["rows"]
    assert [row["state"] for row in rows] == ["overdue"]


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/status?unit=nowhere", 404),
        ("/status?ref=99", 404),
        ("/status?unit=wanzhou&unit=fuling", 400),
        ("/status?bogus=1", 400),
        ("/status?from=2022-05-01", 400),
        ("/tasks?unit=wanzhou", 400),
        ("/units?report=true", 400),
        ("/forms/missing?month=2022-05&months=2", 400),
        ("/status?at=yesterday", 400),
        ("/status?at=2199-12-31", 400),
        ("/status?state=lost", 422),
        ("/calendar?from=2022-05-01&to=2022-04-01", 400),
        ("/calendar?from=2000-05-01&to=2052-04-01", 400),
        ("/calendar?from=2022-05-01", 422),
        ("/deadline?text=下周一吧", 400),
        ("/explain?ref=5&unit=nowhere", 404),
        ("/mails?limit=0", 422),
        ("/forms/missing?month=2022-13", 422),
        ("/forms/missing?month=2031-01", 404),
        ("/nothing", 404),
    ],
)
def test_what_cannot_be_answered_is_said_in_a_sentence(client, path, code):
    got = client.get(f"/api{path}")
    assert got.status_code == code, got.text
    assert got.json()["detail"]


def test_a_parameter_that_there_is_not_is_named_with_those_that_there_are(client):
    got = client.get("/api/status?states=open&language=zh")
    assert got.json()["detail"] == "没有参数states，可用的有：at、unit、ref、state、language"


@pytest.mark.parametrize(("language", "said"), [("zh", "台账。"), ("en", "The ledger.")])
def test_a_page_lists_what_there_is(client, language, said):
    assert client.get("/api").headers["location"].endswith("/api/")
    html = client.get(f"/api/?language={language}").text
    described = client.get("/api/openapi.json").json()["paths"]
    assert len(described) >= 9
    for path in described:
        assert f"<code>/api{path}</code>" in html
    assert said in html
    assert flaws(html) == []


def test_it_is_to_be_read_only(app, client):
    before = ledger.history(app)
    for method in ("post", "put", "delete", "patch"):
        assert getattr(client, method)("/api/status").status_code in (403, 405)
    assert ledger.history(app) == before


def test_whoever_watches_learns_whether_the_service_is_well(app, client, monkeypatch):
    assert client.get("/healthz").text == "ok\n"
    assert client.get("/readyz").status_code == 503
    with app.database.writing() as session:
        remember(session, PassRecord(app.clock.now(), 0.2, planned=3, delivered=3, who="t"))
    assert client.get("/readyz").json() == {"ready": True, "reasons": [], "degraded": []}
    with app.database.writing() as session:
        remember(session, PassRecord(app.clock.now(), 0.2, error="disk full", who="t"))
    assert client.get("/readyz").json()["reasons"] == ["the last pass failed"]
    monkeypatch.setattr(type(app.engine), "untaken", 7)
    assert client.get("/readyz").json()["reasons"][0] == (
        "results of 7 mails wait to be written down: the database does not take them"
    )
    families = {each.name: each for each in text_string_to_metric_families(client.get("/metrics").text)}
    sent = sum(s.value for s in families["tracker_mails"].samples if s.labels["state"] == "sent")
    assert sent == sum(mail["state"] == "sent" for mail in mailing.mails(app))
    lights = {s.labels["light"]: s.value for s in families["tracker_assignments"].samples}
    with app.database.reading() as session:
        [counted] = summaries(session, app.snapshot, Moment(app.snapshot.day(app.clock.now())))
    # As the week's roll-up counts, month by month of what comes back; the board has one light for all of them.
    assert lights == {light.value: counted.total[light] for light in Light}
    assert lights["red"] > 0
    assert families["tracker_last_pass_failed"].samples[0].value == 1


def put_off(app, number, attempts):
    """A mail that the server would not take so often."""
    with app.database.writing() as session:
        session.execute(
            update(MAIL)
            .where(MAIL.c.id == number)
            .values(state=MailState.DEFERRED.value, attempts=attempts, sent_at=None)
        )


def test_it_is_not_ready_while_no_mail_goes_out(tmp_path):
    with office(tmp_path, config=ROOT / "config") as app:
        app.engine.run_pass(at_once=True)
        client = browser(app)
        with app.database.writing() as session:
            remember(session, PassRecord(app.clock.now(), 0.2, who="t"))
        sent = [mail["id"] for mail in mailing.mails(app) if mail["state"] == "sent"]
        assert len(sent) > 2
        # One address that cannot be reached is not the mail server.
        put_off(app, sent[0], 5)
        assert client.get("/readyz").status_code == 200
        for number in sent[1:]:
            put_off(app, number, 1)
        put_off(app, sent[0], 1)
        assert client.get("/readyz").status_code == 200
        put_off(app, sent[0], 2)
        got = client.get("/readyz")
        assert got.status_code == 503
        assert "no mail has gone out since 2022-06-08 10:00 (Asia/Shanghai)" in got.json()["reasons"][0]


def test_answers_are_counted_by_pattern_and_no_secret_is_among_them(app):
    client = browser(app)
    for path in ("/api/tasks", "/api/status?unit=nowhere", "/feed/very-secret.ics", "/no/such/very-secret"):
        client.get(path)
    text = client.get("/metrics").text
    families = {each.name: each for each in text_string_to_metric_families(text)}
    counted = {
        (s.labels["route"], s.labels["status"]): s.value for s in families["tracker_http_requests"].samples
    }
    assert counted == {
        ("/api/tasks", "200"): 1,
        ("/api/status", "404"): 1,
        ("/feed/{secret}.ics", "404"): 1,
        ("-", "404"): 1,
    }
    assert "very-secret" not in text


HOST = {"Host": "127.0.0.1:8080"}


def fuzz(app, examples):
    """Ask every operation what its description allows, and some of what it does not; how many answers."""
    import schemathesis  # it takes a second, in whichever process it is

    config = schemathesis.Config.from_path(ROOT / "schemathesis.toml")
    schema = schemathesis.openapi.from_asgi(
        "/api/openapi.json", make_application(Site(app)), headers=HOST, config=config
    )
    asked = 0
    for found in schema.get_all_operations():
        operation = found.ok()  # type: ignore[union-attr]

        @given(operation.as_strategy())
        @settings(
            max_examples=examples,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        def ask(case):
            nonlocal asked
            asked += 1
            case.call_and_validate(headers=HOST)

        ask()
    return asked


def test_it_keeps_to_its_own_description(app):
    assert fuzz(app, 12) >= 50


@pytest.mark.torture
def test_it_keeps_to_its_own_description_for_long(app):
    assert fuzz(app, 400) >= 1000
