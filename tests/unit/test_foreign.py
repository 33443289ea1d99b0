"""What is written down in English of a mail, and what libraries say, is known again and said in the reader's language."""

from __future__ import annotations

import re
from datetime import date

import pytest

from tracker.i18n.catalogue import ENGLISH, FIRST, words
from tracker.i18n.message import Message
from tracker.i18n.recognised import AREAS, recognised, said_in

KEYS = [f"{area}.{key}" for area in AREAS for key in words(area, ENGLISH)]
INNER = Message("outcomes.no_answer", server="mail.example:25")
FACTS = {
    "n": 3,
    "day": date(2022, 5, 4),
    "server": "mail.example:25",
    "why": INNER,
    "ways": (Message("outcomes.way.answered", n=3), Message("outcomes.way.waived", n=2)),
    "rest": ", unable to parse string as an integer",
    "option": "--month",
}


def message(key: str) -> Message:
    area, _, name = key.partition(".")
    places = re.findall(r"{(\w+)}", str(words(area, ENGLISH).forms(name)))
    return Message(key, **{place: FACTS.get(place, "“x” of y") for place in places})


@pytest.mark.parametrize("key", KEYS)
def test_a_sentence_is_known_by_its_english(key):
    found = recognised(str(message(key)))
    assert found is not None
    assert str(found) == str(message(key))
    assert re.search(r"[\u4e00-\u9fff]", said_in(str(message(key)), FIRST))


def test_a_sentence_within_another_is_said_in_the_same_language():
    given_up = "mail.example:25 does not answer; given up after 3 days"
    assert said_in(given_up, "zh") == "mail.example:25 没有应答；已持续3天，不再重试"
    ways = "nothing in it was asked any more when it was to go out: answered 3, waived 2"
    assert said_in(ways, "zh") == "发出前其中事项均不再催办：已办理3项、已免报2项"
    assert said_in("told in the digest of 2022-05-04 instead", "zh") == "已并入2022年5月4日的提醒邮件"


@pytest.mark.parametrize("sentence", ["550 5.1.1 no such user", "", "anything else"])
def test_a_servers_own_words_stay_as_they_are(sentence):
    assert said_in(sentence, "zh") == said_in(sentence, "en") == sentence


def test_nothing_is_nothing():
    assert said_in(None, "zh") == said_in(None, "en") == ""
