"""Whatever is sent, it is read or refused in a sentence, in seconds, in bounded memory; the next file is read."""

import io
import itertools
import os
import resource
import signal
import threading
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.books import book as only_book
from tests.books import read_book
from tests.tools import in_en, in_zh
from tests.unit import test_forms_reading
from tests.unit.test_forms_readers import pictured
from tests.unit.test_forms_reading import opendocument, sample, workbook
from tracker.errors import FileRefusedError
from tracker.forms import limits
from tracker.forms.book import Book
from tracker.forms.read import reader_protocol, refusals, sandboxed_reader
from tracker.forms.read.attached_files import Parcel
from tracker.forms.read.file_kind import read_file
from tracker.forms.read.sandboxed_reader import Reader
from tracker.i18n.message import Message

#: The same fixture.
office = test_forms_reading.office

SECONDS = 12
PEAK_MEGABYTES = 450
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


@pytest.fixture(scope="module")
def reader():
    with Reader() as reader:
        yield reader


def refusal(reader, data, name="表.xlsx"):
    with pytest.raises(FileRefusedError) as caught:
        reader.read(name, data)
    return caught.value.message


def zipped(parts):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return stream.getvalue()


def container(*streams):
    """The head of an OLE container and a directory with these entries."""
    data = OLE.ljust(512, b"\0")
    for stream in streams:
        name = stream.encode("utf-16-le") + b"\0\0"
        data += name.ljust(64, b"\0") + len(name).to_bytes(2, "little") + b"\0" * 62
    return data


