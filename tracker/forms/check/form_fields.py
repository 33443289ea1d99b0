"""The fields above a table: who filled it in, for which period and on which day; by their labels."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import lru_cache

from tracker.core.form import FieldKind, Form, HeaderField, comparable
from tracker.forms.book import Cell, Content, Place, Sheet
from tracker.forms.check.figures import chinese_digits, half_width

#: What people call a field instead, by what it holds.
_ALSO: Mapping[FieldKind, tuple[str, ...]] = {
    FieldKind.UNIT: ("报送单位", "上报单位", "单位名称"),
    FieldKind.PERIOD: ("报告期", "报送期次", "所属期"),
    FieldKind.PHONE: ("电话", "联系方式"),
    FieldKind.DATE: ("填表日期", "填报日期", "报送时间", "报送日期"),
}
#: Day 0 of the numbers that a spreadsheet keeps for days, and which of them are days of our time.
_DAY_ZERO = date(1899, 12, 30)
_DAYS = range(36526, 73051)
_BLANKS = " \t\r\n_\u00a0\u3000"

_DAY = re.compile(r"(?<!\d)(\d{4}|\d\d(?=年))[年./-](\d{1,2})[月./-](\d{1,2})(?!\d)")
#: A time of day behind it.
_TIME = re.compile(r"[\sT]\d{1,2}[:：]\d\d(?:[:：]\d\d)?\s*\Z")
#: What leaves part of a day to be understood: 5月3日, 22.5.3, 03/05/2022, and a month alone.
_OF_THIS_YEAR = re.compile(r"(\d{1,2})[月./-](\d{1,2})[日号]?")
_SHORT_YEAR = re.compile(r"(\d\d)[./-](\d{1,2})[./-](\d{1,2})")
_YEAR_LAST = re.compile(r"(\d{1,2})[./-](\d{1,2})[./-](\d{4})")
_MONTH_ALONE = re.compile(r"(?<!\d)(?:(?:(\d{4}|\d\d)年)?(\d{1,2})月|(\d{4})[./-](\d{1,2})(?!\d))")
_DIGITS = re.compile(r"(20\d\d)(\d\d)(\d\d)")
#: A label that is none of the form's, with what it is about: 单位：万元.
_OTHER_LABEL = re.compile(r"\s*[^\W\d][^:：]{0,7}[:：]")
_MONTHS = 12
#: A month, perhaps the last of several: 2022年5月, 2022-05, 4月份, 2022年1-4月.
_NAMED = re.compile(
    r"(?<!\d)(?:(?:(?P<year>\d{4})年)?(?P<from>\d{1,2}月?[-—–~至到])?(?P<month>\d{1,2})月(?!\d)"
    r"|(?P<year_>\d{4})[./-]0?(?P<month_>\d{1,2})(?!\d))"
)
#: What is said of it right behind.
_DUE = re.compile("月?份?的?(?:应报|应交|须报|报送|上报)")
_TOLD = re.compile("月?份?的?(?:情况|进展|数据|工作)")
_BY_DAY = re.compile(r"(?<!\d)(\d{1,2})月\d{1,2}日前")

#: A year and a month.
Month = tuple[int, int]


@dataclass(frozen=True)
class FieldFound:
    """A field of the header: where its content stands (or, where it is empty, its label), and the content.

    ``label`` is what it is called there; ``again`` is the same field further on, with another content.
    """

    field: HeaderField
    place: Place
    text: str
    content: Content
    label: str = ""
    again: tuple[FieldFound, ...] = ()


def read_fields(sheet: Sheet, form: Form, first_head_row: int, first_row: int) -> dict[str, FieldFound]:
    """The fields of ``form`` above its table, by id; those that are not there, below it."""
    rows: dict[int, list[tuple[int, Cell]]] = {}
    below = {
        row
        for (row, _), cell in sheet.cells.items()
        if row >= first_row and isinstance(cell.value, str) and (":" in cell.value or "：" in cell.value)
    }
    for (row, column), cell in sheet.cells.items():
        if row < first_head_row or row in below:
            rows.setdefault(row, []).append((column, cell))
    found: dict[str, FieldFound] = {}
    for row in sorted(rows):
        cells = sorted(rows[row], key=lambda each: each[0])
        if row >= first_row and not any(starts_with_field(form, shown(cell.value)) for _, cell in cells):
            continue
        for each in _fields_of_row(form, row, cells):
            first = found.get(each.field.id)
            if first is None or (each.text and not first.text):
                found[each.field.id] = each
            elif row < first_head_row and each.text and comparable(each.text) != comparable(first.text):
                found[each.field.id] = replace(first, again=(*first.again, each))
    return found


def _fields_of_row(form: Form, row: int, cells: Sequence[tuple[int, Cell]]) -> Iterator[FieldFound]:
    labelled = [list(_labels_in(form, shown(cell.value))) for _, cell in cells]
    for number, (column, cell) in enumerate(cells):
        text = shown(cell.value)
        for nth, (field, start, end) in enumerate(labelled[number]):
            label = text[start:end].strip(f"{_BLANKS}:：")
            following = labelled[number][nth + 1][1] if nth + 1 < len(labelled[number]) else len(text)
            own = text[end:following].strip(_BLANKS)
            if field.kind is FieldKind.NIL and not own:
                own = text[:start].strip(_BLANKS)[-1:] if nth == 0 else ""
            if own or following != len(text):
                yield FieldFound(field, (row, column), own, own, label)
                continue
            beside = []
            for other in range(number + 1, len(cells)):
                if labelled[other] or _OTHER_LABEL.match(shown(cells[other][1].value)):
                    break
                beside.append(cells[other])
            filled = [(at, each) for at, each in beside if shown(each.value).strip(_BLANKS)]
            if not filled:
                yield FieldFound(field, (row, column), "", None, label)
            elif field.kind is FieldKind.DATE and len(filled) > 1:
                joined = "".join(shown(each.value).strip(_BLANKS) for _, each in filled)
                yield FieldFound(field, (row, filled[0][0]), joined, joined, label)
            else:
                at, each = filled[0]
                yield FieldFound(field, (row, at), shown(each.value).strip(_BLANKS), each.value, label)


def starts_with_field(form: Form, text: str) -> bool:
    """Whether a text begins with the label of a field and a colon: no row of data does."""
    match = _label_pattern(form)[0].match(text.lstrip(_BLANKS))
    return match is not None and match.group().rstrip().endswith((":", "："))


def _labels_in(form: Form, text: str) -> Iterator[tuple[HeaderField, int, int]]:
    """Each field whose label stands in a text, and from where to where."""
    pattern, fields = _label_pattern(form)
    if len(text) > 500:
        return
    for match in pattern.finditer(text):
        before, after = text[: match.start()], text[match.end() :]
        if match.group().rstrip().endswith((":", "：")) or (
            (not before.strip() or before[-1].isspace() or before[-1] in "□☑√☐✓✔")
            and (
                not after.strip()
                or after[0].isspace()
                or after[0] in "□☑√☐✓✔(（"
                or match.group()[-1].isspace()
            )
        ):
            yield fields[match.lastgroup or ""], match.start(), match.end()


@lru_cache(maxsize=64)
def _label_pattern(form: Form) -> tuple[re.Pattern[str], Mapping[str, HeaderField]]:
    spellings: list[tuple[str, HeaderField]] = []
    for field in form.header:
        names = {field.label, field.label.replace("填表", "填报"), *_ALSO.get(field.kind, ())}
        spellings += [(name, field) for name in names]
    spellings.sort(key=lambda each: (-len(each[0]), each[0]))
    groups = {f"f{number}": field for number, (_, field) in enumerate(spellings)}
    alternatives = "|".join(
        f"(?P<f{number}>" + r"\s*".join(map(re.escape, name)) + ")"
        for number, (name, _) in enumerate(spellings)
    )
    return re.compile(rf"(?:{alternatives})(?:\s*[(（][^()（）]{{1,20}}[)）])?\s*[:：]?"), groups


def shown(value: Content) -> str:
    """What a cell shows, more or less: whole numbers without a fraction, a day as 2022-05-03."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime):
        midnight = (value.hour, value.minute, value.second) == (0, 0, 0)
        return value.date().isoformat() if midnight else value.isoformat(" ", "minutes")
    return str(value)


