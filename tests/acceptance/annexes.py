"""Annexes 2, 3 and 4 as an outsider copies them: columns by their labels, who fills them in, and when."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

MONTHS = ("2022-04", "2022-05", "2022-06", "2022-07", "2022-08", "2022-09", "2022-10")
SELF_CHECK = MONTHS[0]
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


def sums(table: Table, month: str, rows: Iterable[Row]) -> dict[str, Decimal]:
    """Every column of figures added up, and of √ how many."""
    rows = list(rows)
    return {
        column.label: sum((Decimal(row.get(column.label) or 0) for row in rows), Decimal(0))
        for column in table.asked(month)
        if column.kind in {*FIGURES, "tick"}
    }
