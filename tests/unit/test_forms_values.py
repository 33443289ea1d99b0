"""One cell is read by the kind of its column, however people write it."""

from datetime import datetime, time
from decimal import Decimal
from pathlib import Path

import pytest

from tests.tools import in_en, in_zh
from tracker.config.loader import load
from tracker.core.form import Column, ColumnKind
from tracker.forms.book import Cell
from tracker.forms.check.figures import chinese_number
from tracker.forms.check.values import read_value
from tracker.forms.finding import Weight

CAMPAIGN = load(Path("config")).campaign
assert CAMPAIGN is not None
TRAINING = CAMPAIGN.forms["training-institutions"].by_id
ITEMS, PEOPLE = TRAINING["records"], TRAINING["managers_trained"]
HOUSES = Column("houses", "企业", ColumnKind.COUNT, unit="家")
FINE, TICK = TRAINING["fine"], TRAINING["ordered"]
STATE, LEVEL, NAME = TRAINING["rectification"], TRAINING["level"], TRAINING["name"]

CLEAN, READING, QUESTION, ERROR = None, Weight.READING, Weight.QUESTION, Weight.ERROR


@pytest.mark.parametrize(
    ("column", "content", "value", "weight"),
    [
        # counts
        (ITEMS, 3, 3, CLEAN),
        (ITEMS, 0, 0, CLEAN),
        (ITEMS, 3.0, 3, CLEAN),
        (ITEMS, 2.9999999999999996, 3, CLEAN),
        (ITEMS, None, None, CLEAN),
        (ITEMS, "  ", None, CLEAN),
        (ITEMS, "\u3000\u00a0", None, CLEAN),
        (ITEMS, "3", 3, READING),
        (ITEMS, "３", 3, READING),
        (ITEMS, "3.0", 3, READING),
        (PEOPLE, "1,200", 1200, READING),
        (PEOPLE, "１，２００", 1200, READING),
        (ITEMS, " 3\u00a0", 3, READING),
        (ITEMS, "'3", 3, READING),
        (ITEMS, "\u200b3", 3, READING),
        (ITEMS, "3项", 3, READING),
        (ITEMS, "3 个", 3, READING),
        (HOUSES, "３家", 3, READING),
        (PEOPLE, "3人次", 3, READING),
        (PEOPLE, "3人次/年", 3, READING),
        (PEOPLE, "三十人", 30, READING),
        (ITEMS, "三", 3, READING),
        (ITEMS, "一百二十", 120, READING),
        (ITEMS, "无", 0, READING),
        (ITEMS, "〇", 0, READING),
        (ITEMS, "零", 0, READING),
        (ITEMS, "-", None, READING),
        (ITEMS, "—", None, READING),
        (ITEMS, "/", None, READING),
        (ITEMS, "5人", 5, QUESTION),
        (ITEMS, "5家", 5, QUESTION),
        (ITEMS, "3万元", None, ERROR),
        (ITEMS, "3万", 30000, QUESTION),
        (PEOPLE, "1.2万人次", 12000, QUESTION),
        (PEOPLE, "1 090", 1090, READING),
        (PEOPLE, "1 0900", None, ERROR),
        (ITEMS, "5(项)", 5, READING),
        (ITEMS, "５（项）", 5, READING),
        (ITEMS, "共5项", 5, READING),
        (ITEMS, "共计 5 项。", 5, READING),
        (ITEMS, "5（家）", 5, QUESTION),
        (ITEMS, "（5）", None, ERROR),
        (ITEMS, "未发现", 0, READING),
        (ITEMS, "暂无", 0, READING),
        (PEOPLE, "一万二千", 12000, READING),
        (PEOPLE, "一万零二", 10002, READING),
        (PEOPLE, "一万二", 12000, QUESTION),
        (PEOPLE, "两千三", 2300, QUESTION),
        (ITEMS, "约3", None, ERROR),
        (ITEMS, "3-5", None, ERROR),
        (ITEMS, "3+2", None, ERROR),
        # A footnote's mark is none of the figure, and is asked about.
        (ITEMS, "3²", 3, QUESTION),
        (ITEMS, "3 (注²)", 3, QUESTION),
        (ITEMS, "3①", 3, QUESTION),
        (ITEMS, "3*", 3, QUESTION),
        (ITEMS, "²", None, ERROR),
        (NAME, "甲培训中心²", "甲培训中心", READING),
        # A number of which its format shows another one.
        (FINE, Cell(15000, shown="1.5万元"), Decimal("1.5"), QUESTION),
        (FINE, Cell(1.5, shown="1.5万元"), Decimal("1.5"), CLEAN),
        (FINE, Cell(500, shown="500元"), None, ERROR),
        (FINE, Cell(0.15, shown="15%"), None, ERROR),
        (ITEMS, Cell(15, shown="1.5"), None, ERROR),
        (FINE, Cell(15000, "=A1", shown="1.5万元"), Decimal("1.5"), QUESTION),
        # What a formula came to may be nothing.
        (ITEMS, Cell("", '=IF(A6=9,1,"")'), None, CLEAN),
        (ITEMS, Cell(" ", "=B1"), None, CLEAN),
        (TICK, Cell("", "=B1"), None, CLEAN),
        (ITEMS, "③", None, ERROR),
        (ITEMS, "12,00", None, ERROR),
        (ITEMS, "1.000", None, ERROR),
        (ITEMS, "一百二", 120, QUESTION),
        (ITEMS, "三五", None, ERROR),
        (ITEMS, "2.5", None, ERROR),
        (ITEMS, 2.5, None, ERROR),
        (ITEMS, -1, None, ERROR),
        (ITEMS, "-3", None, ERROR),
        (ITEMS, "－3", None, ERROR),
        (ITEMS, "√", None, ERROR),
        (ITEMS, True, None, ERROR),
        (ITEMS, datetime(2022, 3, 5), None, ERROR),
        (ITEMS, time(3, 5), None, ERROR),
        (ITEMS, 13512345678, None, ERROR),
        (ITEMS, float("inf"), None, ERROR),
        (ITEMS, float("nan"), None, ERROR),
        (ITEMS, Cell(2, "=1+1"), 2, READING),
        (ITEMS, Cell(0, "=SUM(B2:B3)"), 0, QUESTION),
        (ITEMS, Cell(2, "=[1]Sheet1!A1"), 2, QUESTION),
        (ITEMS, Cell(-2, "=1-3"), None, ERROR),
        (ITEMS, Cell("很多", "=A1"), None, ERROR),
        (ITEMS, Cell(None, "=A1"), None, ERROR),
        (ITEMS, Cell("#REF!", is_error=True), None, ERROR),
        # amounts
        (FINE, 3, Decimal(3), CLEAN),
        (FINE, 1000, Decimal(1000), CLEAN),
        (FINE, 1.5, Decimal("1.5"), CLEAN),
        (FINE, 0.1 + 0.2, Decimal("0.3"), CLEAN),
        (FINE, "3万元", Decimal(3), READING),
        (FINE, "3.5万", Decimal("3.5"), READING),
        (FINE, "三万元", Decimal(3), READING),
        (FINE, "1.5", Decimal("1.5"), READING),
        (FINE, 1500, Decimal(1500), QUESTION),
        (FINE, "30000", Decimal(30000), QUESTION),
        (FINE, "30000元", None, ERROR),
        (FINE, "￥30000", None, ERROR),
        (FINE, "3人", None, ERROR),
        (FINE, "√", None, ERROR),
        (FINE, -1, None, ERROR),
        # ticks
        (TICK, "√", True, CLEAN),
        *((TICK, mark, True, READING) for mark in ("√ ", "✓", "✔", "☑", "✅", "v", "V", "Y", "是", "有", "1", "对")),
        *((TICK, mark, True, READING) for mark in (1, 1.0, True, "true", "●", "■", "ü", "þ", "P", "R", "√√", "限期改正")),
        *((TICK, mark, None, READING) for mark in ("×", "✗", "否", "无", "0", "-", "/", "□", "☐", 0, False)),
        *((TICK, mark, True, READING) for mark in ("打√", "ν", "打勾", "✔\ufe0f", "已打√")),
        *((TICK, mark, True, QUESTION) for mark in ("√（5月）", "√已下达文书")),
        *((TICK, mark, None, QUESTION) for mark in ("已处理", "已责令限期改正", "O", "拟√", "见备注")),
        *((TICK, mark, None, ERROR) for mark in ("罚款3万元", 3, "3", "√ 2万元", datetime(2022, 5, 3))),
        # choices
        (STATE, "正在整改", "正在整改", CLEAN),
        (STATE, " 正在 整改。", "正在整改", READING),
        (STATE, "整改中", "正在整改", READING),
        (STATE, "已完成整改（5月10日）", "已完成整改", READING),
        (STATE, "目前正在整改", "正在整改", READING),
        (STATE, "/", None, READING),
        (STATE, "基本完成整改", "已完成整改", QUESTION),
        (STATE, "已完成整改2项，其余待查", "已完成整改", QUESTION),
        (STATE, "未完成整改", None, ERROR),
        (STATE, "5月底前完成整改", None, ERROR),
        (STATE, "2项已完成整改，1项未整改", None, ERROR),
        (STATE, "已约谈", None, ERROR),
        (STATE, 3, None, ERROR),
        *((STATE, text, None, READING) for text in ("无需整改", "没有问题", "不涉及", "不需要整改", "经检查未发现问题")),
        *((STATE, text, "已完成整改", READING) for text in ("整改到位", "全部整改", "已全部整改", "已整改到位")),
        *((STATE, text, None, ERROR) for text in ("未", "不整改", "无法整改")),
        *((LEVEL, text, None, ERROR) for text in ("市、区县级", "市和区县级", "市区县级", "市级、区级", "区县级/市")),
        *((LEVEL, text, "区县级", READING) for text in ("区、县级", "万州区应急局")),
        *((ITEMS, text, 0, READING) for text in ("-0", "－0.0", "—0")),
        *((FINE, text, None, ERROR) for text in ("-0.5", "-05", "-10")),
        (LEVEL, "区县", "区县级", READING),
        (LEVEL, "渝中区应急管理局", "区县级", READING),
        (LEVEL, "市、区", None, ERROR),
        # names
        (NAME, " 甲培训\n中心 ", "甲培训 中心", CLEAN),
        (NAME, 12, "12", QUESTION),
        (NAME, "校" * 200, "校" * 200, CLEAN),
        (NAME, "校" * 201, None, ERROR),
        (NAME, Cell("甲", "=B2"), "甲", READING),
        (TRAINING["serial"], Cell(1, "=ROW()"), None, CLEAN),
    ],
)  # fmt: skip
def test_a_cell_is_read(column, content, value, weight):
    read = read_value(column, content if isinstance(content, Cell) else Cell(content))
    assert (read.value, type(read.value)) == (value, type(value))
    assert (read.finding and read.finding.weight) is weight
    if read.finding is not None:
        assert in_zh(read.finding.message)
        assert in_en(read.finding.message)


