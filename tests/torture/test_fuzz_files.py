"""Chance against what people type and send: deadlines, the files, spreadsheets.  Read, or refused in our own words."""

import io
import zipfile
from datetime import date

import pytest

from tests.torture.chance import LONG, SHORT, mutated, mutated_text, rounds
from tests.unit import test_forms_reading
from tests.unit.test_config_robustness import NAMES, SHIPPED, assert_well_told, load_with
from tests.unit.test_forms_hostile import SEEDS
from tests.world import ZONE
from tracker.config.events import read_events
from tracker.core.deadline.expressions import parse
from tracker.core.deadline.wording import to_chinese, to_english
from tracker.errors import ConfigError, DeadlineSyntaxError, FileRefusedError
from tracker.forms.book import Book
from tracker.forms.read.attached_files import Parcel
from tracker.forms.read.file_kind import read_file
from tracker.forms.read.sandboxed_reader import Reader

#: The same fixture.
office = test_forms_reading.office

ISSUED = date(2022, 4, 8)
DEADLINES = (
    "2022年6月底前，并持续推进",
    "by end of June 2022, ongoing",
    "2022年底前",
    "2022年5月20日前",
    "before 20 May 2022",
    "by May 20, 2022",
    "持续推进",
    "每月5日前",
    "2022年4月起-10月，每月5日前",
    "monthly by the 5th from April to October 2022",
    "每季度",
    "every half-year",
    "每周五前",
    "by the end of every month",
    "yearly by end of March",
    "2022年前",
    "2022-05-20",
)
DEADLINE_WORDS = (
    *(
        "年",
        "月",
        "日",
        "底",
        "前",
        "起",
        "每",
        "周",
        "季度",
        "半年",
        "至",
        "-",
        "－",
        "，",
        "、",
        "。",
        " ",
        "　",
    ),
    *(
        "0",
        "31",
        "29",
        "2月30日",
        "9999",
        "99999999999999999999",
        "２０２２",
        "①",
        "ⅷ",
        "〇",
        "二〇二二",
        "十一",
    ),
    *(
        "by ",
        "end of ",
        "monthly ",
        "every ",
        "from ",
        "to ",
        "ongoing",
        "February 29",
        "\u0301",
        "\u200d",
        "ﬁ",
    ),
)
YAML_WORDS = tuple(
    word.encode()
    for word in (
        *(
            "- ",
            ": ",
            "? ",
            "\n",
            "\t",
            "  ",
            "#",
            "'",
            '"',
            "|\n",
            ">-\n",
            "[",
            "]",
            "{",
            "}",
            "&a ",
            "*a",
            "!!int ",
        ),
        *(
            "!x ",
            "%YAML 9\n",
            "---\n",
            "...\n",
            "~",
            "null",
            "no",
            "12:30:45",
            "0o17",
            ".nan",
            "2022-02-30",
            "<<: ",
        ),
        *(
            "\ufeff",
            "\u2028",
            "\u0085",
            "\0",
            "：",
            "【",
            "9" * 400,
            "[" * 60,
            "- " * 60,
            "\\u0000",
            "\\x85",
            "全文完",
        ),
    )
)
XML_WORDS = tuple(
    word.encode()
    for word in (
        *(
            "<",
            ">",
            "&",
            "&amp;",
            "&#0;",
            "&#x110000;",
            "]]>",
            "<!--",
            "<!DOCTYPE a>",
            "<?x?>",
            "<![CDATA[",
            'r="XFD1"',
        ),
        *(
            'r="A0"',
            'r="ZZZZZ9"',
            't="s"',
            't="b"',
            't="e"',
            "-1",
            "1e999",
            "nan",
            "9" * 400,
            's="99999"',
            "</row>",
        ),
        *(
            'ref="B2:A1"',
            'ref="A1:XFD1048576"',
            "<v>",
            "</v>",
            "<c>",
            "<row>",
            'r="99999999999"',
            "\0",
            "\ud7ff",
            "0x1",
        ),
        *(
            'table:number-columns-repeated="99999999"',
            'table:number-rows-repeated="-1"',
            'xmlns:x="y"',
            "1900-02-29",
        ),
    )
)
BINARY_WORDS = (
    b"\0",
    b"\xff" * 4,
    b"\xff\xff\xff\x7f",
    b"\x09\x08",
    b"\xfc\0",
    b"\x0a\0",
    b"\0\0\0\x80",
    b"\x85\0",
)


def long_and_short(test):
    """A second or so in every run of the tests; as long as is wanted in the long ones."""
    long = pytest.param(LONG, marks=[pytest.mark.torture, pytest.mark.fault("fuzz")], id="long")
    return pytest.mark.parametrize("seconds", [pytest.param(SHORT, id="short"), long])(test)


# --- the deadline language ---


def deadline(chance):
    text = mutated_text(chance, chance.choice(DEADLINES), DEADLINE_WORDS)
    try:
        rule = parse(text, ISSUED).rule
    except DeadlineSyntaxError:
        return "refused"
    for canonical in (to_chinese(rule), to_english(rule)):
        assert parse(canonical, ISSUED).rule == rule, (text, canonical)
    return "read"


@long_and_short
def test_any_deadline_is_read_one_way_or_refused(seconds):
    """The deadline language."""
    seen = rounds(deadline, seconds, slowest=1).seen
    assert set(seen) == {"read", "refused"}


# --- YAML ---


