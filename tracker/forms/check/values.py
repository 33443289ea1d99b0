"""What one cell says, by the kind of its column: the value, and how it was written where that is not as asked."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, time
from decimal import Decimal
from typing import NamedTuple

from tracker.core.form import Choice, Column, ColumnKind, Value, comparable, squeezed
from tracker.forms.book import Cell
from tracker.forms.check.figures import (
    INVISIBLE,
    MONEY,
    NOTHING,
    Figure,
    fits,
    half_width,
    is_negative,
    read_figure,
    tidy,
)
from tracker.forms.check.form_fields import shown
from tracker.forms.check.raised import without_mark, without_raised
from tracker.forms.finding import Finding, Weight
from tracker.i18n.message import Message

#: What is kept of a cell's text in a finding.
_CUT = 60
#: Of a cell with nothing else nobody sees anything: blanks, an apostrophe that keeps a number as text.
_UNSEEN = " \t\r\n'＇\u3000\u00a0" + "".join(map(chr, INVISIBLE))
#: No count or amount is as high as this; a telephone number or an account is.
_TOO_HIGH = 10**10

_TICKS = frozenset("√✓✔☑✅●■vνⅴy是有1对勾üþpr") | {"true", "yes", "ok", "打勾", "打钩", "已打", "勾选"}
_TICK = re.compile("[√✓✔☑✅]")
_SAYS_TICK = re.compile(r"^(?:已?打|已?划|已?画|已)(?=[√✓✔☑✅])")
_AMOUNT = re.compile(r"[0-9](?:\.[0-9]+)?\s*[万亿千百]?元|[0-9]\s*万|[一二三四五六七八九十百千万]元")
_NO_AMOUNTS = Message("findings.cell.only_tick")
_CROSSES = frozenset("×✗✘❌❎✖╳xn否无0-—–/\\□☐〇零") | {"false", "no", "没有", "--", "——"}

#: Characters of a name, and of a text.
_LONGEST_NAME, _LONGEST_TEXT = 200, 2000

#: 同上: the reader of a sum has nothing above it.
_DITTO = frozenset({"同上", "同前", "〃", "″", "”", '"', "''"})
_LINE_END = re.compile(r"[^\S\n]*\n\s*")
#: Between two choices.
_LISTED = re.compile("[、,;/+&和及与或跟]|以及")
#: There is nothing to mend, so that no choice is to be made.
_NEEDLESS = re.compile(
    "(?:经?(?:自查|检查|排查|核查))?(?:均|都)?(?:无|没有|未发现|没发现|未查出|不存在)(?:任何|相关|明显|需要?整改的?)?(?:问题|隐患|情况|违法违规行为|此[项类]情况)"
    "|(?:无需|不需|无须|不须|不必|不用|毋需)要?(?:进行)?(?:整改|改正|处理)|不涉及(?:整改)?|不适用|无整改(?:事项|内容|问题|情况)|n/?a"
)
_NOT_YET = re.compile("未|没|不|无|非|待|拟|将|(?<!目)前|应|须|需|请|争取|力争|预计|计划|准备")
_HEDGED = re.compile("基本|大部|部分|大致|一半|其余|但|除|未|没|不|[%％?？]")


class CellReading(NamedTuple):
    """What a cell says: its value, what stood beside a choice, and what is to be said about it."""

    value: Value | None
    note: str | None = None
    finding: Finding | None = None


EMPTY = CellReading(None)


def read_value(column: Column, cell: Cell | None) -> CellReading:
    """One cell, read as ``column`` asks.  Its finding has no place yet."""
    if column.kind is ColumnKind.SERIAL or is_blank(cell):
        return EMPTY
    assert cell is not None
    if cell.is_error:
        return _error(column, cell, Message("findings.cell.error_value"))
    if cell.formula is not None:
        return _stored(column, cell)
    if cell.shown is not None and column.is_figure:
        return _as_shown(column, cell, cell.shown)
    return _READERS[column.kind](column, cell)


def is_blank(cell: Cell | None) -> bool:
    """Whether nothing can be seen in a cell."""
    if cell is None or (cell.value is None and cell.formula is not None):
        return cell is None
    return cell.value is None or (isinstance(cell.value, str) and not cell.value.strip(_UNSEEN))


def found_text(cell: Cell) -> str:
    """What stands in a cell, verbatim but cut."""
    text = shown(cell.value) if cell.formula is None else cell.formula
    return text if len(text) <= _CUT else f"{text[:_CUT]}…"


def plain_text(cell: Cell) -> str:
    """The text of a cell in one line."""
    text = shown(cell.value).translate(INVISIBLE)
    return _LINE_END.sub(" ", text.replace("\r", "\n").replace("\u00a0", " ")).strip()


def expected_in(column: Column) -> Message:
    """What belongs into a column."""
    of = Message("findings.expected.of", measure=column.unit) if column.unit else ""
    if column.kind is ColumnKind.COUNT:
        return Message("findings.expected.count", of=of)
    if column.kind is ColumnKind.AMOUNT:
        return Message("findings.expected.amount", of=of)
    if column.kind is ColumnKind.TICK:
        return Message("findings.expected.tick")
    if column.kind is ColumnKind.CHOICE:
        return Message("findings.expected.choice", words=tuple(choice.word for choice in column.choices))
    return Message("findings.expected.text")


def unit_of(column: Column) -> str | Message:
    """The unit in which a column counts, or that it has none."""
    return column.unit or Message("findings.plain_numbers")


def _error(column: Column, cell: Cell, message: Message, expected: Message | None = None) -> CellReading:
    wanted = expected or expected_in(column)
    return CellReading(None, None, Finding(Weight.ERROR, message, found=found_text(cell), expected=wanted))


def _question(
    value: Value, cell: Cell, message: Message, expected: Message, note: str | None = None
) -> CellReading:
    return CellReading(
        value, note, Finding(Weight.QUESTION, message, found=found_text(cell), expected=expected)
    )


def _reading(value: Value | None, cell: Cell, note: str | None = None) -> CellReading:
    found = found_text(cell)
    if value is None or value is False:
        message = Message("findings.cell.read_as_nothing", found=found)
    else:
        as_read = "√" if value is True else str(value)
        message = Message("findings.cell.read_as", found=found, value=as_read)
    return CellReading(None if value is False else value, note, Finding(Weight.READING, message, found=found))


def _stored(column: Column, cell: Cell) -> CellReading:
    """What a formula came to when the file was saved; programs that do not calculate leave nothing, or a zero."""
    if cell.value is None:
        message = Message("findings.cell.formula")
        return _error(column, cell, message)
    read = read_value(column, Cell(cell.value, shown=cell.shown))
    stored = shown(cell.value)[:_CUT]
    if read.finding is not None and read.finding.weight is not Weight.READING:
        return read._replace(finding=replace(read.finding, found=found_text(cell)))
    message = Message("findings.cell.formula_read", stored=stored)
    is_doubtful = column.is_figure and (not read.value or "[" in (cell.formula or ""))
    weight = Weight.QUESTION if is_doubtful else Weight.READING
    return read._replace(
        finding=Finding(weight, message, found=found_text(cell), expected=expected_in(column))
    )


def _as_shown(column: Column, cell: Cell, seen: str) -> CellReading:
    """A number of which another one is seen: that one was meant."""
    read = _figure_in_text(column, Cell(seen), seen)
    if read.value is not None and read.value == tidy_number(Decimal(repr(cell.value))):
        return _checked(column, cell, Decimal(read.value))
    stored = shown(cell.value)
    message = Message("findings.cell.shown_read", stored=stored, seen=seen)
    if read.finding is None or read.finding.weight is Weight.READING:
        return _question(read.value or 0, cell, message, expected_in(column))
    if read.value is None:
        why = read.finding.message
        message = Message("findings.cell.shown_unread", stored=stored, seen=seen, why=why)
    return read._replace(finding=replace(read.finding, message=message, found=seen))


def _read_figure(column: Column, cell: Cell) -> CellReading:
    value = cell.value
    if isinstance(value, (datetime, time)):
        return _error(
            column,
            cell,
            Message("findings.cell.date", found=shown(value)),
        )
    if isinstance(value, bool):
        return _error(column, cell, Message("findings.cell.truth_value"))
    if isinstance(value, str):
        return _figure_in_text(column, cell, value)
    assert value is not None
    if not math.isfinite(value):
        return _error(column, cell, Message("findings.cell.no_number"))
    return _checked(column, cell, value if isinstance(value, int) else tidy_number(value))


def tidy_number(value: float | Decimal) -> Decimal:
    """A number as it was meant: 0.1 + 0.2 is 0.3."""
    if isinstance(value, int):
        return Decimal(value)
    number = Decimal(repr(value)) if isinstance(value, float) else value
    if abs(number) >= _TOO_HIGH:
        return number
    number = number.quantize(Decimal("0.000001")).normalize()
    return number.quantize(Decimal(1)) if number == number.to_integral_value() else number


def _checked(
    column: Column, cell: Cell, number: int | Decimal, read: CellReading | None = None
) -> CellReading:
    """A number that is as its column wants it; ``read`` says how it was written, where that is worth saying."""
    if number < 0:
        return _error(column, cell, Message("findings.cell.negative"))
    if number >= _TOO_HIGH:
        return _error(column, cell, Message("findings.cell.too_high"))
    value: Value
    if column.kind is ColumnKind.COUNT:
        value = int(number)
        if value != number:
            return _error(column, cell, Message("findings.cell.fraction", number=number))
    else:
        value = abs(Decimal(number))
    if column.doubt_above is not None and number > column.doubt_above:
        unit = column.unit or ""
        message = Message("findings.cell.doubted", number=number, measure=unit, most=column.doubt_above)
        return _question(value, cell, message, expected_in(column))
    if read is not None and read.finding is not None and read.finding.weight is Weight.QUESTION:
        return CellReading(value, None, read.finding)
    return _reading(value, cell) if read is not None else CellReading(value)


def _figure_in_text(column: Column, cell: Cell, text: str) -> CellReading:
    word = tidy(text)
    if word in NOTHING:
        return _reading(NOTHING[word], cell)
    if is_negative(text):
        return _error(column, cell, Message("findings.cell.negative"))
    body, mark = without_mark(text)
    figure = read_figure(body)
    if mark and figure is not None:
        return _beside_mark(column, cell, body, mark)
    if figure is None or re.fullmatch(r"[1-9][0-9]{0,2}\.000", word):
        return _error(column, cell, Message("findings.cell.unclear"))
    if figure.unit == "万" and column.unit not in MONEY:
        figure = Figure(figure.number * MONEY["万"], None, is_doubtful=True)
    if figure.unit in MONEY or column.unit in MONEY:
        return _money_in_text(column, cell, figure)
    if figure.is_doubtful:
        number = tidy_number(figure.number)
        message = Message("findings.cell.likely", number=number)
        doubt = Finding(Weight.QUESTION, message, found=found_text(cell), expected=expected_in(column))
        return _checked(column, cell, number, CellReading(None, None, doubt))
    if figure.unit is not None and not fits(figure.unit, column.unit):
        message = Message(
            "findings.cell.other_unit", wanted=unit_of(column), measure=figure.unit, number=figure.number
        )
        asked = Finding(Weight.QUESTION, message, found=found_text(cell), expected=expected_in(column))
        return _checked(column, cell, tidy_number(figure.number), CellReading(None, None, asked))
    return _checked(column, cell, tidy_number(figure.number), EMPTY)


def _beside_mark(column: Column, cell: Cell, body: str, mark: str) -> CellReading:
    """A figure with a footnote's mark behind it."""
    read = _figure_in_text(column, Cell(body), body)
    if read.value is None or (read.finding is not None and read.finding.weight is not Weight.READING):
        return read
    message = Message("findings.cell.footnote", found=found_text(cell), mark=mark, value=read.value)
    return _question(read.value, cell, message, expected_in(column))


