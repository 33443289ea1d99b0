"""Wrong usage and a world that is not as it should be: one clear sentence each, never a traceback."""

import os
import re
import signal
import sqlite3
import statistics
import subprocess
import sys
import time

import pytest

from tests.tools import CAMPAIGN, Place, clean_environ, command, quick_folder

MAY = ("--from", "2022-05-01", "--to", "2022-05-31")
TABLE = "table-2@2022-05"


@pytest.fixture
def place():
    with quick_folder() as folder:
        yield Place(folder)


def told(done, code):
    """The one line on standard error of a command that did not do what was asked."""
    assert done.code == code, done.err
    assert "Traceback" not in done.err
    assert done.out == ""
    (line,) = done.err.splitlines()
    return line


WRONG = [
    ("frobnicate", "no such command 'frobnicate'"),
    ("statu", "Did you mean 'status'"),
    ("status --frob", "no such option: --frob"),
    ("status extra", "extra"),
    ("calendar --from 2022-05-01", "missing option '--to'"),
    ("submit", "missing argument 'REF'"),
    ("submit 2", "missing option '--unit'"),
    ("extend 2 --unit 万州", "missing option '--until'"),
    ("init", "missing argument 'DIR'"),
    ("submit 2 --unit 万州 --unit 涪陵", "'--unit': given 2 times; it takes one value"),
    ("submit 2 --unit 万州 --count 1 --count 1", "'--count': given 2 times"),
    ("status --unit 万州 --state open --unit 涪陵", "'--unit': given 2 times"),
    ("calendar --from 2022-05-01 --to 2022-05-31 --from=2022-05-02", "'--from': given 2 times"),
    ("--config a --config b check", "'--config': given 2 times"),
    ("mail list --state sent --state failed", "'--state': given 2 times"),
    ("status --at", "'--at' requires an argument"),
    ("--config", "'--config' requires an argument"),
    ("status --format xml", "“xml” is no format; expected table, json or csv"),
    ("status --format ics", "only tracker calendar comes as ics"),
    ("calendar --from 2022-05-01 --to 2022-05-31 --format pdf", "expected table, json or csv"),
    ("status --at soon", "--at soon: expected a date such as 2022-05-05"),
    ("status --at 2022-02-30", "--at 2022-02-30: expected a date"),
    ("status --at 2022-05-05T25:00", "--at 2022-05-05T25:00: expected a date or a time"),
    ("status --at 0001-01-01", "expected a year from 1900 to 2200"),
    ("status --at 9999-12-31T23:59:59+00:00", "expected a year from 1900 to 2200"),
    ("status --state late", "--state late: expected one of before, upcoming, open"),
    ("calendar --from x --to 2022-05-01", "--from x: expected a date"),
    ("calendar --from 2022-06-01 --to 2022-05-31", "--to 2022-05-31 lies before --from 2022-06-01"),
    ("simulate --from 2022-06-01 --to 2022-05-31", "--to 2022-05-31 lies before --from 2022-06-01"),
    ("deadline 每月5日前 --from 2022-06-01 --to 2022-05-31", "lies before --from"),
    ("deadline 每月5日前 --issued 2022", "--issued 2022: expected a date"),
    ("submit 2 --unit 万州 --count x", "'--count'"),
    ("submit 2 --unit 万州 --count -1", "'--count'"),
    ("submit 2 --unit 万州 --count 0", "'--count'"),
    ("submit 2 --unit 万州 --on 2021-05-10", "2021-05-10 lies before the date of issue, 2022-04-08"),
    ("before --note x", "--note, --who, --dry-run and --yes go with --settle or --undo"),
    ("submit 2 --unit 万州 --on tomorrow", "--on tomorrow: expected a date"),
    ("submit 2 --unit 万州 --on 2199-01-01", "--on 2199-01-01 lies in the future"),
    ("submit 2 --unit 万州 --note \x1b[31m", "--note: characters that nobody can see"),
    ("submit 2 --unit 万州 --who \x00", "--who: characters that nobody can see"),
    (f"extend {TABLE} --unit 万州 --until may", "--until may: expected a date"),
    ("mail list --state lost", "--state lost: expected one of queued"),
    ("mail list --limit 0", "'--limit'"),
    ("mail show x", "'ID'"),
    ("mail frob", "no such command 'frob'"),
]


