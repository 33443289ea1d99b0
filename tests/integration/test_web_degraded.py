"""After a bad edit the service is ready, and says everywhere that it is not all well, and where."""

from __future__ import annotations

import pytest

from tests.tools import Place
from tests.web import browser, office
from tracker.errors import ConfigError
from tracker.i18n.message import Message
from tracker.service.app import App
from tracker.service.heartbeat import PassRecord, remember


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path / "house")


@pytest.fixture
def app(place, tmp_path):
    with office(tmp_path, config=place.config) as made:
        with made.database.writing() as session:
            remember(session, PassRecord(made.clock.now(), 0.2, who="t"))
        yield made


def spoil(place):
    """An edit that names an address where a date was expected."""
    text = place.tasks.read_text(encoding="utf-8")
    edited = text.replace("deadline: 2022年5月20日前", "deadline: hush@unit.example")
    assert edited != text
    place.tasks.write_text(edited, encoding="utf-8")
    line = 1 + edited[: edited.index("hush@")].count("\n")
    return f"tasks.yaml:{line}:19"


def test_a_bad_edit_degrades_and_does_not_stop(place, app):
    client = browser(app)
    assert client.get("/readyz").json() == {"ready": True, "reasons": [], "degraded": []}
    good = place.tasks.read_text(encoding="utf-8")
    where = spoil(place)
    with pytest.raises(ConfigError):
        app.reload()
    got = client.get("/readyz")
    assert got.status_code == 200
    assert got.json() == {
        "ready": True,
        "reasons": [],
        "degraded": [f"an edit of the files was not taken over: {where}"],
    }
    # What stands in the files may name people, and this page is everybody's.
    assert "hush" not in got.text
    for language, said in (
        ("zh", "尚未生效，目前仍按修改前的内容办理"),
        ("en", "is not in force: an error at"),
    ):
        board = client.get(f"/?language={language}").text
        assert '<p class="notice amber" role="status">' in board
        assert said in board
        assert where in board
        health = client.get(f"/health?language={language}").text
        assert where in health
        assert '<span class="light amber">' in health
        assert '<span class="light red">' not in health
    place.tasks.write_text(good, encoding="utf-8")
    app.reload()
    assert client.get("/readyz").json()["degraded"] == []
    assert 'class="notice' not in client.get("/").text


def test_a_start_over_files_with_errors_is_degraded_too(place, app, tmp_path):
    app.close()
    where = spoil(place)
    again = App(place.config, database=f"sqlite:///{tmp_path / 'tracker.db'}", environ={}, clock=app.clock)
    again.is_lenient = True
    try:
        client = browser(again)
        assert again.snapshot.campaign.document == "试发〔2022〕1号"
        assert client.get("/readyz").json()["degraded"] == [
            f"an edit of the files was not taken over: {where}"
        ]
        assert where in client.get("/").text
    finally:
        again.close()


def test_an_edit_that_waits_for_a_word_degrades(place, app):
    app.heartbeat.held = Message("service.held.removals")
    client = browser(app)
    assert client.get("/readyz").json()["degraded"] == ["an edit of the files waits for a word"]
    assert "等待确认" in client.get("/?language=zh").text
    assert "waits for a word" in client.get("/?language=en").text
