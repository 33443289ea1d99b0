"""Seven months of filled-in tables from one seed: what is true, who sends what when, and what is wrong with it.

Written from the document alone: the columns are copied from annexes 2, 3 and 4, and nothing of the service is used.
Columns go by their labels.  Where the document leaves it open whether something may be asked about, the generator
keeps clear of it; the readings that it takes for clean, and those it keeps clear of:

* Figures never fall, a √ once given stays, and rows are added at the end; some figure grows every month.
* A fallen figure or a vanished row is sown only where the month before was taken, whichever way a gap is read.
* Units without rows report nil, and those that once had rows never do; an empty table comes from the former only.
* The row without a name, and the second row of one name, are new ones: no row of last month vanishes with them.
* Corrections of what was taken come within the term, so that nobody has to say whether they make it late.
* What must not be compared with in the following month (a fine of 30000) is corrected in the same month.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import yaml

MONTHS = ("2022-04", "2022-05", "2022-06", "2022-07", "2022-08", "2022-09", "2022-10")
SELF_CHECK = MONTHS[0]
#: Within the term, again within the term, and too late.
FIRST, SECOND, LATE = 0, 1, 2
FIGURES = ("count", "amount")
#: Not asked in April (annex 2, rule 1).
PENALTIES = ("执法层级", "处罚情况")
LEVEL, FINE, RECTIFICATION = "实施执法检查的应急管理部门", "罚款", "整改落实情况"
ENTERPRISES, INSPECTED = "辖区高危行业企业总数量", "抽查企业数量"

Row = dict[str, Any]


@dataclass(frozen=True)
class Column:
    kind: str
    group: str | None
    label: str
    unit: str | None


@dataclass(frozen=True)
class Table:
    form: str
    report: str
    annex: str
    title: str
    columns: tuple[Column, ...]

    def asked(self, month: str) -> list[Column]:
        return [each for each in self.columns if month != SELF_CHECK or each.group not in PENALTIES]

    def figures(self, month: str) -> list[Column]:
        return [each for each in self.asked(month) if each.kind in FIGURES]

    @property
    def name(self) -> str | None:
        return next((each.label for each in self.columns if each.kind == "name"), None)

    def ref(self, month: str) -> str:
        return f"{self.report}-self-check" if month == SELF_CHECK else f"{self.report}@{month}"


def _table(form: str, report: str, annex: str, whose: str, columns: str) -> Table:
    parts = [line.split() for line in columns.strip().splitlines()]
    return Table(
        form,
        report,
        annex,
        f"安全生产培训“走过场”专项整治进展情况汇总表（{whose}）",
        tuple(Column(k, None if g == "-" else g, label, None if u == "-" else u) for k, g, label, u in parts),
    )


TABLES = (
    _table(
        "training-institutions",
        "table-2",
        "附件2",
        "培训机构",
        """
        serial - 序号 -
        name - 安全培训机构名称 -
        count 培训情况 高危行业企业主要负责人和安全管理人员培训人次 人次/年
        count 培训情况 特种作业人员培训人次 人次/年
        count 培训情况 其他人员培训人次 人次/年
        count 自查/执法检查发现问题情况 制度、师资、场地、设施不满足培训基本条件 项
        count 自查/执法检查发现问题情况 未按大纲教学，实操实训流于形式 项
        count 自查/执法检查发现问题情况 未建立培训档案、档案不规范、档案造假 项
        count 自查/执法检查发现问题情况 举办“包过班”、参与考生作弊，倒卖安全生产资格（合格）证书 项
        count 自查/执法检查发现问题情况 其他违法违规行为 项
        choice 执法层级 实施执法检查的应急管理部门 -
        tick 处罚情况 限期改正 -
        amount 处罚情况 罚款 万元
        tick 处罚情况 停业整顿 -
        tick 处罚情况 移送市场监管部门查处或淘汰退出 -
        tick 处罚情况 公开曝光 -
        choice - 整改落实情况 -
        """,
    ),
    _table(
        "exam-institutions",
        "table-3",
        "附件3",
        "考试机构",
        """
        serial - 序号 -
        name - 考试机构（考试点）名称 -
        count 考试情况 高危行业企业主要负责人和安全管理人员考试人次 人次/年
        count 考试情况 特种作业人员考试人次 人次/年
        count 自查/执法检查发现问题情况 制度、场地、设施不满足考试基本条件 项
        count 自查/执法检查发现问题情况 从事与所承担考试任务有关培训活动 项
        count 自查/执法检查发现问题情况 未按要求制定考试计划，未严格按照考试计划组织实施考试 项
        count 自查/执法检查发现问题情况 完全以问答代替实操考试 项
        count 自查/执法检查发现问题情况 未安排监考、考评人员进行理论考试监考和实操考评 项
        count 自查/执法检查发现问题情况 考务人员违反考试纪律，纵容、参与、甚至组织考生作弊 项
        count 自查/执法检查发现问题情况 未建立考试档案、档案不规范、档案造假 项
        count 自查/执法检查发现问题情况 其他违法违规行为 项
        choice 执法层级 实施执法检查的应急管理部门 -
        tick 处罚情况 限期改正 -
        tick 处罚情况 停业整顿 -
        tick 处罚情况 取消考试资格 -
        choice - 整改落实情况 -
        """,
    ),
    _table(
        "production-units",
        "table-4",
        "附件4",
        "生产经营单位",
        """
        serial - 序号 -
        count 企业情况 辖区高危行业企业总数量 家
        count 企业情况 抽查企业数量 家
        count 检查发现问题情况 未制定培训计划，未按计划实施培训 项
        count 检查发现问题情况 特种作业人员无证上岗/持假证上岗 人
        count 检查发现问题情况 高危行业企业主要负责人、安全生产管理人员未考核合格 人
        count 检查发现问题情况 未如实记录安全生产教育和培训情况 项
        count 检查发现问题情况 其他违法违规行为 项
        tick 处罚情况 限期改正 -
        amount 处罚情况 罚款 万元
        tick 处罚情况 停业整顿 -
        tick 处罚情况 公开曝光 -
        choice - 整改落实情况 -
        """,
    ),
)


def due_tables(month: str) -> tuple[Table, ...]:
    """Annex 4 has no self-check, and the 5th of April was before the document."""
    return TABLES[:2] if month == SELF_CHECK else TABLES


def day_of(month: str, batch: int) -> date:
    """The day on which a batch arrives: April's term ends on the 15th, every other one on the 5th."""
    days = (12, 13, 20) if month == SELF_CHECK else (3, 4, 12)
    return date.fromisoformat(f"{month}-{days[batch]:02}")


