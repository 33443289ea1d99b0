"""``init --from OLD --year``: the dates are rolled on, and every other byte stays."""

import re
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.test_config_bad_input import FILES, write
from tracker.cli.main import main
from tracker.config.loader import load
from tracker.config.next_year import mentions, move_text, moved_day, roll_tasks
from tracker.config.yamlnodes import read_document
from tracker.core.deadline.expressions import parse
from tracker.errors import ConfigError, UsageError
from tracker.shipped import shipped
from tracker.usecases.campaign_files import roll_on

ISSUED = date(2022, 4, 8)
ROLLED_KEYS = re.compile(r"^ *(deadline|due|issued|document): ")


def moved(day, years=1):
    return None if day is None else moved_day(day, years)


def campaign_of(folder):
    loaded = load(folder)
    assert loaded.errors == ()
    return loaded.campaign


def items_of(data):
    document = read_document("tasks.yaml", data)
    assert document.problems == []
    return document.value(("tasks",))


def assert_rules_moved(old, new, years):
    """Every definition is the same but for its dates, which are ``years`` later."""
    assert list(old.definitions) == list(new.definitions)
    for key, before in old.definitions.items():
        rule, after = before.rule, new.definitions[key].rule
        assert (after.every, after.day, after.month, after.ongoing) == (
            *(rule.every, rule.day, rule.month, rule.ongoing),
        )
        assert (after.due, after.since, after.until) == tuple(
            moved(day, years) for day in (rule.due, rule.since, rule.until)
        )
        assert new.definitions[key].units == before.units


# --- the shipped campaign ---


def test_the_shipped_campaign_is_rolled_on_and_only_its_dates_differ(tmp_path):
    written, told = roll_on(shipped("config"), tmp_path / "new", 2023)
    old, new = campaign_of(shipped("config")), campaign_of(tmp_path / "new/config")
    assert new.issued == date(2023, 4, 8)
    assert new.document == "渝考发〔2023〕5号"
    assert_rules_moved(old, new, 1)
    assert (old.id, new.id) == ("main", "main-2023"), "another campaign, which asks everybody anew"
    before = (shipped("config") / "tasks.yaml").read_text(encoding="utf-8").splitlines()
    after = (tmp_path / "new/config/tasks.yaml").read_text(encoding="utf-8").splitlines()
    after.remove("  id: main-2023")
    assert len(before) == len(after)
    for left, right in zip(before, after, strict=True):
        assert left == right or (ROLLED_KEYS.match(left) and len(left) == len(right)), left
    assert {path.relative_to(tmp_path / "new").parts[0] for path in written} == {"config", "templates"}
    for name in ("units.yaml", "settings.yaml"):
        assert (tmp_path / "new/config" / name).read_bytes() == (shipped("config") / name).read_bytes()
    assert told.document == "渝考发〔2022〕5号 → 渝考发〔2023〕5号"
    assert "8: 2023年底前，并持续推进 → 2024年底前，并持续推进" in told.moved
    assert told.left == told.dropped == []
    assert any("2022年全市" in line for line in told.mentions)


def test_rolling_on_twice_is_rolling_on_by_two_years():
    data = (shipped("config") / "tasks.yaml").read_bytes()
    once, _ = roll_tasks(data, 2023)
    assert roll_tasks(once, 2024)[0] == roll_tasks(data, 2024)[0]


# --- what a person wrote stays ---

STYLES = """\
# 说明 2022
campaign: {title: 清单, accept_removals: 2022-06-10, issued: 2022-04-08, document: "甲[2022]1号", task_count: 3}
tasks:
  - status: paused  # 暂停
    id: 1
    text: 做
    owners: 各局
    deadline: '2022年底前'   # 年底
    due: 2022-12-31
  - {id: 2, text: "查 2022", owners: 甲局, deadline: by 20 May 2022, status: done}
  - id: 3
    text: 写
    # 下面这行去掉
    status: waived   # 免
    owners: 甲局
    deadline: |-
      2022年4月起-10月，每月5日前
    deliverables: [{status: "done", id: x, title: 名单, deadline: 2022-05-20,
                    }]
reports:
"""

