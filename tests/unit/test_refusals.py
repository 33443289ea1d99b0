"""Whatever the product would not do can be said in both languages: every place that raises is walked."""

from __future__ import annotations

import ast
import errno
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from string import Formatter

import pytest

from tests.tools import ROOT
from tracker.config.loader import load_or_raise
from tracker.errors import DeadlineSyntaxError, LedgerError, TrackerError, cannot_write
from tracker.i18n.refusals import CHINESE, refusal

#: These bring both sentences with them, or the problems of the files.
BRING_THEIRS = {"InBothError", "ConfigError"}


@dataclass(frozen=True)
class Raised:
    """One place that makes an error for a person: its English, its code, and the facts that it gives."""

    place: str
    english: str
    code: str
    facts: frozenset[str]


def modules() -> dict[str, ast.Module]:
    paths = sorted((ROOT / "tracker").rglob("*.py"))
    return {path.relative_to(ROOT).as_posix(): ast.parse(path.read_text(encoding="utf-8")) for path in paths}


def kinds(trees) -> set[str]:
    """The names of all errors that have a sentence and a code."""
    bases = {
        node.name: {base.id for base in node.bases if isinstance(base, ast.Name)}
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    }

    def are(found: set[str], apart: set[str] | frozenset[str] = frozenset()) -> set[str]:
        more = {name for name, above in bases.items() if above & found and name not in apart}
        return found if more <= found else are(found | more, apart)

    return are({"TrackerError"}, BRING_THEIRS) - are(BRING_THEIRS)


def raised() -> Iterator[Raised]:
    trees = modules()
    names = kinds(trees.values())
    for file, tree in trees.items():
        texts: dict[str, list[tuple[int, str]]] = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
                target = node.targets[0]
                texts.setdefault(ast.unparse(target), []).append((node.lineno, str(node.value.value)))
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
                continue
            place, first, given = f"{file}:{node.lineno}", 0, {keyword.arg for keyword in node.keywords}
            if node.func.id == "_refuse" and file.endswith("core/admission.py"):
                first, given = 2, given | {"ref", "unit"}
            elif node.func.id not in names | {"kind"} or not node.args:
                continue
            english, *rest = node.args[first:]
            if isinstance(english, ast.Name) and english.id in texts:
                _, text = max(each for each in texts[english.id] if each[0] < node.lineno)
                english = ast.Constant(text)
            elif isinstance(english, ast.Name) and rest:
                # What such a helper was given is walked where it is called.
                continue
            assert isinstance(english, ast.Constant), f"{place} raises no plain sentence"
            assert len(rest) == 1, f"{place} raises {english.value!r} without a code"
            assert isinstance(rest[0], ast.Constant), place
            assert None not in given, place
            yield Raised(place, str(english.value), str(rest[0].value), frozenset(map(str, given)))


RAISED = list(raised())


def placeholders(sentence):
    return {name for _, name, _, _ in Formatter().parse(sentence) if name}


def test_the_walk_finds_what_there_is():
    files = {each.place.partition(":")[0] for each in RAISED}
    assert {f"tracker/{name}.py" for name in ("core/admission", "ledger/record", "cli/context")} <= files
    assert len(RAISED) > 120


@pytest.mark.parametrize("found", RAISED, ids=lambda each: f"{each.place} {each.code}")
def test_what_is_raised_has_words_in_both_languages_and_the_facts_for_them(found):
    assert found.code in CHINESE, f"{found.place} raises what has no Chinese"
    assert placeholders(found.english) <= found.facts
    assert placeholders(CHINESE[found.code]) <= found.facts
    assert not found.english.endswith(".")
    assert not re.search(r"[\u4e00-\u9fff]", found.english.replace("5月", ""))
    on_pages = re.sub("‹[^›]*›", "", found.english)
    assert found.english.count("‹") == found.english.count("›") == CHINESE[found.code].count("›")
    if "‹" in found.english:
        assert "--" not in on_pages
        assert "tracker " not in on_pages