REFUSED = {
    "nothing": (b"", refusals.EMPTY),
    "too large": (b"a" * (limits.MAX_FILE + 1), refusals.TOO_LARGE),
    "png": (b"\x89PNG\r\n\x1a\n" + b"\0" * 50, refusals.PICTURE),
    "jpeg": (b"\xff\xd8\xff\xe0" + b"\0" * 50, refusals.PICTURE),
    "gif": (b"GIF89a" + b"\0" * 50, refusals.PICTURE),
    "bmp": (b"BM" + (50).to_bytes(4, "little") + b"\0" * 44, refusals.PICTURE),
    "webp": (b"RIFF\x20\0\0\0WEBPVP8 " + b"\0" * 50, refusals.PICTURE),
    "tiff": (b"II*\0" + b"\0" * 50, refusals.PICTURE),
    "pdf": (b"%PDF-1.7\n", refusals.PDF),
    "docx": (zipped({"[Content_Types].xml": "<x/>", "word/document.xml": "<x/>"}), refusals.WORD),
    "docx without a document": (
        zipped({"[Content_Types].xml": "<x/>", "word/other.xml": "<x/>"}),
        refusals.WORD,
    ),
    "doc": (container("Root Entry", "WordDocument"), refusals.WORD),
    "rtf": (b"{\\rtf1 }", refusals.WORD),
    "pptx": (zipped({"[Content_Types].xml": "<x/>", "ppt/presentation.xml": "<x/>"}), refusals.SLIDES),
    "odt": (
        zipped({"mimetype": "application/vnd.oasis.opendocument.text", "content.xml": "<x/>"}),
        refusals.WORD,
    ),
    "rar": (b"Rar!\x1a\x07\x01\x00", refusals.ARCHIVE),
    "7z": (b"7z\xbc\xaf\x27\x1c\0\4", refusals.ARCHIVE),
    "tar": (b"x".ljust(257, b"\0") + b"ustar\x0000", refusals.ARCHIVE),
    "a mail of outlook": (container("Root Entry", "__properties_version1.0"), refusals.OUTLOOK),
    "winmail.dat": (b"\x78\x9f\x3e\x22\0\1", refusals.OUTLOOK),
    "ofd": (zipped({"OFD.xml": "<x/>", "Doc_0/Document.xml": "<x/>"}), refusals.FIXED_LAYOUT),
    "numbers": (zipped({"Index/Document.iwa": b"\0"}), refusals.NUMBERS),
    "odg": (
        zipped({"mimetype": "application/vnd.oasis.opendocument.graphics", "content.xml": "<x/>"}),
        refusals.OTHER_OFFICE,
    ),
    "html without a table": (b"\xef\xbb\xbf\r\n<html><p>1</p></html>", refusals.HTML),
    "a page of frames": (
        b"<html><frameset><frame src='a_files/sheet001.htm'></frameset></html>",
        refusals.HTML,
    ),
    "html in utf-16": ("\ufeff<HTML><body>1</body></HTML>".encode("utf-16-le"), refusals.HTML),
    "web archive": (b"MIME-Version: 1.0\r\n", refusals.HTML),
    "xml of 2003": (
        b'<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"><Table/></Workbook>',
        refusals.XML_2003,
    ),
    "xlsb": (zipped({"xl/workbook.bin": b"\0"}), refusals.BINARY_WORKBOOK),
    "encrypted xlsx": (container("Root Entry", "EncryptionInfo", "EncryptedPackage"), refusals.ENCRYPTED),
    "encrypted ods": (opendocument("", manifest="<m><m:encryption-data/></m>"), refusals.ENCRYPTED),
    "only macros in ods": (
        zipped({"mimetype": "x", "content.xml": "<x/>", "Basic/Standard/a.xml": ""}),
        refusals.OTHER_OFFICE,
    ),
    "half a workbook": (sample()[:4000], refusals.BROKEN),
    "half a container": (container("Root Entry", "Workbook"), refusals.BROKEN),
    "broken xml": (workbook("<row><c>"), refusals.BROKEN),
    "xml in no encoding": (
        workbook("", extra={"xl/workbook.xml": '<?xml version="1.0" encoding="UhTF-8"?><w/>'}),
        refusals.BROKEN,
    ),
    "xml in an encoding of two bytes": (
        workbook("", extra={"xl/workbook.xml": '<?xml version="1.0" encoding="gb18030"?><w/>'}),
        refusals.BROKEN,
    ),
    "only a picture": (pictured("附件3"), refusals.ONLY_PICTURE),
    "a dtd": (
        workbook("", extra={"xl/styles.xml": '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'}),
        refusals.HOSTILE_XML,
    ),
    "an external entity": (
        workbook("", extra={"xl/styles.xml": '<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>'}),
        refusals.HOSTILE_XML,
    ),
    "not text": (bytes(range(256)) * 4, refusals.NOT_TEXT),
    "61 sheets": (
        workbook("", extra={"xl/workbook.xml": "<w>" + '<sheet name="a"/>' * 61 + "</w>"}),
        refusals.TOO_MANY_SHEETS,
    ),
    "the last cell of all": (workbook('<row><c r="XFD1048576"><v>1</v></c></row>'), refusals.TOO_WIDE),
    "a column too many": (workbook('<row><c r="IW1"><v>1</v></c></row>'), refusals.TOO_WIDE),
    "far below": (workbook('<row r="1048576"><c r="A1048576"><v>1</v></c></row>'), refusals.TOO_LONG),
    "a cell too long": (workbook(f'<row><c t="str"><v>{"字" * 32768}</v></c></row>'), refusals.TOO_LONG_TEXT),
    "a csv cell too long": (b'"' + b"a" * 32768 + b'"', refusals.TOO_LONG_TEXT),
    "5,001 rows": (workbook("<row><c><v>1</v></c></row>" * 5001), refusals.TOO_LONG),
    "5,001 lines": (b"1,2\n" * 5001, refusals.TOO_LONG),
    "257 columns in a line": (b",".join([b"1"] * 257), refusals.TOO_WIDE),
    "all merged": (workbook("", merges='<mergeCell ref="A1:XFD1048576"/>'), refusals.TOO_MERGED),
}


@pytest.mark.parametrize("what", ["xml in no encoding", "xml in an encoding of two bytes"])
def test_an_encoding_that_is_none_is_refused_and_no_failure(what):
    # Apart, every failure is told as a broken file; here it would show.
    with pytest.raises(FileRefusedError):
        read_book("表", REFUSED[what][0])


