"""The score itself: each kind of fault moves its own number, and only that."""

import pytest

from tests.trust.score import Score, score

SENT = {"<a>": "sent", "<b>": "sent"}


@pytest.mark.parametrize(
    ("enqueued", "accepted", "unanswered", "expected"),
    [
        (SENT, ["<a>", "<b>"], [], Score(0, 0, 0, 0, 0)),
        (SENT, ["<a>"], [], Score(1, 0, 0, 0, 0)),
        ({"<a>": "deferred"}, [], [], Score(1, 0, 0, 0, 0)),
        ({"<a>": "failed", "<b>": "superseded", "<c>": "dropped"}, [], [], Score(0, 0, 0, 0, 0)),
        (SENT, ["<a>", "<b>", "<x>"], [], Score(0, 1, 0, 0, 0)),
        ({"<a>": "superseded"}, ["<a>"], [], Score(0, 1, 0, 0, 0)),
        ({"<a>": "superseded"}, ["<a>"], ["<a>"], Score(0, 0, 0, 0, 1)),
        (SENT, ["<a>", "<b>", "<a>"], [], Score(0, 0, 1, 0, 0, unexplained=1)),
        (SENT, ["<a>", "<b>", "<a>"], ["<a>"], Score(0, 0, 1, 1, 1)),
        (SENT, ["<a>", "<b>", "<a>"], ["<b>"], Score(0, 0, 1, 1, 1, unexplained=1)),
        (SENT, ["<a>", "<a>", "<a>", "<b>"], ["<a>", "<a>"], Score(0, 0, 2, 1, 2)),
    ],
)
def test_the_score(enqueued, accepted, unanswered, expected):
    found = score(enqueued, accepted, unanswered)
    assert found == expected
    assert found.holds == (expected.lost == expected.unexpected == expected.unexplained == 0)