@pytest.mark.parametrize(("line", "sentence"), WRONG, ids=[repr(line) for line, _ in WRONG])
def test_wrong_usage_is_told_in_one_sentence(place, line, sentence):
    assert sentence in told(place.tracker(*line.split(" ")), 2)
    assert not (place.folder / "var").exists() or place.json("history") == []


def test_a_command_that_needs_more_words_shows_what_there_is(place):
    for arguments in ((), ("mail",)):
        done = place.tracker(*arguments)
        assert (done.code, done.out) == (2, "")
        assert done.err.startswith("Usage: tracker")
        assert "Commands:" in done.err


UNKNOWN = [
    ("status --unit wanzho", "there is no unit “wanzho” (did you mean “wanzhou”?)"),
    ("status --unit 万洲", "there is no unit “万洲” (did you mean “万州”?)"),
    ("calendar --from 2022-05-01 --to 2022-05-02 --unit 涪陵区应急局", "(did you mean “涪陵区应急管理局”"),
    ("history --unit qqqq", "there is no unit “qqqq”; tracker units lists them"),
    ("mail list --unit qqqq", "there is no unit “qqqq”; tracker units lists them"),
    (f"submit {TABLE} --unit qqqq", "there is no unit “qqqq”; tracker units lists them"),
    ("status --ref tabel-2", "there is no task, deliverable or report “tabel-2” (did you mean “table-2”?)"),
    ("status --ref 2/firstlist", "(did you mean “2/first-list”"),
    ("history tabel-2@2022-05", "(did you mean “table-2”?)"),
    ("submit tabel-2@2022-05 --unit 万州", "(did you mean “table-2”?)"),
    ("submit qqqq --unit 万州", "“qqqq”; tracker tasks and tracker tasks --reports list them"),
    ("status --ref table-2@2022-13", "“2022-13” is no period; expected 2022-05, 2022-Q2"),
    ("submit @ --unit 万州", "“@” is no reference"),
    ("mail show 99", "there is no mail 99; tracker mail list shows the numbers"),
    ("mail retry 99", "there is no mail 99"),
    (f"mail show {2**63}", f"there is no mail {2**63}"),
    (f"mail retry {'9' * 30}", f"there is no mail {'9' * 30}"),
    (f"feed revoke {'9' * 30}", f"there is no calendar address {'9' * 30}"),
    (f"submit {TABLE} --unit 万州 --count {'9' * 30}", "a count cannot be above 1,000,000"),
]


@pytest.mark.parametrize(("line", "sentence"), UNKNOWN, ids=[line for line, _ in UNKNOWN])
def test_what_is_not_known_is_told_with_what_is_near(place, line, sentence):
    assert sentence in told(place.tracker(*line.split(" ")), 1)


# The world is not as it should be.


def test_a_missing_folder_of_files_is_told_with_what_makes_one(place):
    line = told(place.tracker("--config", "nowhere", "status"), 1)
    assert line.startswith("nowhere:0:0: there is no such folder; tracker init makes one")
    assert told(place.tracker("status", TRACKER_CONFIG="nowhere"), 1) == line


def test_files_that_are_missing_or_no_files_are_told_by_name(place):
    place.tasks.unlink()
    assert told(place.tracker("status"), 1).startswith("config/tasks.yaml:0:0: there is no such file")
    place.tasks.mkdir()
    assert told(place.tracker("status"), 1).startswith(
        "config/tasks.yaml:0:0: cannot be read: Is a directory"
    )