def test_an_error_that_words_its_own_sentence_brings_both():
    trees = modules()
    names = kinds(trees.values()) - {"TrackerError"}
    for file, tree in trees.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and node.name in names:
                own = [each.name for each in node.body if isinstance(each, ast.FunctionDef)]
                assert "__init__" not in own, f"{file}: {node.name}"


def test_no_sentence_is_left_over():
    assert set(CHINESE) == {each.code for each in RAISED}


@pytest.mark.parametrize("code", sorted(CHINESE))
def test_a_sentence_is_chinese(code):
    sentence = CHINESE[code]
    assert not sentence.endswith("。")
    # Commands and references such as 5/first-list are no English.
    words = re.sub(
        r"\{\w+\}|tracker [a-z]+( add| list)?|--[a-z]+ [a-z]+|openssl rand|pip install", "", sentence
    )
    assert not re.search(r"[a-z]{2,} [a-z]{2,}", words)
    assert code == "wrong_variable" or re.search(r"[\u4e00-\u9fff]{2}", sentence)


@pytest.fixture(scope="module")
def campaign():
    return load_or_raise(ROOT / "config").campaign


def test_facts_are_said_as_a_reader_says_them(campaign):
    error = LedgerError(
        "{ref} of {unit} is due on {due}‹; use --force›",
        "extension_too_early",
        ref="table-2@2022-06",
        unit="wanzhou",
        due=date(2022, 6, 5),
    )
    zh = "万州区应急管理局的附件2（2022年6月应报，5月份情况）时限为2022年6月5日，延期须晚于这一天"
    assert refusal(error, "zh", campaign) == zh
    assert refusal(error, "en", campaign) == (
        "附件2 (due in June 2022, about May 2022) of 万州区应急管理局 is due on 5 Jun 2022"
    )
    assert refusal(error, "en", on_command_line=True) == (
        "table-2@2022-06 of wanzhou is due on 2022-06-05; use --force"
    )
    assert str(error) == refusal(error, "en", on_command_line=True)


def test_what_is_near_a_name_is_told(campaign):
    unknown = TrackerError("there is no unit “{name}”{near}", "no_unit", name="万洲", near=("万州", "万州区"))
    assert refusal(unknown, "zh", campaign) == "没有名为“万洲”的单位（是否为“万州”或“万州区”？）"
    assert refusal(unknown, "en", campaign) == "there is no unit “万洲” (did you mean “万州” or “万州区”?)"
    assert refusal(TrackerError("x{near}", "no_unit", name="甲", near=()), "zh") == "没有名为“甲”的单位"


def test_what_several_names_could_be_is_listed():
    which = TrackerError(
        "{name}: {examples}", "which_report", name="附件2", examples=("a@2022-04", "b@2022-05")
    )
    assert refusal(which, "zh") == "“附件2”可能是a@2022-04、b@2022-05，请写明是哪一项"


def test_braces_and_signs_in_what_was_typed_stay_as_they_are():
    error = TrackerError("there is no unit “{name}”{near}‹ x›", "no_unit", name="{ref}‹›", near=())
    assert refusal(error, "zh") == "没有名为“{ref}‹›”的单位"
    assert refusal(error, "en") == str(error).removesuffix(" x") == "there is no unit “{ref}‹›”"


def test_what_the_machine_said_is_said_in_chinese_where_it_is_one_of_the_usual_things():
    full = cannot_write("a.pdf", OSError(errno.ENOSPC, "No space left on device"))
    assert refusal(full, "zh") == "a.pdf 无法写入：磁盘已满"
    assert refusal(full, "en") == "a.pdf cannot be written: No space left on device"
    odd = cannot_write("a.pdf", OSError(errno.EXDEV, "Invalid cross-device link"))
    assert refusal(odd, "zh") == "a.pdf 无法写入：Invalid cross-device link"


def test_what_brings_both_languages_is_said_in_one_of_them():
    error = DeadlineSyntaxError("随便", 1, "“随便”", "时限", "a deadline")
    assert refusal(error, "zh") == "无法读取时限“随便”：第1列应为时限"
    assert refusal(error, "en").endswith("found “随便”, expected a deadline")


def test_what_has_no_code_says_what_it_says():
    assert refusal(TrackerError("as {it} is"), "zh") == "as {it} is"
