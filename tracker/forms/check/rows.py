"""The rows below the head of a table: which hold data, which are totals, where the table ends; merged cells."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import lru_cache

from tracker.core.form import ColumnKind, Form, squeezed
from tracker.forms.book import Cell, Merge, Place, column_letters
from tracker.forms.check.column_headers import head_key, labels_of
from tracker.forms.check.figures import NOTHING, measures_told
from tracker.forms.check.form_fields import shown, starts_with_field
from tracker.forms.check.labels import begins_parts, is_aside, is_example, is_note, says_part, says_total
from tracker.forms.check.recognised import Recognised
from tracker.forms.check.values import is_blank, read_value, tick_in

_END = re.compile(r"\s*(?:填写说明|填表说明|填报说明|(?:说明|注|备注|附注)\s*[:：])")
_FOOT = re.compile(
    r"\s*(?:审核人|复核人|制表人|填报人|填表人|负责人|单位负责人|分管领导|经办人|联系人)\s*(?:[(（][^()（）]*[)）])?\s*[:：]"
)
_NIL = re.compile(r"[^非不未否]{0,12}零报告[√✓✔☑✅是]?")
#: So many merged cells are looked at; a file with more of them is made to cost time.
_MOST_MERGED = 500_000
#: By so many characters a filling rule is known.
_RULE = 12
_CROSS = frozenset("×✗✘xX否□☐")
#: What a row is called that is worked out from others.
_DERIVED = re.compile(
    r".{0,4}(?:平均|均值|人均)[数值]?|.{0,4}(?:占比|比重|比例|百分比)|(?:同比|环比|较上|比上|与上).{0,10}"
)
_CHINESE = "[一二三四五六七八九十]{1,3}"
#: The heading of some rows: 一、…, （二）…, 其中：.
_SECTION = re.compile(rf"{_CHINESE}[、.,:]|\({_CHINESE}\)|第{_CHINESE}[类批部分]|其中|.*:$")
#: The number of a section, where rows have figures.
_NUMERAL = re.compile(rf"\(?{_CHINESE}\)?[、.]?")
_PLACE = (
    "本|我|全|该|此|辖|区|县|市|月|期|季|年|度|单位|地|范围|内|项|表|目前|暂|尚|均|确|经|自查|排查|检查|核实"
)
_WHAT = (
    "新增|增加|相关|此类|该类|任何|需|要|上报|填报|报告|内容|情况|数据|问题|事项|机构|培训|考试|点|单位|企业|安全|生产|经营"
    "|其他|其它|其余|高危|行业|检查|执法|处罚|开展|发生|发现|涉及|存在|辖区|本|内|项|类|的|了|报"
)
#: 无, 本月无, 无新增, 未发现问题; no name has such words alone.
_NOTHING = re.compile(
    rf"(?:(?:{_PLACE}|累计|共计|合计)*(?:无|没有|未|不|零|空)(?:{_WHAT}|0)*)+(?:特此(?:说明|报告|上报|证明))?|na|none|nil|null|nothing"
)
#: What is said elsewhere, or not yet: no figures, and no nil return.
_ELSEWHERE = re.compile(
    "(?:具体|详细)?(?:数据|情况|内容|名单|明细)?(?:详见?|请?见|另见|参见)(?:附件|附表|附后|下表|另表|另附|报告|明细|清单|后附|上述).{0,8}|(?:另附|附后|后附|另报|单独报送|另行报送)"
    "|(?:待|未|正在|尚未|尚在|还在|后续|稍后|随后|下步)(?:补?报送?|补充|补报|定|核实|核查|统计|汇总|完善|确认|更新|检查|排查)中?|(?:统计|汇总|核实|核查|排查|检查)中"
)
_STROKES = re.compile(r"[-—–/\\_]+")
#: 同上月, 与上月一致, 无变化: figures that are not written down.
_AS_BEFORE = re.compile(
    r".{0,8}(?:同|与|和|按)?[上前][月期季次]度?(?:相同|一致|一样|数据|数|情况|无.{0,4})?|.{0,8}(?:无|没有|未)(?:任何|发生)?(?:变化|变动|增减|调整)"
)
_LONGEST_WORDS = 40
#: The kinds of columns in which words may say so.
_WORDS = frozenset({ColumnKind.NAME, ColumnKind.TEXT, ColumnKind.COUNT, ColumnKind.AMOUNT})
#: The kinds of columns that say what a row is.
_LABELS = frozenset({ColumnKind.SERIAL, ColumnKind.NAME})
_SUM = re.compile(r"=(?:SUM|SUBTOTAL)\((?:\d+[,;])?\[?\.?\$?([A-Z]{1,3})\$?\d+:\.?\$?([A-Z]{1,3})\$?\d+\]?\)")


class RowKind(Enum):
    """What a row below the head is."""

    DATA = auto()
    #: It is called one, or adds up by formulas; ``totals`` decides about those that are not.
    TOTAL = auto()
    #: It says that there is nothing to report: by a √ beside 零报告, or in words in the place of a name.
    NIL = auto()
    NOTHING = auto()
    #: It says that all is as the month before, and not what.
    AS_BEFORE = auto()
    #: It says that the figures are elsewhere, or are to come.
    ELSEWHERE = auto()
    #: It shows how the form is filled in.
    EXAMPLE = auto()
    #: An average, a share, a change, a part, another time: what is worked out from other rows, or beside them.
    DERIVED = auto()
    #: Below the total, and without a number where the others have one.
    BELOW = auto()
    #: Words that stand alone where names stand: who signed, what was enclosed, a remark.
    NOTE = auto()
    #: It is struck out.
    STRUCK = auto()
    #: The heading of some rows.
    SECTION = auto()
    #: One that has figures, those of the rows below once more.
    HEADING = auto()
    #: Nothing in it, a number of the row, the head once more, or who signed the table.
    SKIPPED = auto()
    #: The filling rules or whoever signs: here the table ends.
    END = auto()
    #: What looks like data below the end.
    BEYOND = auto()


@dataclass
class TableRow:
    """One row: its cells by column id, each with where it stands; ``shared`` are those merged with a row above.

    ``across`` are cells that were merged over several columns, ``words`` those that say that there is nothing.
    """

    number: int
    cells: dict[str, tuple[Place, Cell]]
    kind: RowKind
    nil_place: Place | None = None
    shared: set[str] = field(default_factory=set)
    across: list[Place] = field(default_factory=list)
    words: list[tuple[Place, Cell]] = field(default_factory=list)


@dataclass(frozen=True)
class Extent:
    """Which sheet columns belong to the table; ``ids`` by sheet column."""

    ids: Mapping[int, str]
    first: int
    last: int


def extent(recognised: Recognised) -> Extent:
    """The table's columns, and those that stand beside it with a label of their own."""
    ids = {at: each for each, at in recognised.columns.items()}
    labelled = {
        column
        for row in recognised.head_rows
        for column in range(max(0, min(ids) - 3), max(ids) + 4)
        if (cell := recognised.sheet.cells.get((row, column))) is not None
        and isinstance(cell.value, str)
        and 0 < len(head_key(cell.value)) <= 40
        and not _END.match(cell.value)
    }
    first, last = min(ids), max(ids)
    while first - 1 in labelled:
        first -= 1
    while last + 1 in labelled:
        last += 1
    return Extent(ids, first, last)


