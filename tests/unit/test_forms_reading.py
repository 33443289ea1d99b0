"""Workbooks of every kind read as the programs that wrote them mean it; openpyxl is the yardstick."""

import io
import subprocess
import zipfile
from datetime import datetime, time

import openpyxl
import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl.worksheet.formula import ArrayFormula

from tests.books import read_book
from tests.tools import made_once, required
from tracker.forms.book import Merge
from tracker.forms.read.excel_dates import from_serial, is_date_format
from tracker.forms.read.file_kind import kind_of
from tracker.forms.read.sandboxed_reader import Reader

WORKBOOK = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def sample(*, formulas=True, is_1904=False):
    """What people fill in, and what they should not."""
    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream, {"in_memory": True, "date_1904": is_1904}) as book:
        sheet = book.add_worksheet("附件2 表")
        bold = book.add_format({"bold": True, "border": 1})
        sheet.merge_range(0, 0, 0, 5, "职业技能培训机构信息汇总表", bold)
        sheet.merge_range("B2:B4", "合并", bold)
        rows = ["文字", " 前后空格 ", "两\n行", "<&>\"'", "３家", "0012", "𠮷", "√"]
        for row, text in enumerate(rows, start=5):
            sheet.write_string(row, 0, text)
        sheet.write_rich_string(20, 0, "前", bold, "粗", "后")
        for row, number in enumerate([0, 1, -3, 2.5, 1e20, 0.1, 123456789012, 99.99], start=5):
            sheet.write_number(row, 1, number)
        date = book.add_format({"num_format": 'yyyy"年"m"月"d"日"'})
        clock = book.add_format({"num_format": "hh:mm:ss"})
        sheet.write_datetime(5, 2, datetime(2022, 5, 31), date)
        sheet.write_datetime(6, 2, datetime(2022, 5, 31, 17, 30), book.add_format({"num_format": 22}))
        sheet.write_datetime(7, 2, time(9, 30), clock)
        sheet.write_number(8, 2, 12.5, book.add_format({"num_format": '0.00"元"'}))
        sheet.write_number(9, 2, 0.25, book.add_format({"num_format": "0%"}))
        sheet.write_boolean(5, 3, True)
        sheet.write_boolean(6, 3, False)
        if formulas:
            sheet.write_formula(7, 3, "=SUM(B6:B8)", None, -2)
            sheet.write_formula(8, 3, '=A6&"x"', None, "文字x")
            sheet.write_formula(9, 3, "=1/0", None, "#DIV/0!")
            sheet.write_formula(10, 3, "=1=1", None, True)
        for row in range(40):
            sheet.write_blank(row, 8, None, bold)
        hidden = book.add_worksheet("_tracker")
        hidden.write(0, 0, "tracker form")
        hidden.hide()
        book.add_worksheet("空表").very_hidden()
    return stream.getvalue()


def by_openpyxl(data):
    """Name, is it hidden, values, formulas and merges of each sheet."""
    values = openpyxl.load_workbook(io.BytesIO(data), data_only=True)
    formulas = openpyxl.load_workbook(io.BytesIO(data))
    found = []
    for sheet in formulas.worksheets:
        stored = {
            ((c.row or 0) - 1, (c.column or 0) - 1): c for row in values[sheet.title].iter_rows() for c in row
        }
        cells = {}
        for row in sheet.iter_rows():
            for cell in row:
                if cell.value is None or cell.value == "":
                    continue
                formula = cell.value.text if isinstance(cell.value, ArrayFormula) else cell.value
                place = (cell.row or 0) - 1, (cell.column or 0) - 1
                cells[place] = (stored[place].value, formula if cell.data_type == "f" else None)
        merges = {
            (m.min_row - 1, m.min_col - 1, m.max_row - 1, m.max_col - 1) for m in sheet.merged_cells.ranges
        }
        found.append((sheet.title, sheet.sheet_state != "visible", cells, merges))
    return found


def as_compared(book):
    return [
        (
            sheet.name,
            sheet.is_hidden,
            {place: (cell.value, cell.formula) for place, cell in sheet.cells.items()},
            {(m.first_row, m.first_column, m.last_row, m.last_column) for m in sheet.merges},
        )
        for sheet in book.sheets
    ]


def resaved(data, suffix, folder, target=None):
    source = folder / "表.xlsx"
    source.write_bytes(data)
    out = folder / suffix
    subprocess.run(
        [
            required("soffice"),
            f"-env:UserInstallation=file://{folder}/profile",
            "--headless",
            "--convert-to",
            target or suffix,
            "--outdir",
            str(out),
            str(source),
        ],
        check=True,
        capture_output=True,
        timeout=100,
    )
    return next(out.iterdir()).read_bytes()


