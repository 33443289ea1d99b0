"""The outbox against its reference, some histories in every run and thousands under torture."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.trust.machine import FIGURES, OutboxMachine
from tests.trust.score import Score

QUICK = settings(
    max_examples=10,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


def test_whatever_happens_the_outbox_does_what_its_reference_says():
    # The same histories every time: what is new is looked for under torture.
    run_state_machine_as_test(OutboxMachine, settings=settings(QUICK, derandomize=True))


@pytest.mark.torture
@pytest.mark.fault("model")
def test_whatever_happens_in_thousands_of_histories(figures):
    """Histories of an outbox, told beside its reference."""
    count = int(os.environ.get("TRACKER_TEST_HISTORIES", "4000"))
    long = settings(QUICK, max_examples=count, stateful_step_count=60, phases=(Phase.generate, Phase.shrink))
    FIGURES.clear()
    run_state_machine_as_test(OutboxMachine, settings=long)
    names = ("lost", "unexpected", "duplicates", "recovered", "uncertain")
    figures |= {name: count for name, count in FIGURES.items() if name not in names}
    figures["score"] = Score(*(FIGURES[name] for name in names))
    assert FIGURES["histories"] >= count
    assert FIGURES["lost"] == FIGURES["unexpected"] == 0
    assert FIGURES["duplicates"] <= FIGURES["uncertain"]
