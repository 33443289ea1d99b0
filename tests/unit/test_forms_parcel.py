"""Archives and mails: every file in them comes out, or is named with the reason why not."""

import io
import struct
import zipfile
from email.message import EmailMessage
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText

import pytest

from tests.unit.test_forms_reading import sample
from tracker.errors import FileRefusedError
from tracker.forms import limits
from tracker.forms.read import reader_protocol, refusals
from tracker.forms.read.attached_files import Parcel, is_noise
from tracker.forms.read.file_kind import kind_of, read_file
from tracker.forms.read.sandboxed_reader import Reader

TABLE = b"a,b\n1,2\n"


def zipped(*files, **options):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=1, **options) as archive:
        for name, data in files:
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return stream.getvalue()


def mail(*files, text="请查收", html=None):
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "甲 <a@unit.example>", "b@unit.example", "报表"
    message.set_content(text)
    if html is not None:
        message.add_alternative(html, subtype="html")
    for name, data in files:
        message.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)
    return message.as_bytes()


def pieces(name, data):
    read = read_file(name, data)
    assert isinstance(read, Parcel)
    return [(each.path, each.refused or len(each.data)) for each in read.pieces]


def test_every_file_of_an_archive_comes_out_those_of_one_name_too():
    with pytest.warns(UserWarning, match="Duplicate"):
        data = zipped(("区/附件2.xlsx", b"1"), ("区/附件2.xlsx", b"22"), ("空", b""), ("../../etc/x", b"3"))
    assert pieces("五月.zip", data) == [
        ("五月.zip/区/附件2.xlsx", 1),
        ("五月.zip/区/附件2.xlsx", 2),
        ("五月.zip/空", 0),
        ("五月.zip/etc/x", 1),
    ]


@pytest.mark.parametrize("encoding", ["gb18030", "utf-8"])
def test_names_are_read_in_the_characters_of_the_machine_that_packed_them(encoding):
    raw = "万州区/附件2.xlsx".encode(encoding)
    placed = "x" * len(raw)
    data = zipped((placed, b"1")).replace(placed.encode(), raw)
    assert pieces("a.zip", data) == [("a.zip/万州区/附件2.xlsx", 1)]


def test_archives_and_mails_inside_are_opened_three_deep():
    inner = zipped(("表.csv", TABLE))
    second = mail(("内.zip", inner))
    assert pieces("外.zip", zipped(("二.eml", second)))[0] == ("外.zip/二.eml/内.zip/表.csv", len(TABLE))
    fourth = zipped(("外.zip", zipped(("二.eml", second))))
    assert ("四.zip/外.zip/二.eml/内.zip", refusals.NESTED) in pieces("四.zip", fourth)


def test_what_cannot_be_opened_inside_is_named_beside_what_can():
    locked = bytearray(zipped(("密.xlsx", b"1")))
    locked[6] |= 1
    locked[locked.rindex(b"PK\x01\x02") + 8] |= 1
    data = zipped(
        ("密.zip", bytes(locked)), ("坏.zip", b"PK\x03\x04x"), ("空.zip", zipped()), ("好.csv", TABLE)
    )
    assert pieces("a.zip", data) == [
        ("a.zip/密.zip/密.xlsx", refusals.ENCRYPTED),
        ("a.zip/坏.zip", len(b"PK\x03\x04x")),
        ("a.zip/空.zip", refusals.NOTHING_INSIDE),
        ("a.zip/好.csv", len(TABLE)),
    ]
    assert pieces("空.zip", zipped()) == [("空.zip", refusals.NOTHING_INSIDE)]


def test_one_budget_holds_for_all_that_is_inside(monkeypatch):
    monkeypatch.setattr(limits, "MAX_UNPACKED", 1_000_000)
    part = zipped(("零", bytes(300_000)))
    data = zipped(*((f"{number}.zip", part) for number in range(5)))
    found = pieces("a.zip", data)
    assert [each for _, each in found] == [300_000] * 3 + [refusals.BOMB] * 2
    monkeypatch.setattr(limits, "MAX_FILE", 200_000)
    assert pieces("a.zip", zipped(("零", bytes(300_000)))) == [("a.zip/零", refusals.TOO_LARGE)]


def test_a_bomb_is_refused_in_the_process_apart_and_the_next_file_is_read():
    bomb = zipped(*((f"{number}", bytes(9 * limits.MEGABYTE)) for number in range(9)))
    with Reader() as reader:
        with pytest.raises(FileRefusedError) as caught:
            reader.read("a.zip", bomb)
        assert caught.value.message == refusals.BOMB
        read = reader.read("a.zip", zipped(("好.csv", TABLE)))
    assert isinstance(read, Parcel)
    assert [(each.path, each.data) for each in read.pieces] == [("a.zip/好.csv", TABLE)]


