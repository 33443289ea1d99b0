"""A ledger that is lost, or not mounted, is noticed by its sign: nothing is sent again."""

import shutil

import pytest

from tests.tools import Place
from tests.web import browser
from tracker.app import App
from tracker.daemon import Service


@pytest.fixture
def place(tmp_path):
    """A campaign whose first mails are out."""
    found = Place(tmp_path)
    found.ok("run", "--once", "--send-now")
    assert found.letters()
    return found


def lose(place):
    for path in (place.folder / "var").glob("tracker.db*"):
        path.unlink()


def test_nothing_is_sent_from_an_empty_ledger_until_a_person_says_that_one_begins(place):
    before = len(place.letters())
    lose(place)
    for _ in range(2):
        done = place.tracker("run", "--once", "--send-now")
        assert done.code == 1
        assert "tracker restore" in done.err
        assert "tracker run --begin" in done.err
        assert len(place.letters()) == before
    assert place.mails() == []
    place.ok("run", "--once", "--send-now", "--begin")
    assert {mail["state"] for mail in place.mails()} == {"sent"}
    assert len(place.mails()) == before
    place.ok("run", "--once", "--send-now")
    assert len(place.mails()) == before


def test_a_restored_backup_is_the_ledger_again(place):
    before = len(place.letters())
    place.ok("backup", "copy.db")
    lose(place)
    place.ok("restore", "copy.db")
    place.ok("run", "--once")
    assert len(place.letters()) == before


def test_another_ledger_at_the_same_place_is_none(place, tmp_path):
    other = Place(tmp_path / "other")
    other.ok("run", "--once", "--send-now")
    shutil.copy(other.folder / "var" / "tracker.db", place.folder / "var" / "tracker.db")
    for end in ("-wal", "-shm"):
        (place.folder / "var" / f"tracker.db{end}").unlink(missing_ok=True)
    assert place.tracker("run", "--once").code == 1


def test_where_the_environment_is_lost_the_ledger_is_missed(tmp_path):
    place = Place(tmp_path)
    named = f"sqlite:///{tmp_path / 'elsewhere.db'}"
    place.ok("run", "--once", "--send-now", TRACKER_DATABASE=named)
    done = place.tracker("run", "--once", "--send-now")
    assert done.code == 1
    assert str(tmp_path / "elsewhere.db") in done.err
    # Another one that somebody names is theirs to begin.
    place.ok("run", "--once", "--send-now", TRACKER_DATABASE=f"sqlite:///{tmp_path / 'third.db'}")


def test_the_service_is_not_ready_and_says_why(place):
    import threading

    lose(place)
    app = App(place.config, database=f"sqlite:///{place.folder / 'var' / 'tracker.db'}", environ={})
    try:
        Service(app, threading.Event()).pass_()
        answer = browser(app).get("/readyz")
        assert answer.status_code == 503
        assert any("tracker run --begin" in reason for reason in answer.json()["reasons"])
    finally:
        app.close()


def test_other_commands_leave_no_sign_and_a_named_place_is_taken(tmp_path):
    place = Place(tmp_path)
    place.ok("status")
    place.ok("simulate", "--from", "2022-05-01", "--to", "2022-05-02")
    assert not list(tmp_path.glob(".tracker*"))
    settings = place.config / "settings.yaml"
    settings.write_text(settings.read_text(encoding="utf-8") + "\nledger_sign: signs\n", encoding="utf-8")
    place.ok("run", "--once")
    assert (tmp_path / "signs").is_file()
    assert not list(tmp_path.glob(".tracker*"))
