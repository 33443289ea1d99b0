"""Files of other kinds, and files that are not quite whole, read as the programs read them that people have."""

import base64
import io
import quopri
import struct
import zipfile
from datetime import datetime
from pathlib import Path

import pytest
import xlsxwriter

from tests.books import read_book
from tests.unit import test_forms_reading
from tests.unit.test_forms_reading import opendocument, resaved, workbook
from tracker.errors import FileRefusedError
from tracker.forms import limits
from tracker.forms.book import Merge
from tracker.forms.read import refusals

#: The same fixture.
office = test_forms_reading.office
CASES = Path("tests/cases/forms")
PAGE = "<tr><th>名称<th>次数</tr><tr><td rowspan=2>甲&amp;乙</td><td>3</td></tr><tr><td>4<br>5</td></tr>"
GRID = {(0, 0): "名称", (0, 1): "次数", (1, 0): "甲&乙", (1, 1): "3", (2, 1): "4\n5"}


def sheet_of(data, name="表.xls"):
    (sheet,) = read_book(name, data).sheets
    return sheet


def values(sheet):
    return {place: cell.value for place, cell in sheet.cells.items()}


@pytest.mark.parametrize(
    "data",
    [
        f"<html><table>{PAGE}</table></html>".encode(),
        f"\ufeff<HTML><BODY><TABLE>{PAGE}</TABLE></BODY></HTML>".encode("utf-16-le"),
        f'<meta http-equiv=Content-Type content="text/html; charset=gb2312"><style>td {{}}</style><table>{PAGE}'.encode("gbk"),
        f"<table>{PAGE.replace('</td>', '').replace('</tr>', '')}</table>".encode(),
        b"MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=x\r\n\r\n--x\r\nContent-Type: text/html; charset=utf-8"
        b"\r\n\r\n" + f"<table>{PAGE}</table>".encode() + b"\r\n--x--\r\n",
        b"From: <Saved by Internet Explorer 8>\r\nSubject: x\r\nMIME-Version: 1.0\r\nContent-Type: multipart/related;\r\n"
        b"\tboundary=x\r\n\r\n--x\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable"
        b"\r\n\r\n" + quopri.encodestring(f"<table>{PAGE}</table>".encode()) + b"\r\n--x--\r\n",
    ],
)  # fmt: skip
def test_a_web_page_by_any_name_has_its_tables(data):
    sheet = sheet_of(data)
    assert values(sheet) == GRID
    assert sheet.merges == (Merge(1, 0, 2, 0),)


def test_what_stands_between_the_tables_of_a_page_is_read_and_what_is_crossed_out_is_not():
    data = (
        "<table><tr><td colspan=2><p>标题</p><p>附件2</p></table><h3>填表单位：万州</h3>"
        "<script>x=1</script><table><tr style='display:none'><td><s>1</s>2<td><del>3</del></table>"
    )
    sheet = sheet_of(data.encode())
    assert values(sheet) == {(0, 0): "标题\n附件2", (1, 0): "填表单位：万州", (2, 0): "2", (2, 1): "3"}
    assert (sheet.hidden_rows, sheet.struck) == ({2}, {(2, 1)})


def word(body):
    text = f'<w:document xmlns:w="urn:w"><w:body>{body}</w:body></w:document>'
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("[Content_Types].xml", "<x/>")
        archive.writestr("word/document.xml", text)
    return stream.getvalue()


def p(text, looks=""):
    return f"<w:p><w:r><w:rPr>{looks}</w:rPr><w:t>{text}</w:t></w:r></w:p>"


def tc(*paragraphs, looks=""):
    return f"<w:tc><w:tcPr>{looks}</w:tcPr>{''.join(paragraphs) or '<w:p/>'}</w:tc>"


def tr(*cells):
    return f"<w:tr>{''.join(cells)}</w:tr>"