def test_commands_other_than_check_tell_the_errors_of_the_files_too(place):
    place.tasks.write_text(CAMPAIGN.replace("持续推进", "随便", 1), encoding="utf-8")
    for arguments in (("status",), ("run", "--once"), ("submit", TABLE, "--unit", "万州"), ("tasks",)):
        assert told(place.tracker(*arguments), 1).startswith(
            "config/tasks.yaml:15:15: cannot read the deadline"
        )
    assert place.json("deadline", "每月5日前")["every"] == "month", "this one needs no campaign"


def test_a_database_that_is_none_is_told(place):
    (place.folder / "garbage").write_bytes(b"not a database at all" * 200)
    (place.folder / "file").write_text("")
    cases = {
        "sqlite:///garbage": "file is not a database",
        "sqlite:////tmp": "unable to open database file",
        "sqlite:////proc/tracker.db": "unable to open database file",
        "sqlite:///file/below/tracker.db": "the folder file/below cannot be made",
        "mysql://root:hush@localhost/x": "expected sqlite:///FILE or postgresql",
        "nonsense": "expected sqlite:///FILE or postgresql",
        "": "",
    }
    for url, sentence in cases.items():
        if url:
            line = told(place.tracker("--database", url, "status"), 1)
            assert sentence in line, line
            assert "hush" not in line
    line = told(place.tracker("status", TRACKER_DATABASE="mysql://root:hush@localhost/x"), 2)
    assert line.startswith("tracker: TRACKER_DATABASE: expected sqlite:///")
    assert "hush" not in line


def test_a_database_of_another_version_is_not_touched(place):
    place.ok("history")
    place.query("UPDATE meta SET value = '99' WHERE name = 'schema'")
    line = told(place.tracker("status"), 1)
    assert "has schema 99, this version of the service needs" in line


def test_a_database_that_cannot_be_written_keeps_what_it_has(place):
    place.ok("submit", TABLE, "--unit", "万州")
    connection = sqlite3.connect(place.folder / "var" / "tracker.db")
    connection.execute(
        "CREATE TRIGGER full BEFORE INSERT ON event BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END"
    )
    connection.close()
    line = told(place.tracker("submit", TABLE, "--unit", "涪陵"), 1)
    assert line.startswith(
        "tracker: the database refused: database or disk is full; nothing half-done was kept"
    )
    assert len(place.json("history")) == 1
    rows = place.json("status", "--ref", TABLE, "--unit", "涪陵")["rows"]
    assert rows[0]["submitted_at"] is None


@pytest.mark.parametrize(
    "transport",
    ["pigeon", "smtp://", "smtp://mail.example:0", "mailbox:", "smtp://me:hush@mail.cn", "http://x"],
)
def test_mail_that_cannot_go_as_configured_is_told_at_the_start(place, transport):
    line = told(place.tracker("run", "--once", TRACKER_MAIL=transport), 2)
    assert line.startswith("tracker: TRACKER_MAIL: ")
    assert "hush" not in line


def test_a_mail_password_that_is_missing_or_unreadable_is_told(place):
    mail = {"TRACKER_MAIL": "smtp://me@mail.cn:587"}
    assert "needs a password: set TRACKER_MAIL_PASSWORD" in told(place.tracker("run", "--once", **mail), 1)
    line = told(place.tracker("run", "--once", TRACKER_MAIL_PASSWORD_FILE="nowhere", **mail), 2)
    assert line == "tracker: TRACKER_MAIL_PASSWORD_FILE=nowhere cannot be read: No such file or directory"


def test_a_place_that_cannot_be_written_is_told(place):
    (place.folder / "file").write_text("")
    assert "cannot be written" in told(place.tracker("init", "/proc/campaign"), 1)
    line = told(place.tracker("simulate", *MAY, "--mailbox", "file"), 1)
    assert line == "tracker: file: File exists"
    assert "No such file" in told(place.tracker("simulate", *MAY, "--mailbox", "/proc/x/y"), 1)
    done = place.ok("run", "--once", "--send-now", TRACKER_MAIL="mailbox:/proc/mails")
    assert "2 deferred" in done.err
    assert {mail["state"] for mail in place.mails()} == {"deferred"}
    assert "cannot write to the mailbox /proc/mails" in place.mails()[0]["outcome"]


