"""Every language has the phrases of the first one, with the same places to fill in."""

from pathlib import Path
from string import Formatter

import pytest

from tracker.i18n import catalogue
from tracker.i18n.catalogue import FIRST, LANGUAGES, words

FOLDER = Path(catalogue.__file__).parent
AREAS = ["mails", *sorted(path.stem for path in (FOLDER / FIRST).glob("*.yaml") if path.stem != "language")]


def places(phrase):
    texts = (phrase,) if isinstance(phrase, str) else phrase
    return {name for text in texts for _, name, _, _ in Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("area", AREAS)
def test_a_language_has_the_same_phrases_as_the_first(area, language):
    assert set(words(area, language)) == set(words(area, FIRST))


def test_a_language_says_its_own_name():
    assert [catalogue.described(language).name for language in ("zh", "en")] == ["中文", "English"]


@pytest.mark.parametrize("language", [each for each in LANGUAGES if (FOLDER / f"{each}.yaml").is_file()])
@pytest.mark.parametrize("area", AREAS)
def test_a_language_in_one_file_fills_in_what_the_first_one_does(area, language):
    own, first = words(area, language), words(area, FIRST)
    assert {key: places(own.forms(key)) for key in own} == {key: places(first.forms(key)) for key in first}


def test_traditional_chinese_has_mails_and_pages_of_its_own_and_the_rest_from_simplified():
    assert words("pages", "zh-Hant")("board.before.heading") == "台帳建立前事項"
    assert words("mails", "zh-Hant")("row.late", n=3) == "已逾期3天"
    assert words("errors", "zh-Hant")("sign_in_first") == "请先登录"
    assert catalogue.described("zh-Hant").tag == "zh-Hant"