def table_rows(recognised: Recognised, within: Extent) -> list[TableRow]:
    """The rows of data, totals and nil reports, from the head to the end of the table."""
    merges = merged_places(recognised)
    cells: dict[int, dict[int, Cell]] = {}
    for place, cell in recognised.sheet.cells.items():
        number, column = place
        if number >= recognised.first_row and within.first <= column <= within.last and not is_blank(cell):
            merge = merges.get(place)
            if merge is None or (merge.first_row, merge.first_column) == place:
                cells.setdefault(number, {})[column] = cell
    found = []
    ended = False
    for number in sorted(cells):
        row = _row(recognised, within, merges, number, dict(sorted(cells[number].items())))
        if ended:
            if row.kind is RowKind.DATA and _is_plainly_data(recognised.form, row):
                row.kind = RowKind.BEYOND
                found.append(row)
                break
        elif row.kind is RowKind.END:
            ended = True
        elif row.kind is not RowKind.SKIPPED:
            found.append(row)
    return found


def _is_plainly_data(form: Form, row: TableRow) -> bool:
    """Whether a row below the filling rules can be nothing but data: its cells fit their columns, and it says what of."""
    kinds = {form.by_id[each].kind for each in row.cells}
    serial = next(
        (cell for each, (_, cell) in row.cells.items() if form.by_id[each].kind is ColumnKind.SERIAL), None
    )
    if serial is not None and not shown(serial.value).strip(" .、").isdecimal():
        return False
    said = [
        read_value(form.by_id[each], cell)
        for each, (_, cell) in row.cells.items()
        if form.by_id[each].is_figure or form.by_id[each].kind in {ColumnKind.CHOICE, ColumnKind.TICK}
    ]
    named = any(column.kind is ColumnKind.NAME for column in form.columns)
    is_told = ColumnKind.NAME in kinds if named else serial is not None or len(said) > 1
    return is_told and bool(said) and all(each.value is not None for each in said)


