"""Whose table a file is and of which month: by its mark, its header, its name, and by what a person says."""

import io
import json
from datetime import date, datetime

import openpyxl
import pytest
from sqlalchemy import select

from tests.tools import ROOT, in_zh, quick_folder
from tests.web import ZONE, answer, office, turn
from tracker.config.loader import load
from tracker.core.form import ColumnKind
from tracker.core.model import EventKind
from tracker.filing.filings import in_force_filings, tables_due
from tracker.filing.provenance import ImportOptions
from tracker.forms.finding import Weight
from tracker.forms.read.sandboxed_reader import Reader
from tracker.service.enclosures import blank_form
from tracker.store.tables import MAIL
from tracker.usecases.forms.intake import Intake

CAMPAIGN = load(ROOT / "config").campaign
assert CAMPAIGN is not None
TRAINING = CAMPAIGN.forms["training-institutions"]
UNITS = CAMPAIGN.forms["production-units"]
JUNE = datetime(2022, 6, 3, 10, tzinfo=ZONE)
MAY = datetime(2022, 5, 4, 9, tzinfo=ZONE)


def table(
    period="", day="", figure=1, *, unit="万州区应急管理局", form=TRAINING, title="", sheet="", level=""
):
    """A table that a clerk made, without our mark, as ``.xlsx``."""
    book = openpyxl.Workbook()
    name, sheet = sheet, book.worksheets[0]
    sheet.title = name or sheet.title
    if title:
        sheet.append([title])
    sheet.append([f"填表单位：{unit}", None, f"填表时间：{day}", None, f"期次：{period}"])
    sheet.append([column.full_label for column in form.columns])
    row = {ColumnKind.SERIAL: 1, ColumnKind.NAME: "甲学校", ColumnKind.COUNT: figure}
    sheet.append([level or None if column.id == "level" else row.get(column.kind) for column in form.columns])
    data = io.BytesIO()
    book.save(data)
    return data.getvalue()


class Desk:
    """Takes files in, on one day."""

    def __init__(self, app, reader):
        self.app = app
        self.reader = reader

    def take(self, data, name="表.xlsx", folder="", **wanted):
        """For which month it was taken (or would be, with ``?`` before it where that was asked), else the errors."""
        with Intake(self.app, wanted=ImportOptions(**wanted), reader=self.reader) as intake:
            (taken,) = intake.take(name, data, folder)
        errors = taken.of(Weight.ERROR)
        if errors:
            return " ".join(in_zh(each.message) for each in errors)
        about = [
            each
            for each in taken.of(Weight.QUESTION)
            if "应报" in in_zh(each.message) or "管理局" in in_zh(each.message)
        ]
        assert taken.table is not None
        return f"{'?' if about else ''}{taken.table.unit}:{taken.table.ref}"

    def asked(self, data, name="表.xlsx"):
        """What is asked about the head of a file, by cell."""
        with Intake(self.app, reader=self.reader) as intake:
            (taken,) = intake.take(name, data)
        assert not taken.of(Weight.ERROR)
        return {each.cell: in_zh(each.message) for each in taken.of(Weight.QUESTION)}

    def on(self, day):
        """The same on another day."""
        turn(self.app, datetime.fromisoformat(f"{day}T10:00:00+08:00"))
        return self

    def figures(self, form=TRAINING):
        """What is in force, by reference: the first figure of each."""
        column = next(each.id for each in form.columns if each.kind is ColumnKind.COUNT)
        with self.app.database.reading() as session:
            found = tables_due(
                session, self.app.snapshot, JUNE, date.min, date.max, units=["wanzhou"], forms=[form.id]
            )
            filings = in_force_filings(session, self.app.snapshot.campaign.forms, found)
        return {
            each.ref: filings[each.id].filed.rows[0].values[column] for each in found if each.id in filings
        }


@pytest.fixture(scope="module")
def reader():
    with Reader() as reader:
        yield reader


