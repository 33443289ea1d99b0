"""The ledger against a plain reading of its events, some histories in every run and thousands under torture."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.trust.ledger_machine import FIGURES, LedgerMachine

QUICK = settings(
    max_examples=12, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)


def test_whatever_happens_the_ledger_is_what_its_events_say_by_the_rules_in_force():
    # The same histories every time: what is new is looked for under torture.
    run_state_machine_as_test(LedgerMachine, settings=settings(QUICK, derandomize=True))


@pytest.mark.torture
@pytest.mark.fault("ledger")
def test_whatever_happens_to_the_ledger_in_thousands_of_histories(figures):
    """Histories of a ledger whose files are edited, told beside a plain reading of its events."""
    count = int(os.environ.get("TRACKER_TEST_HISTORIES", "4000"))
    long = settings(QUICK, max_examples=count, stateful_step_count=40, phases=(Phase.generate, Phase.shrink))
    FIGURES.clear()
    run_state_machine_as_test(LedgerMachine, settings=long)
    figures |= {name: number for name, number in FIGURES.items() if ":" not in name}
    assert FIGURES["histories"] >= count
