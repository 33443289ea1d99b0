"""Where a table form stands in a sheet and which column is which, by the labels of its columns alone."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache

from tracker.core.form import Column, ColumnKind, Form, squeezed
from tracker.forms.book import Cell, Place, Sheet
from tracker.forms.check.figures import MEASURE, read_figure, read_measure

#: From which similarity on a label counts as re-typed rather than as another one.
ALIKE = 0.75
#: How surely a shortened one is that of its column.
_SHORT = 0.7
#: A label that is longer than this is a paragraph and no label.
_LONGEST = 80
#: So much of one is quoted.
_QUOTED = 40
#: Rows that are looked at when no label is as it should be: as many as can be compared in a blink.
_MOST_ROWS = 12

_BRACKETS = str.maketrans("〔〕【】[]", "()()()")
#: The measure behind a label, or what else stands there in brackets.
_UNIT = re.compile(
    rf"\([^()]{{1,6}}\)$|[(/,:;]?(?:(?:计量|金额)?单位[:为]?|(?<=[(/,:;])|(?<=金额)){MEASURE}\)?$"
)
_ROUND_UNIT = re.compile(r"^\(?(?:(?:计量|金额)?单位[:为]?)?|\)$")

#: What stands before the numbers of columns, and so many of them make a row of them.
_NUMBERING = frozenset(
    {"甲", "乙", "丙", "丁", "栏次", "栏目", "栏号", "列次", "列号", "序号", "编号", "项次", "行次"}
)
_NUMBERS = 6

#: The columns in which rows of data have words of their own.
_WORDS = frozenset({ColumnKind.SERIAL, ColumnKind.NAME, ColumnKind.TEXT})

#: And so many texts of a row: no form is wider, and a hostile file must not buy time.
_WIDEST = 60
#: The keys of the labels in one row of a sheet, by sheet column.
Keys = Mapping[int, str]


def head_key(text: str) -> str:
    """A label in the shape in which it is compared: no white space, punctuation or unit in brackets."""
    return _key(text) if len(text) <= _LONGEST else ""


@lru_cache(maxsize=4096)
def _key(text: str) -> str:
    plain = squeezed(text).translate(_BRACKETS)
    return "".join(char for char in _UNIT.sub("", plain) if char.isalnum()).casefold()


def in_one_line(text: str) -> str:
    """A label as it is quoted: without white space, and cut."""
    return "".join(text.split())[:_QUOTED]


@dataclass(frozen=True)
class Labels:
    """The labels of a form, ready to be compared.

    ``columns`` has for each key the columns it may stand for, with how surely; ``plain`` is label by column id, and
    ``whole`` the same behind that of its group.  ``often`` is how many columns have a label.
    """

    columns: Mapping[str, tuple[tuple[Column, float], ...]]
    groups: frozenset[str]
    plain: Mapping[str, str]
    order: Mapping[str, int]
    whole: Mapping[str, str]
    often: Mapping[str, int]

    def known(self, keys: Keys) -> int:
        """How many of its labels are among those of a row."""
        return len(self.columns.keys() & set(keys.values()))


@lru_cache(maxsize=64)
def labels_of(form: Form) -> Labels:
    """The labels of ``form``, computed once."""
    found: dict[str, list[tuple[Column, float]]] = {}
    for column in form.columns:
        label = head_key(column.label)
        spellings = {label: 1.0}
        if column.unit:
            spellings.setdefault(label + head_key(column.unit), 0.98)
        if column.group:
            group = head_key(column.group)
            spellings.setdefault(group + label, 1.05)
            if sum(other.group == column.group for other in form.columns) == 1:
                spellings.setdefault(group, 0.9)
        for key, sureness in spellings.items():
            found.setdefault(key, []).append((column, sureness))
    return Labels(
        {key: tuple(columns) for key, columns in found.items()},
        frozenset(head_key(column.group) for column in form.columns if column.group),
        {column.id: head_key(column.label) for column in form.columns},
        {column.id: number for number, column in enumerate(form.columns)},
        {column.id: head_key(column.group or "") + head_key(column.label) for column in form.columns},
        Counter(head_key(column.label) for column in form.columns),
    )


@dataclass(frozen=True)
class FoundTable:
    """A table that was found: which columns it has, where their labels stand, and how well they fit (0 to 1)."""

    sheet: Sheet
    form: Form
    rows: tuple[int, ...]
    columns: Mapping[str, int]
    places: Mapping[str, Place]
    score: float

    @property
    def first_row(self) -> int:
        """The row below the head."""
        return self.rows[-1] + 1


def keys_by_row(sheet: Sheet) -> dict[int, dict[int, str]]:
    """The keys of all texts that could be labels, by row and column."""
    rows: dict[int, dict[int, str]] = {}
    for (row, column), cell in sheet.cells.items():
        if isinstance(cell.value, str) and (key := head_key(cell.value)):
            rows.setdefault(row, {})[column] = key
    return {row: dict(sorted(keys.items())[:_WIDEST]) for row, keys in rows.items()}


def find_table(sheet: Sheet, rows: Mapping[int, Keys], form: Form, *, alike: bool) -> FoundTable | None:
    """The table of ``form`` in ``sheet``; with ``alike``, re-typed labels count as well."""
    labels = labels_of(form)
    main = _main_row(rows, labels, alike=alike)
    if main is None:
        return None
    window = _window(rows, labels, main, alike=alike)
    chosen = _assign(sheet, {row: rows[row] for row in window}, labels, alike=alike)
    if not chosen:
        return None
    places = {column: place for column, (place, _) in chosen.items()}
    columns = {column: place[1] for column, place in places.items()}
    last = _last_row(sheet, form, columns, max(window), frozenset(places.values()))
    score = sum(min(1.0, sureness) for _, sureness in chosen.values()) / len(form.columns)
    return FoundTable(sheet, form, tuple(range(min(window), last + 1)), columns, places, score)


def _main_row(rows: Mapping[int, Keys], labels: Labels, *, alike: bool) -> int | None:
    hits = {row: labels.known(keys) for row, keys in rows.items()}
    most = max(hits.values(), default=0)
    if most >= 3:
        # The first such row: the head may be repeated further down, for the pages of a print.
        return min(row for row, hit in hits.items() if hit >= max(3, 0.6 * most))
    if not alike:
        return None
    wide = sorted(rows, key=lambda row: -sum(min(len(key), 20) for key in rows[row].values()))[:_MOST_ROWS]
    near = {row: sum(_is_near(key, labels) for key in rows[row].values()) for row in sorted(wide)}
    best = max(near, key=lambda row: near[row], default=None)
    return best if best is not None and near[best] >= 3 else None


def _is_near(key: str, labels: Labels) -> bool:
    return any(similarity(key, label) >= ALIKE for label in labels.plain.values())


def _window(rows: Mapping[int, Keys], labels: Labels, main: int, *, alike: bool) -> list[int]:
    """The rows of the head: the main one, and those next to it that have labels which it lacks.

    A row of data may hold the words of a label (a measure in its own column), but none that the head lacks.
    """
    window = [main]
    known = set(rows[main].values())
    for row in (main - 1, main - 2):
        fresh = set(rows.get(row, {}).values()) - known
        if not any(key in labels.columns or key in labels.groups for key in fresh) and not (
            alike and any(_is_near(key, labels) for key in fresh)
        ):
            break
        window.append(row)
        known |= fresh
    for row in (main + 1, main + 2):
        fresh = set(rows.get(row, {}).values()) - known
        if not any(key in labels.columns for key in fresh) and not (
            alike and sum(_is_near(key, labels) for key in fresh) > 1
        ):
            break
        window.append(row)
        known |= fresh
    return sorted(window)


def _assign(
    sheet: Sheet, rows: Mapping[int, Keys], labels: Labels, *, alike: bool
) -> dict[str, tuple[Place, float]]:
    """For each column of the form where its label stands and how surely; one to one, the surest first."""
    pairs: list[tuple[float, int, Place, str]] = []
    for row, keys in rows.items():
        for column, key in keys.items():
            for candidate, sureness in labels.columns.get(key, ()):
                place = row, column
                bonus = _group_bonus(sheet, rows, place, candidate) if candidate.group else 0.0
                shift = -abs(labels.order[candidate.id] - column)
                pairs.append((sureness + bonus, shift, place, candidate.id))
    chosen: dict[str, tuple[Place, float]] = {}
    taken: set[int] = set()
    _take(pairs, chosen, taken)
    if alike and len(chosen) < len(labels.plain):
        # Before the others: 管理人员培训人次 is more like 其他人员培训人次 than like what it is short for.
        _take(list(_shortened(rows, labels, chosen, taken)), chosen, taken)
        left = {identifier: label for identifier, label in labels.plain.items() if identifier not in chosen}
        near = [
            (sureness, -abs(labels.order[identifier] - column), (row, column), identifier)
            for row, keys in rows.items()
            for column, key in keys.items()
            if column not in taken
            for identifier, label in left.items()
            if (sureness := similarity(key, label)) >= ALIKE
        ]
        _take(near, chosen, taken)
    return chosen


def _shortened(
    rows: Mapping[int, Keys], labels: Labels, chosen: Mapping[str, tuple[Place, float]], taken: set[int]
) -> Iterator[tuple[float, int, Place, str]]:
    """Heads that leave something out: where they fit one column that is left alone, and the order agrees."""
    order = sorted((place[1], labels.order[each]) for each, (place, _) in chosen.items())
    left = {each: label for each, label in labels.whole.items() if each not in chosen}
    found: list[tuple[int, Place, str]] = []
    for row, keys in rows.items():
        for column, key in keys.items():
            fitting = [each for each, label in left.items() if _is_part(key, label)]
            if column in taken or key in labels.groups or len(fitting) != 1:
                continue
            found.append((column, (row, column), fitting[0]))
    columns = [each for _, _, each in found]
    for column, place, each in found:
        number = labels.order[each]
        others = [*order, *((at, labels.order[other]) for at, _, other in found if at != column)]
        if columns.count(each) == 1 and all((at < column) == (before < number) for at, before in others):
            yield _SHORT, 0, place, each


def _is_part(key: str, label: str) -> bool:
    """Whether a head has letters of a label alone, in its order."""
    letters = iter(label)
    return len(key) > 1 and len(key) < len(label) and all(letter in letters for letter in key)


def _take(
    pairs: list[tuple[float, int, Place, str]], chosen: dict[str, tuple[Place, float]], taken: set[int]
) -> None:
    for sureness, _, place, identifier in sorted(pairs, reverse=True):
        if identifier not in chosen and place[1] not in taken:
            chosen[identifier] = place, sureness
            taken.add(place[1])


def _group_bonus(sheet: Sheet, rows: Mapping[int, Keys], place: Place, column: Column) -> float:
    """A little more where the label above is that of the group: tells two columns of one label apart."""
    row, at = place
    for above in range(row - 1, min(rows) - 1, -1):
        keys = rows.get(above, {})
        over = keys.get(at)
        if over is None:
            start = next(
                (
                    merge.first_column
                    for merge in sheet.merges
                    if merge.first_row <= above <= merge.last_row
                    and merge.first_column <= at <= merge.last_column
                ),
                None,
            )
            over = keys.get(max((left for left in keys if left < at), default=-1) if start is None else start)
        if over is not None:
            return 0.1 if over == head_key(column.group or "") else 0.0
    return 0.0


@lru_cache(maxsize=16384)
def similarity(key: str, label: str) -> float:
    """How alike two labels are, from 0 to 1."""
    if key == label:
        return 1.0
    if not key or not label:
        return 0.0
    short, long = sorted((len(key), len(label)))
    if short >= 2 and long - short <= 2 and (key.startswith(label) or label.startswith(key)):
        return max(ALIKE + 0.01, 2 * short / (short + long))
    if key.endswith("名称") and label.endswith("名称") and (key in label or label in key):
        return max(ALIKE + 0.01, 2 * short / (short + long))
    if 2 * short / (short + long) < ALIKE:
        return 0.0
    matcher = SequenceMatcher(None, key, label, autojunk=False)
    return matcher.ratio() if matcher.quick_ratio() >= ALIKE else 0.0


def _last_row(
    sheet: Sheet, form: Form, columns: Mapping[str, int], last: int, labels: frozenset[Place]
) -> int:
    """The last row of the head: merges that reach further down, and rows of parts, of units, of column numbers."""
    for merge in sheet.merges:
        if (merge.first_row, merge.first_column) in labels:
            last = max(last, merge.last_row)
    for _ in range(3):
        below = {column: sheet.cells.get((last + 1, at)) for column, at in columns.items()}
        values = [cell.value for cell in below.values() if cell is not None and cell.value is not None]
        if _are_units(values) or _are_numbers(form, below) or _are_parts(sheet, form, columns, last + 1):
            last += 1
    return last


def _are_parts(sheet: Sheet, form: Form, columns: Mapping[str, int], row: int) -> bool:
    """Whether a row divides heads, 本月 and 累计 below one: words alone, none in the place of a name, two below one head."""
    ids = {at: each for each, at in columns.items()}
    cells = {at: sheet.cells[row, at] for at in range(min(ids), max(ids) + 1) if (row, at) in sheet.cells}
    kinds = {at: form.by_id[ids[max(own for own in ids if own <= at)]] for at in cells}
    return (
        len(set(kinds.values())) < len(kinds)
        and all(column.kind not in _WORDS for column in kinds.values())
        and all(isinstance(cell.value, str) and head_key(cell.value) for cell in cells.values())
        and all(read_figure(str(cell.value)) is None for cell in cells.values())
    )


def _are_units(values: Iterable[object]) -> bool:
    """Whether a row says measures and nothing else: 人次, （单位：元）."""
    plain = [_ROUND_UNIT.sub("", squeezed(str(value))) for value in values]
    measures = [read_measure(text) for text in plain]
    return bool(measures) and all(measure is not None and measure.base for measure in measures)


def _are_numbers(form: Form, cells: Mapping[str, Cell | None]) -> bool:
    """Whether a row only numbers the columns: 1, 2, 3; 甲, 乙, 1, 2; 栏次, 1, 2; or, without a name, figures alone."""
    numbers: list[tuple[int, int]] = []
    is_plain = True
    for at, column in enumerate(form.columns):
        cell = cells.get(column.id)
        if cell is None or cell.value is None:
            # Of a form without names such a row may be one of data.
            is_plain &= column.id not in cells or any(each.kind is ColumnKind.NAME for each in form.columns)
            continue
        text = str(cell.value).strip(" ()（）").removesuffix(".0")
        if text in _NUMBERING:
            is_plain = True
        elif text.isascii() and text.isdigit():
            numbers.append((at, int(text)))
        else:
            return False
    values = [number for _, number in numbers]
    return (
        is_plain
        and len(values) >= _NUMBERS
        and (
            values == list(range(values[0], values[0] + len(values)))
            or len({number - at for at, number in numbers}) == 1
        )
    )
