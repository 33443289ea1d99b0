"""The tables of annexes 2, 3 and 4, from April to October 2022: from blank forms to the city's summaries.

A seed tells what 41 districts send (``tables``), slips and corrections among it; the files go through the commands,
in the order in which they come.  Then every figure of every summary must be the sum that the seed knows, every slip
must be found at its cell with its weight, and nothing else may be blamed.  What was read in spite of how it was
written (``readings``) is no blame.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import openpyxl
import pytest

from tests.acceptance.annexes import MONTHS, SELF_CHECK, TABLES, Table, day_of, districts, due_tables, sums
from tests.acceptance.slips import MAKERS
from tests.acceptance.tables import FIRST, LATE, SECOND, Replay, Sending, tell
from tests.acceptance.workbooks import Style, draw, fill_in, head_places, same, write
from tests.tools import ROOT, Place, required

SEED = 2022
#: Slips that stand in one cell, so that they can be made in the service's own blank too.
IN_A_CELL = frozenset(MAKERS) - {"wrong total", "column missing", "nil with rows", "vanished", "name twice"}

#: What stands in a summary in place of the rows of a unit that has none.
NO_ROWS = frozenset({"未报", "零报告", "退回待改", "已报送"})


@dataclass
class Sent:
    """A file that was sent, what was told about it, and the one cell in which something must be found."""

    sending: Sending
    path: Path
    sheet: str | None
    cell: str | None = None
    told: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"{self.sending.month} {self.path.name}"


class Office:
    """Who collects: a place with the shipped files, and commands in the order of the calendar."""

    def __init__(self, replay: Replay, folder: Path, *, converts: bool) -> None:
        shutil.copytree(ROOT / "config", folder / "config")
        texts = {each: (ROOT / "config" / f"{each}.yaml").read_text("utf-8") for each in CONFIG_FILES}
        self.replay = replay
        self.place = Place(folder, **texts)
        self.sent: list[Sent] = []
        self.wrong: list[str] = []
        self.converts = converts and bool(shutil.which("soffice") or os.environ.get("TRACKER_TEST_NO_SKIP"))

    def work(self) -> None:
        for month in self.replay.months:
            blanks = self._blanks(month)
            for batch in (FIRST, SECOND, LATE):
                sendings = self.replay.batch(month, batch)
                folder = self.place.folder / f"{month}-{batch}"
                folder.mkdir()
                sent = [self._write(each, folder, blanks) for each in sendings]
                if self.converts and (month, batch) == (MONTHS[1], FIRST):
                    self._convert(sent, folder)
                if (month, batch) == (self.replay.months[-1], FIRST):
                    self._check(sent, folder, month)
                self._import(sent, folder, month, batch)
                self.sent += sent

    def _blanks(self, month: str) -> dict[tuple[str, str], Path]:
        """The service's own forms, by report and unit, as their hidden sheets say."""
        folder = self.place.folder / f"blanks-{month}"
        units = [word for unit in self.replay.units for word in ("--unit", unit.id)]
        self.place.ok("forms", "blank", "--month", month, *units, "-o", folder)
        found = {}
        for path in folder.rglob("*.xlsx"):
            book = openpyxl.load_workbook(path, read_only=True)
            mark = {str(row[0]): str(row[1]) for row in book["_tracker"].iter_rows(values_only=True)}
            found[mark["ref"], mark["unit"]] = path
            book.close()
        assert set(found) == {
            (table.ref(month), unit.id) for table in due_tables(month) for unit in self.replay.units
        }
        return found

    def _write(self, sending: Sending, folder: Path, blanks: dict[tuple[str, str], Path]) -> Sent:
        slip = sending.slip
        if sending.copy_of is not None:
            first = next(each for each in self.sent if each.sending.copy_of is None and _is(each, sending))
            path = folder / f"{sending.stem}{first.path.suffix}"
            path.write_bytes(first.path.read_bytes())
            return Sent(sending, path, first.sheet)
        chance = Random(f"{sending.seed}/blank").random()
        if sending.rows and chance < 0.3 and (slip is None or slip.kind in IN_A_CELL):
            path = folder / f"{sending.stem}.xlsx"
            filled = fill_in(blanks[sending.cell], sending, path)
            if filled is not None:
                return Sent(sending, path, filled.sheet, _cell(sending, filled))
        style = Style.of(sending)
        page = draw(sending, style)
        return Sent(
            sending,
            write(sending, style, page, folder),
            style.sheet if style.ending == ".xlsx" else None,
            _cell(sending, page),
        )

    def _convert(self, sent: list[Sent], folder: Path) -> None:
        """A few become .xls and .ods, each kind in one go; the office program keeps cells where they are."""
        fit = [each for each in sent if each.sending.slip is None and each.path.suffix == ".xlsx"]
        for ending, some in (("xls", fit[0:2]), ("ods", fit[2:4])):
            home = self.place.folder / "office"
            options = ["--headless", f"-env:UserInstallation=file://{home}", "--convert-to", ending]
            subprocess.run(
                [required("soffice"), *options, "--outdir", folder, *(each.path for each in some)],
                check=True,
                capture_output=True,
                timeout=120,
            )
            for each in some:
                each.path.unlink()
                each.path = each.path.with_suffix(f".{ending}")
                assert each.path.exists()

    def _check(self, sent: list[Sent], folder: Path, month: str) -> None:
        """``check`` says what ``import`` will say, and leaves everything as it is."""
        before = self.missing(month)
        done = self.place.tracker("forms", "check", folder, *self._month(month), "--format", "json")
        self._note(done.code == bool(_bad(sent)), f"{folder.name}: check ended with {done.code} {done.err}")
        told = {Path(line["file"]).name: line for line in done.lines}
        self._note(set(told) == {each.path.name for each in sent}, f"{folder.name}: {set(told)} were checked")
        for each in sent:
            each.told = told.get(each.path.name, {})
        self.wrong += [f"{line} (by check)" for each in sent for line in _blamed_wrongly(each)]
        self._note(not any(line["taken"] for line in done.lines), f"{folder.name}: check took something")
        self._note(self.missing(month) == before, f"{folder.name}: check changed who is missing")

    def _import(self, sent: list[Sent], folder: Path, month: str, batch: int) -> None:
        day = day_of(month, batch)
        done = self.place.tracker(
            "forms", "import", folder, *self._month(month), "--on", day, "--format", "json"
        )
        self._note(done.code == bool(_bad(sent)), f"{folder.name}: import ended with {done.code} {done.err}")
        told = {Path(line["file"]).name: line for line in done.lines}
        self._note(
            set(told) == {each.path.name for each in sent}, f"{folder.name}: {set(told)} were imported"
        )
        for each in sent:
            each.told = told.get(each.path.name, {})

    def _month(self, month: str) -> tuple[str, ...]:
        """The self-check has no period to write above the table; of the others every second is left to find."""
        return ("--month", month) if int(month[5:]) % 2 == 0 else ()

    def missing(self, month: str) -> set[tuple[str, str]]:
        done = self.place.tracker("forms", "missing", "--month", month, "--format", "json")
        self._note(done.code == bool(done.json), f"{month}: missing ended with {done.code} {done.err}")
        self._note(all(row["contacts"] for row in done.json), f"{month}: nobody to call")
        return {(row["ref"], row["unit"]) for row in done.json}

    def _note(self, holds: object, what: str) -> None:
        if not holds:
            self.wrong.append(what)


