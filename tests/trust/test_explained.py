"""``explain`` beside what really happens: the passes that follow, and the outbox that they leave."""

from __future__ import annotations

import os
import random

import pytest

from tests.trust.explained import Explained


@pytest.mark.parametrize("seed", range(3))
def test_what_is_foreseen_is_sent_and_what_was_sent_is_told(seed):
    assert Explained(random.Random(seed)).live() > 20


@pytest.mark.torture
def test_what_is_foreseen_is_sent_in_hundreds_of_campaigns():
    count = int(os.environ.get("TRACKER_TEST_EXPLAINED", "200"))
    assert sum(Explained(random.Random(seed)).live() for seed in range(count)) > 20 * count