@pytest.fixture
def desk(reader):
    with quick_folder() as folder, office(folder, at=JUNE) as app:
        yield Desk(app, reader)


def test_the_month_told_of_goes_to_the_month_due_once_the_named_one_is_in(desk):
    assert desk.take(table("2022年5月", "2022-05-03", 50)) == "wanzhou:table-2@2022-05"
    again = table("2022年5月", "2022-06-03", 60)
    assert desk.take(again) == "wanzhou:table-2@2022-06"
    assert desk.figures() == {"table-2@2022-05": 50, "table-2@2022-06": 60}
    # The same file, and a correction of it, are for the same month; another that could be either replaces neither.
    assert desk.take(again) == "wanzhou:table-2@2022-06"
    assert desk.take(table("2022年5月", "2022-06-03", 61)) == "wanzhou:table-2@2022-06"
    assert desk.take(table("2022年5月", "2022-05-03", 51)) == "wanzhou:table-2@2022-05"
    assert "分不清是2022年5月应报还是2022年6月应报" in desk.take(table("2022年5月", "2022-06-04", 62))
    assert desk.figures() == {"table-2@2022-05": 51, "table-2@2022-06": 61}


def test_a_period_that_was_left_under_a_new_day_replaces_nothing(desk):
    assert desk.take(table("2022年4月", "2022-05-03", form=UNITS)).endswith("wanzhou:table-4@2022-05")
    again = table("2022年4月", "2022-06-03", form=UNITS)
    assert "填表时间却是2022-06-03" in desk.take(again)
    # Of a table that is not in it is a reading.
    assert desk.take(table("2022年4月", "2022-06-03", form=UNITS, unit="涪陵区应急管理局")).endswith(
        "table-4@2022-05"
    )


def test_where_both_months_fit_it_is_asked_and_nothing_is_replaced(desk):
    assert desk.take(table("2022年5月", "2022-06-03", 60)) == "?wanzhou:table-2@2022-06"
    assert desk.take(table("2022年5月", "2022-06-02", 50)) == "?wanzhou:table-2@2022-05"
    assert desk.figures() == {"table-2@2022-05": 50, "table-2@2022-06": 60}


def test_april_in_may_is_no_self_check(reader):
    """It keeps the columns that the self-check leaves out, and what is in for April stays."""
    with quick_folder() as folder, office(folder, at=MAY) as app:
        desk = Desk(app, reader)
        assert desk.take(table("2022年4月", "2022-05-04", 7)) == "?wanzhou:table-2@2022-05"
        answer(app, "table-2-self-check", "fuling", EventKind.SUBMIT)
        theirs = table("2022年4月", "2022-05-04", 8, unit="涪陵区应急管理局")
        assert desk.take(theirs) == "fuling:table-2@2022-05"
        assert desk.take(table("2022年4月", "2022-04-14", 9)) == "wanzhou:table-2-self-check"
        # Annex 4 has no table of April.
        assert desk.take(table("4月", "2022-05-04", form=UNITS)) == "wanzhou:table-4@2022-05"


@pytest.mark.parametrize(
    ("period", "day", "ref"),
    [("2022年6月应报，5月份情况", "2022-05-03", "table-2@2022-06"), ("5月份情况", "2022-06-03", "table-2@2022-06"),
     ("2022年1-5月", "2022-06-03", "table-2@2022-06"), ("2022年6月", "2022-06-03", "table-2@2022-06"),
     ("2022年5月（5月5日前报送）", "2022-06-03", "table-2@2022-05"), ("2022年5月", "2022-05-30", "table-2@2022-05")],
)  # fmt: skip
def test_what_the_header_says_of_both_months_needs_no_question(desk, period, day, ref):
    assert desk.take(table(period, day)) == f"wanzhou:{ref}"


