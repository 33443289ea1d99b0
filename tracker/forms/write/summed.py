"""What all units filed of one form, and the sums over it: pure, nothing is written here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from tracker.core.form import Column, ColumnKind, Filed, FiledRow, Form, Said, totals
from tracker.forms.check.figures import Number, plain
from tracker.i18n.catalogue import Language
from tracker.i18n.message import Message, say

#: In which states a unit has answered, and in which others it can be.
ANSWERED = frozenset({"filed", "late", "nil"})
STATES = ANSWERED | {"missing", "refused", "waived"}
#: The word in a group's label by which its columns are known to count what was found to be wrong.
_PROBLEMS = "问题"

NIL = Said("零报告", "nothing to report")
_OTHER = {
    "missing": Said("未报", "missing"),
    "refused": Said("退回待改", "sent back"),
    "waived": Said("免报", "not asked"),
}
_WORDS = {
    **_OTHER,
    "nil": Said(NIL.zh, "nil"),
    "filed": Said("已报", "reported"),
    "late": Said("逾期报送", "late"),
}
_NO_TABLE = Said("已报送，未附电子表", "reported, without a table")
_NO_ROWS = Said("已报送，表内无数据", "reported, without rows")


@dataclass(frozen=True, slots=True)
class TableQuestion:
    """A question about a table: where it stands, and what was answered, by whom; ``answer`` None while it is open."""

    unit: str
    where: str
    message: Message
    answer: str | None = None
    who: str = ""
    note: str = ""


@dataclass(frozen=True)
class UnitFiled:
    """What one unit filed of a form, ``previous`` for the period before; ``short`` is what the unit is called in a list.

    Where it filed nothing for that, ``older`` is the month (its first day) in which its last table was due.
    ``state`` is filed, late, nil (nothing to report), missing, refused (sent back, nothing was taken) or waived;
    ``waits``: it has still to be accepted.
    """

    unit: str
    state: str
    filed: Filed | None
    previous: Filed | None
    contacts: str = ""
    submitted_on: date | None = None
    late_days: int = 0
    note: str = ""
    short: str = ""
    older: date | None = None
    waits: bool = False

    def __post_init__(self) -> None:
        if self.state not in STATES:
            raise ValueError(f"{self.state} is none of {', '.join(sorted(STATES))}")

    @property
    def has_answered(self) -> bool:
        """Whether nothing is missing from it."""
        return self.state in ANSWERED

    @property
    def is_late(self) -> bool:
        """Whether it answered, but after the deadline; with nothing to report, too."""
        return self.has_answered and (self.state == "late" or self.late_days > 0)

    @property
    def rows(self) -> tuple[FiledRow, ...]:
        """The rows that are in force."""
        return self.filed.rows if self.filed is not None and self.has_answered else ()

    @property
    def is_known(self) -> bool:
        """Whether its figures are known: nothing to report is nought of everything."""
        return self.has_answered and (self.filed is not None or self.state == "nil")

    @property
    def state_word(self) -> Said:
        """How it stands, in a word."""
        if self.late_days > 0 and self.has_answered:
            return Said(f"逾期{self.late_days}天", f"{self.late_days} d late")
        said = _WORDS[self.state]
        return Said(f"{said.zh}待审核", f"{said.en}, to be accepted") if self.waits else said

    @property
    def instead(self) -> Said:
        """What stands in the table in place of rows."""
        if not self.has_answered:
            said = _OTHER[self.state]
        elif self.state == "nil" or (self.filed is not None and self.filed.is_nil):
            said = NIL
        else:
            said = _NO_TABLE if self.filed is None else _NO_ROWS
        if self.note and self.note not in {said.zh, said.en}:
            return Said(f"{said.zh}（{self.note}）", f"{said.en} ({self.note})")
        return said


@dataclass(frozen=True)
class FormSummary:
    """One form of one report over all units, in the order in which the document names them."""

    form: Form
    round_: str | None
    ref_title: str
    period_text: str
    units: tuple[UnitFiled, ...]
    questions: tuple[TableQuestion, ...] = ()

    @property
    def open_questions(self) -> int:
        """How many questions about it wait for an answer."""
        return sum(each.answer is None for each in self.questions)

    @property
    def name(self) -> str:
        """What the form is called in a word."""
        return self.form.name

    @property
    def figures(self) -> tuple[Column, ...]:
        """The columns of figures that the round asks for."""
        return tuple(column for column in self.form.asked(self.round_) if column.is_figure)

    @property
    def problems(self) -> tuple[Column, ...]:
        """The columns that count what was found to be wrong; where no group says so, all counts."""
        counts = [column for column in self.figures if column.kind is ColumnKind.COUNT]
        named = [column for column in counts if _PROBLEMS in (column.group or "")]
        return tuple(named or counts)

    def sums(self, filed: Filed | None) -> dict[str, Number]:
        """The total of every column of what one unit filed."""
        return {each: plain(value) for each, value in totals(self.form, filed.rows if filed else ()).items()}


@dataclass(frozen=True)
class AnswerCounts:
    """How many units answered and how; ``late``, ``nil`` and ``waiting`` may count the same unit, the others do not."""

    asked: int
    answered: int
    late: int
    nil: int
    waiting: int
    missing: int
    refused: int
    waived: int

    def said(self) -> Said:
        """In one sentence: 41个单位：已报37（其中逾期报送2、零报告1），未报4."""
        zh, en = f"{self.asked}个单位：已报{self.answered}", f"{self.asked} units: {self.answered} reported"
        among = [
            (self.late, "逾期报送", "late"),
            (self.nil, "零报告", "nil"),
            (self.waiting, "待审核", "to be accepted"),
        ]
        if any(number for number, _, _ in among):
            zh += "（其中" + "、".join(f"{word}{number}" for number, word, _ in among if number) + "）"
            en += f" (of them {', '.join(f'{number} {word}' for number, _, word in among if number)})"
        zh, en = f"{zh}，未报{self.missing}", f"{en}, {self.missing} missing"
        if self.refused:
            zh, en = f"{zh}，退回待改{self.refused}", f"{en}, {self.refused} sent back"
        if self.waived:
            zh, en = f"{zh}，免报{self.waived}", f"{en}, {self.waived} not asked"
        return Said(zh, en)


def standing(units: Sequence[UnitFiled]) -> AnswerCounts:
    """How many of ``units`` answered."""
    states = [each.state for each in units]
    return AnswerCounts(
        asked=len(units),
        answered=sum(each.has_answered for each in units),
        late=sum(each.is_late for each in units),
        nil=states.count("nil"),
        waiting=sum(each.waits for each in units),
        missing=states.count("missing"),
        refused=states.count("refused"),
        waived=states.count("waived"),
    )


def sums_told(parts: Message, summaries: Iterable[FormSummary], language: Language) -> str:
    """Of what the totals are the sums, and that they are checked only where somebody is in and no question is open."""
    drawn = list(summaries)
    if not any(unit.is_known for each in drawn for unit in each.units):
        return say(Message("findings.summary.nobody"), language)
    number = sum(each.open_questions for each in drawn)
    key = "findings.summary.in_question" if number else "findings.summary.checked"
    return say(Message(key, parts=parts, n=number), language)