@dataclass(frozen=True)
class Unit:
    id: str
    name: str
    short: str


def districts(config: Path) -> list[Unit]:
    """The 41 district units, read past the service."""
    text = yaml.safe_load((config / "units.yaml").read_text(encoding="utf-8"))
    members = next(group["members"] for group in text["groups"] if group["id"] == "districts")
    units = {each["id"]: each for each in text["units"]}
    return [Unit(id_, units[id_]["name"], units[id_]["aliases"][0]) for id_ in members]


# --- what is true ---

_TOWNS = ("安泰", "渝安", "巴渝", "平安", "宏信", "致远", "长江", "金盾", "华安", "育才")
_KINDS = ("职业培训学校", "安全技术培训中心", "安全生产教育培训有限公司", "职业技能培训学校（有限公司）")
_SITES = ("", "（{}校区）", "（{}分校）", "（{}校区）二部", "（{}）〔高危行业〕")
_PLACES = ("考试点", "特种作业考试点", "实操考试点（{}）", "安全生产考试点（电工作业）", "安全生产考试点")
_STAGES = ("未整改", "正在整改", "已完成整改")


def _names(rng: Random, table: Table, unit: Unit, count: int) -> list[str]:
    """No two alike, some with the same beginning."""
    ends = [kind + site for kind in _KINDS for site in _SITES] if table.report == "table-2" else _PLACES
    names = [f"重庆{town}{end.format(unit.short)}" for town in _TOWNS for end in ends]
    start = rng.randrange(len(names))
    return [names[(start + step) % len(names)] for step in range(count)]


def _grow(rng: Random, column: Column, was: Any) -> Any:
    """A value of the month after ``was``; of the first month, where that is None."""
    match column.kind:
        case "count" if column.group in {"培训情况", "考试情况"}:
            return rng.randrange(2500) if was is None else was + rng.choice((0, rng.randrange(200)))
        case "count":
            return rng.choice((0, 0, 1, 2, 7)) if was is None else was + rng.choice((0, 0, 0, 1, 3))
        case "amount":
            more = Decimal(rng.randrange(5, 3000)) / rng.choice((10, 100)) / 10
            return (was or Decimal(0)) + (more if rng.random() < 0.2 else 0)
        case "tick":
            return was or rng.random() < 0.1
        case _ if column.label == RECTIFICATION:
            return _STAGES[min(2, (_STAGES.index(was) if was else 0) + rng.choice((0, 0, 1)))]
        case _:
            return was or rng.choice(("市级", "区县级", "区县级"))