def ours(app, month, period=None, figure=5):
    """Our own form of a month for 万州, filled in."""
    with app.database.reading() as session:
        found = tables_due(session, app.snapshot, JUNE, date.min, date.max, units=["wanzhou"])
    mine = next(each for each in found if each.ref == f"table-2@{month}")
    book = openpyxl.load_workbook(io.BytesIO(blank_form(app.snapshot, mine, None, "zh").data))
    sheet = book.worksheets[0]
    (printed,) = [cell for row in sheet.iter_rows(max_row=5) for cell in row if "应报" in str(cell.value)]
    printed.value = period or printed.value
    first = next(row for row in range(1, 30) if sheet.cell(row, 1).value == 1)
    sheet.cell(first, 2).value, sheet.cell(first, 3).value = "甲学校", figure
    data = io.BytesIO()
    book.save(data)
    return data.getvalue()


def test_our_own_mark_decides(desk):
    assert desk.take(ours(desk.app, "2022-06")) == "wanzhou:table-2@2022-06"
    assert desk.take(ours(desk.app, "2022-06", "2022年5月")) == "?wanzhou:table-2@2022-06"
    assert "期次却写着" in desk.take(ours(desk.app, "2022-06", "2022年7月"))
    assert "--force" in desk.take(ours(desk.app, "2022-06"), month=date(2022, 7, 1))
    assert "--force" in desk.take(ours(desk.app, "2022-06"), unit="fuling")


def test_a_month_that_a_person_says_against_the_file_is_refused_unless_forced(desk):
    month = date(2022, 7, 1)
    june = table("2022年6月", "2022-06-03")
    assert "表里写的是2022年6月应报，命令说的是2022年7月应报" in desk.take(june, month=month)
    assert desk.take(june, month=month, force=True) == "wanzhou:table-2@2022-07"
    undated = table("2022年6月")
    for now in ("2022-06-08", "2026-12-01"):
        turn(desk.app, datetime.fromisoformat(f"{now}T10:00:00+08:00"))
        assert "--force" in desk.take(undated, month=month)
    # What the file leaves open is for the person to say.
    assert desk.take(table("2022年5月", "2022-06-03"), month=date(2022, 5, 1)) == "wanzhou:table-2@2022-05"
    assert desk.take(table("", "2022-06-03"), month=date(2022, 8, 1)) == "?wanzhou:table-2@2022-08"
    assert "2022年3月没有应报的此表" in desk.take(june, month=date(2022, 3, 1), force=True)


def test_a_unit_that_a_person_says_against_the_file_is_refused_unless_forced(desk):
    data = table("2022年6月", "2022-06-03")
    assert "命令说的是涪陵区应急管理局" in desk.take(data, unit="fuling")
    assert desk.take(data, unit="fuling", force=True) == "fuling:table-2@2022-06"
    assert desk.take(table("2022年6月", unit="某局"), unit="fuling") == "fuling:table-2@2022-06"


def test_a_unit_that_only_a_name_tells_is_asked_and_the_header_holds_against_it(desk):
    nobody = table("2022年6月", "2022-06-03", unit="")
    assert "没有填写填表单位" in desk.take(nobody)
    assert desk.take(nobody, "渝中区附件2.xlsx") == "?yuzhong:table-2@2022-06"
    assert desk.take(nobody, "6月.xlsx", "in/大足区") == "?dazu:table-2@2022-06"
    assert desk.take(table("2022年6月", "2022-06-03"), "涪陵.xlsx") == "?wanzhou:table-2@2022-06"
    assert desk.take(table("2022年6月", "2022-06-03"), "6月.xlsx", "in/涪陵") == "wanzhou:table-2@2022-06"