def _money_in_text(column: Column, cell: Cell, figure: Figure) -> CellReading:
    size = MONEY.get(column.unit or "")
    if figure.unit is None:
        return _checked(column, cell, tidy_number(figure.number), EMPTY)
    if size is None or figure.unit not in MONEY:
        message = Message("findings.cell.wrong_unit", wanted=unit_of(column), measure=figure.unit)
        return _error(column, cell, message)
    if MONEY[figure.unit] == size:
        return _checked(column, cell, tidy_number(figure.number), EMPTY)
    meant = tidy_number(figure.number * MONEY[figure.unit] / size)
    message = Message(
        "findings.cell.other_money",
        wanted=column.unit,
        number=figure.number,
        measure=figure.unit,
        meant=meant,
    )
    return _error(
        column, cell, message, Message("findings.expected.converted", number=meant, measure=column.unit)
    )


def _read_tick(column: Column, cell: Cell) -> CellReading:
    value = cell.value
    if not isinstance(value, str):
        if not isinstance(value, (datetime, time)) and value in {0, 1}:
            return _reading(bool(value), cell)
        return _error(column, cell, _NO_AMOUNTS)
    if value == "√":
        return CellReading(True)
    ticked = tick_in(value)
    label = comparable(column.label)
    if ticked is None and comparable(value) in {label, f"已{label}", f"{label}√", f"√{label}"}:
        ticked = True
    if ticked is not None:
        return _reading(ticked, cell)
    if read_figure(value) is not None or _AMOUNT.search(half_width(value)):
        return _error(column, cell, _NO_AMOUNTS)
    if _TICK.search(value) and not _NOT_YET.search(value):
        message = Message("findings.cell.likely_tick")
        return _question(True, cell, message, expected_in(column))
    message = Message("findings.cell.words_for_tick")
    return CellReading(
        None, None, Finding(Weight.QUESTION, message, found=found_text(cell), expected=expected_in(column))
    )


