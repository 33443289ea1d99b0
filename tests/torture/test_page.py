"""The page of the faults says what the tests counted, and which of them did not run."""

from tests.torture import page
from tests.torture.faults import FAULTS


def entry(**changes):
    return {
        "fault": "kill",
        "test": "tests/x.py::test_kill[pwrite64]",
        "title": "Killed at each write",
        "case": "pwrite64",
        "outcome": "passed",
        "reason": "",
        "seconds": 12.3,
        "figures": {"boundaries": 1234, "recovery": "0.8 s", "share": 0.12345},
        **changes,
    }


def test_a_row_sums_the_scores_and_says_how_to_run_it():
    scored = {"score": "L=0 U=0 D=3 R=2 uncertain=4"}
    told = list(page.lines([entry(figures=scored), entry(figures={"a": scored["score"]}), entry()]))
    [row] = [line for line in told if line.startswith("| kill -9")]
    assert row.endswith("| 3 | 0 | 0 | 6 | 8 | `make torture ONLY=kill` |")


def test_each_test_says_what_it_counted():
    told = list(page.lines([entry()]))
    assert "| Killed at each write (pwrite64) | boundaries 1,234, recovery 0.8 s, share 0.123 |" in told


def test_what_failed_and_what_could_not_run_is_said():
    skipped = entry(fault="disk", outcome="skipped", reason="no tmpfs here")
    told = list(page.lines([entry(outcome="failed"), entry(), skipped]))
    assert any(line.startswith("| **FAILED** Killed at each write") for line in told)
    assert any(line.startswith("| kill -9") and "| 1 of 2 |" in line for line in told)
    assert "- Killed at each write: no tmpfs here" in told


def test_a_fault_that_nothing_made_is_not_run():
    rows = [line for line in page.lines([]) if line.startswith("| ") and "not run" in line]
    assert len(rows) == len(FAULTS)


def test_bugs_that_were_put_back_have_a_table_of_their_own():
    told = {page.BUG: "a claim | takes no lease", page.FOUND: "model: taken twice"}
    text = "\n".join(page.lines([entry(fault="sabotage", case="no-lease", figures=told)]))
    assert "| no-lease | a claim \\| takes no lease | model: taken twice |" in text


def test_a_test_of_many_cases_is_told_as_one():
    cases = [entry(test=f"tests/x.py::test_cut[{n}]", case=str(n), figures={"cuts": n}) for n in range(10)]
    text = "\n".join(page.lines([*cases, entry()]))
    assert "| Killed at each write (10 cases) | cuts 45 |" in text
    assert "| Killed at each write (pwrite64) | boundaries 1,234" in text
