"""YAML into a tree with places: everything that can be wrong with the YAML itself, and where it says so."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tracker.config import yamlnodes
from tracker.config.document import path_of
from tracker.config.yamlnodes import DEEPEST, read_document
from tracker.config.yamltext import LARGEST
from tracker.i18n.message import say


def read(text):
    return read_document("f.yaml", text if isinstance(text, bytes) else text.encode())


def found(text):
    """Place and English wording of every finding."""
    return [f"{p.line}:{p.column}: {p.message}" for p in read(text).problems]


FULL_WIDTH_COLON = "a full-width colon “"
CASES = {
    # What a Chinese keyboard does; the line is that of the slip, not the one after.
    "full-width colon": ("campaign:\n  title: a\n  document：b\n  issued: c\n", "3:11", "full-width colon"),
    "full-width colon in the first line": ("campaign：\n  title: a\n", "1:9", "full-width colon"),
    "full-width colon after an item's dash": ("tasks:\n  - id：5\n    text: x\n", "2:7", "full-width colon"),
    "full-width colon in the last line": ("tasks:\n  - id: 5\n    note：x\n", "3:9", "full-width colon"),
    "full-width colon, far above": ("a：1\nb\nc\nd\ne: 2\n", "1:2", "full-width colon"),
    "full-width comma": ("a: {count: 2，of: b, c: d}\n", "1:13", "full-width “，”"),
    "enumeration comma": ("a: {count: 2、of: b}\n", "1:13", "full-width “、”"),
    "full-width space after the colon": (
        "a:\n  b:\u3000x\n  c: 2\n",
        "2:4",
        "half-width space after the colon",
    ),
    "full-width space to indent": (
        "a:\n  b: 1\n\u3000\u3000c: 2\n d: 3\n",
        "3:1",
        "full-width space is used to indent",
    ),
    "full-width dash": ("a:\n  － id: 1\n    b: 2\n", "2:3", "full-width dash"),
    # What anybody does.
    "tab to indent": ("a:\n\tb: 1\n", "2:1", "tab is used to indent"),
    "tab among spaces": ("a:\n  b: 1\n  \tc: 1\n", "3:3", "tab is used to indent"),
    "no space after the colon": ("a:\n  b:1\n  c: 2\n", "2:4", "half-width space after the colon"),
    "no space after the last colon": ("a:\n  c: 2\n  b:1\n", "3:4", "half-width space after the colon"),
    "no space after the dash": ("a:\n  -id: 1\n   b: x\n", "2:3", "begins with “-” and a space"),
    "quotes never closed": ('a: "x\nb: 2\n', "1:4", "quotes that begin here are never closed"),
    "quotes in quotes": ('a: "x "y" z"\n', "1:8", "the end of a quoted text"),
    "list never closed": ("a: [1, 2\nb: 3\n", "2:2", "“]” to what begins in line 1"),
    "mapping never closed": ("a: {b: 1\n", "2:1", "“}” to what begins in line 1"),
    "colon in a text": ("a: b: c\n", "1:5", "put a text with “: ” into quotes"),
    "indented less": ("a:\n    b: 1\n  c: 2\n", "3:3", "expected a key in column 1 as in line 1"),
    "indented more": ("a:\n  b: 1\n    c: 2\n", "3:6", "indent keys alike"),
    "key in a list": ("a:\n  - c\n  b: 1\n", "3:3", "expected a list item “- …” in column 3"),
    "text that begins with @": ("a: @x\n", "1:4", "begins with “@” must be in quotes"),
    "text that begins with *": ("a: *重要*\n", "1:4", "begins with “*” must be in quotes"),
    "backslash": ('a: "C:\\dir"\n', "1:7", "a backslash needs another"),
    "empty item": ("a: [1,, 2]\n", "1:7", "not YAML"),
    "no key": ("a: 1\n: b\n", "2:1", "expected a key in column 1"),
    "half a key": ("a:\n  b: 1\n  docu", "3:3", "instead of “docu”"),
    # What YAML allows and the files do without.
    "key twice": (
        "a: 1\nb: 2\na: 3\n",
        "3:1",
        "the key “a” stands here a second time; the first is in line 1",
    ),
    "key twice in one line": ("x: {a: 1, b: 2, a: 3}\n", "1:17", "the first is in line 1"),
    "list as key": ("? [a]\n: 2\n", "1:3", "a key, which is a word"),
    "null as key": ("~: 2\n", "1:1", "expected a key"),
    "anchor": ("a: &x 1\n", "1:4", "the anchor &x is not allowed"),
    "alias": ("a: *x\n", "1:4", "the alias *x is not allowed"),
    "alias as key": ("*x : 1\n", "1:1", "the alias *x is not allowed"),
    "python tag": ("a: !!python/object/apply:os.system [x]\n", "1:4", "the tag “!!python/object"),
    "own tag": ("a: !x y\n", "1:4", "the tag “!x” is not allowed"),
    "second document": ("a: 1\n---\nb: 2\n", "2:1", "a second document begins here"),
    "more after the end": ("a: 1\n...\nb: 2\n", "3:1", "nothing may follow"),
    # What is no text.
    "empty": ("", "1:1", "the file is empty"),
    "only a comment": ("# nothing\n", "1:1", "the file is empty"),
    "GBK": ("a: 1\nb: 清单\n".encode("gbk"), "2:4", "seems to be GBK"),
    "cut inside a character": ("a: 清单".encode()[:-1], "1:5", "cut off in the middle of a character"),
    "a wrong byte": (b"a: 1\nb: x\xff\n", "2:5", "byte 0xff is not UTF-8"),
    "UTF-16": ("a: 1\n".encode("utf-16"), "1:1", "UTF-16"),
    "NULs at the end": (b"a: 1\n" + bytes(4096), "2:1", "4096 NUL"),
    "U+2028": ("a: x\u2028y\n", "1:5", "U+2028"),
    "U+0085, typed": ("a: x\x85y\n", "1:5", "U+0085"),
    "U+0085, escaped": ('a: "x\\u0085y"\n', "1:4", "U+0085"),
    "vertical tab": ("b: 1\na: x\x0by\n", "2:5", "U+000B"),
    "a direction mark": ("a: x\u202ey\n", "1:5", "U+202E"),
    # What was not written to its end.
    "no end mark": ("# end_mark: 完\na: 1\n", "2:5", "the file is cut off here"),
    "half an end mark": ("# end_mark: 全文完\na: 1\n# 全文", "3:5", "the file is cut off here"),
}


@pytest.mark.parametrize("case", CASES)
def test_one_slip_is_one_finding_at_its_own_place(case):
    text, place, message = CASES[case]
    findings = found(text)
    assert len(findings) == 1, findings
    assert findings[0].startswith(f"{place}: ")
    assert message in findings[0]


@pytest.mark.parametrize("case", CASES)
def test_every_finding_is_said_in_chinese_too(case):
    for problem in read(CASES[case][0]).problems:
        assert any("一" <= character <= "龥" for character in say(problem.message, "zh"))


@pytest.mark.parametrize("case", [case for case in CASES if "GBK" not in case])
def test_the_parser_without_the_c_library_refuses_the_same(case, monkeypatch):
    monkeypatch.setattr(yamlnodes, "_LOADER", yaml.SafeLoader)
    assert read(CASES[case][0]).problems


def test_what_can_be_read_around_a_slip_is_read_and_all_slips_are_told():
    assert [line.partition(" ")[0] for line in found("a: *x\nb: &y 1\nb: 2\nc: !t 1\nd: \u2028\n")] == [
        "1:4:",
        "2:4:",
        "3:1:",
        "4:4:",
        "5:4:",
    ]


def test_a_thousand_control_characters_are_not_a_thousand_findings():
    findings = found("a: x\x01y\n" * 1000)
    assert len([line for line in findings if "U+0001" in line]) == 10
    assert any("more control characters" in line for line in findings)


# --- scalars ---


@pytest.mark.parametrize(
    "typed",
    ["2022-02-30", "no", "Yes", "12:30:45", "0o17", "010", "1e3", ".inf", "=", "<<", "2022年底前", "0x1f"],
)
def test_a_scalar_is_the_text_that_was_typed(typed):
    assert read(f"a: {typed}\n").root == {"a": typed}


@pytest.mark.parametrize("typed", ["", "~", "null", "Null", "NULL"])
def test_nothing_is_none_unless_it_stands_in_quotes(typed):
    assert read(f"a: {typed}\n").root == {"a": None}
    assert read(f'a: "{typed}"\n').root == {"a": typed}


def test_a_byte_order_mark_and_windows_line_ends_change_nothing():
    document = read(b"\xef\xbb\xbfa: 1\r\nb:\r\n  c: 2\r\n")
    assert document.root == {"a": "1", "b": {"c": "2"}}
    assert document.problems == []
    assert document.place(("b", "c")) == (3, 6)


@pytest.mark.parametrize("end", ["\r\n", "\r", "\n"])
def test_the_end_mark_is_found_whatever_lines_end_with(end):
    whole = "# end_mark: 全文完\na: 1\n# 全文完\n".replace("\n", end)
    assert found(whole) == []
    for cut in range(1, len("# 全文完") + 1):
        (problem,) = found(whole.rstrip()[:-cut])
        assert "cut off here" in problem, cut


def test_a_harmless_tag_is_let_pass():
    assert read("a: !!str 5\nb: ! x\n").problems == []


def test_the_end_mark_is_a_comment_after_which_more_may_come():
    assert found("# end_mark: 全文完\na: 1\n# 全文完") == []
    assert found("a: 1\n# end_mark: the end\nb: 1\n  # the end\nc: 1\n") == []
    assert found("a: 1\n# 全文完\n# end_mark: 全文完\n") != [], "before the announcement it is none"
    assert found("a: 1\n") == []


# --- places ---

PLACES = """\
a: 甲
b: [x, yy]
c:
  - d: "in quotes"
    e: 'x''y'
  - f: |
      block
    g: two
      lines