@pytest.mark.parametrize(
    ("limit", "most", "extra"),
    [
        ("MAX_MEMBERS", 30, {f"xl/{number}.xml": "<x/>" for number in range(30)}),
        # Never read, and so only the directory tells.
        ("MAX_UNPACKED", 50_000, {"xl/other.bin": "x" * 60_000}),
        (
            "MAX_MEMBER",
            50_000,
            {"xl/sharedStrings.xml": f"<sst><si><t>{'x' * 30_000}</t></si>{' ' * 30_000}</sst>"},
        ),
        ("MAX_ELEMENTS", 500, {"xl/sharedStrings.xml": f"<sst>{'<si/>' * 600}</sst>"}),
        ("MAX_DEPTH", 50, {"xl/sharedStrings.xml": f"{'<a>' * 60}{'</a>' * 60}"}),
    ],
)
def test_what_grows_when_it_is_opened_has_a_bound(monkeypatch, limit, most, extra):
    """Each bound on its own, and small, so that no machine is too busy to show it."""
    data = workbook("<row><c><v>1</v></c></row>", extra=extra)
    assert isinstance(read_book("表", data), Book)
    monkeypatch.setattr(limits, limit, most)
    with pytest.raises(FileRefusedError) as refused:
        read_book("表", data)
    assert refused.value.message == refusals.BOMB
    assert isinstance(read_book("表", workbook("<row><c><v>1</v></c></row>")), Book)


def test_a_part_of_an_archive_without_a_name_is_no_hindrance():
    nameless = workbook("<row><c><v>1</v></c></row>", extra={"xl/x.xml": "<x/>"}).replace(
        b"xl/x.xml", b"\0l/x.xml"
    )
    assert "" in zipfile.ZipFile(io.BytesIO(nameless)).namelist()
    assert isinstance(read_book("表", nameless), Book)


@pytest.mark.parametrize("what", REFUSED)
def test_each_kind_of_file_that_is_none_has_its_sentence(reader, what):
    data, sentence = REFUSED[what]
    assert refusal(reader, data) == sentence


def test_a_refusal_is_one_sentence_in_both_languages():
    sentences = [value for value in vars(refusals).values() if isinstance(value, Message)]
    assert len(sentences) > 20
    for each in sentences:
        if each.key not in {"findings.refused.send_form", "findings.refused.resend"}:
            assert in_zh(each).endswith("。")
            assert in_en(each).endswith(".")


def test_a_reason_that_is_none_of_ours_is_no_answer():
    stream = io.BytesIO()
    reader_protocol.send_answer(stream, FileRefusedError(Message("findings.refused.nonsense")))
    stream.seek(0)
    with pytest.raises(KeyError):
        reader_protocol.receive_answer(stream)


def styled_rows(count):
    return "".join(f'<row r="{n}" s="1" customFormat="1"/>' for n in range(1, count + 1))


def lying():
    """It says that a member of 90 MB has 1,000 bytes."""
    honest = workbook("", extra={"xl/styles.xml": b"<a>" + b" " * 90_000_000 + b"</a>"})
    return honest.replace((90_000_007).to_bytes(4, "little"), (1000).to_bytes(4, "little"))


