"""While a file is read, checked and answered, nobody waits for the ledger."""

import io
from datetime import datetime

import openpyxl

from tests.tools import ROOT
from tests.web import ZONE, answer, office
from tracker.config.loader import load
from tracker.filing.filings import tables_due
from tracker.filing.provenance import ImportOptions
from tracker.forms.finding import Weight
from tracker.service.enclosures import blank_form
from tracker.store.database import write_meta
from tracker.usecases import ledger
from tracker.usecases.forms import intake as module
from tracker.usecases.forms import opening
from tracker.usecases.forms.intake import Intake

BAD_ROWS = 40
AT = datetime(2022, 6, 3, 10, tzinfo=ZONE)
CAMPAIGN = load(ROOT / "config").campaign
assert CAMPAIGN is not None
FORM = CAMPAIGN.forms["production-units"]


def filled(app, rows):
    """The unit's own form for June, with so many rows that have a text where a figure belongs."""
    with app.database.reading() as session:
        found = tables_due(session, app.snapshot, AT, AT.date(), AT.date().replace(day=30), units=["wanzhou"])
    table = next(each for each in found if each.ref == "table-2@2022-06")
    book = openpyxl.load_workbook(io.BytesIO(blank_form(app.snapshot, table, None, "zh").data))
    sheet = book.worksheets[0]
    first = next(row for row in range(1, 15) if sheet.cell(row, 1).value == 1)
    for each in [merged for merged in sheet.merged_cells.ranges if merged.min_row > first]:
        # The rules below the table make room for its rows.
        sheet.unmerge_cells(str(each))
        sheet.cell(each.min_row, 1).value = None
    for number in range(rows):
        sheet.cell(first + number, 1).value = number + 1
        sheet.cell(first + number, 2).value = f"第{number}培训机构"
        for column in range(3, 8):
            sheet.cell(first + number, column).value = "很多"
    data = io.BytesIO()
    book.save(data)
    return data.getvalue()


def test_others_write_while_a_file_is_checked_and_its_answer_drawn(tmp_path, monkeypatch):
    with office(tmp_path, at=AT) as app:
        done = []

        def beside(module, what):
            real = getattr(module, what)

            def work(*given, **more):
                with app.database.writing_if_free() as session:
                    write_meta(session, what, "free")
                done.append(what)
                return real(*given, **more)

            monkeypatch.setattr(module, what, work)

        for where, what in ((opening, "recognise"), (module, "check"), (module, "reply")):
            beside(where, what)
        with Intake(app, wanted=ImportOptions(unit="wanzhou")) as intake:
            (taken,) = intake.take("万州.xlsx", filled(app, BAD_ROWS))
        assert len(taken.of(Weight.ERROR)) >= BAD_ROWS
        assert taken.answer is not None
        assert done == ["recognise", "check", "reply"]


def test_what_somebody_else_filed_between_the_two_looks_is_seen(tmp_path, monkeypatch):
    """A table is checked against what is filed when it is taken, not against what was when it was looked at first."""
    with office(tmp_path, at=AT) as app:
        real, rounds = vars(module)["check"], []

        def check(found, **more):
            rounds.append(more)
            if len(rounds) == 1:
                # Another of the unit answers while this file is being checked.
                answer(app, "table-2@2022-06", "wanzhou")
            return real(found, **more)

        monkeypatch.setattr(module, "check", check)
        with Intake(app, wanted=ImportOptions(unit="wanzhou")) as intake:
            (taken,) = intake.take("万州.xlsx", filled(app, 2))
        assert len(rounds) == 2
        assert not taken.is_taken
        assert [each["event"] for each in ledger.history(app)] == ["submit"]


def both(*months):
    """A workbook with a table of each month, told by its period; the figure is what a month is given."""
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for number, (month, figure) in enumerate(months):
        sheet = book.create_sheet(f"表{number}")
        sheet.append(["填表单位：万州区应急管理局", None, None, f"期次：2022年{month}月"])
        sheet.append([column.full_label for column in FORM.columns])
        sheet.append([1, figure, 1])
    data = io.BytesIO()
    book.save(data)
    return data.getvalue()


def test_an_earlier_month_in_the_same_file_replaces_nothing(tmp_path):
    with office(tmp_path, at=AT) as app, Intake(app) as intake:

        def outcome(*months):
            return [
                (each.is_taken, each.is_again, len(each.of(Weight.ERROR)))
                for each in intake.take("表.xlsx", both(*months))
            ]

        assert outcome((5, 50), (6, 60)) == [(True, False, 0), (True, False, 0)]
        assert outcome((5, 50), (6, 61)) == [(True, True, 0), (True, False, 0)]
        assert outcome((5, 51), (6, 61)) == [(False, False, 1), (True, True, 0)]
        assert outcome((6, 62), (6, 63)) == [(False, False, 1)]