def test_a_table_in_a_word_document_is_read_with_what_stands_above():
    span, first, on = '<w:gridSpan w:val="2"/>', '<w:vMerge w:val="restart"/>', "<w:vMerge/>"
    table = (
        tr(tc(p("序号"), looks=first), tc(p("情况"), looks=span))
        + tr(tc(looks=on), tc(p("甲"), p("次")), tc(p("乙")))
        + tr(tc(p("1")), tc(p("3", "<w:strike/>"), p("4")), tc(p("5", "<w:strike/>")))
        + tr(tc(p("2")), tc(p("x", "<w:vanish/>"), p("6")), tc("<w:p><w:del><w:r><w:delText>7</w:delText></w:r></w:del></w:p>"))
    )  # fmt: skip
    sheet = sheet_of(word(f"{p('填表单位：万州')}<w:tbl>{table}</w:tbl>{p('说明')}"), "表.docx")
    assert values(sheet) == {
        (0, 0): "填表单位：万州", (1, 0): "序号", (1, 1): "情况", (2, 1): "甲\n次", (2, 2): "乙", (3, 0): "1", (3, 1): "4",
        (3, 2): "5", (4, 0): "2", (4, 1): "6", (5, 0): "说明",
    }  # fmt: skip
    assert set(sheet.merges) == {Merge(1, 0, 2, 0), Merge(1, 1, 1, 2)}
    assert sheet.struck == {(3, 2)}


def test_what_tracked_changes_took_out_of_a_word_document_is_struck_out_or_gone():
    deleted = '<w:trPr><w:del w:id="1"/></w:trPr>'
    gone = (
        "<w:p><w:del><w:r><w:delText>7</w:delText></w:r></w:del><w:ins><w:r><w:t>8</w:t></w:r></w:ins></w:p>"
    )
    moved = "<w:p><w:moveFrom><w:r><w:t>1</w:t></w:r></w:moveFrom><w:r><w:t>2</w:t></w:r></w:p>"
    table = (
        tr(tc(p("甲")), tc(gone), tc(moved))
        + tr(deleted, tc(p("乙")), tc("<w:p><w:del><w:r><w:delText>9</w:delText></w:r></w:del></w:p>"))
        + tr("<w:trPr><w:ins/></w:trPr>", tc(p("丙")), tc(p("3"), looks="<w:cellDel/>"), tc(p("4")))
    )
    sheet = sheet_of(word(f"<w:tbl>{table}</w:tbl>"), "表.docx")
    assert values(sheet) == {
        (0, 0): "甲", (0, 1): "8", (0, 2): "2", (1, 0): "乙", (1, 1): "9", (2, 0): "丙", (2, 1): "3", (2, 2): "4"
    }  # fmt: skip
    assert sheet.struck == {(1, 0), (1, 1), (2, 1)}


def sym(font, code):
    return f'<w:p><w:r><w:sym w:font="{font}" w:char="{code}"/></w:r></w:p>'


def test_a_sign_from_a_font_of_signs_is_seen_in_a_word_document():
    signs = [
        ("Wingdings 2", "F050"),
        ("Wingdings", "F0FC"),
        ("Wingdings 2", "0052"),
        ("Wingdings", "F0A8"),
        ("Arial", "F041"),
    ]
    sheet = sheet_of(word(f"<w:tbl>{tr(*(tc(sym(*each)) for each in signs), tc(p('x')))}</w:tbl>"), "表.docx")
    assert [values(sheet)[0, at] for at in range(4)] == ["√", "√", "☑", "□"]
    # One that is not known is kept, so that it is asked about.
    assert (0, 4) in sheet.cells


def test_a_hidden_row_of_a_word_document_is_known_and_its_text_boxes_are_a_sheet():
    rows = f"<w:tr><w:trPr><w:hidden/></w:trPr>{tc(p('1'))}</w:tr><w:tr><w:trPr><w:hidden w:val='0'/></w:trPr>{tc(p('2'))}</w:tr>"
    box = f"<w:p><w:r><w:t>甲</w:t><w:txbxContent><w:tbl>{tr(tc(p('3')))}</w:tbl></w:txbxContent><w:t>乙</w:t></w:r></w:p>"
    again = f"<w:p><w:r><mc:Fallback xmlns:mc='mc'><w:txbxContent>{p('4')}</w:txbxContent></mc:Fallback></w:r></w:p>"
    body, boxes = read_book("表.docx", word(f"<w:tbl>{rows}</w:tbl>{box}{again}")).sheets
    assert values(body) == {(0, 0): "1", (1, 0): "2", (2, 0): "甲乙"}
    assert body.hidden_rows == {0}
    assert values(boxes) == {(0, 0): "3"}


