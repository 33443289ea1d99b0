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
    assert [catalogue.name_of(language) for language in ("zh", "en")] == ["中文", "English"]