def tick_in(text: str) -> bool | None:
    """Whether a text is a tick or says that there is none; None where it is neither."""
    word = half_width(text).replace("\ufe0f", "").strip(" \t\r\n'‘’“”\"()[].。").casefold()
    word = _SAYS_TICK.sub("", word) or word
    if not word:
        return None
    if word in _TICKS or (len(set(word)) == 1 and word[0] in "√✓✔☑✅"):
        return True
    return False if word in _CROSSES else None


def _read_choice(column: Column, cell: Cell) -> CellReading:
    text = plain_text(cell)
    for choice in column.choices:
        if text == choice.word:
            return CellReading(choice.word)
    plain = squeezed(text).casefold().strip("。.,;、()“”\"'√")
    if tidy(text) in NOTHING or _NEEDLESS.fullmatch(plain):
        return _reading(None, cell)
    if tidy(text) in _DITTO:
        return _error(column, cell, Message("findings.cell.ditto", text=text))
    for choice in column.choices:
        if plain in (choice.word, *choice.also):
            return _reading(choice.word, cell)
    hits = {choice.word: hit for choice in column.choices if (hit := _longest(choice, plain))}
    listed = {
        choice.word for choice in column.choices if {choice.word, *choice.also} & set(_parts(plain, hits))
    }
    if len(hits) != 1 or listed - hits.keys():
        several = Message("findings.cell.several_choices")
        return _error(column, cell, several if hits else Message("findings.cell.no_choice"))
    ((word, hit),) = hits.items()
    before, _, after = plain.partition(hit)
    if _NOT_YET.search(before):
        return _error(column, cell, Message("findings.cell.no_choice"))
    if _HEDGED.search(before) or _HEDGED.search(after):
        message = Message("findings.cell.likely_choice", word=word)
        return _question(word, cell, message, expected_in(column), text)
    return _reading(word, cell, text)


