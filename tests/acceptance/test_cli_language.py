"""Whoever has a Chinese terminal reads no English sentence, whatever was typed wrongly."""

import io
import logging
import re

import pytest

from tests.tools import Place, quick_folder
from tracker.service.log import of_command
from tracker.store.facts import read_fact

ZH = {"LANG": "zh_CN.UTF-8"}
TABLE = "table-2@2022-05"

WRONG = [
    # how a command was called
    "frobnicate",
    "statu",
    "status --frob",
    "status --uni 万州",
    "status extra more",
    "mail frob",
    "-z",
    "calendar --from 2022-05-01",
    "submit",
    "submit 2",
    "init",
    "submit 2 --unit 万州 --unit 涪陵",
    "--config a --config b check",
    "status --at",
    "--config",
    "submit 2 --unit 万州 --nil=1",
    "submit 2 --unit 万州 --count x",
    "submit 2 --unit 万州 --count -1",
    "mail list --limit 0",
    "mail show x",
    "user add li --role boss",
    "user add li",
    # what was typed
    "status --format xml",
    "status --format ics",
    "status --at soon",
    "status --at 2022-05-05T25:00",
    "status --at 0001-01-01",
    "status --state late",
    "before --settle maybe",
    "calendar --from 2022-06-01 --to 2022-05-31",
    "simulate --from 2022-06-01 --to 2022-05-31",
    "deadline 随便",
    "deadline 2022年13月底前",
    "deadline 2022年2月30日前",
    "deadline 2022年至2021年每月5日前",
    "submit 2 --unit 万州 --on 2199-01-01",
    "submit 2 --unit 万州 --note \x1b[31m",
    "submit 2 --unit 万州 --who \x00",
    "mail list --state lost",
    "mail retry 1 --since 2022-05-01",
    "report --month May -o a.pdf",
    "report --month 2022-05 -o a.doc",
    "report --month 2022-05 -o nowhere/a.pdf",
    "report --month 2022-05 -o a.pdf --language fr",
    "init new --from config",
    "init new --from config --year 2021",
    "feed add",
    "forms import nowhere.xlsx",
    "forms summary --month 2022-05 -o a.docx",
    "forms summary --month 2021-01 -o a.xlsx",
    "forms blank --form trainers",
    # what nobody knows, and what does not fit
    "status --unit 万洲",
    "history --unit qqqq",
    "status --ref tabel-2",
    "submit qqqq --unit 万州",
    "status --ref table-2@2022-13",
    "submit @ --unit 万州",
    "submit table-2 --unit 万州",
    "submit table-2@2019-05 --unit 万州",
    "submit 2/first-list --unit 涪陵",
    f"accept {TABLE} --unit 万州",
    f"return {TABLE} --unit 万州",
    f"undo {TABLE} --unit 万州",
    f"resume {TABLE} --unit 万州",
    f"extend {TABLE} --unit 万州 --until 2022-05-05 --on 2022-05-01",
    f"extend {TABLE} --unit 万州 --until 2026-12-31",
    f"extend {TABLE} --unit 万州 --until 2999-12-31",
    f"submit {TABLE} --unit 万州 --count 2000000",
    "mail show 99",
    "mail retry 99",
    "mail test nobody",
    "feed revoke 9",
    "user remove li",
    # the world is not as it should be
    "--config missing plan",
    "--database mysql://x status",
    "--database sqlite:////proc/x/y.db status",
    "backup config",
    "restore nowhere.db",
    "restore config/tasks.yaml",
    "simulate --from 2022-05-01 --to 2022-05-31 --events nowhere.csv",
]

#: Names, and what has to be typed as it is.
AS_IT_IS = re.compile(
    r"“[^”]*”|\{[^}]*\}|--?[a-z][a-z-]*|[\w.-]*[/@.\\:][\w./@:+-]*[\w/]?|TRACKER_[A-Z_]+|tracker [a-z]+(?: [a-z]+)?"
)
LISTED = re.compile(r"(?:可选的有：|为 ?|以 ).*$")


@pytest.fixture(scope="module")
def place():
    with quick_folder() as folder:
        yield Place(folder)


#: The command, how its arguments are called, and formats.
NAMES = {"tracker", "REF", "DIR", "ID", "ics"}


def english_in(line: str, typed: str) -> set[str]:
    """The words of a line that are neither names nor what was typed or is to be typed."""
    words = re.findall(r"[A-Za-z]{2,}", AS_IT_IS.sub(" ", LISTED.sub("", line)))
    return set(words) - NAMES - set(re.findall("[A-Za-z]+", typed))


@pytest.mark.parametrize("line", WRONG, ids=map(repr, WRONG))
def test_no_english_sentence_is_left_on_a_chinese_terminal(place, line):
    done = place.tracker(*line.split(" "), **ZH)
    assert done.code in (1, 2), done.err
    (said,) = done.err.splitlines()
    assert re.search(r"[\u4e00-\u9fff]{2}", said)
    assert english_in(said, line) == set(), said