def test_what_stands_beside_a_choice_is_kept():
    assert read_value(STATE, Cell("已完成整改（5月10日）")).note == "已完成整改（5月10日）"


def test_a_fine_in_yuan_is_told_what_it_would_be():
    finding = read_value(FINE, Cell("30000元")).finding
    assert finding is not None
    assert in_zh(finding.message) == "本栏计量单位是万元，30000元应写成3。"
    assert in_zh(finding.expected) == "3（万元）"


def test_the_stored_value_of_a_formula_is_named():
    finding = read_value(ITEMS, Cell(2.0, "=1+1")).finding
    assert finding is not None
    assert "“2”" in in_zh(finding.message)


def test_a_date_that_a_spreadsheet_made_is_named():
    finding = read_value(ITEMS, Cell(datetime(2022, 3, 5))).finding
    assert finding is not None
    assert "2022-03-05" in in_zh(finding.message)


@pytest.mark.parametrize(
    ("text", "number"),
    [("十", 10), ("十二", 12), ("二十", 20), ("两百", 200), ("一百零二", 102), ("一千二百三十四", 1234),
     ("贰拾", 20), ("一千零二十", 1020), ("十十", None), ("百", None), ("", None), ("三〇", None)],
)  # fmt: skip
def test_chinese_numerals(text, number):
    assert chinese_number(text) == number
