"""What became of each form in the files that were taken in, and how that is told."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tracker.core.form import Filed, Form
from tracker.filing.filings import OriginalFile, RequestedTable
from tracker.forms.check.positions import TablePosition
from tracker.forms.check.read_back import ReadBack
from tracker.forms.finding import Finding, Weight, said
from tracker.i18n.catalogue import Language
from tracker.i18n.message import say
from tracker.questions.questions import Question
from tracker.usecases.json_facts import Fact


@dataclass(frozen=True, slots=True)
class TakenForm:
    """What became of one form that a file holds; of the file, where it holds none (``form`` None).

    ``file`` is its name, within an archive or a mail the path that begins with the name of that.
    ``sheet`` is the one on which it stands, ``unit`` (id) whose it is, also where no ``table`` is told of what it is asked
    for; ``filed`` what it says.  ``is_taken`` says that this is in force now;
    ``is_again`` that it was before.  ``answer`` is the copy with the findings in it, where there is anything to
    look at.  ``anew`` is what other tables of the unit are asked because of it.
    """

    file: str
    form: Form | None = None
    sheet: str | None = None
    unit: str | None = None
    table: RequestedTable | None = None
    filed: Filed | None = None
    is_taken: bool = False
    is_again: bool = False
    findings: tuple[Finding, ...] = ()
    answer: OriginalFile | None = None
    read_back: ReadBack | None = None
    seat: TablePosition | None = None
    anew: tuple[Question, ...] = ()

    @property
    def is_nil(self) -> bool:
        """Whether it says that there is nothing to report."""
        return self.filed is not None and self.filed.is_nil

    @property
    def waits(self) -> bool:
        """Whether it is in and has still to be accepted."""
        if self.table is None or not (self.is_taken or self.is_again):
            return False
        return self.table.row.waits if self.is_again else self.table.row.definition.acceptance

    @property
    def is_passed_over(self) -> bool:
        """Whether it is a file that nobody sends, of a system or a program."""
        return self.form is None and not self.of(Weight.ERROR)

    def of(self, weight: Weight) -> list[Finding]:
        """The findings of one weight."""
        return [finding for finding in self.findings if finding.weight is weight]

    def facts(self, language: Language) -> Fact:
        """One line of ``forms import`` (docs/contract.md §5)."""
        table = self.table
        return {
            "file": self.file,
            "sheet": self.sheet,
            "form": self.form.id if self.form is not None else None,
            "unit": self.unit,
            "period": (table.ref.partition("@")[2] or None) if table is not None else None,
            "ref": table.ref if table is not None else None,
            "taken": self.is_taken,
            "again": self.is_again,
            "nil": self.is_nil,
            "waits": self.waits,
            "errors": finding_facts(self.of(Weight.ERROR), language),
            "questions": finding_facts(self.of(Weight.QUESTION), language),
            "readings": finding_facts(self.of(Weight.READING), language),
            "read_back": self._read_back(language),
            "anew": [each.id for each in self.anew],
        }

    def _read_back(self, language: Language) -> Fact | None:
        """What was read, unless there are errors in it."""
        if self.read_back is None or self.of(Weight.ERROR):
            return None
        return {**self.read_back.facts(), "text": say(self.read_back.said(), language)}


def finding_facts(findings: Iterable[Finding], language: Language) -> list[Fact]:
    """Findings as JSON has them; ``also`` are those of other cells that are asked with one."""
    found = []
    for each in findings:
        fact: Fact = {
            "sheet": each.sheet,
            "cell": each.cell,
            "found": each.found,
            "expected": said(each.expected, language),
            "message": say(each.said, language),
        }
        found.append({**fact, "also": finding_facts(each.also, language)} if each.also else fact)
    return found


def by_cell(facts: Fact) -> Fact:
    """``facts`` of a form with each question at every cell that it is about."""
    questions = (one for each in facts["questions"] for one in (each, *each.get("also", ())))
    return {
        **facts,
        "questions": [{name: value for name, value in each.items() if name != "also"} for each in questions],
    }