def lines_mixed(chance, data):
    """Lines put elsewhere, taken out, written twice, or set in otherwise: what a slip of an editor does."""
    lines = data.splitlines(keepends=True)
    for _ in range(chance.randint(1, 5)):
        place, other = chance.randrange(len(lines)), chance.randrange(len(lines))
        match chance.randrange(5):
            case 0:
                lines[place], lines[other] = lines[other], lines[place]
            case 1:
                del lines[place : place + chance.choice([1, 1, 3])]
            case 2:
                lines.insert(place, lines[other])
            case 3:
                lines[place] = b" " * chance.randrange(9) + lines[place].lstrip(b" ")
            case _:
                key, colon, _ = lines[place].partition(b":")
                lines[place] = key + colon + b" " + lines[other].strip() + b"\n"
        lines = lines or [b"\n"]
    return b"".join(lines)


@long_and_short
def test_any_damage_to_a_file_is_told_with_its_place(seconds, tmp_path):
    """YAML files."""

    def attack(chance):
        name = chance.choice([*NAMES, "units.yaml", "settings.yaml"])
        way = chance.choice([lines_mixed, lambda chance, data: mutated(chance, data, YAML_WORDS)])
        data = way(chance, SHIPPED[name])
        loaded = load_with(tmp_path, name, data)
        assert_well_told(loaded)
        return "refused" if loaded.errors else "read"

    assert rounds(attack, seconds, slowest=10).seen["refused"] > 0


EVENTS = {
    ".jsonl": b'{"at": "2022-05-03", "ref": "5", "unit": "wanzhou", "event": "submit", "count": 1, "note": "\xe5\xb7\xb2"}\n'
    * 3,
    ".csv": b'at,ref,unit,event,count,note\n2022-05-03,5,wanzhou,submit,1,"a\nb"\n' * 2,
    ".yaml": b"- {at: 2022-05-03, ref: 5, unit: wanzhou, event: submit}\n- at: 2022-05-04\n  ref: '5'\n",
}


@long_and_short
def test_any_damage_to_a_file_of_events_is_told_with_its_place(seconds, tmp_path):
    """Files of events."""

    def attack(chance):
        ending = chance.choice(sorted(EVENTS))
        path = tmp_path / f"events{ending}"
        path.write_bytes(mutated(chance, EVENTS[ending], YAML_WORDS))
        try:
            read_events(path, ZONE, lambda unit: unit)
        except ConfigError:
            return "refused"
        return "read"

    seen = rounds(attack, seconds, slowest=2).seen
    assert set(seen) == {"read", "refused"}


# --- spreadsheets ---


def packed(chance, data):
    """An archive with one of its parts changed, taken out, doubled, or renamed."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = [(member.filename, archive.read(member)) for member in archive.infolist()]
    place = chance.randrange(len(parts))
    name, content = parts[place]
    match chance.randrange(8):
        case 0:
            del parts[place]
        case 1:
            parts.append(parts[place])
        case 2:
            parts[place] = (mutated_text(chance, name, ("../", "/", "\\", "\0", "xl/", "é")), content)
        case _:
            parts[place] = (name, mutated(chance, content, XML_WORDS))
    stream = io.BytesIO()
    method = chance.choice([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2])
    with zipfile.ZipFile(stream, "w", method) as archive:
        for each, inside in parts:
            archive.writestr(zipfile.ZipInfo(each.replace("\0", "") or "x"), inside, compress_type=method)
    return stream.getvalue()


def damaged(chance):
    kind = chance.choice(sorted(SEEDS))
    data = SEEDS[kind]
    if data.startswith(b"PK") and chance.random() < 0.8:
        data = packed(chance, data)
    else:
        data = mutated(chance, data, BINARY_WORDS if kind in {"xls", "biff"} else XML_WORDS)
    if data.startswith(b"PK") and chance.random() < 0.2:
        data = mutated(chance, data, BINARY_WORDS, most=2)
    return data


def spreadsheet(read, chance):
    return spreadsheet_of(read, damaged(chance))


def spreadsheet_of(read, data):
    try:
        book = read("表", data)
    except FileRefusedError:
        return "refused"
    assert isinstance(book, (Book, Parcel))
    return "read"


@pytest.mark.filterwarnings("ignore:Duplicate name")
@long_and_short
def test_any_damage_to_a_spreadsheet_is_read_or_refused(seconds):
    """Spreadsheets."""
    seen = rounds(lambda chance: spreadsheet(read_file, chance), seconds, slowest=5).seen
    assert set(seen) == {"read", "refused"}


@pytest.mark.filterwarnings("ignore:Duplicate name")
@long_and_short
def test_the_same_in_the_process_apart(seconds):
    """Spreadsheets, in the process apart."""
    with Reader() as reader:
        seen = rounds(lambda chance: spreadsheet(reader.read, chance), seconds, slowest=5).seen
    assert set(seen) == {"read", "refused"}


@pytest.mark.torture
@pytest.mark.fault("fuzz")
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_the_same_with_what_an_office_program_writes(office):
    """Spreadsheets that LibreOffice wrote."""
    with Reader() as reader:

        def attack(chance):
            kind = chance.choice(["xls", "xls", "ods", "xlsx"])
            data = office[kind]
            whole = kind == "xls" or chance.random() < 0.2
            changed = mutated(chance, data, BINARY_WORDS, most=30) if whole else packed(chance, data)
            return spreadsheet_of(reader.read, changed)

        seen = rounds(attack, LONG, slowest=5).seen
    assert set(seen) == {"read", "refused"}