def test_what_the_styles_of_a_page_hide_or_strike_out_is_known():
    data = (
        "<style><!-- .gone, td.not {display : none} .out{color:red;text-decoration:underline line-through} --></style><table>"
        "<tr><td>1<td class=out>2<td><span style='display:none'>9</span>120<td class='x gone'>7<td>5</tr>"
        "<tr class=gone><td>3<td><span class=out>4</span>6<td style='text-decoration:line-through'><b>8</b></table>"
        "<table><tr><td>10</table>"
    )
    sheet = sheet_of(data.encode())
    assert values(sheet) == {
        (0, 0): "1", (0, 1): "2", (0, 2): "120", (0, 3): "5", (1, 0): "3", (1, 1): "6", (1, 2): "8", (2, 0): "10",
    }  # fmt: skip
    assert (sheet.hidden_rows, sheet.struck) == ({1}, {(0, 1), (1, 2)})


def test_spans_of_an_ods_that_are_struck_out_or_hidden_are_no_text():
    styles = (
        "<s:style xmlns:s='s' s:name='T1'><s:text-properties s:text-line-through-style='solid'/></s:style>"
        "<s:style xmlns:s='s' s:name='T2'><s:text-properties s:display='none'/></s:style>"
    )
    spans = [("T1", "9", "120"), ("T2", "9", "80"), ("T1", "7", "")]
    cells = "".join(
        f'<t:table-cell o:value-type="string"><x:p><x:span x:style-name="{style}">{gone}</x:span>{rest}</x:p></t:table-cell>'
        for style, gone, rest in spans
    )
    data = opendocument(f"<t:table-row>{cells}</t:table-row>", styles=styles)
    sheet = sheet_of(data, "表.ods")
    assert values(sheet) == {(0, 0): "120", (0, 1): "80", (0, 2): "7"}
    assert sheet.struck == {(0, 2)}


def footnotes():
    """A figure with a raised mark behind it, and figures that their formats show as others."""
    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream) as book:
        sheet = book.add_worksheet()
        sheet.write_rich_string(0, 0, book.add_format(), "1234", book.add_format({"font_script": 1}), "2")
        formats = ['0!.0,"万元"', "0%", "#,##0.00", '0.0"元"', '0.00_ "家"', "0!.0000"]
        for column, code in enumerate(formats, start=1):
            sheet.write_number(
                0, column, 0.5 if code == "0%" else 15000, book.add_format({"num_format": code})
            )
    return stream.getvalue()


@pytest.mark.parametrize("suffix", ["xlsx", "xls", "ods", "fods"])
def test_a_raised_mark_is_no_digit_and_what_is_shown_is_known(suffix, tmp_path):
    sheet = sheet_of(footnotes() if suffix == "xlsx" else resaved(footnotes(), suffix, tmp_path))
    assert sheet.cells[0, 0].value == "1234²"
    shown = [sheet.cells[0, column].shown for column in range(1, 7)]
    assert shown[1:5] == ["50%", None, "15000.0元" if suffix.endswith("ods") else "15000元", None]
    # LibreOffice knows no “!” before a character of its own.
    if suffix == "xlsx":
        assert (shown[0], shown[5]) == ("1.5万元", "1.5")
    assert sheet.cells[0, 1].value == 15000


RAISED = '<w:r><w:rPr><w:vertAlign w:val="superscript"/></w:rPr><w:t>2</w:t></w:r>'


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"<table><tr><td>1234<sup>2</sup></table>", "表.xls"),
        (word(f"<w:tbl>{tr(tc(f'<w:p><w:r><w:t>1234</w:t></w:r>{RAISED}</w:p>'))}</w:tbl>"), "表.docx"),
    ],
)
def test_a_raised_mark_is_no_digit_in_a_page_or_a_document_either(data, name):
    assert values(sheet_of(data, name)) == {(0, 0): "1234²"}


def test_a_formula_that_came_to_nothing_is_not_one_without_a_result():
    cells = '<c t="str"><f>IF(1,"")</f><v></v></c><c><f>1+1</f><v></v></c><c><f>1+1</f></c>'
    sheet = sheet_of(workbook(f"<row>{cells}</row>"))
    assert [sheet.cells[0, column].value for column in range(3)] == ["", None, None]


