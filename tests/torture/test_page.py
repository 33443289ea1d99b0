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


def test_a_row_says_what_was_counted_and_how_to_run_it():
    row = next(line for line in page.lines([entry()]) if line.startswith("| kill -9"))
    assert "Killed at each write (pwrite64): boundaries 1,234, recovery 0.8 s, share 0.123" in row
    assert "`make torture ONLY=kill`" in row


def test_what_failed_and_what_could_not_run_is_said():
    text = "\n".join(
        page.lines([entry(outcome="failed"), entry(fault="disk", outcome="skipped", reason="no tmpfs here")])
    )
    assert "**FAILED** Killed at each write" in text
    assert "- Killed at each write: no tmpfs here" in text


def test_a_fault_that_nothing_made_is_not_run():
    rows = [line for line in page.lines([]) if line.startswith("| ") and "not run" in line]
    assert len(rows) == len(FAULTS)


def test_bugs_that_were_put_back_have_a_table_of_their_own():
    told = {page.BUG: "a claim | takes no lease", page.FOUND: "model: taken twice"}
    text = "\n".join(page.lines([entry(fault="sabotage", case="no-lease", figures=told)]))
    assert "1 of 1 found, see below" in text
    assert "| no-lease | a claim \\| takes no lease | model: taken twice |" in text


def test_a_test_of_many_cases_is_told_as_one():
    cases = [entry(test=f"tests/x.py::test_cut[{n}]", case=str(n), figures={"cuts": n}) for n in range(10)]
    text = "\n".join(page.lines([*cases, entry()]))
    assert "Killed at each write (10 cases): cuts 45<br>Killed at each write (pwrite64)" in text