@pytest.fixture(scope="module")
def office(tmp_path_factory):
    """The sample as LibreOffice writes it, by suffix."""
    required("soffice")
    folder = made_once(tmp_path_factory, "office", _resave)
    return {path.suffix[1:]: path.read_bytes() for path in folder.glob("as.*")}


def _resave(folder):
    for suffix in ("xlsx", "xls", "ods"):
        (folder / f"as.{suffix}").write_bytes(resaved(sample(), suffix, folder))
    target = "csv:Text - txt - csv (StarCalc):44,34,76"
    (folder / "as.csv").write_bytes(resaved(sample(), "csv", folder, target))


@pytest.mark.parametrize("is_1904", [False, True])
def test_what_xlsxwriter_writes_reads_as_by_openpyxl(is_1904):
    data = sample(is_1904=is_1904)
    assert as_compared(read_book("表.xlsx", data)) == by_openpyxl(data)


def test_what_openpyxl_writes_reads_as_by_openpyxl():
    stream = io.BytesIO()
    openpyxl.load_workbook(io.BytesIO(sample())).save(stream)
    data = stream.getvalue()
    assert as_compared(read_book("表.xlsx", data)) == by_openpyxl(data)


def test_what_libreoffice_writes_reads_as_by_openpyxl(office):
    assert as_compared(read_book("表.xlsx", office["xlsx"])) == by_openpyxl(office["xlsx"])


@pytest.mark.parametrize("suffix", ["xls", "ods"])
def test_the_old_and_the_open_format_say_the_same_as_xlsx(office, suffix):
    expected = as_compared(read_book("表.xlsx", office["xlsx"]))
    found = as_compared(read_book(f"表.{suffix}", office[suffix]))
    for (name, is_hidden, cells, merges), (name_2, is_hidden_2, cells_2, merges_2) in zip(
        expected, found, strict=True
    ):
        assert (name, is_hidden, merges) == (name_2, is_hidden_2, merges_2)
        assert cells_2.keys() == cells.keys()
        for place, (value, formula) in cells.items():
            # LibreOffice stores 0 in .xls for a text that it did not calculate itself.
            assert cells_2[place][0] == value or (suffix, place) == ("xls", (8, 3)), place
            # In another notation, or unknown, but a formula.
            assert bool(cells_2[place][1]) == bool(formula), place


def test_a_csv_has_the_texts(office):
    book = read_book("folder/五月.csv", office["csv"])
    (sheet,) = book.sheets
    assert (book.name, book.kind, sheet.name) == ("五月.csv", "csv", "五月")
    assert sheet.cells[5, 0].value == "文字"
    assert sheet.cells[7, 0].value == "两\n行"
    assert sheet.cells[6, 1].value == "1"
    assert all(isinstance(cell.value, str) for cell in sheet.cells.values())


def test_errors_are_known_as_such_in_every_format(office):
    for suffix in ("xlsx", "xls", "ods"):
        cell = read_book("x", office[suffix]).sheets[0].cells[9, 3]
        assert (cell.value, cell.is_error) == ("#DIV/0!", True), suffix


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "gb18030", "gbk"])
@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
def test_texts_of_every_encoding_and_delimiter(encoding, delimiter):
    rows = [["区县", "人次, 年; 合计", "备注"], ["甲区", "12", ""], ["乙县", "３", "无"]]
    text = "\r\n".join(delimiter.join(f'"{cell}"' for cell in row) for row in rows)
    (sheet,) = read_book("x.csv", text.encode(encoding)).sheets
    assert {place: cell.value for place, cell in sheet.cells.items()} == {
        (r, c): cell for r, row in enumerate(rows) for c, cell in enumerate(row) if cell
    }


@given(
    st.dictionaries(
        st.tuples(st.integers(0, 60), st.integers(0, 30)),
        st.one_of(
            st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=20),
            st.integers(-(10**14), 10**14),
            st.floats(allow_nan=False, allow_infinity=False, width=32),
            st.booleans(),
        ),
        max_size=25,
    )
)
@settings(max_examples=40)
def test_any_cells_come_back_as_they_were_written(cells):
    cells = {place: value for place, value in cells.items() if value not in {"\ufffe", "\uffff"}}
    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream, {"in_memory": True, "strings_to_numbers": False}) as book:
        sheet = book.add_worksheet()
        for place, value in cells.items():
            write = {str: sheet.write_string, bool: sheet.write_boolean}.get(type(value), sheet.write_number)
            write(*place, value)
    found = read_book("x.xlsx", stream.getvalue()).sheets[0].cells
    assert {place: cell.value for place, cell in found.items()} == {
        place: value if isinstance(value, str) else pytest.approx(value, rel=1e-14)
        for place, value in cells.items()
    }