ROLLED = """\
# 说明 2022
campaign: {id: main-2023, title: 清单, issued: 2023-04-08, document: "甲[2023]1号", task_count: 3}
tasks:
  - id: 1
    text: 做
    owners: 各局
    deadline: '2023年底前'   # 年底
    due: 2023-12-31
  - {id: 2, text: "查 2022", owners: 甲局, deadline: by 20 May 2023}
  - id: 3
    text: 写
    # 下面这行去掉
    owners: 甲局
    deadline: |-
      2023年4月起-10月，每月5日前
    deliverables: [{id: x, title: 名单, deadline: 2023-05-20,
                    }]
reports:
"""


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_comments_quotes_ends_of_lines_and_the_mark_at_the_beginning_stay(end, mark, tmp_path):
    old = mark + STYLES.replace("\n", end).encode()
    write(tmp_path / "old", {})
    (tmp_path / "old").mkdir()
    write(tmp_path / "old", FILES | {"tasks.yaml": old, "more/notes.txt": "2022"})
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates/own.txt").write_text("own")
    _, told = roll_on(tmp_path / "old", tmp_path / "new", 2023)
    assert (tmp_path / "new/config/tasks.yaml").read_bytes() == mark + ROLLED.replace("\n", end).encode()
    assert load(tmp_path / "new/config").errors == ()
    assert (tmp_path / "new/templates/own.txt").read_text() == "own"
    assert (tmp_path / "new/config/more/notes.txt").read_text() == "2022"
    assert told.dropped == [
        "campaign: accept_removals: 2022-06-10",
        "1: status: paused",
        "2: status: done",
        "3: status: waived",
        "3/x: status: done",
    ]
    assert [line.partition(": ")[2] for line in told.mentions] == ["查 2022"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("{title: 单, id: safety, ", "{title: 单, id: safety-2023, "),
        ("{title: 单, id: safety-2022, ", "{title: 单, id: safety-2023, "),
        ("{title: 单, id: 2022, ", "{title: 单, id: 2023, "),
        ("{accept_removals: 2022-06-10, title: 单, ", "{id: main-2023, title: 单, "),
        ("{title: 单, accept_correction: 2022-06-10, ", "{id: main-2023, title: 单, "),
    ],
)
def test_next_years_list_is_another_campaign(old, new):
    text = "campaign: %sissued: 2022-04-08}\ntasks: []\n"
    assert roll_tasks((text % old).encode(), 2023)[0].decode() == text.replace("2022", "2023") % new


# --- deadlines ---


@pytest.mark.parametrize(
    ("text", "issued", "years", "expected"),
    [
        ("2022年4月起-10月，每月5日前", ISSUED, 1, "2023年4月起-10月，每月5日前"),
        ("2022年10月至2023年3月，每月底前", ISSUED, 2, "2024年10月至2025年3月，每月底前"),
        (
            "monthly by the 5th from April to October 2022",
            ISSUED,
            1,
            "monthly by the 5th from April to October 2023",
        ),
        ("二〇二二年底前", ISSUED, 1, "二〇二三年底前"),
        ("二零二二年底前", ISSUED, 8, "二零三零年底前"),
        ("２０２２年底前", ISSUED, 1, "２０２３年底前"),
        ("2022-05-20", ISSUED, 1, "2023-05-20"),
        ("每月5日前", ISSUED, 1, "每月5日前"),
        ("明年3月底前", ISSUED, 1, "明年3月底前"),
        ("持续推进", ISSUED, 1, "持续推进"),
        ("2024年2月29日前", date(2024, 1, 2), 1, "2025年2月28日前"),
        ("2月29日前", date(2024, 1, 2), 1, "2月28日前"),
        ("2024年2月29日前", date(2024, 1, 2), 4, "2028年2月29日前"),
        ("by Feb 29, 2024", date(2024, 1, 2), 1, "by Feb 28, 2025"),
        # The end of February stays the end of February.
        ("2023年2月底前", date(2023, 1, 2), 1, "2024年2月底前"),
        # There is no such year for the reader.
        ("2199年底前", ISSUED, 5, None),
    ],
)
def test_a_deadline_is_moved_by_its_rule(text, issued, years, expected):
    assert move_text(text, issued, years) == expected


def test_a_deadline_that_cannot_be_moved_is_left_and_listed(tmp_path):
    write(
        tmp_path,
        FILES | {"tasks.yaml": FILES["tasks.yaml"].replace('"2022年6月底前"', '"\\u0032022年6月底前"')},
    )
    _, told = roll_on(tmp_path, tmp_path / "new", 2023)
    assert told.left == ["tasks.yaml:16: 2: deadline 2022年6月底前"]
    assert told.moved == [
        "campaign: issued 2022-04-08 → 2023-04-08",
        "campaign: id main → main-2023",
        "1: 2022年底前 → 2023年底前",
        "2/list: 2022年5月20日前 → 2023年5月20日前",
    ]
    assert campaign_of(tmp_path / "new/config").definitions["2"].rule.due == date(2022, 6, 30)


def test_a_deadline_over_two_lines_keeps_them_and_lines_are_those_of_the_new_file():
    data = (
        "campaign:\n  title: 单\n  issued: 2022-04-08\ntasks:\n"
        "  - id: 1\n    status: done\n    deadline: by end of\n      June 2022\n"
        '  - id: 2\n    deadline: "\\u0032022年底前"\n'
    )
    new, told = roll_tasks(data.encode(), 2023)
    expected = data.replace("    status: done\n", "").replace("issued: 2022", "issued: 2023")
    expected = expected.replace("  title", "  id: main-2023\n  title")
    assert new.decode() == expected.replace("June 2022", "June 2023")
    assert told.left == ["tasks.yaml:10: 2: deadline 2022年底前"]


# --- what is refused ---


def test_errors_of_the_old_campaign_are_told_and_nothing_is_written(tmp_path):
    write(tmp_path, FILES | {"tasks.yaml": FILES["tasks.yaml"].replace("2022年底前", "2022年13月底前")})
    with pytest.raises(ConfigError) as raised:
        roll_on(tmp_path, tmp_path / "new", 2023)
    assert str(raised.value).startswith(f"{tmp_path}/tasks.yaml:11:20: ")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("year", [2021, 2022, 2201])
