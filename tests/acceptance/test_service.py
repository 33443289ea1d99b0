"""The service as a process of its own: start, edits, faults, the clock, the end; nothing is lost or repeated."""

import asyncio
import json
import os
import re
import signal
import socket
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from tests.tools import (
    CAMPAIGN,
    MANY,
    SETTINGS,
    SOON,
    Place,
    Service,
    many_units,
    missing,
    quick_folder,
    required,
    service,
    wait_until,
)
from tracker.clock import SystemClock
from tracker.config.loader import load
from tracker.daemon import scheduler
from tracker.errors import DatabaseError
from tracker.service import file_alerts
from tracker.service.app import App
from tracker.service.stopping import StoppableSender, StoppingError

LEASES_END = "UPDATE mail SET lease_until = '2000-01-01 00:00:00.000000' WHERE lease_until IS NOT NULL"
DUE = "SELECT DISTINCT effective_due FROM assignment WHERE key = '2'"


@pytest.fixture
def folder():
    with quick_folder() as empty:
        yield empty


@pytest.fixture
def place(folder):
    return Place(folder)


@pytest.fixture
def crowd(folder):
    """A place with many units, whose pass takes a moment."""
    return Place(folder, units=many_units())


def outbox(place):
    """{state: how many}, and the Message-IDs of what was sent, straight from the database."""
    rows = place.query("SELECT state, message_id FROM mail")
    return Counter(state for state, _ in rows), sorted(id_ for state, id_ in rows if state == "sent")


def delivered(place):
    return sorted(str(letter["Message-ID"]) for letter in place.letters())


def recipients(letters):
    return sorted(str(letter["To"]).rpartition("<")[2].rstrip(">") for letter in letters)


def plain(letter):
    """The text of a mail."""
    return letter.get_body(("plain",)).get_content()


def assert_every_mail_once(place, count):
    states, sent = outbox(place)
    assert states == {"sent": count}
    assert delivered(place) == sent
    digests = [mail for mail in place.mails() if mail["kind"] == "digest"]
    assert len({mail["to"][0] for mail in digests}) == len(digests)


# Start and end.


def test_the_service_sends_says_where_to_look_and_ends_when_told_to(folder):
    place = Place(folder)
    with service(place, "--send-now") as running:
        running.wait_for("2 written; 2 sent")
        said = running.said()
        for part in (
            "试发〔2022〕1号 安全培训专项治理: 2 tasks",
            "mailbox:var/mailbox",
            "tracker mail list",
            "sqlite:///var/tracker.db",
            "next digests: 20",
        ):
            assert part in said
        for line in said.splitlines():
            assert re.match(r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d  \S", line), line
        assert_every_mail_once(place, 2)
        code, seconds = running.stop()
    assert code == 0
    assert seconds < SOON
    assert running.said().splitlines()[-1].endswith("stopped")


def test_what_init_writes_runs_as_it_is(folder):
    new = folder / "new"
    assert Place(folder).process("init", new).code == 0
    place = Place.__new__(Place)
    place.folder, place.config = new, new / "config"
    with service(place, "--send-now") as running:
        running.wait_for(" sent", 60)
        # One digest for each of the 43 units; on a Monday the week's roll-up as well.
        # Beside them the operator is told how many items were due before the ledger began.
        found = re.search(r"mail: (\d+) written; (\d+) sent", running.said())
        assert found is not None
        written, sent = int(found[1]), int(found[2])
        assert written in {43, 44}
        assert sent == written + 1
        assert_every_mail_once(place, sent)
        assert running.stop(signal.SIGINT)[0] == 0


def test_the_log_is_json_where_that_is_asked_for(place):
    done = place.process("run", "--once", "--send-now", TRACKER_LOG="json")
    assert done.code == 0
    assert done.out == ""
    lines = [json.loads(line) for line in done.err.splitlines()]
    assert [line["message"] for line in lines][-1] == "mail: 2 written; 2 sent"
    for line in lines:
        assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", line["at"])
        assert (line["level"], line["logger"]) == ("info", "tracker")


def test_a_service_that_cannot_start_says_why_once_and_leaves_with_1(place):
    place.tasks.write_text(CAMPAIGN.replace("持续推进", "随便", 1), encoding="utf-8")
    done = place.process("run", "--no-web")
    assert (done.code, done.out) == (1, "")
    (line,) = done.err.splitlines()
    assert line.startswith("config/tasks.yaml:15:15: ")
    again = place.process("run", "--no-web", TRACKER_MAIL="smtp://me@mail.cn")
    assert again.code == 1
    assert len(again.err.splitlines()) == 1


# Edits.


def rename_save(path, text):
    """As most editors save: a new file takes the place of the old one."""
    draft = path.with_name(".draft")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)