def test_an_xml_spreadsheet_of_2003_is_read():
    cells = (
        '<Row><Cell ss:MergeDown="1"><Data ss:Type="String">甲<B>乙</B><Sup>2</Sup></Data>'
        "<Comment><ss:Data>注</ss:Data></Comment></Cell>"
        '<Cell ss:Index="3" ss:Formula="=R[1]C"><Data ss:Type="Number">3</Data></Cell><Cell ss:StyleID="s1">'
        '<Data ss:Type="DateTime">2022-05-03T00:00:00.000</Data></Cell></Row>'
        '<Row ss:Index="4" ss:Hidden="1"><Cell ss:StyleID="s2"><Data ss:Type="Number">2.5</Data></Cell></Row>'
    )
    data = (
        '<?xml version="1.0"?><?mso-application progid="Excel.Sheet"?><Workbook '
        'xmlns="urn:schemas-microsoft-com:office:spreadsheet" xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet">'
        '<Styles><Style ss:ID="s1"><Font ss:StrikeThrough="1"/></Style>'
        '<Style ss:ID="s2"><NumberFormat ss:Format="Percent"/></Style></Styles><Worksheet ss:Name="表"><Table>'
        f'<Column ss:Index="2" ss:Hidden="1" ss:Span="1"/>{cells}</Table></Worksheet><Worksheet ss:Name="藏"><Table/>'
        "<WorksheetOptions><Visible>SheetHidden</Visible></WorksheetOptions></Worksheet></Workbook>"
    )
    sheet, hidden = read_book("表.xls", data.encode()).sheets
    assert values(sheet) == {(0, 0): "甲乙²", (0, 2): 3, (0, 3): datetime(2022, 5, 3), (3, 0): 2.5}
    assert sheet.cells[0, 2].formula == "=R[1]C"
    assert sheet.cells[3, 0].shown == "250%"
    assert sheet.merges == (Merge(0, 0, 1, 0),)
    assert sheet.hidden_rows == {3}
    assert sheet.hidden_columns == {1, 2}
    assert sheet.struck == {(0, 3)}
    assert (sheet.is_hidden, hidden.is_hidden) == (False, True)


def unseen():
    """A workbook with a hidden row and column, and a row that is struck out, by hand and within a text."""
    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream) as book:
        sheet, struck = book.add_worksheet(), book.add_format({"font_strikeout": True})
        for row in range(5):
            sheet.write_row(row, 0, ["甲", row, 3])
        sheet.write_row(3, 0, ["丙", 7, 7, 7], struck)
        sheet.set_row(1, None, None, {"hidden": True})
        sheet.set_row(90, None, None, {"hidden": True})
        sheet.set_column(2, 2, None, None, {"hidden": True})
        sheet.write_rich_string(4, 1, struck, "320", book.add_format(), "210")
    return stream.getvalue()


#: One white dot.
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGP4DwABAQEAG7buVgAAAABJRU5ErkJggg=="
)


def pictured(*names, beside=None):
    """A workbook with a picture on each of the sheets ``names``; ``beside`` is what stands on a first sheet with a chart."""
    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream) as book:
        for name in [] if beside is None else ["图"]:
            sheet = book.add_worksheet(name)
            sheet.write(0, 0, beside)
            chart = book.add_chart({"type": "column"})
            chart.add_series({"values": "=图!$A$1:$A$2"})
            sheet.insert_chart(4, 4, chart)
        for name in names:
            book.add_worksheet(name).insert_image(1, 1, "p.png", {"image_data": io.BytesIO(PNG)})
    return stream.getvalue()


@pytest.mark.parametrize("suffix", ["xlsx", "xls", "ods", "fods"])
def test_a_picture_is_known_from_a_chart(suffix, tmp_path):
    data = pictured("附件3", beside=5)
    read = read_book("表", data if suffix == "xlsx" else resaved(data, suffix, tmp_path))
    assert [(sheet.name, sheet.has_picture) for sheet in read.sheets] == [("图", False), ("附件3", True)]


@pytest.mark.parametrize("suffix", ["xls", "ods"])
def test_a_book_of_pictures_alone_is_told_so(suffix, tmp_path):
    with pytest.raises(FileRefusedError) as caught:
        read_book("表", resaved(pictured("附件3"), suffix, tmp_path))
    assert caught.value.message == refusals.ONLY_PICTURE


@pytest.mark.parametrize("suffix", ["xlsx", "xls", "ods", "fods"])
def test_what_is_hidden_or_struck_out_is_known(suffix, tmp_path):
    sheet = sheet_of(unseen() if suffix == "xlsx" else resaved(unseen(), suffix, tmp_path))
    assert sheet.hidden_rows == {1}
    assert 2 in sheet.hidden_columns
    assert {(3, 0), (3, 1), (3, 2), (3, 3)} <= sheet.struck
    if suffix == "xlsx":
        assert sheet.cells[4, 1].value == "210"