def _series(rng: Random, table: Table, unit: Unit) -> list[tuple[Row, ...]]:
    """The true rows of a unit's table in each of the months."""
    most = 5 if table.name is None else 20
    count = 0 if rng.random() < 0.12 else rng.randint(1, most)
    begins = 0 if rng.random() < 0.9 else rng.randrange(1, 4)
    starts = sorted(begins if rng.random() < 0.85 else rng.randint(begins, 6) for _ in range(count))
    names = _names(rng, table, unit, count)
    months: list[tuple[Row, ...]] = []
    now: list[Row] = [{} for _ in names]
    for number, month in enumerate(MONTHS):
        for row, name in zip(now, names, strict=True):
            for column in table.asked(month):
                if column.kind == "name":
                    row[column.label] = name
                elif column.kind != "serial":
                    row[column.label] = _grow(rng, column, row.get(column.label))
            if table.name is None:
                row[ENTERPRISES] = max(row[ENTERPRISES], 40) + 1
                row[INSPECTED] = min(row[INSPECTED], row[ENTERPRISES])
            else:
                row[table.figures(month)[0].label] += 1
        months.append(tuple(dict(row) for row, start in zip(now, starts, strict=True) if start <= number))
    return months


# --- what is sent ---

#: The row of sums below the table, as the row of a slip.
TOTAL = -1


@dataclass(frozen=True)
class Slip:
    """Something wrong in a file: how much it weighs, and where; ``column`` None: no certain cell.

    ``writes`` stands in the cell instead of what the rows say.
    """

    kind: str
    weight: str
    row: int = 0
    column: str | None = None
    writes: Any = None


@dataclass(frozen=True)
class Sending:
    """One file as it is sent.  ``rows`` is what it says, if it is taken; ``copy_of`` is the file it repeats."""

    table: Table
    unit: Unit
    month: str
    batch: int
    rows: tuple[Row, ...]
    slip: Slip | None = None
    is_nil: bool = False
    copy_of: Sending | None = None
    seed: str = ""

    @property
    def is_taken(self) -> bool:
        return self.slip is None or self.slip.weight == "question"

    @property
    def cell(self) -> tuple[str, str]:
        """Which cell of the ledger it is for."""
        return self.table.ref(self.month), self.unit.id

    @property
    def stem(self) -> str:
        again = " (1)" if self.copy_of else ""
        return f"{self.table.annex} {self.unit.name} {int(self.month[5:])}月{again}"


@dataclass
class Replay:
    """Everything that is sent, in order; and what follows from it."""

    units: list[Unit]
    months: tuple[str, ...]
    sent: list[Sending] = field(default_factory=list)

    def batch(self, month: str, batch: int) -> list[Sending]:
        return [each for each in self.sent if (each.month, each.batch) == (month, batch)]

    def in_force(self, month: str) -> dict[tuple[str, str], Sending]:
        """By ref and unit what holds in the end: the last one that was taken."""
        ordered = sorted(self.sent, key=lambda each: each.batch)
        return {each.cell: each for each in ordered if each.month == month and each.is_taken}

    def late(self, month: str) -> set[tuple[str, str]]:
        """Whose first taken file came after the term."""
        first: dict[tuple[str, str], int] = {}
        for each in self.sent:
            if each.month == month and each.is_taken:
                first[each.cell] = min(each.batch, first.get(each.cell, LATE))
        return {cell for cell, batch in first.items() if batch == LATE}

    def submits(self, month: str) -> dict[tuple[str, str], int]:
        """How many events each cell of the ledger has: a file that is sent again is none."""
        counts: dict[tuple[str, str], int] = {}
        for each in self.sent:
            if each.month == month and each.is_taken and each.copy_of is None:
                counts[each.cell] = counts.get(each.cell, 0) + 1
        return counts


def sums(table: Table, month: str, rows: Iterable[Row]) -> dict[str, Decimal]:
    """Every column of figures added up, and of √ how many."""
    rows = list(rows)
    return {
        column.label: sum((Decimal(row.get(column.label) or 0) for row in rows), Decimal(0))
        for column in table.asked(month)
        if column.kind in {*FIGURES, "tick"}
    }