"""


@pytest.mark.parametrize(
    ("location", "place"),
    [
        (("a",), (1, 4)),
        (("b", 1), (2, 8)),
        (("c", 0), (4, 5)),
        (("c", 0, "d"), (4, 8)),
        (("c", 1, "f"), (6, 8)),
        ((), (1, 1)),
        # What is not there is where it would have to be.
        (("c", 0, "missing"), (4, 5)),
        (("c", 7), (4, 3)),
        (("a", "below", 3), (1, 4)),
    ],
)
def test_the_place_of_a_value(location, place):
    assert read(PLACES).place(location) == place


def test_the_place_of_a_key():
    assert read(PLACES).key_place(("c", 0, "e")) == (5, 5)


@pytest.mark.parametrize(
    ("location", "column", "place"),
    [
        (("b", 1), 2, (2, 9)),
        (("c", 0, "d"), 4, (4, 12)),
        # Not as it was typed, or on several lines: the value as a whole.
        (("c", 0, "e"), 2, (5, 8)),
        (("c", 1, "f"), 3, (6, 8)),
        (("c", 1, "g"), 5, (8, 8)),
    ],
)
def test_the_place_of_a_character_within_a_text(location, column, place):
    assert read(PLACES).place_within(location, column) == place


def test_the_path_of_a_place():
    assert path_of(("tasks", 4, "deliverables", 0, "deadline")) == "tasks[4].deliverables[0].deadline"
    assert path_of(()) == ""


# --- bombs ---


@pytest.mark.parametrize("unit", ["[", "{a: ", "- ", "- - ", "? ", "[{a: "])
def test_deep_nesting_is_refused_and_kills_nothing(unit):
    text = unit * 100_000
    assert len(found(text)) == 1


def test_deep_indenting_is_refused():
    text = "".join(f"{' ' * depth}a:\n" for depth in range(2_000))
    assert found(text) == ["33:33: nested deeper than 32 levels"]


def test_nesting_is_counted_exactly():
    assert found("[" * DEEPEST + "]" * DEEPEST) == []
    assert "nested deeper" in found("[" * (DEEPEST + 1) + "]" * (DEEPEST + 1))[0]


def test_an_alias_bomb_is_never_unfolded():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    document = read("\n".join(lines))
    assert len(document.problems) == 12 + 11 * 9
    assert document.root["a11"] == [None] * 9


def test_a_file_that_is_too_large_is_not_parsed():
    assert "larger than 32 MB" in found(b"#" * (LARGEST + 1))[0]


# --- anything at all ---

PIECES = st.sampled_from(
    [
        *"[]{}\"'|>#%@?\\~\t\n\r，：",
        "a",
        "b: ",
        ": ",
        "- ",
        "\n  ",
        ", ",
        "&x ",
        "*x",
        "!t ",
        "---",
        "...",
        "清单",
        "\x00",
        "\u2028",
    ]
)


@given(st.lists(PIECES, max_size=40).map("".join))
def test_any_text_gives_a_tree_or_findings_with_places(text):
    document = read(text)
    assert document.problems or document.root is not None
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for problem in document.problems:
        assert 1 <= problem.line <= len(lines) + 1
        assert problem.column >= 1


@given(st.binary(max_size=200))
def test_any_bytes_give_a_tree_or_findings(data):
    document = read(data)
    assert document.problems or document.root is not None


@given(
    st.recursive(
        st.text(
            st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn", "Zl", "Zp", "Cf"]), max_size=20
        ),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(st.text("abcdefgh", min_size=1, max_size=5), inner, max_size=4)
        ),
        max_leaves=20,
    )
)
def test_what_yaml_writes_is_read_back(value):
    text = yaml.dump({"top": value}, allow_unicode=True, Dumper=yaml.CSafeDumper, default_style='"')
    document = read(text)
    assert document.problems == []
    assert document.root == {"top": value}
