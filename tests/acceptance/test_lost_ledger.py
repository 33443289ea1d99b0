"""A ledger that is lost, or not mounted, is noticed by its sign: nothing is sent again."""

import shutil
import sqlite3
import threading
from contextlib import closing

import pytest

from tests.tools import Place
from tests.web import browser
from tracker.daemon.scheduler import Service
from tracker.errors import DatabaseError, LostLedgerError
from tracker.service.app import App


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
    begun = place.ok("run", "--once", "--send-now", "--begin", LC_ALL="en_US.UTF-8").err
    [warning] = [line for line in begun.splitlines() if "a new ledger begins in" in line]
    assert "there is one of these files in" not in warning, "the same address again says nothing"
    assert "the one that these files had there is lost" in warning
    assert {mail["state"] for mail in place.mails()} == {"sent"}
    assert len(place.mails()) == before
    place.ok("run", "--once", "--send-now")
    assert len(place.mails()) == before


#: Commands that ask the ledger, each as somebody would type it.
ASKING = [
    "plan",
    "simulate --from 2022-05-01 --to 2022-05-10",
    "status",
    "calendar --from 2022-05-01 --to 2022-05-10",
    "history",
    "explain 2/first-list --unit 万州",
    "before",
    "before --settlements",
    "report --month 2022-05 -o month.html",
    "backup copy.db",
    "submit 2/first-list --unit 万州",
    "mail list",
    "mail show 1",
    "mail retry 1",
    "mail test",
    "user list",
    "user remove wang",
    "feed list",
    "feed add --unit 万州",
    "forms missing --month 2022-05",
    "forms questions",
    "forms summary --month 2022-05 -o summary.xlsx",
    "prune --before 2022-05-01",
    "run --once",
    "upgrade",
]


@pytest.mark.parametrize("is_empty", [False, True], ids=["gone", "empty"])
def test_no_command_answers_from_a_ledger_that_is_lost_or_makes_one(place, is_empty):
    lose(place)
    database = place.folder / "var" / "tracker.db"
    if is_empty:
        database.touch()
    before = sorted(place.folder.rglob("*"))
    for command in ASKING:
        done = place.tracker(*command.split())
        assert (done.code, done.out) == (1, ""), command
        assert "tracker restore" in done.err or command == "upgrade", f"{command}: {done.err}"
        assert sorted(place.folder.rglob("*")) == before, command
    assert not is_empty or not database.stat().st_size


def test_it_is_said_whether_the_ledger_is_gone_or_another_one(place, tmp_path):
    lose(place)
    gone = place.tracker("history", LC_ALL="en_US.UTF-8").err
    assert "there is no ledger in sqlite:///" in gone
    assert gone.count("var/tracker.db") == 1
    assert "台账已不在原处" in place.tracker("history", LC_ALL="zh_CN.UTF-8").err
    Place(tmp_path / "other").ok("run", "--once")
    shutil.copy(tmp_path / "other" / "var" / "tracker.db", place.folder / "var" / "tracker.db")
    assert "is not the one that was there" in place.tracker("history", LC_ALL="en_US.UTF-8").err


def test_what_is_asked_before_a_ledger_ever_was_is_no_loss(tmp_path):
    assert Place(tmp_path).json("history") == []


def test_a_file_that_is_no_database_is_said_to_be_none_in_a_sentence(place):
    with closing(
        App(place.config, database=f"sqlite:///{place.folder / 'var' / 'tracker.db'}", environ={})
    ) as app:
        app.engine.run_pass()
        lose(place)
        (place.folder / "var" / "tracker.db").write_bytes(b"no database at all " * 500)
        with pytest.raises(DatabaseError, match="file is not a database"):
            app.sign.look()


@pytest.mark.parametrize("has_sign", [True, False])
def test_an_empty_file_in_the_place_of_the_ledger_is_said_to_be_none(place, has_sign):
    with closing(
        App(place.config, database=f"sqlite:///{place.folder / 'var' / 'tracker.db'}", environ={})
    ) as app:
        app.engine.run_pass()
        if not has_sign:
            app.sign.file.unlink()
        lose(place)
        (place.folder / "var" / "tracker.db").touch()
        with pytest.raises(LostLedgerError if has_sign else DatabaseError) as refused:
            app.sign.look()
        assert has_sign or refused.value.code == "no_ledger"


def test_no_backup_is_made_of_a_lost_ledger_and_the_last_good_one_stays(place):
    place.ok("backup", "copy.db")
    good = (place.folder / "copy.db").read_bytes()
    lose(place)
    place.tracker("status")
    for name in ("copy.db", "other.db"):
        done = place.tracker("backup", name)
        assert (done.code, done.out) == (1, "")
        assert "tracker restore" in done.err
    assert (place.folder / "copy.db").read_bytes() == good
    assert not (place.folder / "other.db").exists()


def test_where_no_sign_tells_of_it_an_empty_ledger_is_no_backup_either(place):
    place.ok("backup", "copy.db")
    good = (place.folder / "copy.db").read_bytes()
    (place.folder / ".tracker-ledger").unlink()
    lose(place)
    place.tracker("mail", "list")
    for name in ("copy.db", "other.db"):
        done = place.tracker("backup", name)
        assert (done.code, "nothing to back up" in done.err or "没有可备份的内容" in done.err) == (1, True)
    assert (place.folder / "copy.db").read_bytes() == good