def test_a_guess_by_the_day_replaces_nothing(desk):
    assert desk.take(table("2022年6月", "2022-06-03", 60)) == "wanzhou:table-2@2022-06"
    early = table("", "2022-05-28", 61)
    assert "那一期已报过，没有替换" in desk.take(early)
    assert desk.figures() == {"table-2@2022-06": 60}
    undated = table("", "", 70, form=UNITS)
    assert desk.take(undated) == "?wanzhou:table-4@2022-06"
    assert desk.take(undated) == "wanzhou:table-4@2022-06"
    assert "没有替换" in desk.take(table("", "", 71, form=UNITS))


@pytest.fixture
def may(reader):
    with quick_folder() as folder, office(folder, at=MAY) as app:
        yield Desk(app, reader)


@pytest.mark.parametrize(
    "day", ["2022-05-03", "2022年5月3日", "2022-05-03 16:20", "5月3日", "2022年5月", "2022年5月32日"]
)
def test_last_months_day_on_this_months_table_replaces_nothing(may, day):
    may.take(table("", "2022-05-03", 50))
    told = may.on("2022-06-03").take(table("", day, 60))
    assert "分不清是2022年5月应报还是2022年6月应报；2022年5月应报的已报过，没有替换" in told
    assert may.figures() == {"table-2@2022-05": 50}
    # With its own day it is June's.
    assert may.take(table("", "2022-06-03", 60)) == "wanzhou:table-2@2022-06"
    assert may.figures() == {"table-2@2022-05": 50, "table-2@2022-06": 60}


def test_an_old_day_is_asked_about_where_neither_month_is_in(may):
    assert may.on("2022-06-03").take(table("", "2022-05-03")) == "?wanzhou:table-2@2022-05"


def test_last_months_day_beside_the_month_told_of_replaces_nothing(may):
    may.take(table("2022年4月", "2022-05-03", 50))
    assert "没有替换" in may.on("2022-06-03").take(table("2022年5月", "2022-05-03", 60))
    assert "没有替换" not in may.take(table("2022年5月", "2022-06-03", 60))
    assert may.figures()["table-2@2022-05"] == 50


@pytest.mark.parametrize(
    ("on", "day"), [("2022-05-04", "2022-05-03"), ("2022-05-10", "2022-05-03"), ("2022-05-06", "2022-05-06")]
)
def test_a_correction_by_the_day_counts_while_no_other_table_is_asked_for(may, on, day):
    may.take(table("", "2022-05-03", 50))
    assert may.on(on).take(table("", day, 51)).removeprefix("?") == "wanzhou:table-2@2022-05"
    assert may.figures() == {"table-2@2022-05": 51}


@pytest.mark.parametrize("day", ["2022年6月3日", "2022-07-03", "2022年12月31日"])
def test_a_day_that_has_not_come_says_nothing_and_is_asked_about(may, day):
    told = may.asked(table("", day, 50))
    assert "还没有到，按收到的日子作为2022年5月应报的表" in told["C1"]
    assert "没有替换" in may.take(table("", day, 51))
    assert may.figures() == {"table-2@2022-05": 50}
    assert "还没有到" in may.asked(table("2022年5月", day, 52))["C1"]


def test_a_table_of_a_month_that_is_not_over_is_asked_about(may):
    assert "2022年5月却还没有过完，没有采用" in may.take(table("2022年6月", "2022-05-03"))
    told = may.asked(table("2022年4月-5月", "2022-05-03", 50))
    assert "可能是2022年5月应报，也可能是2022年6月应报" in told["E1"]
    assert may.figures() == {"table-2@2022-05": 50}
    # Near its date it may come early.
    assert "2022年5月还没有过完" in may.on("2022-05-30").asked(table("2022年6月应报", "2022-05-30", 60))["E1"]
    assert may.figures() == {"table-2@2022-05": 50, "table-2@2022-06": 60}


def test_a_period_that_names_no_month_is_asked_about(may):
    assert "期次“2022年第二季度”看不出是哪一个月" in may.asked(table("2022年第二季度", "2022-05-03"))["E1"]