def heavy():
    """Small files that want to be large, and how each is made: at its turn, as they are large here as well."""
    rows = '<row><c r="A1"><v>1</v></c></row>'
    yield "a thousand to one", lambda: workbook(rows, extra={"xl/x.xml": b"\0" * 100_000_000}), refusals.BOMB
    yield "sizes that lie", lying, refusals.BROKEN
    yield (
        "100 MB of shared strings",
        lambda: workbook("", strings="<si><t>字</t></si>" * 5_500_000),
        refusals.BOMB,
    )
    yield (
        "60 MB of shared strings",
        lambda: workbook(rows, strings="<si><t>字</t></si>" * 3_400_000),
        refusals.BOMB,
    )
    yield (
        "one endless string",
        lambda: workbook("", strings=f"<si><t>{'a' * 40_000_000}</t></si>"),
        refusals.TOO_LONG_TEXT,
    )
    yield "one endless attribute", lambda: workbook(f'<row r="{"1" * 40_000_000}"/>{rows}'), None
    yield "a comment that does not end", lambda: workbook("<!--" + "-x" * 20_000_000), refusals.BROKEN
    strings = f"<si><t>{'字' * 32000}</t></si>"
    used = "<row>" + '<c t="s"><v>0</v></c>' * 250 + "</row>"
    yield "one string in every cell", lambda: workbook(used * 100, strings=strings), refusals.TOO_MUCH
    yield "deep", lambda: workbook("<a>" * 1_000_000 + "</a>" * 1_000_000), refusals.BOMB
    yield "many members", lambda: zipped({f"xl/{n}": b"" for n in range(30_000)}), refusals.BOMB
    yield (
        "a million filled rows",
        lambda: workbook("<row><c><v>1</v></c></row>" * 1_000_000),
        refusals.TOO_LONG,
    )
    yield (
        "a million cells",
        lambda: workbook(f"<row>{'<c><v>1</v></c>' * 200}</row>" * 5_000),
        refusals.TOO_MUCH,
    )
    yield "empty elements", lambda: workbook("<c/>" * 15_000_000), refusals.BOMB
    entities = "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(10))
    bomb = f'<!DOCTYPE a [<!ENTITY a "{"a" * 100_000}">{entities}]><a>{"&k;" * 1000}</a>'
    yield "quadratic entities", lambda: workbook("", extra={"xl/styles.xml": bomb}), refusals.HOSTILE_XML
    cell = '<t:table-cell t:number-columns-repeated="99999999" o:value-type="float" o:value="1"/>'
    yield "ods, wide", lambda: opendocument(f"<t:table-row>{cell}</t:table-row>"), refusals.TOO_WIDE
    cell = '<t:table-cell o:value-type="float" o:value="1"/>'
    long = opendocument(f'<t:table-row t:number-rows-repeated="99999999">{cell}</t:table-row>')
    yield "ods, long", lambda: long, refusals.TOO_LONG
    nested = "<t:table-row><t:table-cell><t:table>" * 60 + "</t:table></t:table-cell></t:table-row>" * 60
    yield "ods, tables in tables", lambda: opendocument(nested), None
    spaces = (
        "<t:table-row><t:table-cell><x:p>"
        + '<x:s x:c="999999999"/>' * 1000
        + "</x:p></t:table-cell></t:table-row>"
    )
    yield "ods, spaces", lambda: opendocument(spaces), refusals.TOO_LONG_TEXT
    spanned = '<t:table-cell t:number-columns-repeated="9999999" t:number-columns-spanned="2"/>'
    merged = opendocument(f'<t:table-row t:number-rows-repeated="9999999">{spanned}</t:table-row>')
    yield "ods, merged", lambda: merged, refusals.TOO_MERGED
    yield "csv, one line", lambda: b"," * limits.MAX_FILE, None
    yield "csv, quotes", lambda: b'"' * limits.MAX_FILE, refusals.TOO_LONG_TEXT
    yield "csv, lines", lambda: b"\n" * limits.MAX_FILE, None


@pytest.mark.fault("spreadsheets")
@pytest.mark.parametrize(
    ("start", "step"),
    # A sixth of them each time; all of them under torture.
    [(0, 6), *(pytest.param(start, 6, marks=pytest.mark.torture) for start in range(1, 6))],
)
def test_small_files_that_want_to_be_large_are_refused_in_seconds_and_in_bounded_memory(start, step, figures):
    """Bombs of every kind of file, in the process that reads."""
    figures |= {"files": 0, "slowest, s": 0.0, "MB at most": 0}
    for what, make, sentence in itertools.islice(heavy(), start, None, step):
        data = make()
        assert len(data) <= limits.MAX_FILE, what
        begun = computed()
        # What it may compute is measured; on the clock it may take longer, beside other tests.
        with Reader(seconds=120) as reader:
            reader.read("a.csv", b"1")
            try:
                reader.read("表.xlsx", data)
                said = None
            except FileRefusedError as refused:
                said = refused.message
            peak = peak_megabytes(reader)
        took = computed() - begun
        if sentence is not None:
            assert said == sentence, what
        assert took < SECONDS, what
        assert peak < PEAK_MEGABYTES, what
        figures |= {
            "files": figures["files"] + 1,
            "slowest, s": max(figures["slowest, s"], took),
            "MB at most": max(figures["MB at most"], peak),
        }


def test_a_million_empty_rows_with_a_style_are_no_hindrance():
    rows = '<row r="1"><c r="A1" s="1"/><c r="B1"><v>7</v></c></row>' + styled_rows(1_048_576)
    begun = computed()
    with Reader() as reader:
        book = only_book(reader.read("x", workbook(rows)))
    assert [cell.value for cell in book.sheets[0].cells.values()] == [7]
    assert computed() - begun < SECONDS