def share_merged(recognised: Recognised, rows: list[TableRow]) -> Iterator[tuple[Place, str, Cell]]:
    """Give every row of data what it was merged with; yields what is shared: where it stands, and the column."""
    data = {row.number: row for row in rows if row.kind is RowKind.DATA}
    ids = {at: each for each, at in recognised.columns.items()}
    for merge in recognised.sheet.merges:
        if merge.last_row == merge.first_row or merge.first_row not in data:
            continue
        place = merge.first_row, merge.first_column
        cell, column = recognised.sheet.cells.get(place), ids.get(merge.first_column)
        if column is None or cell is None or is_blank(cell):
            continue
        last = min(merge.last_row, max(data))
        below = [data[number] for number in range(merge.first_row + 1, last + 1) if number in data]
        if not below or recognised.form.by_id[column].kind is ColumnKind.SERIAL:
            continue
        yield place, column, cell
        if not recognised.form.by_id[column].is_figure:
            for row in below:
                row.cells[column] = place, cell
                row.shared.add(column)


def merged_places(recognised: Recognised) -> dict[Place, Merge]:
    """The merge over every cell below the head; whole rows and columns are cut to what holds the table."""
    last = max((row for row, _ in recognised.sheet.cells), default=0)
    widest = max(recognised.columns.values()) + 4
    found: dict[Place, Merge] = {}
    for merge in recognised.sheet.merges:
        if len(found) > _MOST_MERGED:
            break
        for row in range(max(merge.first_row, recognised.first_row), min(merge.last_row, last) + 1):
            for column in range(merge.first_column, min(merge.last_column, widest) + 1):
                found[row, column] = merge
    return found


def _row(
    recognised: Recognised,
    within: Extent,
    merges: Mapping[Place, Merge],
    number: int,
    cells: Mapping[int, Cell],
) -> TableRow:
    """``cells`` are from the left."""
    row = TableRow(number, {}, RowKind.DATA)
    for column, cell in cells.items():
        merge = merges.get((number, column))
        covered = (column,) if merge is None else range(column, merge.last_column + 1)
        columns = [within.ids[at] for at in covered if at in within.ids]
        if columns:
            row.cells[columns[0]] = (number, column), cell
        if len(columns) > 1:
            row.across.append((number, column))
    nil = _says_nil(cells)
    if nil is None:
        row.kind = _kind(recognised, row, cells)
        others = [cell.value for at, cell in cells.items() if at not in within.ids]
        if row.kind is RowKind.DATA and any(isinstance(each, str) and begins_parts(each) for each in others):
            row.kind = RowKind.DERIVED
    else:
        row.kind, row.nil_place = RowKind.NIL, (number, nil)
    return row


def _kind(recognised: Recognised, row: TableRow, cells: Mapping[int, Cell]) -> RowKind:
    form = recognised.form
    texts = [cell.value for cell in cells.values()]
    if isinstance(texts[0], str) and _is_end(form, texts[0]):
        return RowKind.END
    if all(isinstance(text, str) and (is_aside(text) or measures_told(text)) for text in texts):
        return RowKind.SKIPPED
    own = {each for each in row.cells if form.by_id[each].kind is not ColumnKind.SERIAL}
    if len(texts) == 1 and isinstance(texts[0], str) and _says_nothing(texts[0]):
        row.words = list(row.cells.values())
        return RowKind.NOTHING
    struck = recognised.sheet.struck
    if struck and all((row.number, at) in struck for at in cells):
        return RowKind.STRUCK if own else RowKind.SKIPPED
    if struck and own and all(row.cells[each][0] in struck for each in own):
        return RowKind.STRUCK
    if any(map(_is_called_total, texts[:2])) or _adds_up(form, row):
        return RowKind.TOTAL
    if not own or _is_head(form, texts):
        return RowKind.SKIPPED
    return _kind_by_words(form, row, own)


def _is_called_total(text: object) -> bool:
    return isinstance(text, str) and says_total(text) and not _says_nothing(text)