def test_a_year_that_is_not_a_later_one_is_refused(year, tmp_path):
    with pytest.raises(UsageError, match="expected a year from 2023 to 2200"):
        roll_on(shipped("config"), tmp_path / "new", year)
    assert not (tmp_path / "new").exists()


def test_nobodys_work_is_written_over(tmp_path):
    (tmp_path / "new/templates").mkdir(parents=True)
    with pytest.raises(UsageError, match="is there already"):
        roll_on(shipped("config"), tmp_path / "new", 2023)
    assert not (tmp_path / "new/config").exists()


# --- whatever the list says ---

YEARS = st.integers(2020, 2030)
MONTHS = st.integers(1, 12)
TEXTS = st.one_of(
    st.builds("{}年底前，并持续推进".format, YEARS),
    st.builds("{}年{}月底前".format, YEARS, MONTHS),
    st.builds("{}年{}月{}日前".format, YEARS, MONTHS, st.integers(1, 28)),
    st.builds("{0}年{1}月起，每月{2}日前".format, YEARS, MONTHS, st.integers(1, 31)),
    st.builds("by end of {}".format, YEARS),
    st.builds("{}-{:02}-{:02}".format, YEARS, MONTHS, st.integers(1, 28)),
    st.sampled_from(["每月5日前", "每季度", "持续推进", "yearly by end of March", "6月底前"]),
)
LAYOUTS = st.sampled_from(
    [
        "  - id: {id}\n    text: 做{year}\n    owners: 局\n    deadline: {text}\n    status: done # 完\n",
        "  - status: paused\n    deadline: '{text}'   # 时限\n    id: {id}\n    owners: 局\n    text: 做\n",
        '  - {{id: {id}, status: waived, text: "做", deadline: "{text}", owners: 局}}\n',
        "  - {{id: {id}, text: 做,\n     deadline: {text}, owners: 局,\n     status: done}}\n",
        "\n  # 注释 {year}\n  - id: {id}\n    text: 做\n    owners: 局\n    deadline: >-\n      {text}\n",
    ]
)


DROPPED = ("    status: done # 完\n", "status: paused\n    ", "status: waived, ", ",\n     status: done")


def assert_moved(old, new, years):
    assert (old.every, old.day, old.ongoing) == (new.every, new.day, new.ongoing)
    for was, now in ((old.due, new.due), (old.since, new.since)):
        # The end of February has 28 days or 29.
        assert was == now or abs((now - moved_day(was, years)).days) <= (now.month == 2)


@given(
    st.lists(st.tuples(TEXTS, LAYOUTS), min_size=1, max_size=6),
    st.integers(1, 9),
    st.sampled_from(["\n", "\r\n"]),
)
def test_whatever_is_rolled_on_only_years_change_and_every_rule_is_moved(found, years, end):
    tasks = "".join(
        layout.format(id=number, text=text, year=2022) for number, (text, layout) in enumerate(found)
    )
    old = f"campaign:\n  title: 单\n  issued: 2022-04-08\ntasks:\n{tasks}".replace("\n", end)
    new, told = roll_tasks(old.encode(), 2022 + years)
    assert told.left == []
    issued = moved_day(ISSUED, years)
    for (text, _), before, after in zip(found, items_of(old.encode()), items_of(new), strict=True):
        assert after == {key: before[key] for key in before if key != "status"} | {
            "deadline": after["deadline"]
        }
        assert_moved(parse(text, ISSUED).rule, parse(after["deadline"], issued).rule, years)
    # Years and what was dropped aside, both are the same to the last character.
    for dropped in DROPPED:
        old = old.replace(dropped.replace("\n", end), "")
    old = old.replace("  title", f"  id: main-{2022 + years}{end}  title")
    assert re.sub(r"\d{4}", "#", old) == re.sub(r"\d{4}", "#", new.decode())


def test_a_mention_is_shown_with_the_words_around_it():
    data = "note: |-\n  第一段\n  按照2022年1月25日会议精神和二〇二二年的要求，12022 不算\ndue: 2022-01-01\n".encode()
    assert mentions("x.yaml", data, 2022) == ["x.yaml:1: 第一段 按照2022年1月25日会议精神和二〇二二年…"]


# --- the command ---


def test_from_and_year_go_together(tmp_path):
    for words in (["--from", str(tmp_path)], ["--year", "2023"]):
        with pytest.raises(SystemExit) as left:
            main(["init", str(tmp_path / "new"), *words])
        assert left.value.code == 2
    assert not (tmp_path / "new").exists()


def test_the_year_of_the_plan_is_moved_with_the_rest():
    text = "campaign: {title: t, document: d, issued: 2024-12-20, year: 2025, task_count: 1}\ntasks:\n"
    text += "  - {id: 1, section: s, text: t, owners: 各区, deadline: 年底前}\n"
    new, told = roll_tasks(text.encode(), 2025)
    assert "year: 2026" in new.decode()
    assert "campaign: year 2025 → 2026" in told.moved
    assert told.left == []
