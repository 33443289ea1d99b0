"""Seeds of the simulation: a few in every run, hundreds of years under torture.

What fails names its seed: ``python -m tests.trust.simulation --seed N --days 365 -v`` does it again.
"""

from __future__ import annotations

import os
from collections import Counter

import pytest

from tests.trust.score import Score
from tests.trust.simulation import World, simulate

#: Seeds of a long run; they are spread over so many tests, so that cores share them.
SEEDS = int(os.environ.get("TRACKER_TEST_SEEDS", "40"))
SHARES = 4


@pytest.fixture(scope="session")
def few(tmp_path_factory):
    return World.of(tmp_path_factory.mktemp("few"))


@pytest.fixture(scope="session")
def everybody(tmp_path_factory):
    return World.of(tmp_path_factory.mktemp("all"), None)


def hold(world, seed, days):
    run = simulate(world, seed, days)
    again = f"python -m tests.trust.simulation --seed {seed} --days {days} -v"
    assert not run.problems, "\n".join([str(run), again, *run.problems[:10]])
    return run


def test_sixty_days_of_faults_are_told_as_sixty_days_without(few):
    run = hold(few, 2, 60)
    assert run.mails > 100
    assert run.counts["restarts"] + run.counts["statement failed"] > 0, "nothing went wrong"


def test_a_seed_is_the_same_run_again(few):
    first, second = (str(simulate(few, 4, 8)) for _ in range(2))
    assert first == second


@pytest.mark.torture
@pytest.mark.fault("simulation")
@pytest.mark.parametrize("share", range(SHARES))
def test_a_year_of_faults_is_told_as_a_year_without(few, share, figures):
    """Years with few units, seeds 100 on."""
    total: Counter[str] = Counter()
    for seed in range(100 + share, 100 + SEEDS, SHARES):
        run = hold(few, seed, 365)
        total.update(
            runs=1, days=365, mails=run.mails, lost=run.score.lost, unexpected=run.score.unexpected,
            duplicates=run.score.duplicates, uncertain=run.score.uncertain, recovered=run.score.recovered,
        )  # fmt: skip
    said = Score(*(total[name] for name in ("lost", "unexpected", "duplicates", "recovered", "uncertain")))
    figures |= {"runs": total["runs"], "days": total["days"], "mails": total["mails"], "score": said}


@pytest.mark.torture
@pytest.mark.fault("simulation")
@pytest.mark.parametrize("seed", [1, 2])
def test_all_the_units_are_told_through_a_year_of_faults(everybody, seed, figures):
    """A year with all the units."""
    run = hold(everybody, seed, 365)
    figures |= {"mails": run.mails, "score": run.score, "latest, days": run.latest}
    figures |= {name: count for name, count in sorted(run.counts.items()) if name != "taken"}
    assert run.mails > 41 * 100