@dataclass(frozen=True)
class Case:
    """Where a slip is to be made: the true rows, and those taken in the month before, if they were."""

    rng: Random
    table: Table
    month: str
    rows: tuple[Row, ...]
    before: tuple[Row, ...] | None

    def column(self, *kinds: str) -> Column:
        return self.rng.choice([each for each in self.table.asked(self.month) if each.kind in kinds])

    def asks(self, label: str) -> bool:
        return any(each.label == label for each in self.table.asked(self.month))


#: What is sent with the slip made in it; None where it cannot be made.
Made = tuple[tuple[Row, ...], Slip] | None
Maker = Callable[[Case], Made]


def _written(kind: str, *things: Any, kinds: tuple[str, ...] = FIGURES, label: str | None = None) -> Maker:
    """Something in a cell that cannot stand there."""

    def make(case: Case) -> Made:
        if label is not None and not case.asks(label):
            return None
        if label is None and not any(each.kind in kinds for each in case.table.asked(case.month)):
            return None
        column = label or case.column(*kinds).label
        row = case.rng.randrange(len(case.rows))
        return case.rows, Slip(kind, "error", row, column, case.rng.choice(things))

    return make


def _changed(case: Case, row: int, label: str, value: Any) -> tuple[Row, ...]:
    return tuple(
        {**each, label: value} if number == row else each for number, each in enumerate(case.rows)
    )


def _no_name(case: Case) -> Made:
    if case.table.name is None:
        return None
    extra = {**case.rows[-1], case.table.name: None}
    return (*case.rows, extra), Slip("no name", "error", len(case.rows), case.table.name)


def _column_missing(case: Case) -> Made:
    return case.rows, Slip("column missing", "error", writes=case.column("count").label)


def _nil_with_rows(case: Case) -> Made:
    return case.rows, Slip("nil with rows", "error")


def _fallen(case: Case) -> Made:
    known = {_key(case.table, number, row): row for number, row in enumerate(case.before or ())}
    fits = [
        (number, column.label, known[key][column.label] - 1)
        for number, row in enumerate(case.rows)
        if (key := _key(case.table, number, row)) in known
        for column in case.table.figures(case.month)
        if column.kind == "count" and column.label != ENTERPRISES and known[key].get(column.label, 0) > 0
    ]
    if not fits:
        return None
    row, label, value = case.rng.choice(fits)
    return _changed(case, row, label, value), Slip("fallen", "question", row, label)


def _key(table: Table, number: int, row: Row) -> Any:
    return row[table.name] if table.name else number


def _vanished(case: Case) -> Made:
    """Known by its name; what became of a row without one, nobody can say."""
    if case.table.name is None or not case.before or len(case.rows) < 2:
        return None
    gone = case.rng.choice(case.before)[case.table.name]
    left = tuple(row for row in case.rows if row[case.table.name] != gone)
    return (left, Slip("vanished", "question")) if left and len(left) < len(case.rows) else None


def _inspected_too_many(case: Case) -> Made:
    if not case.asks(INSPECTED):
        return None
    row = case.rng.randrange(len(case.rows))
    value = case.rows[row][ENTERPRISES] + 3
    return _changed(case, row, INSPECTED, value), Slip("inspected too many", "question", row, INSPECTED)


def _wrong_total(case: Case) -> Made:
    label = case.column("count").label
    wrong = sums(case.table, case.month, case.rows)[label] + 1
    return case.rows, Slip("wrong total", "question", TOTAL, label, int(wrong))


def _name_twice(case: Case) -> Made:
    if case.table.name is None:
        return None
    extra = dict(case.rng.choice(case.rows))
    return (*case.rows, extra), Slip("name twice", "question", len(case.rows), case.table.name)


def _fine_too_high(case: Case) -> Made:
    if not case.asks(FINE):
        return None
    row = case.rng.randrange(len(case.rows))
    return _changed(case, row, FINE, Decimal(30000)), Slip("fine too high", "question", row, FINE)


def _level_in_self_check(case: Case) -> Made:
    if case.month != SELF_CHECK:
        return None
    row = case.rng.randrange(len(case.rows))
    return case.rows, Slip("level in self-check", "question", row, LEVEL, "区县级")


