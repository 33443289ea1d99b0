"""Whatever the core would not do can be said on a page, in both languages: every place that raises is walked."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from string import Formatter

import pytest

from tests.tools import ROOT
from tracker.errors import LedgerError, TrackerError
from tracker.refusals import SENTENCES, refusal

#: Where pages lead to.
ROOMS = ("core", "engine", "board", "filing", "web", "store", "desk.py", "app.py")

#: These have a text and no wording of their own; others (FileRefusedError, …) bring both languages with them.
PLAIN = {"TrackerError", "UsageError", "UnknownNameError", "LedgerError", "DatabaseError", "MailError"}

#: Called by the command line, at the start of the service, or by /api, which speaks English; by no page.
ELSEWHERE = {
    "desk.py": {"_copy_new", "_copy", "send_test_mail", "_in_order", "retry_mails"},
    "engine/accounts.py": None,
    "engine/feeds.py": {"revoke_feed"},
    "engine/mails.py": {"stored_mails"},
    "store/backups.py": None,
    "store/upgrades.py": None,
    "store/database.py": {"open_without_check", "open_database", "_check_schema", "_sqlite"},
    "web/oidc.py": None,
    "web/server.py": None,
}


@dataclass(frozen=True)
class Raised:
    """One place that makes an error for a person: its code, and the facts that it gives."""

    file: str
    function: str
    line: int
    code: str | None
    facts: frozenset[str] | None

    @property
    def is_elsewhere(self) -> bool:
        names = ELSEWHERE.get(self.file, set())
        return names is None or self.function in names


def raised_in(path) -> Iterator[Raised]:
    file = path.relative_to(ROOT / "tracker").as_posix()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    for function in functions:
        for node in ast.walk(function):
            facts: frozenset[str] | None
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
                continue
            if node.func.id == "_refuse" and file == "core/admission.py":
                code, facts = node.args[2], frozenset({"ref", "unit"})
            elif node.func.id in PLAIN and function.name != "_refuse":
                code = node.args[1] if len(node.args) > 1 else ast.Constant(None)
                given = {keyword.arg for keyword in node.keywords}
                # Where they are given as one value, only running shows which they are.
                facts = None if None in given else frozenset(map(str, given))
            else:
                continue
            assert isinstance(code, ast.Constant), f"{file}:{node.lineno}"
            assert code.value is None or isinstance(code.value, str), f"{file}:{node.lineno}"
            yield Raised(file, function.name, node.lineno, code.value, facts)


def everything() -> list[Raised]:
    found: list[Raised] = []
    for room in ROOMS:
        place = ROOT / "tracker" / room
        for path in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
            found.extend(raised_in(path))
    return found


RAISED = everything()
OF_PAGES = [each for each in RAISED if not each.is_elsewhere]


def placeholders(sentence):
    return {name for _, name, _, _ in Formatter().parse(sentence) if name}


def test_the_walk_finds_what_there_is():
    files = {each.file for each in OF_PAGES}
    assert {"core/admission.py", "engine/ledger.py", "engine/inforce.py", "web/requests.py"} <= files
    assert len(OF_PAGES) > 35


@pytest.mark.parametrize("place", OF_PAGES, ids=lambda each: f"{each.file}:{each.line}")
def test_what_may_reach_a_page_has_words_in_both_languages(place):
    assert place.code in SENTENCES, f"tracker/{place.file}:{place.line} raises what no page can say"
    if place.facts is not None:
        for sentence in SENTENCES[place.code]:
            assert placeholders(sentence) <= place.facts


def test_no_sentence_is_left_over_and_no_exception_either():
    assert set(SENTENCES) == {each.code for each in RAISED if each.code is not None}
    for file, names in ELSEWHERE.items():
        here = {each.function for each in RAISED if each.file == file}
        assert here, file
        assert names is None or names <= here, file


@pytest.mark.parametrize("code", sorted(SENTENCES))
def test_a_sentence_is_in_its_language_and_speaks_of_no_command(code):
    zh, en = SENTENCES[code]
    assert placeholders(zh) <= placeholders(en) | {"unit"}
    for sentence in (zh, en):
        assert "--" not in sentence
        assert "tracker " not in sentence
        assert not sentence.endswith((".", "。"))
    assert re.search(r"[\u4e00-\u9fff]{2}", zh)
    assert not re.search(r"[\u4e00-\u9fff]", en)
    # References such as 5/first-list are no English.
    assert not re.search(r"[a-z]{2,} [a-z]{2,}", re.sub(r"\{\w+\}", "", zh))


def test_facts_are_said_as_a_reader_says_them():
    error = LedgerError("x", "extension_too_early", ref="2", unit="wanzhou", due=date(2022, 6, 30))
    names = {"wanzhou": "万州区应急管理局"}.__getitem__
    assert refusal(error, "zh", names) == "万州区应急管理局的2时限为2022年6月30日，延期须晚于这一天"
    assert "is due on 30 Jun 2022" in refusal(error, "en", names)
    unknown = TrackerError("x", "no_unit", name="万洲", near=("万州", "万州区"))
    assert refusal(unknown, "zh", names) == "没有名为“万洲”的单位（是否为“万州”或“万州区”？）"
    assert refusal(unknown, "en", names) == "there is no unit “万洲” (did you mean “万州” or “万州区”?)"
    assert refusal(TrackerError("x", "no_unit", name="甲", near=()), "zh", names) == "没有名为“甲”的单位"


def test_what_has_no_code_says_what_it_says():
    assert refusal(TrackerError("as it is"), "zh", str) == "as it is"
