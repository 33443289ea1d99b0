"""Tables as a clerk sees them: a line a row, columns that line up, nothing over the edge; and the demonstration."""

import fcntl
import io
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tests.tools import Place, clean_environ, command, letters, quick_folder
from tracker.cli.table import GAP, NARROWEST, Column, lines, shorten, shown
from tracker.daemon import demo

MAY = ("--from", "2022-05-01", "--to", "2022-05-31")
TABLE = "table-2@2022-05"
NAMED = "汇总表（培训机构）（2022年5月应报，4月份情况）"
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@pytest.fixture(scope="module")
def place():
    with quick_folder() as folder:
        made = Place(folder)
        made.ok("submit", "2", "--unit", "万州", "--count", "1", "--on", "2022-05-02")
        made.ok(
            "submit", TABLE, "--unit", "涪陵", "--on", "2022-05-04T16:30", "--note", "\u3000备注，很长" * 9
        )
        made.ok("run", "--once", "--send-now")
        yield made


def on_terminal(place, columns, *arguments, **environ):
    """What a command writes to a terminal that is so wide."""
    controller, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    with subprocess.Popen(
        command(*arguments),
        cwd=place.folder,
        env=clean_environ({"TERM": "xterm-256color", **environ}),
        stdin=subprocess.DEVNULL,
        stdout=terminal,
        stderr=subprocess.PIPE,
        close_fds=True,
    ) as running:
        os.close(terminal)
        written = b""
        while True:
            try:
                piece = os.read(controller, 65536)
            except OSError:
                break
            if not piece:
                break
            written += piece
        os.close(controller)
        assert running.wait(60) == 0, running.stderr and running.stderr.read()
    return written.decode("utf-8").replace("\r\n", "\n")


LISTINGS = {
    "status": ("status", "--at", "2022-05-05"),
    "calendar": ("calendar", *MAY),
    "tasks": ("tasks",),
    "units": ("units",),
    "mail": ("mail", "list"),
    "history": ("history",),
}


@pytest.mark.parametrize(
    ("name", "columns", "locale"),
    [
        ("status", 100, "zh_CN.UTF-8"),
        ("status", 160, "en_US.UTF-8"),
        ("mail", 100, "en_US.UTF-8"),
        ("tasks", 80, "zh_CN.UTF-8"),
    ],
)
def test_a_table_fits_the_terminal_with_a_line_a_row(place, name, columns, locale):
    raw = on_terminal(place, columns, *LISTINGS[name], LC_ALL=locale)
    told = ESCAPES.sub("", raw).splitlines()
    rows = place.ok(*LISTINGS[name], "--format", "csv").csv
    assert len(told) == 1 + len(rows)
    assert max(cell_len(line) for line in told) <= columns
    assert raw.startswith("\x1b[1m"), "the heading stands out"
    if name == "status":
        for line, row in zip(told[1:], rows, strict=True):
            assert row["ref"] in line
            assert row["effective_due"] in line
            assert "万州" in line or row["unit"] == "fuling"


@pytest.mark.parametrize("name", ["units", "status"])
def test_a_terminal_without_colours_gets_none(place, name):
    assert "\x1b" not in on_terminal(place, 100, *LISTINGS[name], NO_COLOR="1")


@pytest.mark.parametrize("name", LISTINGS)
def test_headings_and_words_follow_the_language_of_the_terminal(place, name):
    chinese = place.ok(*LISTINGS[name], LC_ALL="zh_CN.UTF-8").out.splitlines()[0]
    english = place.ok(*LISTINGS[name], LANG="en_GB.UTF-8").out.splitlines()[0]
    assert re.fullmatch(r"[a-z, ]+", english), english
    assert not re.search(r"[a-z]", chinese), chinese
    assert place.ok(*LISTINGS[name], LC_ALL="de_DE.UTF-8").out.splitlines()[0] == chinese, "the campaign's"


def test_the_ledger_reads_well(place):
    told = place.ok("status", "--at", "2022-05-05", "--ref", "table-2", LC_ALL="zh_CN.UTF-8")
    first, second = told.out.splitlines()[1:3]
    assert first.split() == ["◎", "今日到期", TABLE, "万州", "2022-05-05", "0", NAMED]
    assert second.split() == [
        "✓",
        "已报送待审核",
        TABLE,
        "涪陵",
        "2022-05-05",
        "2022-05-04",
        "16:30",
        NAMED,
    ]
    assert "今日到期 1" in told.err
    english = place.ok("status", "--at", "2022-05-05", "--ref", "2", "--unit", "万州", LC_ALL="en_US.UTF-8")
    assert english.out.splitlines()[1].split() == [
        *("○", "open", "2", "万州", "2022-06-30", "56", "1/2", "Task", "2"),
        "每个区至少曝光2家企业。",
    ]
    assert english.err == "2022-05-05 23:59  open 1\n"


def test_signs_on_a_terminal_are_those_of_the_board_in_their_colours(place):
    told = on_terminal(place, 120, "status", "--at", "2022-05-05", "--ref", "table-2", LC_ALL="zh_CN.UTF-8")
    first, second = told.splitlines()[1:3]
    assert first.startswith("\x1b[33m◎\x1b[0m 今日到期 ")
    assert second.startswith("\x1b[32m✓\x1b[0m 已报送待审核 ")