@pytest.mark.parametrize(
    ("day", "said"),
    [("2022年5月32日", "读不出是哪一天"), ("2022年五月初三", "读不出是哪一天"), ("2022年5月", "读不出是哪一天"),
     ("昨天", "读不出是哪一天"), ("04/05/2022", "按2022-05-04读取"), ("2022-05-03 16:20", None),
     ("22年5月3日", None), ("22.5.3", None),
     ("5月3日", None), ("44684", None)],
)  # fmt: skip
def test_a_day_is_read_as_far_as_it_can_be_and_asked_about_at_its_cell(may, day, said):
    told = may.asked(table("", day))
    assert may.figures().keys() == {"table-2@2022-05"}
    assert not [each for each in told.values() if "没有写明" in each]
    assert (said in told["C1"]) if said else "C1" not in told


def test_a_correction_that_fills_what_the_self_check_leaves_out_is_none(may):
    may.take(table("", "2022-05-03", 50))
    named = table("2022年4月份", "2022-05-06", 51, level="市级")
    assert may.on("2022-05-06").take(named) == "wanzhou:table-2@2022-05"
    assert may.figures() == {"table-2@2022-05": 51}


TITLE = "安全生产培训“走过场”专项整治进展情况汇总表（培训机构）"


@pytest.mark.parametrize(
    ("title", "sheet", "name", "cell", "said"),
    [(f"江北区{TITLE}", "", "表", "A1", "江北区应急管理局"), (f"2021年4月{TITLE}", "", "表", "A1", "别的月份"),
     (TITLE.replace("培训机构", "考试机构"), "", "表", "A1", "附件3"), ("附件4", "", "表", "A1", "附件4"),
     ("", "3月", "表", None, "别的月份"), ("", "附件3", "表", None, "附件3"), ("", "涪陵区", "表", None, "涪陵区应急管理局"),
     ("", "", "万州附件2（12月）", None, "别的月份"), ("", "", "2021年附件2", None, "别的月份"),
     ("", "", "附件3万州", None, "附件3"),
     (f"万州区2022年4月{TITLE}", "5月", "万州附件2（4月份）3月31日起草", None, None)],
)  # fmt: skip
def test_a_title_a_sheet_and_a_name_that_contradict_the_header_are_asked_about(
    may, title, sheet, name, cell, said
):
    told = may.asked(table("", "2022-05-03", title=title, sheet=sheet), f"{name}.xlsx")
    assert may.figures().keys() == {"table-2@2022-05"}
    assert (said in told[cell]) if said else not told


def test_a_unit_that_only_the_title_says_is_asked_about(may):
    assert may.take(table("", "2022-05-03", unit="", title=f"江北区{TITLE}")) == "?jiangbei:table-2@2022-05"


def test_a_day_before_the_month_told_of_is_asked_about(may):
    assert "早于" in may.asked(table("2022年5月", "2022-03-20"))["C1"]


def with_a_second_head(data, **cells):
    """The table with one more line of its header: cells by their column."""
    book = openpyxl.load_workbook(io.BytesIO(data))
    (sheet,) = book.worksheets
    sheet.insert_rows(2)
    for column, text in cells.items():
        sheet[f"{column}2"] = text
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def test_a_header_that_names_two_units_or_periods_is_that_of_none(may):
    """Last month's line, or a neighbour's, was left below one's own."""
    own = table("2022年5月应报", "2022-05-03", 50)
    theirs = with_a_second_head(own, A="填表单位：涪陵区应急管理局")
    assert "填表单位写了两处：万州区应急管理局、涪陵区应急管理局" in may.take(theirs)
    assert "这是涪陵区应急管理局的表" in may.take(theirs, unit="wanzhou")
    assert may.take(theirs, unit="wanzhou", force=True) == "wanzhou:table-2@2022-05"
    assert "期次写了两处" in may.take(with_a_second_head(own, A="期次：2022年4月应报"))
    # The same once more, and who else had to do with it, say nothing new.
    same = with_a_second_head(own, A="报送单位：万州区应急局", C="报送日期：2022-05-04", E="期次：2022-05")
    assert may.take(same) == "wanzhou:table-2@2022-05"