def test_what_should_not_happen_is_told_in_one_line_and_kept_in_a_file(place, monkeypatch):
    def explode(*_arguments, **_more):
        raise RuntimeError("boom")

    monkeypatch.setattr("tracker.usecases.ledger.status", explode)
    monkeypatch.setenv("TMPDIR", str(place.folder))
    monkeypatch.setattr("tempfile.tempdir", None)
    line = told(place.tracker("status"), 1)
    assert line.startswith("tracker: something went wrong that should not (RuntimeError)")
    (log,) = place.folder.glob("tracker-*.log")
    assert str(log) in line
    assert "boom" in log.read_text(encoding="utf-8")
    done = place.tracker("status", TRACKER_DEBUG="1")
    assert done.code == 1
    assert "boom" in done.err


# Pipes and terminals.


@pytest.mark.parametrize("more", ["--format json", "--format csv", ""])
def test_a_reader_that_has_seen_enough_ends_the_command_quietly(place, more):
    line = f"{' '.join(command('simulate', *MAY))} {more} | head -c 20; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", line],
        cwd=place.folder,
        env=clean_environ({}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.endswith("0\n")
    said = [each for each in done.stderr.splitlines() if not re.search("mails from|封邮件", each)]
    assert said == []


def test_a_command_that_is_interrupted_says_nothing_and_leaves_with_130(place):
    running = place.start("simulate", "--from", "2022-04-08", "--to", "2122-12-31")
    assert running.stdout is not None
    running.stdout.readline()
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=20)
    assert running.returncode == 130
    assert err == ""


def test_a_program_that_reads_gets_utf_8_whatever_the_locale(place):
    done = place.process("tasks", "--format", "json", LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    assert done.code == 0
    assert done.json[0]["text"] == "严把数据质量关。"


# Help.


def test_help_loads_nothing_of_the_product_but_the_command_line_and_its_words():
    heavy = ("sqlalchemy", "sqlmodel", "pydantic", "jinja2", "rich", "apscheduler", "asyncio")
    code = (
        "import sys\nfrom tracker.cli.main import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        f"sys.exit(', '.join(name for name in {heavy!r} if name in sys.modules) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=clean_environ({}), capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_help_is_as_quick_as_that_of_a_program_that_does_nothing(place):
    bare = place.folder / "bare.py"
    bare.write_text(
        "import typer\napp = typer.Typer(rich_markup_mode=None, add_completion=False)\n"
        "@app.command()\ndef one(): ...\n@app.command()\ndef two(): ...\napp()\n"
    )

    def seconds(arguments):
        start = time.process_time(), os.times().children_user + os.times().children_system
        subprocess.run(arguments, env=clean_environ({}), stdout=subprocess.DEVNULL, check=True)
        return os.times().children_user + os.times().children_system - start[1]

    # What the processor did, and not what the clock says: other tests run beside this one.
    ours, theirs = [], []
    for _ in range(7):
        ours.append(seconds(command("--help")))
        theirs.append(seconds([sys.executable, str(bare), "--help"]))
    assert statistics.median(ours) <= 2 * statistics.median(theirs), (ours, theirs)


def test_help_fits_a_terminal_of_eighty_columns(place):
    from rich.cells import cell_len

    told_by_help = place.ok("--help", COLUMNS="80").out
    assert max(cell_len(line) for line in told_by_help.splitlines()) <= 80
    commands = [line for line in told_by_help.splitlines() if re.match(r"  [a-z]+  ", line)]
    assert not [line for line in commands if line.endswith("...")]
