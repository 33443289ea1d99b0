"""The grammar of deadlines (docs/contract.md §3): tokens to clauses, Chinese and English alike.

What a clause *means* is the business of ``expressions``; here it only gets a shape.  Quoted words stand for
all their synonyms (``tokens``), white space is free, capitals do not count::

    deadline   = clause {next} ["." | "。"] ;
    clause     = range | recurrence | date | ongoing ;      (one of a kind, and no date beside a recurrence)
    next       = worded | recurrence | ongoing | "," clause ;

    date       = by point | ["于" | "截止"] point [suffix] ;
    by         = ["on" "or"] "by" | "no" "later" "than" | "in" | "on" ;
    suffix     = ("前" | "内" | "截止") ["完成"] | "完成" ;

    point      = literal | zh-point | en-point ;
    literal    = yyyy sep m [sep d] ;                         (sep is "-", "/" or ".", both the same)
    zh-point   = zh-year [zh-in-year | ["年"] "底"] | zh-in-year | "年" "底" ;
    zh-year    = n "年" | "今年" | "本年度" | "明年" | "次年" ;
    zh-in-year = n "月" [n "日" | ["月"] "底" | third] | ["第"] n "季度" ["底"] | half ["底"] ;
    en-point   = en-in-year [[","] ["of"] en-year] | yyyy ["-"] part | [end-of] en-year | end-of "year" ;
    en-in-year = end-of month | third ["-"] month | ["the"] d ["of"] month | month [d] | [end-of] part ;
    part       = ("q" | "h") n | ["the"] ordinal ("quarter" | "half") ;
    end-of     = ["the"] "end" ["-"] ["of"] ["the"] ;
    en-year    = yyyy | "this" "year" | "next" "year" ;

    range      = worded | plain ;
    worded     = ["从"] "即日" "起" [[","] to bound] | "from" "now" "on" [to bound]
               | "between" point "and" bound
               | from (plain | point ["起" | "on" | "onwards"]) | until bound ;
    plain      = [zh-year] n "-" n "月" ["起"] | point ["起"] [","] to bound | point "起" ;
    from       = "从" | "from" ;
    to         = "-" | "至" | "to" | "until" ;
    until      = "至" | "until" ;
    bound      = point [suffix] ;

    recurrence = zh-every | en-often [[","] by en-part] | by en-part ["of"] en-every
               | [by] "every" weekday ;
    zh-every   = "每" "周" [["周"] (n | "日" | "天") | "底"] [suffix]
               | "每" "月" [zh-day] [suffix]
               | "每" ("季度" | "半年") [zh-month zh-day | "底"] [suffix]
               | "每" "年" [zh-in-year | zh-month zh-day | ["年"] "底"] [suffix] ;
    zh-month   = "首月" | "末月" | "第" n ["个"] "月" ;
    zh-day     = n "日" | ["月"] "底" | third ;
    en-often   = "weekly" | "monthly" | "quarterly" | "half" ["-"] "yearly" | "yearly" | en-every ;
    en-every   = "every" ("week" | "month" | "quarter" | "half" ["-"] "year" | "year") ;
    en-part    = weekday | ["the"] d ["of" en-month] | (end-of | ["the"] "last" "day") ["of"] [en-month]
               | en-in-year ;                               (what fits the unit; en-in-year for the year)
    en-month   = ["the"] (ordinal | d "th") "month" | ["the"] ("week" | "month" | "quarter" | …) ;

    n is a number, yyyy one of four digits, d and m of one or two; d may have an ordinal ending ("5th").
    half is 上半年 or 下半年, third is 上旬, 中旬, 下旬, "early", "mid" or "late".

    ongoing    = ["并"] "持续推进" | ["and"] ["then"] ("ongoing" | "on" "-" "going") ["thereafter"] ;
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from parsy import ParseError, Parser, alt, eof, index, seq, success, test_item

from tracker.core.deadline.syntax import Clause, Date, Ongoing, Point, Range, Recurrence, Unexpected
from tracker.core.deadline.tokens import Token
from tracker.core.model import Every
from tracker.i18n.message import Message, OneOf


def read_clauses(tokens: Sequence[Token]) -> tuple[Clause, ...] | Unexpected:
    """The clauses of a deadline, in the order of the text."""
    try:
        return _clauses(tokens)
    except ParseError as error:
        return _unexpected(error.index, error.expected, tokens)


def _clauses(tokens: Sequence[Token]) -> tuple[Clause, ...]:
    return tuple(_DEADLINE.parse(list(tokens)))


#: What could stand somewhere, in the order in which it is told; "" is not, and a label in quotation marks is a word.
_LABELS = (
    *("day", "third", "weekday", "month", "half", "year", "date", "number"),
    *("unit", "often", "ongoing", "EOF"),
)
_A_DEADLINE = Message("deadline.expected.deadline")
#: How a date can begin is summed up as "a date"; how a clause can, as "how often" and "ongoing".
_BEGIN_DATE = frozenset({"year", "month", "half", "number", "“end”"})
_BEGIN_CLAUSE = _BEGIN_DATE | {"date", "weekday", "“即日”", "“by”", "“until”", "“from”"}
_SHOWN = 7


def _unexpected(place: int, expected: frozenset[str], tokens: Sequence[Token]) -> Unexpected:
    if place == 0:
        return Unexpected(0, _A_DEADLINE)
    labels = set(expected) - {""}
    if "ongoing" in labels:
        labels -= _BEGIN_CLAUSE
        if _asks_for_no_recurrence(tokens[:place]):
            labels.discard("often")
    elif "date" in labels:
        labels -= _BEGIN_DATE
    if "month" in labels:
        labels.discard("number")  # of a quarter
    # Nobody who writes Chinese needs to be told what could be said in English here, nor the reverse.
    chinese = not all(token.text.isascii() for token in tokens[:place])
    words = sorted(labels.difference(_LABELS))
    quoted = [word for word in words if not word[1].isalpha() or word[1].isascii() != chinese]
    named = [Message(f"deadline.expected.{label}") for label in _LABELS if label in labels]
    shown: list[str | Message] = [*quoted, *named]
    return Unexpected(place, OneOf(shown[:_SHOWN] or [_A_DEADLINE]))


def _asks_for_no_recurrence(tokens: Sequence[Token]) -> bool:
    """Whether what has been read is a date or a recurrence, beside which another would be refused."""
    read = tokens[:-1] if tokens[-1].text == "," else tokens
    try:
        return any(isinstance(clause.node, Date | Recurrence) for clause in _clauses(read))
    except ParseError:
        return False


def _token(test: Callable[[Token], bool], label: str) -> Parser:
    return test_item(test, label)


def _word(*texts: str, label: str | None = None) -> Parser:
    shown = f"“{texts[0]}”" if label is None else label
    return _token(lambda token: token.kind == "word" and token.text in texts, shown)


def _maybe(*texts: str) -> Parser:
    """A word that changes nothing, and is not worth suggesting."""
    return _word(*texts, label="").optional()


def _number(label: str) -> Parser:
    return _token(lambda token: token.kind == "number", label)


def _short(label: str) -> Parser:
    return _token(lambda token: token.kind == "number" and token.digits <= 2, label)


def _kind(kind: str, label: str | None = None) -> Parser:
    return _token(lambda token: token.kind == kind, kind if label is None else label)


# The parsers below follow the grammar at the top, rule by rule.  A part of a node is a dict of its facts.
_NONE = success({})


def _fact(name: str) -> Callable[[Token], dict[str, Token]]:
    return lambda token: {name: token}


def _merge(*parts: dict[str, Any]) -> dict[str, Any]:
    return {name: fact for part in parts for name, fact in part.items()}


# --- points ---
def _yyyy(label: str) -> Parser:
    return _token(lambda token: token.kind == "number" and token.digits == 4, label)


_LITERAL = alt(
    *(
        seq(
            _yyyy("date") << _word(sep, label=""), _short("month"), (_word(sep) >> _short("day")).optional()
        ).combine(lambda year, month, day: Point("month", month, year, day))
        for sep in ("-", "/", ".")
    )
)

_ZH_NAMED_DAY = alt(
    (_number("day") << _word("日")).map(_fact("day")),
    _kind("third").map(_fact("third")),
)
_ZH_LAST_DAY = _maybe("月") >> _word("底")
_ZH_DAY = _ZH_NAMED_DAY | _ZH_LAST_DAY.result({})
_ZH_END = _word("底").result({"end": True})
_ZH_YEAR_END = _maybe("年") >> _ZH_END
_ZH_YEAR = (_number("year") << _word("年")) | _word("今年", "本年度", "明年", "次年", label="")
_ZH_IN_YEAR = alt(
    seq(_number("month") << _word("月"), _ZH_NAMED_DAY | _ZH_LAST_DAY.result({"end": True}) | _NONE).combine(
        lambda n, part: Point("month", n, **part)
    ),
    seq(_maybe("第") >> _number("number") << _word("季度"), _ZH_END | _NONE).combine(
        lambda n, part: Point("quarter", n, **part)
    ),
    seq(_kind("half"), _ZH_END | _NONE).combine(lambda n, part: Point("half", n, **part)),
)
_ZH_POINT = alt(
    seq(_ZH_YEAR, _ZH_IN_YEAR).combine(lambda year, point: replace(point, year=year)),
    seq(_ZH_YEAR, _ZH_YEAR_END | _NONE).combine(lambda year, part: Point("year", year=year, **part)),
    _ZH_IN_YEAR,
    (_word("年", label="") >> _ZH_END).result(Point("year", end=True)),
)

_END_OF = _maybe("the") >> _word("end") >> _maybe("-") >> _maybe("of") >> _maybe("the")
_IS_END = _END_OF.result(True).optional(False)
_DAY = _maybe("the") >> _short("day") << _maybe("st")
_MONTH = _kind("month") << _maybe(".")
_EN_YEAR = alt(_yyyy("year"), _word("this", "next", label="") << _word("year"))
_QUARTER = alt(
    _word("q", label="") >> _number("number"), _maybe("the") >> _kind("ordinal", "") << _word("quarter")
)
_HALF = alt(_word("h", label="") >> _number("number"), _maybe("the") >> _kind("ordinal", "") << _word("half"))
_EN_IN_YEAR = alt(
    (_END_OF >> _MONTH).map(lambda month: Point("month", month, end=True)),
    seq(_kind("third", "") << _maybe("-"), _MONTH).combine(
        lambda third, month: Point("month", month, third=third)
    ),
    seq(_maybe("the") >> _short("") << _maybe("st") << _maybe("of"), _MONTH).combine(
        lambda day, month: Point("month", month, day=day)
    ),
    seq(_MONTH, (_short("day") << _maybe("st")).optional()).combine(
        lambda month, day: Point("month", month, day=day)
    ),
    seq(_IS_END, _QUARTER).combine(lambda end, number: Point("quarter", number, end=end)),
    seq(_IS_END, _HALF).combine(lambda end, number: Point("half", number, end=end)),
)
_EN_POINT = alt(
    seq(_EN_IN_YEAR, (_maybe(",") >> _maybe("of") >> _EN_YEAR).optional()).combine(
        lambda point, year: replace(point, year=year)
    ),
    seq(_yyyy("") << _maybe("-"), _QUARTER).combine(lambda year, number: Point("quarter", number, year)),
    seq(_yyyy("") << _maybe("-"), _HALF).combine(lambda year, number: Point("half", number, year)),
    seq(_IS_END, _EN_YEAR).combine(lambda end, year: Point("year", year=year, end=end)),
    (_END_OF >> _word("year")).result(Point("year", end=True)),
)
_POINT = alt(_LITERAL, _ZH_POINT, _EN_POINT)

# --- dates and ranges ---
_BY = alt(
    _word("by").result(True),
    seq(_word("on", label=""), _word("or", label=""), _word("by")).result(True),
    seq(_word("no", label=""), _word("later"), _word("than")).result(True),
    _word("in", "on", label="").result(False),
)
_WITHIN = alt(
    _word("内", "截止", label="").result(False) << _maybe("完成"), _word("完成", label="").result(False)
)
_SUFFIX = (_word("前").result(True) << _maybe("完成")) | _WITHIN
_DATE = alt(
    seq(_BY, _POINT).combine(lambda before, point: Date(point, before)),
    seq(_maybe("于", "截止") >> _POINT, _SUFFIX.optional(False)).combine(Date),
)

_TO = _word("至", "-", "to", "until")
_BOUND = seq(_POINT, _SUFFIX.optional(False)).combine(Date)
_FROM = _word("from", "从")
_FROM_ISSUE = (_FROM.optional() >> _word("即日") >> _word("起")) | seq(
    _FROM, _word("now", label=""), _word("on")
)
_SHORT_RANGE = seq(
    _ZH_YEAR.optional(),
    _number("month") << _word("-", "至"),
    _number("month") << _word("月") << _maybe("起"),
).combine(
    lambda year, first, last: Range(Point("month", first, year), Date(Point("month", last), before=False))
)
_LONG_RANGE = seq(_POINT << _word("起").optional() << _maybe(","), _TO >> _BOUND).combine(Range)
_PLAIN_RANGE = alt(_SHORT_RANGE, _LONG_RANGE, (_POINT << _word("起")).map(Range))
_WORDED_RANGE = alt(
    (_FROM_ISSUE >> (_maybe(",") >> _TO >> _BOUND).optional()).map(
        lambda until: Range(None, until, from_issue=True)
    ),
    seq(_word("between", label="") >> _POINT, _word("and") >> _BOUND).combine(Range),
    _FROM >> alt(_SHORT_RANGE, _LONG_RANGE, (_POINT << _maybe("起", "on", "onwards")).map(Range)),
    (_word("until", "至") >> _BOUND).map(lambda until: Range(None, until)),
)

# --- recurrences ---
_PER = _word("每", label="often")
_ZH_WEEKDAY = _maybe("周") >> alt(
    _number("weekday"), _word("日", "天", label="").map(lambda token: replace(token, value=7))
)
_ZH_MONTH = alt(
    _token(lambda token: token.text in ("首月", "末月"), "“首月”"),
    _word("第", label="") >> _number("number") << _maybe("个") << _word("月"),
).map(_fact("month"))
_ZH_MONTH_DAY = seq(_ZH_MONTH, _ZH_DAY).combine(_merge)
# 每季度5日前 does not say of which month; the reader of the clause asks for it.
_ZH_NO_MONTH = (_number("").map(_fact("day"))) << _word("日", label="")


def _zh_every(every: Every, unit: str, part: Parser) -> Parser:
    # "Before" needs something named to stand before: 每月前 would be anybody's guess.
    tail = seq(part, _SUFFIX.optional(False)) | seq(_NONE, _WITHIN.optional(False))
    return (_PER >> _word(unit, label="unit") >> tail).combine(
        lambda facts, before: Recurrence(every, before=before, **facts)
    )


_ZH_RECURRENCE = alt(
    _zh_every(Every.WEEK, "周", _ZH_WEEKDAY.map(_fact("day")) | _word("底").result({})),
    _zh_every(Every.MONTH, "月", _ZH_DAY),
    _zh_every(Every.QUARTER, "季度", _ZH_MONTH_DAY | _ZH_NO_MONTH | _word("底").result({})),
    _zh_every(Every.HALF_YEAR, "半年", _ZH_MONTH_DAY | _ZH_NO_MONTH | _word("底").result({})),
    _zh_every(Every.YEAR, "年", alt(_ZH_IN_YEAR.map(_fact("point")), _ZH_MONTH_DAY, _ZH_YEAR_END.result({}))),
)

_EN_MONTH = (
    _maybe("the") >> alt(_kind("ordinal", ""), _short("") << _word("st", label="")) << _word("month")
).map(_fact("month"))
_EN_MONTH_DAY = seq(_DAY.map(_fact("day")) << _word("of"), _EN_MONTH).combine(_merge)
_LAST_DAY = _maybe("the") >> _token(lambda token: token.text == "last", "") >> _word("day", label="")


def _en_end(*unit: str) -> Parser:
    this_unit = seq(_maybe("of"), _maybe("the"), *(_word(word, label="") for word in unit)).optional()
    return ((_END_OF | _LAST_DAY) >> this_unit).result({})


_EN_END_OF_MONTH = (_END_OF >> _EN_MONTH) | (_LAST_DAY >> _word("of", label="") >> _EN_MONTH)
_EN_NO_MONTH = _DAY.map(_fact("day"))
_EN_PARTS = {
    Every.WEEK: _kind("weekday").map(_fact("day")) | _en_end("week"),
    Every.MONTH: (_DAY << seq(_maybe("of"), _maybe("the"), _word("month", label="")).optional()).map(
        _fact("day")
    )
    | _en_end("month"),
    Every.QUARTER: alt(_EN_MONTH_DAY, _EN_END_OF_MONTH, _en_end("quarter"), _EN_NO_MONTH),
    Every.HALF_YEAR: alt(_EN_MONTH_DAY, _EN_END_OF_MONTH, _en_end("half", "year"), _EN_NO_MONTH),
    Every.YEAR: alt(_EN_MONTH_DAY, _EN_END_OF_MONTH, _EN_IN_YEAR.map(_fact("point")), _en_end("year")),
}
_HALF_YEAR = _word("half", label="") >> _maybe("-")
_UNITS = {
    Every.WEEK: (_word("weekly", label="often"), _word("week", label="unit")),
    Every.MONTH: (_word("monthly", label="often"), _word("month", label="unit")),
    Every.QUARTER: (_word("quarterly", label="often"), _word("quarter", label="unit")),
    Every.HALF_YEAR: (_HALF_YEAR >> _word("yearly"), _HALF_YEAR >> _word("year")),
    Every.YEAR: (_word("yearly", label="often"), _word("year", label="unit")),
}


def _en_recurrence(every: Every) -> Parser:
    def node(before: bool, facts: dict[str, Any]) -> Recurrence:  # noqa: FBT001 (parsy hands on in order)
        return Recurrence(every, before=before, **facts)

    adverb, unit = _UNITS[every]
    often = _word("every", label="often") >> unit
    part = _EN_PARTS[every]
    return alt(
        (adverb | often) >> alt(seq(_maybe(",") >> _BY, part), success((False, {}))).combine(node),
        seq(_BY, part << _maybe("of") << often).combine(node),
    )


_RECURRENCE = alt(
    _ZH_RECURRENCE,
    *(_en_recurrence(every) for every in Every),
    (_maybe("by") >> _word("every", label="often") >> _kind("weekday")).map(
        lambda day: Recurrence(Every.WEEK, day)
    ),
)

# --- the whole ---
_ONGOING = alt(
    _maybe("并") >> _word("持续推进", label="ongoing"),
    _maybe("and")
    >> _maybe("then")
    >> alt(
        _word("ongoing", label="ongoing"), seq(_word("on", label=""), _maybe("-"), _word("going", label=""))
    )
    >> _maybe("thereafter"),
).result(Ongoing())


def _clause(*kinds: Parser) -> Parser:
    return seq(index, alt(*kinds), index).combine(lambda start, node, end: Clause(node, start, end))


# Without a comma only a clause that cannot be taken for more of the one before may follow: in 2022年5月20前 it
# is 日 that is missing, not another date that begins with 20.
_FIRST = _clause(_WORDED_RANGE, _PLAIN_RANGE, _RECURRENCE, _DATE, _ONGOING)
_NEXT = _clause(_WORDED_RANGE, _RECURRENCE, _ONGOING) | (_word(",", label="") >> _FIRST)
_DEADLINE = (_FIRST.times(1) + _NEXT.many()) << _maybe(".", "。") << eof