def _parts(text: str, hits: Mapping[str, str]) -> list[str]:
    """What is listed in a text, and what stands around the choices found in it: 市 and 区县级 of 市、区县级."""
    parts = _LISTED.split(text)
    return [*parts, *(rest for part in parts for hit in hits.values() for rest in part.split(hit))]


def _longest(choice: Choice, text: str) -> str | None:
    words = sorted({choice.word, *choice.also}, key=lambda word: (-len(word), word))
    return next((word for word in words if len(word) > 1 and word in text), None)


def _read_text(column: Column, cell: Cell) -> CellReading:
    text = plain_text(cell)
    most = _LONGEST_NAME if column.kind is ColumnKind.NAME else _LONGEST_TEXT
    if len(text) > most:
        message = Message("findings.cell.too_long", count=len(text))
        return _error(column, cell, message, Message("findings.expected.characters", most=most))
    if column.kind is ColumnKind.NAME and text not in NOTHING and not any(map(str.isalpha, text)):
        message = Message("findings.cell.no_name")
        return _question(text, cell, message, expected_in(column))
    body, mark = without_raised(text) if column.kind is ColumnKind.NAME else (text, "")
    return _reading(body, cell) if mark else CellReading(text)


_READERS: dict[ColumnKind, Callable[[Column, Cell], CellReading]] = {
    ColumnKind.COUNT: _read_figure,
    ColumnKind.AMOUNT: _read_figure,
    ColumnKind.TICK: _read_tick,
    ColumnKind.CHOICE: _read_choice,
    ColumnKind.NAME: _read_text,
    ColumnKind.TEXT: _read_text,
}