MAKERS: Mapping[str, Maker] = {
    "text": _written("text", "若干", "见附件", "正在统计"),
    "fallen": _fallen,
    "negative": _written("negative", -2, -15),
    "level in self-check": _level_in_self_check,
    "fraction": _written("fraction", 3.5, "2.5", kinds=("count",)),
    "vanished": _vanished,
    "formula": _written("formula", "=1+2", "=SUM(3,4)"),
    "inspected too many": _inspected_too_many,
    "date": _written("date", datetime(2022, 5, 1), datetime(2022, 3, 12)),
    "wrong total": _wrong_total,
    "wrong level": _written("wrong level", "省级", label=LEVEL),
    "fine too high": _fine_too_high,
    "wrong stage": _written("wrong stage", "差不多了", label=RECTIFICATION),
    "name twice": _name_twice,
    "text for a tick": _written("text for a tick", "待定", "下月再说", kinds=("tick",)),
    "no name": _no_name,
    "column missing": _column_missing,
    "fine in yuan": _written("fine in yuan", "30000元", label=FINE),
    "nil with rows": _nil_with_rows,
}
#: A slip of those without rows, outside the turns that MAKERS take.
EMPTY = Slip("empty", "error")
#: Taken, but next month could not be filled in on top of it.
CORRECTED = frozenset({"inspected too many", "fine too high", "name twice"})


class Story:
    """Deals out who sends what; every slip has its turn."""

    def __init__(self, seed: int, units: list[Unit], months: tuple[str, ...], slips: float) -> None:
        self.rng = Random(seed)
        self.seed = seed
        self.slips = slips
        self.turns = deque(MAKERS)
        self.replay = Replay(units, months)
        self.before: dict[tuple[str, str], tuple[Row, ...]] = {}

    def tell(self) -> Replay:
        series = {
            (table.form, unit.id): _series(self.rng, table, unit)
            for unit in self.replay.units
            for table in TABLES
        }
        for month in self.replay.months:
            for table in due_tables(month):
                for unit in self.replay.units:
                    rows = series[table.form, unit.id][MONTHS.index(month)]
                    self._unit(Sending(table, unit, month, FIRST, rows, is_nil=not rows))
            self.before = {
                (each.table.form, each.unit.id): each.rows for each in self.replay.in_force(month).values()
            }
        return self.replay

    def _send(self, sending: Sending) -> Sending:
        number = len(self.replay.sent)
        seed = sending.copy_of.seed if sending.copy_of else f"{self.seed}/{number}"
        self.replay.sent.append(replace(sending, seed=seed))
        return self.replay.sent[-1]

    def _unit(self, true: Sending) -> None:
        if not true.is_nil and self.rng.random() < self.slips and self._with_slip(true):
            return
        match self.rng.random():
            case chance if chance < 0.06:
                pass  # nothing ever comes
            case chance if chance < 0.14:
                self._send(replace(true, batch=LATE))
            case chance if chance < 0.2:
                first = self._send(true)
                self._send(replace(true, batch=SECOND, copy_of=first))
            case chance if chance < 0.28 and true.is_nil:
                self._send(replace(true, is_nil=False, slip=EMPTY))
                self._send(replace(true, batch=SECOND))
            case chance if chance < 0.28:
                self._send(replace(true, rows=self._higher(true)))
                self._send(replace(true, batch=SECOND))
            case _:
                self._send(true)

    def _higher(self, true: Sending) -> tuple[Row, ...]:
        """Wrong figures that nobody can see to be wrong: the first file of one that is replaced."""
        columns = [each.label for each in true.table.figures(true.month) if each.kind == "count"][2:]
        row, label = self.rng.randrange(len(true.rows)), self.rng.choice(columns)
        changed = {**true.rows[row], label: true.rows[row][label] + self.rng.randint(1, 9)}
        return (*true.rows[:row], changed, *true.rows[row + 1 :])

    def _with_slip(self, true: Sending) -> bool:
        """A file with the slip whose turn it is, and what comes after it."""
        before = self.before.get((true.table.form, true.unit.id))
        case = Case(self.rng, true.table, true.month, true.rows, before)
        for kind in list(self.turns):
            made = MAKERS[kind](case)
            if made is not None:
                break
        else:
            return False
        self.turns.remove(kind)
        self.turns.append(kind)
        rows, slip = made
        self._send(replace(true, rows=rows, slip=slip))
        if slip.weight == "error":
            after = self.rng.choice((SECOND, SECOND, SECOND, LATE, LATE, None))
        else:
            after = SECOND if slip.kind in CORRECTED else None
        if after is not None:
            self._send(replace(true, batch=after))
        return True


def tell(seed: int, units: list[Unit], months: tuple[str, ...] = MONTHS, slips: float = 0.25) -> Replay:
    """All that happens; ``slips`` is the share of tables in which something is wrong at first."""
    return Story(seed, units, months, slips).tell()