@pytest.mark.parametrize("line", WRONG, ids=map(repr, WRONG))
def test_and_no_chinese_one_on_any_other(place, line):
    for environ in ({}, {"LANG": "de_DE.UTF-8"}, {"LANG": "zh_CN.UTF-8", "LC_ALL": "en_US.UTF-8"}):
        said = place.tracker(*line.split(" "), **environ).err
        # Names of units, and what was typed, stay what they are.
        assert not re.search("[，。；：（）、]", re.sub("“[^”]*”|汇总表（培训机构）", "", said)), said


TOLD = [
    ("check", "试发〔2022〕1号 安全培训专项治理：任务2项、报送事项2项、报表1种、单位3个、单位组1个"),
    ("report --month 2022-05 -o may.pdf", r"may\.pdf：2022-05，应报\d+项次，已报\d+项次，截至\S+"),
]


@pytest.mark.parametrize(("line", "chinese"), TOLD)
def test_what_a_command_made_is_told_in_one_language(place, line, chinese):
    done = place.ok(*line.split(" "), **ZH)
    assert re.fullmatch(chinese, (done.out or done.err).strip())
    done = place.ok(*line.split(" "), LANG="de_DE.UTF-8")
    told = (done.out or done.err).replace("试发〔2022〕1号 安全培训专项治理", "")
    assert re.search("[a-z]{2}", told)
    assert not re.search("[\u4e00-\u9fff，：（）]", told), told


def test_an_edit_that_is_held_back_is_told_in_one_language(monkeypatch):
    # A service that ran in this process has left its log behind.
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    with quick_folder() as folder:
        held = Place(folder)
        held.ok("submit", "2", "--unit", "万州", "--count", "1", "--on", "2022-05-02")
        text = held.tasks.read_text(encoding="utf-8")
        held.tasks.write_text(text.replace("试发〔2022〕1号", "试发〔2022〕2号"), encoding="utf-8")
        [said] = held.ok("status", "--at", "2022-05-05", **ZH).err.splitlines()[:-1]
        assert said.startswith("台账中的专项工作main为试发〔2022〕1号")
        assert english_in(said, "accept_correction campaign id main DATE yaml") == set(), said
        [said] = held.ok("status", "--at", "2022-05-05", LANG="en_US.UTF-8").err.splitlines()[:-1]
        assert said.startswith("the ledger has campaign main as 试发〔2022〕1号")
        assert not re.search("[，；（）]|台账", said), said
        held.tasks.write_text("tasks: [", encoding="utf-8")
        said = held.ok("status", "--at", "2022-05-05", **ZH).err
        assert "暂按上次有效的内容办理" in said
        assert "until they are mended" not in said


@pytest.mark.parametrize("name", ["LC_ALL", "LC_MESSAGES", "LANG"])
def test_any_of_the_three_variables_names_the_language(place, name):
    said = place.tracker("status", "--unit", "火星", **{name: "zh_CN.UTF-8"}).err
    assert said == "tracker: 没有名为“火星”的单位，可用 tracker units 查看\n"


def test_units_and_occurrences_go_by_their_names(place):
    said = place.tracker("accept", TABLE, "--unit", "wanzhou", **ZH).err
    assert said == (
        "tracker: 万州区应急管理局的汇总表（培训机构）（2022年5月应报，4月份情况）尚未报送，不能销号\n"
    )
    # With the reference where that is what has to be typed.
    said = place.tracker("submit", "table-2", "--unit", "涪陵", **ZH).err
    assert re.fullmatch(r"tracker: 汇总表（培训机构）按期报送，请写明期次，例如 table-2@\d{4}-\d\d\n", said)


def test_what_is_doubtful_of_a_deadline_is_told_in_one_language(place):
    line = ("deadline", "2022年前", "--issued", "2022-04-08")
    [said] = place.ok(*line, **ZH).err.splitlines()
    assert said.startswith("提醒：")
    assert english_in(said, "") == set(), said
    [said] = place.ok(*line, LANG="en_US.UTF-8").err.splitlines()
    assert said.startswith("warning: ")
    assert not re.search("[，；（）]", said), said
    # Programs have both.
    assert re.search("[a-z].*（.*[\u4e00-\u9fff]", place.json(*line, **ZH)["warnings"][0])


def test_an_account_that_ends_is_told_of_in_one_language(place, monkeypatch):
    for name, words, said in (("gao", ZH, "gao：已停用"), ("wu", {"LANG": "en_US.UTF-8"}, "wu: removed")):
        monkeypatch.setattr("sys.stdin", io.StringIO("nine yellow tables\n"))
        place.ok("user", "add", name, "--role", "viewer", "--password-stdin")
        assert place.ok("user", "remove", name, **words).out.strip() == said


@pytest.mark.parametrize(
    ("language", "said"),
    [("zh", "保存的“x”无法读取，已重新开始："), ("en", "what is kept of “x” cannot be read")],
)
def test_a_warning_of_a_command_has_one_language(monkeypatch, capsys, language, said):
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    with of_command(lambda: language):
        assert read_fact("{", "x", dict, None) is None
    told = capsys.readouterr().err
    assert told.startswith(said)
    assert ("cannot be read" in told) is (language == "en")