def computed():
    """Seconds of computing by processes that have ended: with other tests beside it, a clock says less."""
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def peak_megabytes(reader):
    status = Path(f"/proc/{reader.process_id}/status")
    if not status.exists():
        return 0
    return next(
        int(line.split()[1]) // 1024 for line in status.read_text().splitlines() if line.startswith("VmHWM")
    )


# The process.


def test_a_process_that_is_killed_in_the_middle_costs_one_file_at_most(reader):
    slow = workbook("<row/>" * 2_000_000)
    first = reader.read("x", sample())
    pid = reader.process_id
    threading.Timer(0.2, os.kill, (pid, signal.SIGKILL)).start()
    reader.read("x", slow)  # asked again, of another process
    assert reader.process_id != pid
    assert reader.read("x", sample()) == first


def test_a_process_that_is_killed_between_two_files_costs_none(reader):
    first = reader.read("x", sample())
    os.kill(reader.process_id, signal.SIGKILL)
    assert reader.read("x", sample()) == first


def test_a_file_that_takes_too_long_is_refused_and_the_next_is_read():
    with Reader(seconds=0.5) as reader:
        reader.read("x", sample())
        assert refusal(reader, workbook("<row/>" * 4_000_000)) == refusals.TOO_COMPLEX
        assert only_book(reader.read("x", sample())).kind == "xlsx"


@pytest.mark.parametrize(
    "program",
    [
        "sys.exit(3)",
        "import os; os.kill(os.getpid(), 11)",
        "sys.stdin.buffer.read(4); print('x' * 100, flush=True); sys.stdin.buffer.read(1)",
        "sys.stdout.buffer.write(b'\\0\\0\\0\\2{}'); sys.stdout.flush(); sys.stdin.buffer.read()",
        "sys.stdout.buffer.write(b'\\0\\0\\0\\2[['); sys.stdout.flush(); sys.stdin.buffer.read()",
    ],
)
def test_a_process_that_fails_or_talks_nonsense_is_a_refusal(monkeypatch, program):
    with Reader(seconds=2) as reader:
        with monkeypatch.context() as patched:
            patched.setattr(sandboxed_reader, "_PROGRAM", f"import sys; {program}")
            assert refusal(reader, sample()) == refusals.TOO_COMPLEX
        assert only_book(reader.read("x", sample())).kind == "xlsx"


def test_the_process_may_use_so_much_memory_and_no_more():
    hog = (
        "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from tracker.forms.read import reader_process as child;"
        "child.read_file = lambda name, data: "
        "(bytearray(2 << 30 if data == b'hog' else 1), child.Book(name, 'csv'))[1];"
        "child.main()"
    )
    with pytest.MonkeyPatch.context() as patched, Reader() as reader:
        patched.setattr(sandboxed_reader, "_PROGRAM", hog)
        assert refusal(reader, b"hog") == refusals.TOO_COMPLEX
        assert reader.read("next", b"1") == Book("next", "csv")


def test_the_process_inherits_no_secret_of_the_environment(monkeypatch):
    monkeypatch.setenv("TRACKER_SECRET", "a-key-that-signs-links")
    with Reader() as reader:
        reader.read("表", SEEDS["csv"])
        if not Path("/proc/self/environ").exists():
            pytest.skip("this system does not tell")
        assert Path(f"/proc/{reader.process_id}/environ").read_bytes() == b""


def test_the_process_can_write_no_file(tmp_path):
    nosy = (
        "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from tracker.forms.read import reader_process as child;"
        "child.read_file = lambda name, data: open(name, 'wb', 0).write(data); child.main()"
    )
    with pytest.MonkeyPatch.context() as patched, Reader() as reader:
        patched.setattr(sandboxed_reader, "_PROGRAM", nosy)
        assert refusal(reader, b"x", str(tmp_path / "out")) == refusals.BROKEN
    assert (tmp_path / "out").read_bytes() == b""


def test_the_process_is_replaced_now_and_then_and_ends_with_the_reader():
    with Reader(files_per_process=3) as reader:
        pids = set()
        for _ in range(7):
            reader.read("x", b"1,2")
            pids.add(reader.process_id)
        assert len(pids - {None}) == 3
        pid = reader.process_id
    assert reader.process_id is None
    assert not Path(f"/proc/{pid}").exists()