def test_a_text_that_is_struck_out_is_in_either_way_of_writing_it():
    rich = "<r><rPr><strike/></rPr><t>甲</t></r>"
    strings = (
        f"<si>{rich}</si><si>{rich}<r><t>乙</t></r></si><si><r><rPr><strike val='0'/></rPr><t>丙</t></r></si>"
    )
    cells = (
        "".join(f'<c t="s"><v>{number}</v></c>' for number in range(3))
        + f'<c t="inlineStr"><is>{rich}</is></c>'
    )
    sheet = sheet_of(workbook(f"<row>{cells}</row>", strings=strings))
    assert values(sheet) == {(0, 0): "甲", (0, 1): "乙", (0, 2): "丙", (0, 3): "甲"}
    assert sheet.struck == {(0, 0), (0, 3)}


def test_a_filtered_row_of_an_ods_is_hidden():
    cell = '<table:table-cell office:value-type="string"><text:p>a</text:p></table:table-cell>'
    rows = f'<table:table-row>{cell}</table:table-row><table:table-row table:visibility="filter">{cell}</table:table-row>'
    assert sheet_of(opendocument(rows)).hidden_rows == {1}


@pytest.mark.parametrize("name", ["e12_fods.fods", "t34_macro.xlsm", "e18_word.docx", "e02_wps.et"])
def test_files_that_people_send_are_read(name):
    assert any(cell.value == "序号" for cell in sheet_of((CASES / name).read_bytes(), name).cells.values())


def _renamed(data):
    old, new = (name.encode("utf-16-le") for name in ("Workbook", "WORKBOOK"))
    return data.replace(old, new)


def _chained_askew(data):
    """The stream's last sector is followed by its first, as some writers leave it."""
    (first,) = struct.unpack_from("<i", data, 0x4C)
    at = data.index("Workbook".encode("utf-16-le"))
    start, size = struct.unpack_from("<iI", data, at + 116)
    table = 512 * (first + 1)
    sector = start
    for _ in range((size + 511) // 512 - 1):
        (sector,) = struct.unpack_from("<i", data, table + 4 * sector)
    changed = bytearray(data)
    struct.pack_into("<i", changed, table + 4 * sector, start)
    return bytes(changed)


def _fewer_strings(data):
    """The table of strings says that it has one more than it has."""
    at = data.index(b"\xfc\x00", 512)
    (count,) = struct.unpack_from("<i", data, at + 8)
    changed = bytearray(data)
    struct.pack_into("<i", changed, at + 8, count + 1)
    return bytes(changed)


@pytest.mark.parametrize("spoil", [_renamed, _chained_askew, _fewer_strings])
def test_an_xls_that_other_programs_open_is_read(spoil):
    whole = (CASES / "e01_xls.xls").read_bytes()
    spoilt = spoil(whole)
    assert spoilt != whole
    assert values(sheet_of(spoilt)) == values(sheet_of(whole))


def test_a_page_that_is_too_much_is_refused():
    for data in (
        b"<table>" + b"<tr><td>1" * 5001,
        b"<table><tr><td>" + b"a" * 200_000,
        b"<table><tr>" + b"<td>1" * 257,
    ):
        with pytest.raises(FileRefusedError):
            read_book("表.xls", data)
    wide = f"<table><tr><td rowspan={10**5} colspan=200>1</td></tr></table>"
    assert sheet_of(wide.encode()).merges[0].last_row < limits.LAST_ROW


def test_what_is_white_or_in_a_format_of_nothing_is_known():
    """White on another ground, as heads are, is seen."""
    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream) as book:
        sheet = book.add_worksheet()
        looks = [
            {"font_color": "white"}, {"num_format": ";;;"}, {"font_color": "white", "bg_color": "white"},
            {"font_color": "white", "bg_color": "navy"}, {"font_color": "white", "pattern": 3}, {"num_format": "0;-0;;@"}, {},
        ]  # fmt: skip
        for column, look in enumerate(looks):
            sheet.write(0, column, 5, book.add_format(look))
    assert sheet_of(stream.getvalue()).faded == {(0, 0), (0, 1), (0, 2)}
    theme = (
        '<fonts><font/><font><color theme="0"/></font></fonts><fills><fill/></fills><borders><border><left><color '
        'rgb="FFFFFFFF"/></left></border></borders><cellXfs><xf fontId="0"/><xf fontId="1"/></cellXfs>'
    )
    row = '<row><c s="0"><v>1</v></c><c s="1"><v>1</v></c></row>'
    assert sheet_of(workbook(row, styles=theme)).faded == {(0, 1)}