CONFIG_FILES = ("tasks", "units", "settings")


def _is(sent: Sent, copy: Sending) -> bool:
    first = copy.copy_of
    assert first is not None
    return (sent.sending.cell, sent.sending.batch) == (first.cell, first.batch)


def _cell(sending: Sending, page: Any) -> str | None:
    slip = sending.slip
    return None if slip is None or slip.column is None else page.address(slip.row, slip.column)


def _bad(sent: list[Sent]) -> list[Sent]:
    return [each for each in sent if not each.sending.is_taken]


# --- the proofs; each yields what is wrong ---


def _blamed_wrongly(sent: Sent) -> Iterator[str]:
    """The findings of one file are exactly its slip."""
    slip, told = sent.sending.slip, sent.told
    if not told:
        return
    found = [
        (weight, each["sheet"], each["cell"])
        for weight in ("error", "question")
        for each in told[f"{weight}s"]
    ]
    if slip is None:
        right = not found
    elif sent.cell is None:
        right = [weight for weight, _, _ in found] == [slip.weight]
    else:
        right = found == [(slip.weight, sent.sheet, sent.cell)]
    if not right:
        said = [each["message"] for weight in ("errors", "questions") for each in told[weight]]
        kind = "nothing" if slip is None else f"{slip.kind} as {slip.weight} at {sent.sheet}!{sent.cell}"
        yield f"{sent.name}: {kind} is wrong, found {found} {said}"