def read_day(content: Content) -> date | None:
    """The day that a date, a number of a day or a text names; None where it is not whole."""
    if isinstance(content, datetime):
        return content.date()
    if isinstance(content, (int, float)) and not isinstance(content, bool):
        if content == content // 1 and int(content) in _DAYS:
            return _DAY_ZERO + timedelta(days=int(content))
        content = shown(content)
    if not isinstance(content, str):
        return None
    text = _plain_day(content)
    match = _DAY.search(text) or _DIGITS.fullmatch(text)
    return None if match is None else _day(*(int(part) for part in match.groups()))


@dataclass(frozen=True, slots=True)
class LikelyDay:
    """A day that a text leaves partly to be understood; ``is_sure`` where it can hardly be another.

    ``is_whole`` where no more than its month can be read: then it is the first of that.
    """

    day: date
    is_sure: bool = False
    is_whole: bool = True


def likely_day(text: str, near: date) -> LikelyDay | None:
    """What a text that is no whole day most likely means, seen from the day ``near``; None where no month can be read."""
    plain = _plain_day(text)
    if match := _OF_THIS_YEAR.fullmatch(plain):
        month, number = (int(part) for part in match.groups())
        years = (_day(near.year + off, month, number) for off in (-1, 0, 1))
        found = min(filter(None, years), key=lambda each: abs((each - near).days), default=None)
        if found is not None:
            return LikelyDay(found, is_sure=True)
    if plain.isdecimal() and len(plain) == 5 and int(plain) in _DAYS:
        return LikelyDay(_DAY_ZERO + timedelta(days=int(plain)), is_sure=True)
    if match := _SHORT_YEAR.fullmatch(plain):
        found = _day(*(int(part) for part in match.groups()))
        if found is not None:
            return LikelyDay(found, is_sure=abs(found.year - near.year) <= 1)
    if match := _YEAR_LAST.fullmatch(plain):
        first, second, year = (int(part) for part in match.groups())
        days = {each for each in (_day(year, second, first), _day(year, first, second)) if each is not None}
        if days:
            return LikelyDay(min(days, key=lambda each: abs((each - near).days)), is_sure=len(days) == 1)
    if match := _MONTH_ALONE.search(plain):
        month = int(match[2] or match[4])
        named = int(match[1] or match[3] or 0) or _year_of(month, near)
        start = None if named is None else _day(named, month, 1)
        return None if start is None else LikelyDay(start, is_whole=False)
    return None