def test_a_backup_with_more_in_it_is_written_over_by_word_alone(place):
    place.ok("backup", "early.db")
    place.ok("submit", "2/first-list", "--unit", "万州")
    place.ok("backup", "copy.db")
    place.ok("restore", "early.db")
    refused = place.tracker("backup", "copy.db")
    assert (refused.code, "--force" in refused.err) == (1, True)
    place.ok("backup", "early.db")
    place.ok("backup", "copy.db", "--force")


def test_the_backup_of_another_ledger_is_written_over_by_word_alone(place, tmp_path):
    place.ok("backup", "copy.db")
    other = Place(tmp_path / "other")
    other.ok("run", "--once", "--send-now")
    refused = other.tracker("backup", place.folder / "copy.db")
    assert (refused.code, "--force" in refused.err) == (1, True)


def test_a_backup_without_a_ledger_is_not_whole_and_not_restored(place):
    place.ok("backup", "copy.db")
    with closing(sqlite3.connect(place.folder / "copy.db")) as file, file:
        file.execute("DELETE FROM assignment")
    rehearsed = place.tracker("restore", "--rehearse", "copy.db")
    assert (rehearsed.code, "holds no ledger" in rehearsed.err or "没有台账" in rehearsed.err) == (1, True)
    assert place.tracker("restore", "copy.db").code == 1
    place.ok("status")


def test_where_no_sign_can_be_kept_check_and_run_and_readyz_say_so(tmp_path):
    place = Place(tmp_path)
    nowhere = str(tmp_path / "missing" / "sign")
    checked = place.ok("check", TRACKER_LEDGER_SIGN=nowhere)
    assert "warning: " in checked.err
    assert nowhere in checked.err
    assert nowhere in place.ok("run", "--once", "--send-now", TRACKER_LEDGER_SIGN=nowhere).err
    app = App(place.config, environ={"TRACKER_LEDGER_SIGN": nowhere})
    with closing(app):
        [said] = browser(app).get("/readyz").json()["degraded"]
        assert "no sign of the ledger can be kept: " in said, "and no place of this machine"
    assert ".tracker-ledger" not in place.ok("check").err


def test_the_environment_names_a_place_for_the_sign(tmp_path):
    place = Place(tmp_path)
    place.ok("run", "--once", "--send-now", TRACKER_LEDGER_SIGN="signs")
    assert (tmp_path / "signs").is_file()
    lose(place)
    done = place.tracker("run", "--once", "--send-now", TRACKER_LEDGER_SIGN="signs")
    assert (done.code, "tracker restore" in done.err) == (1, True)


def test_a_restored_backup_is_the_ledger_again(place):
    before = len(place.letters())
    place.ok("backup", "copy.db")
    lose(place)
    for name in ("missing.db", "config/tasks.yaml"):
        assert place.tracker("restore", name).code == 1
        assert not (place.folder / "var" / "tracker.db").exists(), (
            "no file is left where the volume is mounted"
        )
    place.ok("restore", "--rehearse", "copy.db")
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
    # Another one that somebody names is theirs to begin; it is said, as it may be a slip.
    third = place.ok("run", "--once", "--send-now", TRACKER_DATABASE=f"sqlite:///{tmp_path / 'third.db'}")
    assert "third.db; there is one of these files in" in third.err
    again = place.ok("run", "--once", TRACKER_DATABASE=f"sqlite:///{tmp_path / 'third.db'}")
    assert "third.db" not in again.err


def test_the_service_is_not_ready_and_says_why(place):
    lose(place)
    app = App(place.config, database=f"sqlite:///{place.folder / 'var' / 'tracker.db'}", environ={})
    try:
        app.waits_for_ledger = True
        Service(app, threading.Event()).pass_()
        answer = browser(app).get("/readyz")
        assert answer.status_code == 503
        assert any("tracker run --begin" in reason for reason in answer.json()["reasons"])
        refused = browser(app).post("/sign-in", data={"name": "wang", "password": "guess guess"})
        for each in (answer, refused):
            assert each.status_code == 503
            assert str(place.folder) not in each.text, "strangers read it"
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


def test_nothing_is_written_into_an_empty_ledger_while_the_old_one_is_missed(place):
    lose(place)
    asked = place.tracker("submit", "2/first-list", "--unit", "万州")
    assert asked.code == 1
    assert "tracker restore" in asked.err
    place.ok("run", "--once", "--begin")
    place.ok("submit", "2/first-list", "--unit", "万州")


def test_a_service_whose_volume_went_and_came_back_goes_on_by_itself(place):
    folder = place.folder / "var"
    app = App(place.config, database=f"sqlite:///{folder / 'tracker.db'}", environ={})
    try:
        service, web = Service(app, threading.Event()), browser(app)
        service.pass_()
        assert web.get("/healthz").status_code == 200
        folder.rename(place.folder / "away")
        service.pass_()
        away = web.get("/readyz")
        assert away.status_code == 503
        assert web.get("/api/status").status_code == 503
        assert not list(folder.glob("tracker.db*"))
        # An empty disk at its place is as bad as none.
        folder.mkdir()
        (folder / "tracker.db").touch()
        service.pass_()
        assert web.get("/readyz").status_code == 503
        shutil.rmtree(folder)
        (place.folder / "away").rename(folder)
        service.pass_()
        assert web.get("/readyz").json() == web.get("/readyz").json() | {"ready": True}
        place.ok("submit", "2/first-list", "--unit", "万州")
        answered = web.get("/api/status?ref=2/first-list&unit=wanzhou").json()["rows"]
        assert [row["state"] for row in answered] == ["done_late"]
    finally:
        app.close()