def test_many_threads_may_ask():
    data = sample()
    with Reader() as reader:
        books = []
        threads = [threading.Thread(target=lambda: books.append(reader.read("x", data))) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(books) == 12
    assert all(book == books[0] for book in books)


def test_what_libraries_print_does_not_stand_between_the_answers():
    noisy = (
        "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from tracker.forms.read import reader_process as child;"
        "child.read_file = lambda name, data: print(name) or child.Book(name, 'csv'); child.main()"
    )
    with pytest.MonkeyPatch.context() as patched, Reader() as reader:
        patched.setattr(sandboxed_reader, "_PROGRAM", noisy)
        assert [only_book(reader.read(name, b"1")).name for name in ("a", "b")] == ["a", "b"]


def test_a_book_survives_the_wire():
    book = read_book("表.xlsx", sample())
    stream = io.BytesIO()
    reader_protocol.send_answer(stream, book)
    stream.seek(0)
    assert reader_protocol.receive_answer(stream) == book
    assert reader_protocol.receive_answer(stream) is None


# Chance.

SEEDS = {
    "xlsx": sample(),
    "stored": workbook("<row><c><v>1</v></c></row>", strings="<si><t>a</t></si>"),
    "ods": opendocument("<t:table-row><t:table-cell><x:p>甲</x:p></t:table-cell></t:table-row>"),
    "csv": "区县,人次\r\n甲区,12\r\n".encode("gb18030"),
    "xls": container("Root Entry", "Workbook") + b"\x09\x08\x10\0\0\6\5\0" + b"\0" * 600,
    "zip": zipped({"区/表.xlsx": sample(), "里.zip": zipped({"表.csv": b"a,b"})}),
    "eml": (
        b"From: a@unit.example\r\nTo: b@unit.example\r\nSubject: =?gb18030?B?sai5/Q==?=\r\n"
        b"Content-Type: multipart/mixed; boundary=xx\r\n\r\n--xx\r\nContent-Type: text/html; charset=gb2312\r\n\r\n"
        b"<p>1</p>\r\n--xx\r\nContent-Type: message/rfc822\r\n\r\nSubject: y\r\n\r\n1\r\n--xx\r\n"
        b"Content-Type: text/csv\r\nContent-Transfer-Encoding: base64\r\n"
        b'Content-Disposition: attachment; filename="a.csv"\r\n\r\nYSxi\r\n--xx--\r\n'
    ),
    "biff": bytes.fromhex("0900040002001000") + bytes.fromhex("0200090000000000000000") + b"\x0a\0\0\0",
}


@given(
    st.sampled_from(sorted(SEEDS)),
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=8),
    st.floats(0, 1),
)
@settings(max_examples=250)
def test_any_change_of_any_byte_and_any_cut_is_read_or_refused(kind, changes, cut):
    assert_read_or_refused(read_file, SEEDS[kind], changes, cut)


@given(
    st.sampled_from(sorted(SEEDS)),
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=8),
)
@settings(max_examples=40)
def test_the_same_in_the_process(kind, changes):
    assert_read_or_refused(CHANCE.read, SEEDS[kind], changes, 1)


@given(
    st.sampled_from(["xls", "ods", "xlsx"]),
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=40),
)
@settings(max_examples=100)
def test_the_same_with_what_an_office_program_writes(office, kind, changes):
    assert_read_or_refused(CHANCE.read, office[kind], changes, 1)


@given(
    st.text(max_size=300),
    st.sampled_from(["xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "xl/styles.xml"]),
)
@settings(max_examples=60)
def test_any_text_for_a_part_is_read_or_refused(text, part):
    data = workbook("", extra={part: text.encode("utf-8", "replace")})
    assert_read_or_refused(read_file, data, [], 1)


CHANCE = Reader()


def teardown_module():
    CHANCE.close()


def assert_read_or_refused(read, data, changes, cut):
    changed = bytearray(data)
    for where, byte in changes:
        changed[int(where * len(changed))] = byte
    try:
        said = isinstance(read("表", bytes(changed[: int(cut * len(changed))])), (Book, Parcel))
    except FileRefusedError as refused:
        said = refused.message in refusals.BY_KEY.values()
    assert said