def _plain_day(text: str) -> str:
    return chinese_digits("".join(_TIME.sub("", half_width(text)).split()))


def _day(year: int, month: int, day: int) -> date | None:
    """The day, if there is one; of two digits the year is one of ours."""
    try:
        return date(year + 2000 * (year < 100), month, day)
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class NamedMonths:
    """The months that a header names, each a year and a month.

    ``due`` is the one in which the table is said to be due (应报), ``told`` the one of which it is said to tell (情况),
    ``bare`` one that stands there without saying which of both it is.
    """

    due: Month | None = None
    told: Month | None = None
    bare: Month | None = None

    @property
    def named(self) -> Month | None:
        """The month that stands for the period."""
        return self.due or self.bare or self.told


def read_period(text: str, near: date | None = None) -> NamedMonths:
    """The months that ``text`` names; one without its year is the nearest to the day ``near``.

    Nothing where several months are named without saying what they are.
    """
    plain = chinese_digits("".join(half_width(text).split()))
    found: dict[str, set[Month]] = {"due": set(), "told": set(), "bare": set()}
    year = None
    for match in _NAMED.finditer(plain):
        month = int(match["month"] or match["month_"])
        year = int(match["year"] or match["year_"] or 0) or year or _year_of(month, near)
        if year is not None and 1 <= month <= _MONTHS:
            is_told = match["from"] or _TOLD.match(plain, match.end())
            name = "told" if is_told else "due" if _DUE.match(plain, match.end()) else "bare"
            found[name].add((year, month))
    if any(len(months) > 1 for months in found.values()):
        return NamedMonths()
    due, told, bare = (next(iter(months), None) for months in found.values())
    # 2022年5月（5月5日前报送）
    if bare is not None and due is None and any(int(each) == bare[1] for each in _BY_DAY.findall(plain)):
        due, bare = bare, None
    return NamedMonths(due, told, bare)


def _year_of(month: int, near: date | None) -> int | None:
    """The year of the month of that name that is nearest."""
    if near is None:
        return None
    years = (near.year - 1, near.year, near.year + 1)
    return min(years, key=lambda year: abs((year - near.year) * _MONTHS + month - near.month))


def month_after(month: Month) -> Month:
    """The month that follows."""
    return month[0] + month[1] // _MONTHS, month[1] % _MONTHS + 1


def month_before(month: Month) -> Month:
    """The month that it follows."""
    return month[0] - (month[1] == 1), (month[1] - 2) % _MONTHS + 1


def read_month(text: str) -> Month | None:
    """The month that stands for the period that a text names; None where it names none or several."""
    return read_period(text).named
