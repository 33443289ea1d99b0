from typing import get_args

import pytest

from tracker.i18n.catalogue import LANGUAGES, Area, words


@pytest.mark.parametrize("area", get_args(Area))
def test_every_language_has_the_same_phrases(area):
    first, *others = (set(words(area, language)._phrases) for language in LANGUAGES)
    assert others == [first]
