"""Every sentence has a key, words in every language, and the facts for its places: all places that make one are walked."""

from __future__ import annotations

import ast
import errno
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from string import Formatter

import pytest

from tests.source import modules
from tests.tools import ROOT
from tracker.config.loader import load_or_raise
from tracker.core.naming import sentence
from tracker.errors import DeadlineSyntaxError, LedgerError, TrackerError, cannot_write
from tracker.i18n.catalogue import LANGUAGES, words
from tracker.i18n.message import Message, Near, OneOf, both, packed, say, unpacked

#: These bring the problems of the files.
BRING_THEIRS = {"ConfigError"}
#: Areas whose keys are named by ``Message`` and by errors alone, so that one that nobody names is left over.
WHOLLY_NAMED = ("errors", "findings", "config", "deadline", "commands", "api")
HAN = re.compile(r"[\u4e00-\u9fff]")


@dataclass(frozen=True)
class Made:
    """One place that makes a message: its key, and the facts that it gives."""

    place: str
    key: str
    facts: frozenset[str]


def kinds(trees) -> set[str]:
    """The names of all errors that have a code."""
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


@cache
def made() -> tuple[Made, ...]:
    return tuple(walked())


def walked() -> Iterator[Made]:
    trees = modules()
    names = kinds(trees.values())
    for file, tree in trees.items():
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            # An error with facts of its own gives its code to the one above.
            is_own = (
                file.endswith("errors.py") and ast.unparse(node.func) == "super().__init__" and node.keywords
            )
            if not is_own and not isinstance(node.func, ast.Name):
                continue
            place, given = f"{file}:{node.lineno}", {str(keyword.arg) for keyword in node.keywords}
            name, key = node.func.id if isinstance(node.func, ast.Name) else "kind", node.args[0]
            if name == "_refuse" and file.endswith("core/admission.py"):
                key, given = node.args[2], given | {"ref", "unit"}
            elif name not in names | {"kind", "Message", "told"}:
                continue
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                area = {"Message": "", "told": "commands."}.get(name, "errors.")
                yield Made(place, f"{area}{key.value}", frozenset(given))


def places(phrase):
    texts = phrase if isinstance(phrase, tuple) else (phrase,)
    return {name for text in texts for _, name, _, _ in Formatter().parse(text) if name}


def test_the_walk_finds_what_there_is():
    files = {each.place.partition(":")[0] for each in made()}
    assert {f"tracker/{name}.py" for name in ("core/admission", "ledger/record", "cli/context")} <= files
    assert len(made()) > 120


def test_a_message_has_words_in_every_language_and_the_facts_for_them():
    wordless, factless = [], []
    for found in made():
        area, _, key = found.key.partition(".")
        for language in LANGUAGES:
            phrases = words(area, language)
            if key not in phrases:
                wordless.append((language, found))
            elif "None" not in found.facts and not places(phrases.forms(key)) <= found.facts:
                factless.append((language, found))
    assert (wordless, factless) == ([], [])


@pytest.mark.parametrize("area", WHOLLY_NAMED)
def test_no_phrase_is_left_over(area):
    # A key may also be chosen first and handed on then.
    texts = {
        node.value
        for tree in modules().values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    # These are named by what is found: the slip in an operator's own phrases, the mapping, the token, the column.
    openings = {
        str(node.values[0].value).removeprefix(f"{area}.")
        for tree in modules().values()
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr) and isinstance(node.values[0], ast.Constant)
    }
    by_finding = tuple(each for each in openings if re.fullmatch(r"(\w+\.)+", each))
    keys = [key for key in words(area, "zh") if not key.startswith(by_finding)]
    assert not [key for key in keys if key not in texts and f"{area}.{key}" not in texts]


@pytest.mark.parametrize("key", list(words("errors", "zh")))
def test_an_error_is_said_within_a_sentence_and_on_a_page(key):
    zh, en = words("errors", "zh").phrase(key), words("errors", "en").phrase(key)
    assert not zh.endswith("。")
    assert not en.endswith(".")
    assert not HAN.search(en.replace("5月", ""))
    for text in (zh, en):
        assert text.count("‹") == text.count("›")
    assert ("‹" in en) == ("‹" in zh)
    if "‹" in en:
        on_pages = re.sub("‹[^›]*›", "", en)
        assert "--" not in on_pages
        assert "tracker " not in on_pages
    # Commands and references such as 5/first-list are no English.
    rest = re.sub(r"\{\w+\}|tracker [a-z]+( add| list)?|--[a-z]+ [a-z]+|openssl rand|pip install", "", zh)
    assert not re.search(r"[a-z]{2,} [a-z]{2,}", rest)
    assert key == "wrong_variable" or re.search(r"[\u4e00-\u9fff]{2}", zh)