def test_more_files_than_are_taken_out_are_told(monkeypatch):
    monkeypatch.setattr(limits, "MAX_PIECES", 3)
    found = pieces("a.zip", zipped(*((f"{number}.csv", TABLE) for number in range(5))))
    assert [each for _, each in found] == [8, 8, 8, refusals.TOO_MANY_FILES]


def test_what_a_mail_has_attached_comes_out_with_its_own_text_beside_it():
    attached = sample()
    found = read_file("报送.eml", mail(("附件2 五月.xlsx", attached), text="1", html="<p>1</p>"))
    assert isinstance(found, Parcel)
    assert [(each.path, each.is_text) for each in found.pieces] == [
        ("报送.eml/附件2 五月.xlsx", False),
        ("报送.eml/正文", True),
    ]
    assert found.pieces[0].data == attached


def test_a_mail_within_a_mail_and_names_in_the_characters_of_old_programs():
    outer = MIMEMultipart()
    outer["From"], outer["Date"] = "a@unit.example", "Tue, 3 May 2022 09:00:00 +0800"
    inner = EmailMessage()
    inner["Subject"] = "转 附件"
    inner["From"] = "b@unit.example"
    inner.add_attachment(TABLE, maintype="text", subtype="csv", filename="表.csv")
    forwarded = EmailMessage()
    forwarded.set_content(inner)
    outer.attach(forwarded)
    old = MIMEText("x", "plain")
    old["Content-Disposition"] = 'attachment; filename="NAME.txt"'
    outer.attach(old)
    for encoding in ("gb18030", "utf-8"):
        data = outer.as_bytes().replace(b"NAME", "涪陵".encode(encoding))
        assert [path for path, _ in pieces("a.eml", data)] == ["a.eml/转 附件.eml/表.csv", "a.eml/涪陵.txt"]


_RELATED = b"MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=a\r\n\r\n"


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"MIME-Version: 1.0\r\nX-Document-Type: Workbook\r\n" + _RELATED[19:], "html"),
        (b"From: <Saved by WPS>\r\nSubject: x\r\n" + _RELATED, "html"),
        (b"From: <Saved by Blink>\r\nSnapshot-Content-Location: https://a.example/\r\nSubject: x\r\nDate: x\r\n" + _RELATED,
         "html"),
        (b'\xef\xbb\xbfFrom: "Saved by Internet Explorer 8"\r\nSubject: x\r\nDate: x\r\n' + _RELATED, "html"),
        (b"From: <Saved by Internet Explorer 8>\r\nSubject: x\r\nMIME-Version: 1.0\r\nContent-Type: text/html\r\n\r\n<p>",
         "html"),
        (b"From: a@unit.example\r\nTo: b@unit.example\r\n" + _RELATED, "eml"),
        (b"From: a@unit.example\r\nTo: b@unit.example\r\n\r\nx", "eml"),
        (b"From: a@unit.example\r\nSubject: x\r\nContent-Type: text/html\r\n\r\n<p>", "eml"),
        (b"Name: a\nnumber,1\n", "csv"),
        ("填表单位：万州区\n".encode(), "csv"),
        (b"<x:table>1</x:table>", "csv"),
    ],
)  # fmt: skip
def test_a_header_tells_a_mail_from_a_page_in_an_archive(data, kind):
    assert kind_of("x", data) == kind


def test_half_an_answer_about_files_is_none():
    stream = io.BytesIO()
    reader_protocol.send_answer(stream, read_file("a.zip", zipped(("好.csv", TABLE))))
    stream.seek(0)
    again = reader_protocol.receive_answer(stream)
    assert again == read_file("a.zip", zipped(("好.csv", TABLE)))
    assert reader_protocol.receive_answer(io.BytesIO(stream.getvalue()[:-1])) is None
    told = b'{"files": [["x", 999999999, null, false]]}'
    assert reader_protocol.receive_answer(io.BytesIO(struct.pack(">I", len(told)) + told)) is None


@pytest.mark.parametrize(
    ("path", "noise"),
    [("~$表.xlsx", True), ("a/.DS_Store", True), ("__MACOSX/表.xlsx", True), ("a/__MACOSX/._表.xlsx", True),
     ("Thumbs.db", True), ("desktop.ini", True), ("表.xlsx", False), ("a.b/表", False), ("~表.xlsx", False)],
)  # fmt: skip
def test_files_of_programs_are_known(path, noise):
    assert is_noise(path) is noise
