"""The measurements: that they run and print what they must; their figures are nobody's promise."""

import subprocess
import sys

from bench.__main__ import MEASUREMENTS
from bench.child import ROOT, Ran
from bench.plan import middle, turns
from bench.report import Row, Section, markdown, number


def test_a_quick_measurement_prints_its_row_and_writes_no_file():
    kept = ROOT / "docs" / "benchmarks.md"
    before = kept.read_bytes() if kept.exists() else None
    done = subprocess.run(
        [sys.executable, "-m", "bench", "--quick", "--only", "next-date"],
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    row = next(line for line in done.stdout.splitlines() if line.startswith("next date of a rule"))
    assert "dateutil rrule.after" in row
    assert "≤ 0.1 ×" in row
    assert (kept.read_bytes() if kept.exists() else None) == before


def test_every_measurement_says_what_it_measures():
    assert [each.name for each in MEASUREMENTS if len(each.text) < 40] == []


def test_the_ratio_is_the_first_over_the_second():
    row = Row("a", 1500.0, "mails/s", "b", 500.0, "≥ 2 ×", published=True)
    assert row.cells()[1:6] == ("1,500 mails/s", "b (published, not this run)", "500 mails/s", "3 ×", "≥ 2 ×")
    assert Row("a", 0.0123, "ms").cells()[3:5] == ("", "")


def test_numbers_keep_three_digits():
    assert [number(value) for value in (0.01234, 1.239, 12.34, 123.4, 12345.6)] == [
        "0.0123",
        "1.24",
        "12.3",
        "123",
        "12,346",
    ]


def test_rounds_take_turns_and_the_median_counts():
    seen = []

    def ran(name, value):
        seen.append(name)
        return Ran({"ms": value}, 1.0, 1.0, value)

    values = iter([5.0, 1.0, 9.0])
    found = turns(3, {"a": lambda: ran("a", next(values)), "b": lambda: ran("b", 2.0)})
    assert seen == ["a", "b"] * 3
    assert (found["a"].figures["ms"], found["a"].peak) == (5.0, 9.0)
    assert middle([Ran({}, 3.0, 0.0, 0.0)]).seconds == 3.0


def test_the_report_has_machine_text_and_rows():
    section = Section("Speed", "What is measured.", [Row("a", 1.0, "ms", peak=70.4)])
    text = markdown([("Python", "3.11")], [section], 90)
    assert "| Python | 3.11 |" in text
    assert "## Speed\n\nWhat is measured." in text
    assert "| a | 1 ms |" in text