# What no library writes, but some program does.


def workbook(rows, *, strings="", styles="", properties="", merges="", prefix="", names=WORKBOOK, extra=None):
    """An xlsx by hand; ``rows`` is what stands in sheetData."""
    xmlns = f'xmlns:{prefix.rstrip(":")}="{names}"' if prefix else f'xmlns="{names}"'
    p = prefix
    parts = {
        "[Content_Types].xml": "<Types/>",
        "_rels/.rels": f'<Relationships><Relationship Id="r" Type="{RELATIONS}/officeDocument" '
        'Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<{p}workbook {xmlns} xmlns:r="{RELATIONS}">{properties}<{p}sheets>'
        f'<{p}sheet name="甲" sheetId="1" r:id="rId1"/></{p}sheets></{p}workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships><Relationship Id="rId1" Type="{RELATIONS}/worksheet" '
        'Target="/xl/worksheets/sheet1.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": f'<{p}worksheet {xmlns}><{p}dimension ref="A1:XFD1048576"/><{p}sheetData>{rows}'
        f"</{p}sheetData>{merges}</{p}worksheet>",
        "xl/sharedStrings.xml": f"<{p}sst {xmlns}>{strings}</{p}sst>",
        "xl/styles.xml": f"<{p}styleSheet {xmlns}>{styles}</{p}styleSheet>",
        **(extra or {}),
    }
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return stream.getvalue()


def cells_of(*arguments, **options):
    return read_book("x.xlsx", workbook(*arguments, **options)).sheets[0].cells


def test_cells_without_addresses_follow_each_other():
    cells = cells_of(
        '<row><c><v>1</v></c><c r="C1"><v>2</v></c><c><v>3</v></c></row><row><c><v>4</v></c></row>'
    )
    assert {place: cell.value for place, cell in cells.items()} == {
        (0, 0): 1,
        (0, 2): 2,
        (0, 3): 3,
        (1, 0): 4,
    }


def test_prefixed_and_strict_names_are_the_same_names():
    rows = '<x:row r="2"><x:c r="B2" t="inlineStr"><x:is><x:t>字</x:t></x:is></x:c></x:row>'
    cells = cells_of(rows, prefix="x:", names="http://purl.oclc.org/ooxml/spreadsheetml/main")
    assert cells[1, 1].value == "字"


def test_shared_strings_lose_their_looks_and_their_phonetics():
    strings = "<si><r><t>漢</t></r><r><rPr><b/></rPr><t>字_x000D__x0000_</t></r><rPh><t>かんじ</t></rPh></si>"
    assert cells_of('<row><c t="s"><v>0</v></c><c t="s"><v>9</v></c></row>', strings=strings) == {
        (0, 0): read_book("x", workbook('<row><c t="str"><v>漢字&#13;</v></c></row>')).sheets[0].cells[0, 0]
    }


def test_a_formula_is_one_whether_or_not_its_text_and_its_value_are_there():
    cells = cells_of(
        '<row r="1"><c r="A1"><f t="shared" si="0" ref="A1:A2">B1*2</f><v>4</v></c><c r="B1"><f>NOW()</f></c></row>'
        '<row r="2"><c r="A2"><f t="shared" si="0"/><v>6</v></c></row>'
        '<row r="3"><c r="A3"><f t="array" ref="A3:A4">C3:C4</f><v>1</v></c></row><row r="4"><c r="A4"><v>2</v></c></row>'
    )
    assert {place: (cell.value, cell.formula) for place, cell in cells.items()} == {
        (0, 0): (4, "=B1*2"),
        (0, 1): (None, "=NOW()"),
        (1, 0): (6, "=…"),
        (2, 0): (1, "=C3:C4"),
        (3, 0): (2, "=…"),
    }


def test_what_a_merge_covers_is_not_read():
    cells = cells_of(
        "<row><c><v>1</v></c><c><v>2</v></c></row>",
        merges='<mergeCells><mergeCell ref="A1:B1"/></mergeCells>',
    )
    assert list(cells) == [(0, 0)]


def test_a_merged_column_is_cut_where_nothing_may_stand():
    (sheet,) = read_book("x", workbook("", merges='<mergeCell ref="A2:XFD2"/><mergeCell ref="C1"/>')).sheets
    assert sheet.merges == (Merge(1, 0, 1, 255),)


def test_styles_that_do_not_hold_together_do_no_harm():
    cells = cells_of(
        '<row><c s="99"><v>44712</v></c><c s="x"><v>1</v></c><c s="1"><v>44712</v></c></row>',
        styles='<cellXfs><xf numFmtId="nonsense"/><xf numFmtId="31"/><xf/></cellXfs><fills><fill/></fills>',
    )
    assert [cell.value for cell in cells.values()] == [44712, 1, datetime(2022, 5, 31)]