def _understood_wrongly(sent: Sent) -> Iterator[str]:
    """Whose it is, of which period, and whether it was taken."""
    sending, told = sent.sending, sent.told
    if not told:
        return
    period = None if sending.month == SELF_CHECK else sending.month
    whose = (sending.table.form, sending.unit.id, sending.table.ref(sending.month), period)
    if sending.is_taken and (said := tuple(told[key] for key in ("form", "unit", "ref", "period"))) != whose:
        yield f"{sent.name}: it is of {whose}, and not {said}"
    if sending.copy_of is None and told["taken"] is not sending.is_taken:
        yield f"{sent.name}: taken is {told['taken']}"
    if sending.is_taken and told["nil"] is not sending.is_nil:
        yield f"{sent.name}: nil is {told['nil']}"


def _answered_wrongly(office: Office, month: str) -> Iterator[str]:
    """Who is missing, who was late, who has nothing to report, and how often each answered."""
    replay = office.replay
    everybody = {
        (table.ref(month), unit.id) for table in due_tables(month) for unit in districts(office.place.config)
    }
    in_force = replay.in_force(month)
    yield from _differ(f"{month} missing", everybody - set(in_force), office.missing(month))
    refs = {ref for ref, _ in everybody}
    rows = [row for ref in sorted(refs) for row in office.place.json("status", "--ref", ref)["rows"]]
    answered = [row for row in rows if (row["ref"], row["unit"]) in in_force]
    late = {(row["ref"], row["unit"]) for row in answered if row["late_days"] > 0}
    yield from _differ(f"{month} late", replay.late(month), late)
    nil = {(row["ref"], row["unit"]) for row in rows if row["state"] == "nil"}
    yield from _differ(f"{month} nil", {cell for cell, each in in_force.items() if each.is_nil}, nil)
    events = Counter(
        (event["ref"], event["unit"]) for ref in refs for event in office.place.json("history", ref)
    )
    yield from _differ(f"{month} events", set(replay.submits(month).items()), set(events.items()))


def _differ(what: str, expected: set[Any], found: set[Any]) -> Iterator[str]:
    if expected != found:
        yield f"{what}: not found {sorted(expected - found)}, found too {sorted(found - expected)}"


def _summed_wrongly(office: Office, month: str) -> Iterator[str]:
    """Every subtotal, every total, every row, and who is named as missing, late or nil."""
    path = office.place.folder / f"summary-{month}.xlsx"
    office.place.ok("forms", "summary", "--month", month, "-o", path)
    book = openpyxl.load_workbook(path, data_only=True)
    in_force = office.replay.in_force(month)
    for table in due_tables(month):
        (sheet,) = (each for each in book.worksheets if each.title.startswith(f"{table.annex} 汇总"))
        found = read_summary(sheet, table, month, [unit.name for unit in districts(office.place.config)])
        filed = {each.unit.name: each.rows for each in in_force.values() if each.table == table}
        everything = [row for rows in filed.values() for row in rows]
        place = f"{month} {table.annex}"
        for label, value in sums(table, month, everything).items():
            if found.total.get(label) != value:
                yield f"{place} 合计 {label}: {found.total.get(label)}, and not {value}"
        with_rows = {unit for unit, rows in filed.items() if rows}
        for unit in with_rows | set(found.subtotals):
            said = found.subtotals.get(unit, {})
            for label, value in sums(table, month, filed.get(unit, ())).items():
                if said.get(label) != value:
                    yield f"{place} {unit} 小计 {label}: {said.get(label)}, and not {value}"
        if table.name:
            true = Counter((unit, same(row[table.name])) for unit, rows in filed.items() for row in rows)
            yield from _differ(f"{place} rows", set(true.items()), set(found.names.items()))
    named = {
        unit.name
        for unit in districts(office.place.config)
        for row in book["未报、逾期报送、零报告"].iter_rows(values_only=True)
        if any(unit.name in str(value) for value in row)
    }
    nil = {cell for cell, each in in_force.items() if each.is_nil}
    everybody = {
        (table.ref(month), unit.id): unit.name
        for table in due_tables(month)
        for unit in districts(office.place.config)
    }
    telling = (set(everybody) - set(in_force)) | nil | office.replay.late(month)
    yield from _differ(f"{month} 未报、逾期报送、零报告", {everybody[cell] for cell in telling}, named)
    assert "与上月相比" in book.sheetnames