def _kind_by_words(form: Form, row: TableRow, own: Collection[str]) -> RowKind:
    """What the texts of a row make of it, where it has no figures that would make it data."""
    texts = {each: cell.value for each, (_, cell) in row.cells.items() if isinstance(cell.value, str)}
    names = [
        text
        for each, text in texts.items()
        if form.by_id[each].kind in {ColumnKind.SERIAL, ColumnKind.NAME, ColumnKind.TEXT} or row.across
    ]
    if any(map(is_example, names)):
        return RowKind.EXAMPLE
    is_derived = any(_DERIVED.fullmatch(squeezed(text[:_LONGEST_WORDS])) for text in names) or any(
        says_part(text, _own_words(form)) for each, text in texts.items() if form.by_id[each].kind in _LABELS
    )
    data = RowKind.DERIVED if is_derived else RowKind.DATA
    if any(
        not isinstance(cell.value, str) and cell.value != 0
        for each, (_, cell) in row.cells.items()
        if each in own
    ):
        return data
    words = [text for each, text in texts.items() if each in own]
    if not words:
        return data
    if all(map(_says_nothing, words)):
        row.words = [
            held for each, held in row.cells.items() if each in texts and form.by_id[each].kind in _WORDS
        ]
        return RowKind.NOTHING
    rest = [squeezed(word[:_LONGEST_WORDS]) for word in words if not _says_nothing(word)]
    if len(rest) == 1 and _AS_BEFORE.fullmatch(rest[0].strip("。.!")):
        return RowKind.AS_BEFORE
    if len(rest) == 1 and _ELSEWHERE.fullmatch(rest[0].strip("。.!()")):
        return RowKind.ELSEWHERE
    if len(own) == 1 and is_note(rest[0]):
        return RowKind.NOTE
    number = next((text for each, text in texts.items() if each not in own), "")
    if len(own) == 1 and (row.across or _SECTION.match(rest[0]) or _NUMERAL.fullmatch(squeezed(number))):
        return RowKind.SECTION
    return data


@lru_cache(maxsize=64)
def _own_words(form: Form) -> frozenset[str]:
    """The heads of the columns of a form that are filled in, and the words to choose from in them."""
    columns = [each for each in form.columns if each.kind not in {ColumnKind.SERIAL, ColumnKind.NAME}]
    words = {word for each in columns for choice in each.choices for word in (choice.word, *choice.also)}
    return frozenset(words | {each.label for each in columns})


def _says_nothing(text: str) -> bool:
    """Whether words say that there is nothing to report; a stroke does, too."""
    if len(text) > _LONGEST_WORDS:
        return False
    plain = squeezed(text)
    words = "".join(filter(str.isalnum, plain))
    return (
        plain in NOTHING
        or _STROKES.fullmatch(plain) is not None
        or _NOTHING.fullmatch(words.casefold()) is not None
    )


def _adds_up(form: Form, row: TableRow) -> bool:
    """Whether figures of a row are sums of their own columns."""
    sums = 0
    for each, (place, cell) in row.cells.items():
        found = _SUM.match(cell.formula) if cell.formula and form.by_id[each].is_figure else None
        sums += found is not None and found[1] == found[2] == column_letters(place[1])
    return sums > 1


def _is_end(form: Form, text: str) -> bool:
    if _END.match(text) or _FOOT.match(text) or starts_with_field(form, text):
        return True
    start = squeezed(text)[:_RULE]
    return len(start) == _RULE and start in _rules(form)


@lru_cache(maxsize=64)
def _rules(form: Form) -> frozenset[str]:
    """How the filling rules begin."""
    return frozenset(squeezed(rule)[:_RULE] for rule in form.instructions)


def _is_head(form: Form, texts: Sequence[object]) -> bool:
    labels = labels_of(form)
    keys = [head_key(text) for text in texts if isinstance(text, str)]
    known = sum(key in labels.columns or key in labels.groups for key in keys)
    return known > 2 and known == len(texts) and len(set(keys)) > 2


def _says_nil(cells: Mapping[int, Cell]) -> int | None:
    """The column of the first cell that says that there is nothing to report, where the next one does not deny it."""
    for at, cell in cells.items():
        text = cell.value
        if not isinstance(text, str) or "零" not in text or len(text) > 40:
            continue
        beside = next((cells[other].value for other in cells if other > at), None)
        if text.rstrip().endswith((":", "：")) and not (isinstance(beside, str) and tick_in(beside)):
            continue
        plain = "".join(char for char in squeezed(text) if char.isalnum() or char in "√✓✔☑✅□☐×")
        if _NIL.fullmatch(plain) and plain[0] not in "□☐" and beside not in _CROSS:
            return at
    return None