def test_two_days_of_filling_in_are_asked_about_and_replace_nothing(may):
    own = table("", "2022-05-03", 50)
    assert may.asked(with_a_second_head(own, C="填表时间：2022-04-03")) == {
        "C2": "填表时间写了两处：“2022-05-03”“2022-04-03”，按前一处读取，请核对。"
    }
    both = with_a_second_head(table("", "2022-05-04", 60), C="填表时间：2022-04-03")
    assert "没有替换" in may.take(both)
    assert may.figures() == {"table-2@2022-05": 50}


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (table("2021年3月应报", "2022-05-03"), "2021年3月没有应报的此表"),
        (table("", "2021-05-03"), "早于文件印发"),
        (with_a_second_head(table("2022年5月应报"), A="期次：2022年4月应报"), "期次写了两处"),
    ],
)
def test_a_table_that_is_of_no_period_is_told_of_to_its_unit(may, data, why):
    """Whoever sent it would wait for nothing else than that it was taken."""
    with Intake(may.app, reader=may.reader) as intake:
        taken = intake.take("五月的表.xlsx", data)
        assert intake.send_receipts(taken) == 1
    assert [each.facts("zh")["unit"] for each in taken] == ["wanzhou"]
    with may.app.database.reading() as session:
        (mail,) = session.execute(select(MAIL).where(MAIL.c.kind == "receipt")).all()
    details = json.loads(mail.details)
    assert mail.recipient == "wanzhou@yingji.example"
    assert why in details["files"][0]["errors"][0]["message"]
    assert len(details["enclosed"]) == 1


def test_a_table_whose_unit_cannot_be_told_is_told_of_to_nobody(may):
    data = with_a_second_head(table("2022年5月应报"), A="填表单位：涪陵区应急管理局")
    with Intake(may.app, reader=may.reader) as intake:
        assert intake.send_receipts(intake.take("表.xlsx", data)) == 0


@pytest.mark.parametrize("period", ["2022年5月应报", "2022年4月"])
@pytest.mark.parametrize("form", [TRAINING, UNITS])
def test_last_months_whole_head_on_other_figures_replaces_nothing(may, form, period):
    """While the next table is asked for and not in, the file may be that one."""

    def own(figure, day="2022-05-03", period=period):
        return table(period, day, figure, form=form)

    def figures():
        return list(may.figures(form).values())

    may.take(own(50))
    assert may.on("2022-05-20").take(own(51)).endswith("@2022-05")
    told = may.on("2022-06-03").take(own(60))
    assert "分不清是哪一期的，没有替换；报2022年6月应报的请改期次和填表时间" in told
    assert figures() == [51]
    # The same figures once more say nothing new; a correction says that it is one.
    assert may.take(own(51), name="又一份.xlsx").endswith("@2022-05")
    assert may.take(own(52), name="附件（更正）.xlsx").endswith("@2022-05")
    assert may.take(own(53, "2022-06-03", "2022年5月应报（更正）")).endswith("@2022-05")
    assert figures() == [53]
    # Once June is in, it can be nothing else.
    due = "2022年5月应报"
    may.take(own(53, "2022-05-03", due), name="附件（更正）.xlsx")
    assert may.take(own(60, "2022-06-03", "2022年6月应报")).endswith("@2022-06")
    assert may.take(own(54, "2022-05-03", due)).endswith("@2022-05")


def test_our_own_form_of_last_month_with_other_figures_replaces_nothing(may):
    assert may.take(ours(may.app, "2022-05")).endswith("table-2@2022-05")
    assert "没有替换" in may.on("2022-06-03").take(ours(may.app, "2022-05", figure=60))
    assert may.figures() == {"table-2@2022-05": 5}