@pytest.fixture(scope="module")
def campaign():
    return load_or_raise(ROOT / "config").campaign


def test_facts_are_said_as_a_reader_says_them(campaign):
    error = LedgerError("extension_too_early", ref="table-2@2022-06", unit="wanzhou", due=date(2022, 6, 5))
    zh = "万州区应急管理局的附件2（2022年6月应报，5月份情况）时限为2022年6月5日，延期须晚于这一天"
    assert sentence(error, "zh", campaign) == zh
    assert sentence(error, "en", campaign) == (
        "附件2 (due in June 2022, about May 2022) of 万州区应急管理局 is due on 5 June 2022"
        ": an extension needs a later date than that"
    )
    assert sentence(error, "en", on_command_line=True) == (
        "table-2@2022-06 of wanzhou is due on 2022-06-05: an extension needs a later date than that"
    )
    assert str(error) == sentence(error, "en", on_command_line=True)


def test_what_is_near_a_name_is_told():
    unknown = TrackerError("no_unit", name="万洲", near=Near(("万州", "万州区")))
    assert sentence(unknown, "zh") == "没有名为“万洲”的单位（是否为“万州”或“万州区”？）"
    assert sentence(unknown, "en") == "there is no unit “万洲” (did you mean “万州” or “万州区”?)"
    assert sentence(TrackerError("no_unit", name="甲", near=Near()), "zh") == "没有名为“甲”的单位"


def test_what_several_names_could_be_is_listed():
    which = TrackerError("which_report", name="附件2", examples=("a@2022-04", "b@2022-05"))
    assert sentence(which, "zh") == "“附件2”可能是a@2022-04、b@2022-05，请写明是哪一项"


def test_a_choice_is_said_in_each_language():
    choice = Message("errors.not_among", option="--how", text="x", known=OneOf(("a", "b", "c")))
    assert "a、b或c" in say(choice, "zh")
    assert "a, b or c" in say(choice, "en")


def test_a_message_within_another_is_said_in_the_same_language():
    inner = Message("errors.no_unit", name="甲", near=Near())
    assert both(Message("errors.wrong_variable", name="TRACKER_X", error=inner)) == (
        "TRACKER_X: there is no unit “甲”; tracker units lists them（TRACKER_X：没有名为“甲”的单位，可用 tracker units 查看）"
    )


def test_a_message_that_was_kept_is_said_as_before():
    inner = Message("findings.file.part", sheet="甲", row=3)
    for each in (
        Message("findings.file.which", parts=(inner, inner), form="附件2"),
        Message("errors.not_among", option="--how", text="x", known=OneOf(("a", "b", "c"))),
        Message("errors.extension_too_early", ref="5", unit="wanzhou", due=date(2022, 6, 5)),
        Message("findings.cell.likely", number=Decimal("1.50")),
        Message("findings.before.nil", before=Message("findings.before.last"), n=1),
    ):
        kept = unpacked(json.loads(json.dumps(packed(each))))
        assert both(kept) == both(each)
        assert packed(kept) == packed(each)


def test_braces_and_signs_in_what_was_typed_stay_as_they_are():
    error = TrackerError("no_unit", name="{ref}‹›", near=Near())
    assert sentence(error, "zh") == "没有名为“{ref}‹›”的单位"
    assert sentence(error, "en") == "there is no unit “{ref}‹›”"


def test_what_the_machine_said_is_said_in_chinese_where_it_is_one_of_the_usual_things():
    full = cannot_write("a.pdf", OSError(errno.ENOSPC, "No space left on device"))
    assert sentence(full, "zh") == "a.pdf 无法写入：磁盘已满"
    assert sentence(full, "en") == "a.pdf cannot be written: No space left on device"
    odd = cannot_write("a.pdf", OSError(errno.EXDEV, "Invalid cross-device link"))
    assert sentence(odd, "zh") == "a.pdf 无法写入：Invalid cross-device link"


def test_a_choice_of_messages_is_said_in_one_language():
    expected = OneOf(("“前”", Message("deadline.expected.day"), Message("deadline.expected.EOF")))
    end = Message("deadline.found.end")
    error = DeadlineSyntaxError("deadline_syntax", text="5月", column=3, found=end, expected=expected)
    assert sentence(error, "zh") == "无法读取时限“5月”：第3列应为“前”、几日或结束"
    assert sentence(error, "en").endswith("expected “前”, a day of the month or the end of the text")