def test_the_epoch_of_1904_is_not_undone_by_an_extension_of_the_same_name():
    cells = cells_of(
        '<row><c s="0"><v>1</v></c></row>',
        styles='<cellXfs><xf numFmtId="14"/></cellXfs>',
        properties='<workbookPr date1904="1"/><x15:workbookPr xmlns:x15="x" chartTrackingRefBase="1"/>',
    )
    assert cells[0, 0].value == datetime(1904, 1, 2)


def test_an_iso_date_and_numbers_that_are_none():
    cells = cells_of(
        '<row><c t="d"><v>2022-05-31</v></c><c t="d"><v>09:30:00Z</v></c>'
        "<c><v>NaN</v></c><c><v>1e999</v></c><c><v>1_0</v></c></row>"
    )
    assert [cell.value for cell in cells.values()] == [
        datetime(2022, 5, 31),
        time(9, 30),
        "NaN",
        "1e999",
        "1_0",
    ]


@pytest.mark.parametrize(
    ("code", "is_date"),
    [
        ("General", False),
        ("0.00", False),
        ("yyyy-mm-dd", True),
        ('yyyy"年"m"月"', True),
        ("yyyy年m月d日", True),
        ("[$-804]yyyy/m/d;@", True),
        ("h:mm AM/PM", True),
        ("[h]:mm", False),
        ('0"days"', False),
        ("[Red]0.00", False),
        ("0.00E+00", False),
        ("_-* #,##0.00_-", False),
        ("#,##0\\h", False),
        ("[DBNum1]General", False),
        ("aaaa", True),
        ("@", False),
    ],
)
def test_dates_are_known_by_their_format(code, is_date):
    assert is_date_format(200, code) is is_date


@pytest.mark.parametrize(
    ("days", "moment"),
    [
        (0, time(0)),
        (0.5, time(12)),
        (1, datetime(1900, 1, 1)),
        (59, datetime(1900, 2, 28)),
        (61, datetime(1900, 3, 1)),
        (44712.75, datetime(2022, 5, 31, 18)),
        (2958465.9, datetime(9999, 12, 31, 21, 36)),
        (2958465.9999999999, None),
        (2958466, None),
        (-1, None),
        (1e300, None),
    ],
)
def test_days_since_1900(days, moment):
    assert from_serial(days, is_1904=False) == moment


def test_rows_and_cells_that_repeat_in_ods_are_where_they_belong():
    cell = '<t:table-cell o:value-type="float" o:value="7" t:number-columns-repeated="2"/>'
    data = opendocument(
        '<t:table-row t:number-rows-repeated="3"><t:table-cell t:number-columns-repeated="2"/>'
        f"{cell}</t:table-row>"
        '<t:table-row t:number-rows-repeated="1048000"><t:table-cell t:number-columns-repeated="16384"/></t:table-row>'
    )
    (sheet,) = read_book("x.ods", data).sheets
    assert {place: each.value for place, each in sheet.cells.items()} == dict.fromkeys(
        [(row, column) for row in range(3) for column in (2, 3)], 7
    )


def test_the_text_of_an_ods_cell_is_its_paragraphs_without_its_comment():
    data = opendocument(
        "<t:table-row><t:table-cell><o:annotation><x:p>不是</x:p></o:annotation>"
        '<x:p>甲<x:s x:c="2"/><x:span>乙</x:span></x:p><x:p>丙<x:line-break/>丁</x:p></t:table-cell></t:table-row>'
    )
    assert read_book("x.ods", data).sheets[0].cells[0, 0].value == "甲  乙\n丙\n丁"


def opendocument(rows, manifest="<m/>", styles=""):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet", zipfile.ZIP_STORED)
        archive.writestr("META-INF/manifest.xml", manifest)
        archive.writestr(
            "content.xml",
            f'<o:document-content xmlns:o="o" xmlns:t="t" xmlns:x="x"><o:styles>{styles}</o:styles>'
            '<o:body><o:spreadsheet><t:table t:name="甲">'
            f"{rows}</t:table></o:spreadsheet></o:body></o:document-content>",
        )
    return stream.getvalue()


def test_the_name_of_a_file_says_nothing():
    assert kind_of("表.xls", sample()) == "xlsx"
    assert kind_of("表.xlsx", b"a,b\n1,2\n") == "csv"


def test_the_process_apart_reads_the_same(office):
    with Reader() as reader:
        for suffix, data in office.items():
            assert reader.read(f"C:\\桌面\\表.{suffix}", data) == read_book(f"表.{suffix}", data)
