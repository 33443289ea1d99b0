"""Reads a deadline text, Chinese or English, as a rule (docs/contract.md §3); the grammar is in ``grammar``.

How the clauses are understood:

- A stretch of the calendar that is named to its end or within it (底, 末, 内, 截止, "end of", "in", or
  nothing) is due on its last day.  "Before" it, and "by" it, is before it begins: 2022年前 is 2021-12-31,
  with a warning, because 2022年底前 is so often meant.
- 前 and "by" include a day that is named: 2022年5月20日前 is 2022-05-20.  上旬, 中旬 and 下旬 ("early",
  "mid", "late") name the 10th, the 20th and the month's last day.
- What names no year takes the year of the plan (``year``), where there is one; that is certain.  Else it takes
  the year of the date of issue, or the next one where that is past, with a warning: nothing that is asked for
  was over when it was asked.  Within a range one year serves both ends: "from April to October 2022",
  2022年10月至3月 (of 2023).
- A range says when something that comes back begins and ends, both included.  Without "how often" it must
  not have a beginning of its own; its end is then a deadline.
- What cannot be read is a DeadlineSyntaxError with its column; a day that no calendar has is its subclass
  NoSuchDayError.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import lru_cache

from tracker.core.deadline.grammar import read_clauses
from tracker.core.deadline.syntax import Clause, Date, Ongoing, Point, Range, Recurrence, Unexpected
from tracker.core.deadline.tokens import LAST, Token, tokenize
from tracker.core.deadline.wording import in_both, month_in_both
from tracker.core.model import Every, Rule
from tracker.core.moments import A_DAY
from tracker.core.occurrences import first_after
from tracker.core.years import FIRST_YEAR, LAST_YEAR
from tracker.errors import DeadlineSyntaxError
from tracker.i18n.message import Message, OneOf, say_day

LONGEST_TEXT = 200
_AFTER_ALL = (Message("deadline.expected.ongoing"), Message("deadline.expected.EOF"))
#: From this month on a document may be about the next year, and ends that come so soon may be that year's.
_LATE, _SOON = 11, timedelta(days=60)
#: Any leap year: 29 February is a day of "every year", cut to the 28th in the others.
_LEAP_YEAR = 2000
_MONTHS_IN = {Every.QUARTER: 3, Every.HALF_YEAR: 6, Every.YEAR: 12}
_THIRDS = {1: (1, 10), 2: (11, 20), 3: (21, 31)}


@dataclass(frozen=True, slots=True)
class Reading:
    """How a deadline text is read; ``warnings`` are what it leaves open or may not mean."""

    text: str
    rule: Rule
    warnings: tuple[Message, ...] = ()


class NoSuchDayError(DeadlineSyntaxError):
    """A day that its month does not have: the text can be read, but there is no such date."""


# Files of 10,000 tasks repeat a handful of texts.
@lru_cache(maxsize=1 << 13)
def parse(text: str, issued: date, year: int | None = None) -> Reading:
    """The rule that ``text`` means in a document issued on ``issued``, with what is doubtful about it.

    ``year`` is the one that the document plans for, which may be the year after its issue.
    Raises DeadlineSyntaxError with the column, counted in characters of ``text`` from 1.
    """
    if len(text) > LONGEST_TEXT:
        raise DeadlineSyntaxError(
            "deadline_syntax",
            text=f"{text[:20]}…",
            column=LONGEST_TEXT + 1,
            found=Message("deadline.found.length", n=len(text)),
            expected=Message("deadline.expected.shorter", most=LONGEST_TEXT),
        )
    reader = _Reader(text, issued, year)
    reading = reader.read()
    if not reader.is_past(reading.rule):
        return reading
    return _Reader(text, issued, None, issued.year + 1).read()


class _Reader:
    """Understands the clauses of one text, and gathers warnings on the way.

    ``plan`` is the year of the plan, if it is known; ``supplied`` is the one that a text without a year is given.
    """

    def __init__(self, text: str, issued: date, plan: int | None, supplied: int | None = None) -> None:
        self.text = text
        self.issued = issued
        self.plan = plan
        self.year = supplied or plan or issued.year
        self.tokens = tokenize(text)
        self.warnings: list[Message] = []
        #: Whether the text names no year at all, or one by a word (今年, next year).
        self.lacks_year = False
        self.takes_year = False
        self.names_past = False

    def read(self) -> Reading:
        clauses = read_clauses(self.tokens)
        if isinstance(clauses, Unexpected):
            self._refuse_day_first()
            raise self._refusal(clauses.index, clauses.expected)
        rule = self._rule(clauses)
        if self.takes_year or (self.lacks_year and self.plan is None):
            self._warn_of_year(rule)
        self._warn_of_past(rule)
        return Reading(self.text, rule, tuple(self.warnings))

    def is_past(self, rule: Rule) -> bool:
        """Whether the year that was taken for a text without one puts all of it before the issue."""
        if not self.lacks_year or self.plan is not None:
            return False
        end = rule.due or rule.until
        if end is None and rule.since is not None:
            end = date(rule.since.year, rule.since.month, monthrange(rule.since.year, rule.since.month)[1])
        return end is not None and end < self.issued

    # --- clauses ---

    def _rule(self, clauses: Sequence[Clause]) -> Rule:
        ongoing = False
        dated: Clause | None = None
        often: Clause | None = None
        span: Clause | None = None
        for clause in clauses:
            match clause.node:
                case Ongoing():
                    ongoing = True
                case Recurrence() if often is None and dated is None:
                    often = clause
                case Range() if span is None and dated is None:
                    span = clause
                case Date() if dated is None and often is None and (span is None or _only_from_issue(span)):
                    dated = clause
                case _:
                    # Two dates, or a date beside a recurrence: every reading would be a guess.
                    beside = (Message("deadline.expected.range"),) if often else ()
                    raise self._refusal(clause.start, OneOf((*beside, *_AFTER_ALL)))
        if often is not None:
            return self._recurring(often, span, ongoing=ongoing)
        if dated is not None:
            assert isinstance(dated.node, Date)
            return Rule(due=self._end(dated.node, self._year(dated.node.point)), ongoing=ongoing)
        if span is not None:
            return self._bounded(span, ongoing=ongoing)
        return Rule(ongoing=True)

    def _recurring(self, clause: Clause, span: Clause | None, *, ongoing: bool) -> Rule:
        node = clause.node
        assert isinstance(node, Recurrence)
        since, until = (None, None) if span is None else self._range(span)
        begins = date(self.plan or self.issued.year, 1, 1)
        if since is None and begins > self.issued and (until is None or until >= begins):
            # What is asked again and again in a plan for next year is not yet asked in what is left of this one.
            since = begins
        month, day = self._in_year(node.point, before=node.before) if node.point else self._in_period(node)
        return Rule(ongoing=ongoing, every=node.every, month=month, day=day, since=since, until=until)

    def _bounded(self, span: Clause, *, ongoing: bool) -> Rule:
        """A range without "how often": its end is a deadline, but a beginning would be lost."""
        node = span.node
        assert isinstance(node, Range)
        if node.since is None and node.until is not None:
            return Rule(due=self._range(span)[1], ongoing=ongoing)
        if node.since is None and ongoing:
            return Rule(ongoing=True)
        raise self._refusal(len(self.tokens), Message("deadline.expected.recurrence"))

    # --- recurrences ---

    def _in_period(self, node: Recurrence) -> tuple[int | None, int | None]:
        """Month and day within the period."""
        month, day = None, None
        if node.every is Every.WEEK:
            return None, None if node.day is None else self._number(node.day, 7, "weekday")
        if node.month is not None and (node.month.kind, node.month.value) != ("ordinal", LAST):
            month = self._number(node.month, _MONTHS_IN[node.every], "month")
        if node.day is not None:
            day = self._number(node.day, 31, "day")
            if node.every is not Every.MONTH and node.month is None:
                raise self._refusal_at(node.day, Message("deadline.expected.month_too"))
        if node.third is not None and node.third.value != 3:
            day = _THIRDS[node.third.value][1]
        return month, day

    def _in_year(self, point: Point, *, before: bool) -> tuple[int | None, int | None]:
        """Month and day of a part of any year: 3月底, 15 March, 一季度末."""
        first, last = self._stretch(point, None)
        if before and point.is_whole:
            # The day before January is the last of December.
            read = Rule(every=Every.YEAR, month=(first.month - 2) % 12 + 1)
            self._warn_of_before(read, Rule(every=Every.YEAR, month=last.month))
            return read.month, None
        names_day = point.day is not None or (point.third is not None and point.third.value != 3)
        return last.month, last.day if names_day else None

    # --- ranges ---

    def _range(self, span: Clause) -> tuple[date | None, date | None]:
        node = span.node
        assert isinstance(node, Range)
        since = self.issued if node.from_issue else None
        if node.since is not None:
            since = self._stretch(node.since, self._first_year(node.since, node.until))[0]
        if node.until is None:
            return since, None
        point = node.until.point
        year = self._year(point, follows=None if node.since is None or since is None else since.year)
        if since is not None and point.year is None:
            # 10月至3月: the months themselves say that the year turns.
            turns = self._stretch(point, None)[1].month < since.month
            year = self._in_calendar(year + turns, point)
        until = self._end(node.until, year)
        if since is not None and until < since:
            expected = Message("deadline.expected.later_end", since=since)
            raise self._refusal(span.start, expected, until=span.end)
        return since, until

    def _first_year(self, since: Point, until: Date | None) -> int:
        """The year in which a range begins; where only its end has one, the latest that fits."""
        last_year = None if until is None else until.point.year
        if until is None or since.year is not None or last_year is None or last_year.kind != "number":
            return self._year(since)
        turns = self._stretch(until.point, None)[1] < self._stretch(since, None)[0]
        return self._in_calendar(self._year(until.point) - turns, since)

    # --- points ---

    def _end(self, node: Date, year: int) -> date:
        """The last day on which it is still in time."""
        first, last = self._stretch(node.point, year)
        if not (node.before and node.point.is_whole):
            return last
        read = first - A_DAY
        self._in_calendar(read.year, node.point)
        self._warn_of_before(Rule(due=read), Rule(due=last))
        return read

    def _year(self, point: Point, *, follows: int | None = None) -> int:
        """The year of a point; ``follows`` is the year of the beginning, where the point ends a range."""
        token = point.year
        if token is not None and token.kind == "number":
            if token.digits != 4:
                raise self._year_refusal(point)
            year = token.value
        elif token is None:
            year = self.year if follows is None else follows
            self.lacks_year |= follows is None
        elif token.text == "次年":
            year = (self.year if follows is None else follows) + 1
            self.takes_year |= follows is None
        elif token.text == "本年度":
            # The year that the plan is for, whenever that was issued.
            year = self.year
            self.takes_year |= self.plan is None
        else:
            year = self.issued.year + (token.text in ("明年", "next"))
            self.takes_year = True
        return self._in_calendar(year, point)

    def _in_calendar(self, year: int, point: Point) -> int:
        if not FIRST_YEAR <= year <= LAST_YEAR:
            raise self._year_refusal(point)
        return year

    def _stretch(self, point: Point, year: int | None) -> tuple[date, date]:
        """First and last day; they are one where a day or an end is named.  ``year`` None is any year."""
        in_year = _LEAP_YEAR if year is None else year
        first, length = 1, 12
        if point.number is not None:
            if point.span == "month":
                first, length = self._number(point.number, 12, "month"), 1
            elif point.span == "quarter":
                first, length = self._number(point.number, 4, "quarter") * 3 - 2, 3
            else:
                first, length = self._number(point.number, 2, "half") * 6 - 5, 6
        last = first + length - 1
        days = monthrange(in_year, last)[1]
        if point.day is not None:
            day = self._number(point.day, 31, "day")
            if day > days:
                raise NoSuchDayError(
                    "no_such_day",
                    text=self.text,
                    column=point.day.start + 1,
                    found=self._found(point.day),
                    expected=Message("deadline.expected.last_day", days=days),
                    day=day,
                    month=month_in_both(year, last),
                )
            return date(in_year, last, day), date(in_year, last, day)
        if point.third is not None:
            low, high = _THIRDS[point.third.value]
            if point.third.text.isascii():
                self._warn_of_third(point.third)
            return date(in_year, last, low), date(in_year, last, min(high, days))
        end = date(in_year, last, days)
        return (end if point.end else date(in_year, first, 1)), end

    def _number(self, token: Token, most: int, what: str) -> int:
        """The value of a number that must lie in 1 … ``most``."""
        if not 1 <= token.value <= most or token.digits > 2:
            raise self._refusal_at(token, Message(f"deadline.expected.{what}_to", most=most))
        return token.value

    # --- what is doubtful ---

    def _warn(self, warning: Message) -> None:
        if warning not in self.warnings:
            self.warnings.append(warning)

    def _warn_of_year(self, rule: Rule) -> None:
        """The year was supplied: another one may be meant, above all the next where an issue is late in its year."""
        facts = {"issued": self.issued, "rule": in_both(rule)}
        if self.year > self.issued.year and self.lacks_year:
            years = {"year": self.year, "before": self.issued.year}
            self._warn(Message("deadline.year_after_issue", **facts, **years))
        elif self.lacks_year and (other := self._next_year_of(rule)) is not None:
            self._warn(Message("deadline.year_or_next", **facts, other=in_both(other)))
        else:
            self._warn(Message("deadline.no_year", **facts))

    def _next_year_of(self, rule: Rule) -> Rule | None:
        """The same a year later, where the end of a month, quarter or year comes soon after a late issue."""
        due, issued = rule.due, self.issued
        if due is None or issued.month < _LATE or not timedelta(0) <= due - issued <= _SOON:
            return None
        if due.day != monthrange(due.year, due.month)[1]:
            return None
        year = due.year + 1
        return replace(rule, due=date(year, due.month, monthrange(year, due.month)[1]))

    def _warn_of_before(self, read: Rule, other: Rule) -> None:
        """A whole year, quarter or month before which something is due, where its end may be meant."""
        if read.due is not None and read.due < self.issued:
            self.names_past = True
            day, issued = read.due, self.issued
            self._warn(Message("deadline.before_issue", day=day, issued=issued, other=in_both(other)))
            return
        self._warn(Message("deadline.before_it_begins", rule=in_both(read), other=in_both(other)))

    def _warn_of_third(self, third: Token) -> None:
        self._warn(Message(f"deadline.third.{third.text}"))

    def _warn_of_past(self, rule: Rule) -> None:
        if rule.every is None and rule.due is None:
            return
        first = first_after(rule, self.issued, date.min)
        if first is None:
            self._warn(Message("deadline.never"))
        elif first < self.issued and not self.names_past:
            day = Message("deadline.written", zh=say_day("zh", first), en=say_day("en", first))
            self._warn(Message("deadline.past", day=day, issued=self.issued))

    # --- what cannot be read ---

    def _refusal(
        self, place: int, expected: Message | OneOf, *, until: int | None = None
    ) -> DeadlineSyntaxError:
        """Points at ``tokens[place:until]``, or at the end of the text."""
        column, found = self.tokens[-1].end if self.tokens else 0, Message("deadline.found.end")
        if place < len(self.tokens):
            first, last = self.tokens[place], self.tokens[(until or place + 1) - 1]
            column, found = first.start, self._found(first, last)
        return DeadlineSyntaxError(
            "deadline_syntax", text=self.text, column=column + 1, found=found, expected=expected
        )

    def _found(self, first: Token, last: Token | None = None) -> Message:
        return Message("facts.quoted", text=self.text[first.start : (last or first).end])

    def _refusal_at(self, token: Token, expected: Message) -> DeadlineSyntaxError:
        starts = [each.start for each in self.tokens]
        return self._refusal(starts.index(token.start), expected)

    def _year_refusal(self, point: Point) -> DeadlineSyntaxError:
        return self._refusal_at(
            point.year or point.number or self.tokens[0],
            Message("deadline.expected.year_to", first=FIRST_YEAR, last=LAST_YEAR),
        )

    def _refuse_day_first(self) -> None:
        """5/20/2022 and 20.5.2022 are somebody's date, and somebody else's other date."""
        texts = [token.text if token.kind == "word" else f"{token.digits}" for token in self.tokens]
        for place in range(len(texts) - 4):
            first, sep, second, again, third = texts[place : place + 5]
            numbers = first in "12" and second in "12" and third in "24"
            if (
                numbers
                and sep == again
                and sep in ("/", "-", ".")
                and (place == 0 or texts[place - 1] != sep)
            ):
                raise self._refusal(place, Message("deadline.expected.year_first"), until=place + 5)


def _only_from_issue(span: Clause) -> bool:
    return isinstance(span.node, Range) and span.node.since is None and span.node.until is None