def test_a_late_answer_is_called_the_same_by_every_command():
    with quick_folder() as folder:
        late, cell = Place(folder), (TABLE, "--unit", "万州")
        late.ok("submit", *cell, "--on", "2022-07-02")
        done = late.ok("accept", *cell, "--on", "2022-07-03", LC_ALL="zh_CN.UTF-8").out
        assert "：逾期办结" in done
        row = late.ok("status", "--at", "2022-07-04", "--ref", *cell, LC_ALL="zh_CN.UTF-8").out
        assert row.splitlines()[1].startswith("◎ 逾期办结 ")
        assert "：逾期办结" in late.ok("explain", *cell, LC_ALL="zh_CN.UTF-8").err


def test_an_empty_table_says_so_to_the_person_only(place):
    done = place.ok("status", "--at", "2022-05-05", "--state", "waived", LC_ALL="en_US.UTF-8")
    assert len(done.out.splitlines()) == 1
    assert "(none)" in done.err


WIDE = st.text(st.sampled_from("ab1 万州（“…，🔴\u3000"), max_size=30).map(shown)


@given(
    st.lists(st.tuples(WIDE, WIDE, WIDE), min_size=1, max_size=6),
    st.integers(min_value=60, max_value=120),
)
def test_columns_line_up_and_long_ones_give_way(rows, width):
    columns = [
        (Column("a"), "甲"),
        (Column("b", long=True, right=True), "乙"),
        (Column("c", long=True), "丙"),
    ]
    named = [dict(zip("abc", row, strict=True)) for row in rows]
    told = list(lines(named, columns, width))
    assert len(told) == 1 + len(rows)
    first = max(cell_len(row["a"]) for row in [*named, {"a": "甲"}])
    fixed = first + 2 * (len(GAP) + NARROWEST)
    assert max(cell_len(line) for line in told) <= max(width, fixed)
    for line, row in zip(told[1:], named, strict=True):
        assert line.startswith(row["a"]), "what is short is never cut"


@given(WIDE, st.integers(min_value=2, max_value=40))
def test_what_is_cut_fits_and_shows_that_it_was_cut(text, width):
    cut = shorten(text, width)
    assert cell_len(cut) <= width
    assert cut == text or (cut.endswith("…") and text.startswith(cut[:-1].rstrip()))


def test_a_table_shows_no_control_characters():
    assert shown("a\x1b[31mb\n c\x07\u200b") == "a[31mb c"
    assert shown(["一", None, 2]) == "一、、2"
    assert shown(None) == ""


def test_a_narrow_table_leaves_out_what_can_be_spared():
    columns = [
        (Column("a"), "甲"),
        (Column("b", spare=True), "乙"),
        (Column("c", long=True), "丙"),
    ]
    row = {"a": "x" * 20, "b": "y" * 20, "c": "z" * 60}
    assert "y" in list(lines([row], columns, 80))[1]
    narrow = list(lines([row], columns, 60))[1]
    assert "y" not in narrow
    assert narrow.endswith("z…")


def test_a_spreadsheet_takes_no_cell_for_a_formula(place):
    (row,) = place.ok("history", TABLE, "--format", "csv").csv
    assert row["note"].startswith("\u3000备注")
    for text in ("=1+1", "+1", "-1", "@x"):
        place.ok("submit", "table-2@2022-06", "--unit", "涪陵", "--note", text)
    notes = [each["note"] for each in place.ok("history", "table-2@2022-06", "--format", "csv").csv]
    assert notes == ["'=1+1", "'+1", "'-1", "'@x"]


# The demonstration.


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(("screen", "language"), [(io.StringIO, "zh"), (Terminal, "en")])
def test_the_demonstration_runs_through_the_days(monkeypatch, language, screen):
    monkeypatch.setattr(demo, "LAST_DAY", date(2022, 4, 18))
    monkeypatch.setattr(demo, "PICTURE", 0)
    monkeypatch.setattr(demo, "HURRIED", 0)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "100")
    written = screen()
    monkeypatch.setattr(sys, "stdout", written)
    pauses: list[float] = []
    with quick_folder() as folder:
        demo.run_demo(folder / "demo", 0.5, pause=pauses.append, language=language)
        sent = letters(folder / "demo" / "mailbox")
    told = ESCAPES.sub("", written.getvalue())
    assert len(pauses) == 11
    assert 0 <= sum(pauses) <= 11 * 0.5
    assert len({str(letter["Message-ID"]) for letter in sent}) == len(sent) > 80
    assert f"{len(sent)} " in told.splitlines()[-4]
    assert re.search(r"(3\d|40)/41", told), "城口 never answers"
    assert ("Green" if language == "en" else "绿灯") in told
    assert told.count("2022-04-1") >= (8 if screen is Terminal else 2)


def test_the_demonstration_replaces_what_an_earlier_one_left(monkeypatch):
    monkeypatch.setattr(demo, "LAST_DAY", date(2022, 4, 11))
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    with quick_folder() as folder:
        counts = []
        for _ in range(2):
            demo.run_demo(folder, 0, pause=lambda _seconds: None)
            counts.append(len(letters(folder / "mailbox")))
        assert counts[0] == counts[1] > 0


@pytest.mark.torture
@pytest.mark.parametrize("columns", [80, 120])
def test_the_whole_year_passes_on_a_real_terminal(columns):
    with quick_folder() as folder:
        place = Place(folder)
        told = on_terminal(place, columns, "demo", "--seconds", "5", "--no-web", LC_ALL="zh_CN.UTF-8")
        assert "2022-12-31 周六" in told
        assert "Traceback" not in told
        piped = place.process("demo", "--seconds", "5", "--no-web")
        assert piped.code == 0
        assert len(re.findall(r"^2022-\d\d-\d\d 周一", piped.out, re.MULTILINE)) == 38
        ledger = ("--database", "sqlite:///var/demo/tracker.db")
        assert place.ok(*ledger, "history", "--format", "csv").csv