@dataclass
class Summary:
    """What a sheet of a summary says; the figures of a √ are how many."""

    total: dict[str, Decimal] = field(default_factory=dict)
    subtotals: dict[str, dict[str, Decimal]] = field(default_factory=dict)
    names: Counter[tuple[str, str]] = field(default_factory=Counter)


def read_summary(sheet: Any, table: Table, month: str, units: list[str]) -> Summary:
    """By the labels of the heads, and the words 小计 and 合计 in the rows; a unit's name counts for those below it."""
    heads = head_places(sheet, table)
    asked = [each.label for each in table.asked(month)]
    assert set(asked) - {"序号"} <= set(heads), (sheet.title, set(asked) - set(heads))
    figures = {each.label for each in table.asked(month) if each.kind in {"count", "amount", "tick"}}
    first = max(row for row, _ in heads.values()) + 1
    left = min(column for _, column in heads.values())
    found = Summary()
    unit = ""
    for row in sheet.iter_rows(min_row=first):
        values = {cell.column: cell.value for cell in row}
        words = [value for value in values.values() if isinstance(value, str)]
        leading = " ".join(str(value) for column, value in values.items() if column <= left + 1 and value)
        unit = next((each for each in units if each in leading), unit)
        numbers = {label: _number(values[heads[label][1]]) for label in figures}
        if "合计" in words:
            assert not found.total, sheet.title
            found.total = numbers
        elif any(word.startswith("小计") for word in words):
            assert unit not in found.subtotals, (sheet.title, unit)
            found.subtotals[unit] = numbers
        elif (
            table.name
            and (name := values[heads[table.name][1]])
            and str(name).partition("（")[0] not in NO_ROWS
        ):
            found.names[unit, same(name)] += 1
    return found


def _number(value: Any) -> Decimal:
    """Without the noise of binary fractions; nothing is 0, and a word is no figure at all."""
    if isinstance(value, str):
        return Decimal("NaN")
    return Decimal(0) if value is None else round(Decimal(str(value)), 6)


def _proved(replay: Replay, folder: Path, *, converts: bool) -> None:
    office = Office(replay, folder, converts=converts)
    start = time.monotonic()
    office.work()
    spent = time.monotonic() - start
    print(f"{len(office.sent)} files in {spent:.1f} s")  # noqa: T201 - the figure that was asked for
    wrong = office.wrong
    for each in office.sent:
        wrong += _blamed_wrongly(each)
        wrong += _understood_wrongly(each)
    for month in replay.months:
        wrong += _answered_wrongly(office, month)
        wrong += _summed_wrongly(office, month)
    assert wrong == [], "\n" + "\n".join(wrong)


def test_three_months_of_some_districts(tmp_path):
    units = districts(ROOT / "config")[:8]
    replay = tell(SEED, units, MONTHS[:3], slips=0.55)
    _proved(replay, tmp_path, converts=False)


@pytest.mark.torture
@pytest.mark.fault("spreadsheets")
def test_seven_months_of_every_district(tmp_path, figures):
    """Tables of 41 districts and seven months as people would fill them in, mistakes included."""
    replay = tell(SEED, districts(ROOT / "config"))
    assert {each.table for each in replay.sent} == set(TABLES)
    start = time.monotonic()
    _proved(replay, tmp_path, converts=True)
    figures |= {"files": len(replay.sent), "s": time.monotonic() - start}