def in_place_save(path, text):
    path.write_text(text, encoding="utf-8")


def several_saves(path, text):
    """As some people save."""
    for end in (len(text) // 3, len(text) // 2, len(text)):
        path.write_text(text[:end], encoding="utf-8")
        time.sleep(0.7)


def slow_save(path, text):
    """A file that is there in part for a while, as over a slow network."""
    with path.open("w", encoding="utf-8") as file:
        for start in range(0, len(text), 200):
            file.write(text[start : start + 200])
            file.flush()
            time.sleep(0.05)


@pytest.mark.parametrize("save", [rename_save, in_place_save, several_saves, slow_save])
def test_a_saved_file_is_in_force_within_five_seconds(place, save):
    with service(place) as running:
        running.wait_for("ledger: ")
        assert place.query(DUE) == [("2022-06-30",)]
        save(place.tasks, CAMPAIGN.replace("2022年6月底前，并", "2099年9月底前，并"))
        seconds = wait_until(lambda: place.query(DUE) == [("2099-09-30",)], 20)
        assert seconds < SOON
        running.wait_for("files reloaded")
        assert "not taken over" not in running.said(), "half a file is nobody's mistake"
        assert place.query("SELECT count(*) FROM mail WHERE kind = 'alert'") == [(0,)]


def test_a_file_that_changes_while_it_is_read_is_read_again(place, monkeypatch):
    monkeypatch.chdir(place.folder)
    app = App(place.config, environ={})
    app.engine.bring_up_to_date(app.clock.now())

    def read_half(folder):
        place.tasks.write_text(CAMPAIGN[: len(CAMPAIGN) // 2], encoding="utf-8")
        found = load(folder)
        place.tasks.write_text(CAMPAIGN.replace("task_count: 2", "task_count: 2 "), encoding="utf-8")
        return found

    app.files_changed()
    monkeypatch.setattr("tracker.service.app.load", read_half)
    assert app.reload() is False, "no mistake of anybody, and nothing to be told"
    monkeypatch.undo()
    monkeypatch.chdir(place.folder)
    assert app.files_changed()
    assert app.reload() is True
    assert place.query("SELECT count(*) FROM mail") == [(0,)]
    app.close()


def long_broken(path, text):
    """A file that has not been touched for a while: what is still being typed is told to nobody."""
    new = path.with_suffix(".new")
    new.write_text(text, encoding="utf-8")
    before = new.stat().st_mtime - file_alerts.REST.total_seconds()
    os.utime(new, (before, before))
    new.rename(path)


def alerts(place):
    return [letter for letter in place.letters() if "operator@" in str(letter["To"])]


@pytest.mark.fault("edits")
def test_a_bad_file_changes_nothing_and_the_operator_hears_of_it_once(place, figures):
    """A service takes nothing from a bad edit, and the operator gets one mail."""
    with service(place) as running:
        running.wait_for("ledger: ")
        bad = CAMPAIGN.replace("2022年6月底前，并", "2099年9月底前，并").replace(
            "owners: 万州", "owners: 万洲"
        )
        long_broken(place.tasks, bad)
        running.wait_for("not taken over", 5)
        wait_until(lambda: alerts(place), 5)
        # Another save with the same error is no news.
        long_broken(place.tasks, bad)
        running.wait_for("not taken over", 6, times=2)
        (alert,) = alerts(place)
        text = plain(alert)
        assert "config/tasks.yaml:26:17: " in text
        assert "万洲" in text
        assert "告警" in str(alert["Subject"])
        assert place.query(DUE) == [("2022-06-30",)]
        rename_save(place.tasks, bad.replace("万洲", "万州"))
        assert wait_until(lambda: place.query(DUE) == [("2099-09-30",)], 10) < 5
        wait_until(lambda: len(alerts(place)) == 2, 5)
        assert any("已更正" in str(each["Subject"]) for each in alerts(place))
        # After it was mended the same mistake is a new one.
        long_broken(place.tasks, bad)
        wait_until(lambda: len(alerts(place)) == 3, 8)
        assert running.stop()[0] == 0
    figures |= {"bad edits": 3, "mistakes that were new": 2, "mails to the operator": len(alerts(place))}


def test_a_mail_layout_that_does_not_work_never_keeps_a_mail_back(folder):
    place = Place(folder)
    layouts = folder / "templates" / "emails"
    layouts.mkdir(parents=True)
    with service(place) as running:
        running.wait_for("ledger: ")
        long_broken(layouts / "digest.txt", "{{ mail.nonsense }}\n{% endfor %}")
        wait_until(lambda: alerts(place), 8)
        (alert,) = alerts(place)
        assert "digest.txt:2:1" in plain(alert)
        running.stop()
    place.ok("run", "--once", "--send-now")
    assert "wanzhou@unit.example" in recipients(place.letters())


FULL = """CREATE TRIGGER full BEFORE INSERT ON mail
BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END"""


def test_a_pass_that_cannot_be_written_down_at_all_is_tried_again(place, monkeypatch, caplog):
    app = App(place.config, database=f"sqlite:///{place.folder}/tracker.db", environ={})
    service = scheduler.Service(app, threading.Event())

    def full(**_: object) -> None:
        raise DatabaseError("database_away", address="", cause="database or disk is full")

    monkeypatch.setattr(app.database, "writing", full)
    service.pass_()
    assert "pass failed, will be tried again: the database" in caplog.text
    assert app.heartbeat.last is not None
    assert app.heartbeat.last.error is not None
    app.close()


def test_a_database_that_refuses_for_a_while_costs_no_mail(place, monkeypatch, capsys):
    """In this process, so that it can tick every second."""
    monkeypatch.chdir(place.folder)
    monkeypatch.setattr(scheduler, "TICK", "*")
    place.ok("run", "--once")
    place.query("DELETE FROM mail")
    place.query("DELETE FROM meta WHERE name LIKE 'planned/%'")
    place.query("UPDATE agenda SET next_on = '2022-06-01', told = ''")
    place.query(FULL)
    app = App(place.config, environ={})
    stop = threading.Event()
    thread = threading.Thread(target=scheduler.Service(app, stop).run, kwargs={"at_once": True})
    thread.start()
    said = []

    def has_said(text):
        said.append(capsys.readouterr().err)
        return text in "".join(said)

    try:
        wait_until(lambda: has_said("pass failed, will be tried again"), 10)
        long_broken(place.tasks, CAMPAIGN.replace("持续推进", "随便", 1))
        wait_until(lambda: has_said("could not be told, will be tried again"), 10)
        place.query("DROP TRIGGER full")
        wait_until(lambda: alerts(place), 10)
        # Three more ticks.
        time.sleep(3)
    finally:
        stop.set()
        thread.join()
        app.close()
    said.append(capsys.readouterr().err)
    lines = "".join(said).splitlines()
    assert all(re.match(r"20\d\d-\d\d-\d\d ", line) for line in lines), "an error is one line, no traceback"
    assert any("database or disk is full (" in line for line in lines), "with the place it came from"
    assert len(alerts(place)) == 1


# Two at once, and sudden death.


def test_two_passes_at_the_same_time_send_every_mail_once(crowd):
    both = [crowd.start("run", "--once", "--send-now") for _ in range(2)]
    for running in both:
        _, err = running.communicate(timeout=60)
        assert running.returncode == 0, err
        assert "Traceback" not in err
    assert_every_mail_once(crowd, MANY)


def test_two_services_on_one_database_send_every_mail_once(crowd):
    with service(crowd, "--send-now") as one, service(crowd, "--send-now") as other:
        wait_until(lambda: outbox(crowd)[0] == {"sent": MANY}, 20)
        assert_every_mail_once(crowd, MANY)
        long_broken(crowd.tasks, CAMPAIGN.replace("持续推进", "随便", 1))
        for each in (one, other):
            each.wait_for("not taken over", 8)
        time.sleep(0.5)
        assert len(alerts(crowd)) == 1
        for each in (one, other):
            assert "failed" not in each.said(), each.said()
            assert each.stop()[0] == 0


def killed_after(place, mails, **environ):
    """A pass that dies when so many mails are in the mailbox (or ends before)."""
    running = place.start("run", "--once", "--send-now", **environ)
    new = place.mailbox / "new"
    while running.poll() is None:
        if new.is_dir() and len(list(new.iterdir())) >= mails:
            running.kill()
            break
        time.sleep(0.002)
    running.communicate()
    return running.returncode


@pytest.mark.parametrize("mails", [1, MANY // 2])
def test_a_pass_that_is_killed_loses_nothing_and_doubles_nothing(crowd, mails):
    killed_after(crowd, mails)
    crowd.query(LEASES_END)
    assert crowd.process("run", "--once", "--send-now").code == 0
    assert_every_mail_once(crowd, MANY)


@pytest.mark.torture
def test_a_pass_that_is_killed_anywhere_loses_nothing_and_doubles_nothing(folder):
    deaths = 0
    for number in range(40):
        place = Place(folder / str(number), units=many_units())
        running = place.start("run", "--once", "--send-now")
        time.sleep(0.35 + number * 0.03)
        running.kill()
        running.communicate()
        deaths += running.returncode == -signal.SIGKILL
        if (place.folder / "var" / "tracker.db").exists() and place.query(
            "SELECT name FROM sqlite_master WHERE name = 'mail'"
        ):
            place.query(LEASES_END)
        assert place.process("run", "--once", "--send-now").code == 0
        assert_every_mail_once(place, MANY)
    assert deaths > 20


@pytest.mark.torture
def test_many_that_start_on_a_new_database_at_the_same_time_agree(folder):
    for number in range(6):
        place = Place(folder / str(number), units=many_units())
        crowd = [place.start("run", "--once", "--send-now") for _ in range(6)]
        for running in crowd:
            _, err = running.communicate(timeout=120)
            assert running.returncode == 0, err
        assert_every_mail_once(place, MANY)


# A mail server.


class Accepting:
    """Takes every mail, and remembers who it was for."""

    def __init__(self):
        self.taken: list[tuple[str, bytes]] = []

    async def handle_DATA(self, _server, _session, envelope):  # noqa: N802 - the name that aiosmtpd calls
        self.taken += [(to, envelope.content) for to in envelope.rcpt_tos]
        return "250 taken"


@pytest.fixture
def mail_server():
    handler = Accepting()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    controller = Controller(handler, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield handler, f"smtp+plain://127.0.0.1:{port}"
    finally:
        controller.stop()


def test_mail_for_example_addresses_never_goes_to_a_server(folder, mail_server):
    handler, url = mail_server
    units = many_units(6, "bureau.cn").replace("u2@bureau.cn", "u2@wanzhou.example")
    units = units.replace("u4@bureau.cn", "u4@EXAMPLE.com").replace("u5@bureau.cn", "u5@sub.dept.example")
    place = Place(folder, units=units)
    done = place.process("run", "--once", "--send-now", TRACKER_MAIL=url)
    assert done.code == 0
    assert "plain text" in done.err, "a connection that anybody can read is said in the log"
    assert sorted(to for to, _ in handler.taken) == ["u0@bureau.cn", "u1@bureau.cn", "u3@bureau.cn"]
    kept = place.letters("var/kept")
    assert recipients(kept) == ["u2@wanzhou.example", "u4@EXAMPLE.com", "u5@sub.dept.example"]
    assert outbox(place)[0] == {"sent": 6}
    outcomes = {mail["to"][0]: mail["outcome"] for mail in place.mails()}
    assert "mailbox var/kept" in outcomes["u2@wanzhou.example"]
    assert "250 taken" in outcomes["u0@bureau.cn"]
    assert not place.mailbox.exists()


@pytest.fixture
def silent_server():
    """Greets, and never says another word."""
    listening = socket.create_server(("127.0.0.1", 0))
    held = []

    def accept():
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            held.append(connection)
            connection.sendall(b"220 silent\r\n")

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    yield f"smtp+plain://127.0.0.1:{listening.getsockname()[1]}"
    listening.close()
    for connection in held:
        connection.close()


def test_a_server_that_keeps_silent_does_not_keep_the_service_from_ending(folder, silent_server, mail_server):
    handler, url = mail_server
    place = Place(folder, units=many_units(9, "bureau.cn"))
    running = Service(place, "--send-now", TRACKER_MAIL=silent_server)
    try:
        wait_until((place.folder / "var" / "tracker.db").exists, 10)
        wait_until(lambda: place.query("SELECT 1 FROM sqlite_master WHERE name = 'mail'"), 10)
        wait_until(lambda: outbox(place)[0] == {"claimed": 9}, 20)
        time.sleep(0.5)
        code, seconds = running.stop()
        assert code == 0, running.said()
        assert seconds < SOON
        assert "in the middle" not in running.said(), "what had come was written down"
    finally:
        running.process.kill()
        running.process.wait()
    place.query(LEASES_END)
    assert place.process("run", "--once", "--send-now", TRACKER_MAIL=url).code == 0
    assert sorted(to for to, _ in handler.taken) == [f"u{number}@bureau.cn" for number in range(9)]


def test_a_server_that_is_away_defers_and_the_mail_goes_when_it_is_back(folder, mail_server):
    handler, url = mail_server
    with socket.create_server(("127.0.0.1", 0)) as taken:
        away = f"smtp+plain://127.0.0.1:{taken.getsockname()[1]}"
    place = Place(folder, units=many_units(3, "bureau.cn"))
    assert place.process("run", "--once", "--send-now", TRACKER_MAIL=away).code == 0
    assert outbox(place)[0] == {"deferred": 3}
    assert place.mails()[0]["outcome"].startswith("cannot connect to 127.0.0.1")
    place.ok("mail", "retry", place.mails()[0]["id"])
    assert place.process("run", "--once", "--send-now", TRACKER_MAIL=url).code == 0
    assert len(handler.taken) == 3, "the first that goes wakes the others"
    assert outbox(place)[0] == {"sent": 3}


# The clock.


def faked_clock():
    """The library that tells a process another time."""
    required("faketime")
    found = [
        *Path("/usr").glob("lib/**/libfaketimeMT.so.1"),
        *Path("/usr/local").glob("lib/**/libfaketimeMT.so.1"),
    ]
    if not found:
        missing("libfaketimeMT.so.1 was not found")
    return str(found[0])


@pytest.fixture
def clock(folder):
    """(the environment for a process, a function that sets its clock): seconds from the present."""
    steered = folder / "clock"

    def set_to(moment):
        steered.write_text(f"{moment - SystemClock().now().timestamp():+.0f}\n")

    environ = {
        "LD_PRELOAD": faked_clock(),
        "FAKETIME_TIMESTAMP_FILE": str(steered),
        "FAKETIME_NO_CACHE": "1",
        "DONT_FAKE_MONOTONIC": "1",
        "TZ": "UTC",
    }
    return environ, set_to


def at(text):
    return time.mktime(time.strptime(text, "%Y-%m-%d %H:%M:%S")) - time.timezone


def days_told(place):
    """The days of the digests in the outbox that were sent, for one of the units."""
    rows = place.query(
        "SELECT day FROM mail WHERE recipient = 'wanzhou@unit.example' AND state = 'sent' ORDER BY id"
    )
    return [day for (day,) in rows]


def test_a_clock_that_is_set_is_noticed_and_each_day_is_told_once(place, clock):
    environ, set_clock = clock
    # 08:58 in Chongqing, on a workday; the table is due on 5 May.
    set_clock(at("2022-05-05 00:58:00"))
    with service(place, **environ) as running:
        running.wait_for("ledger: ")
        assert days_told(place) == []
        for moment, told in (
            ("2022-05-05 02:58:00", ["2022-05-05"]),  # two hours on
            ("2022-05-05 01:58:00", ["2022-05-05"]),  # an hour back
            ("2022-06-14 02:00:00", ["2022-05-05", "2022-06-14"]),  # forty days on
            ("2022-05-15 02:00:00", ["2022-05-05", "2022-06-14"]),  # thirty days back
        ):
            before = running.said().count("the clock was set")
            set_clock(at(moment))
            running.wait_for("the clock was set", 10, times=before + 1)
            wait_until(
                lambda told=told: days_told(place) == told, 10, lambda: (days_told(place), running.said())
            )
        assert running.stop()[0] == 0
        assert "failed" not in running.said()


@pytest.mark.torture
def test_down_for_days_is_one_mail_with_how_things_stand(place, clock):
    environ, set_clock = clock
    for day, told in (("2022-05-05", 1), ("2022-05-31", 2), ("2022-05-31", 2), ("2022-07-06", 3)):
        set_clock(at(f"{day} 02:00:00"))
        assert place.process("run", "--once", **environ).code == 0
        assert len(days_told(place)) == told
    last = place.mails("--unit", "万州")[-1]
    refs = [item["ref"] for item in last["items"]]
    assert len(refs) == len(set(refs))
    assert {"table-2@2022-05", "table-2@2022-06", "table-2@2022-07"} <= set(refs)


@pytest.mark.torture
def test_a_service_wakes_at_the_hour_without_being_told(place, clock):
    environ, set_clock = clock
    set_clock(at("2022-05-05 00:59:50"))
    with service(place, **environ) as running:
        running.wait_for("ledger: ")
        assert wait_until(lambda: days_told(place) == ["2022-05-05"], 60) < 45
        assert running.stop()[0] == 0


def test_settings_name_where_the_layouts_are(folder):
    place = Place(folder, settings=f"{SETTINGS}templates: layouts\n")
    (folder / "layouts").mkdir()
    (folder / "layouts" / "digest.txt").write_text("ours: {{ mail.subject }}\n", encoding="utf-8")
    place.ok("run", "--once", "--send-now")
    texts = [plain(letter) for letter in place.letters()]
    assert all(text.startswith("ours: ") for text in texts)


def test_the_courier_lets_go_of_the_post_when_the_service_stops():
    stop = threading.Event()

    class Post:
        let_go = False

        async def send(self, mails, snapshot):
            try:
                for mail in mails:
                    yield mail
                await asyncio.sleep(3600)
            finally:
                self.let_go = True

        async def close(self):
            pass

    post = Post()
    sender = StoppableSender(post, stop)
    mails: Any = ["one", "two"]
    snapshot: Any = None

    async def deliver():
        told = []
        async for each in sender.send(mails, snapshot):
            told.append(each)
            stop.set()
        return told

    start = time.monotonic()
    assert asyncio.run(deliver()) == mails, "what has come is written down"
    assert time.monotonic() - start < SOON
    assert post.let_go
    with pytest.raises(StoppingError):
        asyncio.run(deliver())


def test_a_taken_address_of_the_pages_keeps_no_mail_back(place):
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = f"127.0.0.1:{other.getsockname()[1]}"
        running = place.start("run", "--send-now", TRACKER_WEB=taken)
        try:
            wait_until(lambda: place.mailbox.exists() and place.letters(), 20)
        finally:
            running.send_signal(signal.SIGTERM)
            _, err = running.communicate(timeout=20)
    assert "going on without pages" in err
    assert running.returncode == 0
