"""Takes files in: read apart, recognised, checked against the month before, filed in the ledger, answered.

A file may hold several forms, an archive or a mail several files, and each of them is accounted for.  A file is one
transaction; one that cannot be taken keeps none of the others back.  Files that are handed in together are looked at
together before any is filed: of two versions of one table the order decides nothing.
"""

from __future__ import annotations

import getpass
import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import PurePosixPath
from time import monotonic
from typing import Self

from sqlmodel import Session

from tracker.campaign.recipients import receipt_row
from tracker.core.form import FieldKind, Filed, Form, Said
from tracker.core.model import MailKind
from tracker.core.naming import sentence
from tracker.errors import LedgerError
from tracker.filing.filings import (
    VIA,
    OriginalFile,
    RequestedTable,
    SentFile,
    filed_files,
    in_force_filings,
    keep_document,
    keep_refused,
    take,
)
from tracker.filing.match_assignment import said_unit, whose
from tracker.filing.provenance import ImportOptions, Provenance
from tracker.forms.check.check import check
from tracker.forms.check.form_fields import Month, read_month, shown
from tracker.forms.check.positions import TablePosition
from tracker.forms.check.read_back import read_back
from tracker.forms.check.recognised import Recognised, header_month
from tracker.forms.finding import Finding, Weight
from tracker.forms.read import refusals
from tracker.forms.read.sandboxed_reader import Reader
from tracker.forms.write.blank import file_name
from tracker.forms.write.reply import reply
from tracker.ledger.record import refuse_undecided
from tracker.outbox.prompted import prompt
from tracker.questions.ask import files_of, without_settled
from tracker.questions.filed_rows import Earlier, filed_before
from tracker.service.app import App
from tracker.service.enclosures import period_text
from tracker.usecases.forms.folder import FileInFolder
from tracker.usecases.forms.opening import OpenedFile, open_file, open_lying, refused
from tracker.usecases.forms.taken import TakenForm, finding_facts
from tracker.usecases.forms.versions import FilesTogether, Version
from tracker.usecases.json_facts import Fact

#: On the clock, for all files of an archive or a mail.
SECONDS_PER_PARCEL = 180.0

#: So many bytes of files and so many cells of tables are looked at together; what comes after is held against what was
#: taken.
MOST_BYTES = 64_000_000
MOST_CELLS = 1_000_000

#: How a table says in so many words that there is nothing to report.
_NIL_WORD = "零报告"


@dataclass(frozen=True, slots=True)
class _Owed:
    """Whose table a file is, and what was filed for the period before.

    ``own`` is what was filed for this period, ``is_earlier`` that the file holds a later one as well; ``if_changed`` is why
    nothing else replaces it.
    """

    table: RequestedTable
    findings: tuple[Finding, ...]
    previous: Earlier | None
    own: Filed | None = None
    is_earlier: bool = False
    if_changed: Finding | None = None


@dataclass(frozen=True, slots=True)
class _Unmatched:
    """Why it cannot be told which table a file is, and whose it is, as far as that is known."""

    why: Finding
    unit: str | None


class Intake:
    """Takes files in, one after the other; close it when done.

    ``wanted`` is what whoever takes them in says about all of them; they count from ``at``.  Where it
    ``only_checks``, nothing is written.  A ``reader`` that is given is used, and left open.  Together they have so many
    ``seconds``, or each file and what is in it ``SECONDS_PER_PARCEL``; what comes later is refused.
    """

    def __init__(
        self,
        app: App,
        *,
        wanted: ImportOptions = ImportOptions(),  # noqa: B008 - frozen
        at: datetime | None = None,
        who: str | None = None,
        via: str = VIA,
        only_checks: bool = False,
        reader: Reader | None = None,
        seconds: float | None = None,
    ) -> None:
        self._app = app
        self._until = None if seconds is None else monotonic() + seconds
        self._now = app.clock.now()
        self._snapshot = app.up_to_date()
        self._at = at or self._now
        self._wanted = wanted
        self._who = who
        self._via = via
        self._only_checks = only_checks
        self._reader = reader or Reader()
        self._closing = reader is None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._closing:
            self._reader.close()

    def take_all(self, files: Iterable[FileInFolder]) -> Iterator[tuple[FileInFolder, tuple[TakenForm, ...]]]:
        """Take in files that lie in a folder, or were named together: each with what became of the forms in it."""
        together = FilesTogether()
        held: list[tuple[FileInFolder, list[OpenedFile]]] = []
        size = cells = 0
        for lying in files:
            opened = open_lying(
                self._reader, self._snapshot.campaign.forms, lying, self._deadline(), self._asked()
            )
            held.append((lying, opened))
            size += sum(len(each.data) for each in opened)
            cells += sum(each.cells for each in opened)
            if size > MOST_BYTES or cells > MOST_CELLS:
                yield from self._take_held(held, together)
                held, size, cells = [], 0, 0
        yield from self._take_held(held, together)

    def take(self, name: str, data: bytes, folder: str = "") -> tuple[TakenForm, ...]:
        """Take one file in, or those in an archive or a mail: what became of each form in it.

        ``folder`` is where it lay, as it may say whose it is.  Whatever is wrong is a finding, never an exception.
        Reading, checking and drawing may take seconds, and are done while nobody waits for the ledger.
        """
        return self.take_together([(name, data)], folder)

    def take_together(self, files: Iterable[tuple[str, bytes]], folder: str = "") -> tuple[TakenForm, ...]:
        """Take in files that were handed in at once, each a name and its bytes; the same."""
        forms, until = self._snapshot.campaign.forms, self._deadline()
        opened = [
            each
            for name, data in files
            for each in open_file(self._reader, forms, name, data, folder, until, self._asked())
        ]
        together = FilesTogether()
        self._compare(opened, together)
        return tuple(taken for each in opened for taken in self._take_opened(each, together, until))

    def _asked(self) -> Month:
        """The month for which tables are asked: of the link, as a person says, else that of the day."""
        ref = "" if self._wanted.only is None else self._wanted.only
        day = self._wanted.month or self._snapshot.day(self._at)
        return read_month(ref.rpartition("@")[2]) or (day.year, day.month)

    def _deadline(self) -> float:
        return self._until or monotonic() + SECONDS_PER_PARCEL

    def _take_held(
        self, held: Sequence[tuple[FileInFolder, Sequence[OpenedFile]]], together: FilesTogether
    ) -> Iterator[tuple[FileInFolder, tuple[TakenForm, ...]]]:
        self._compare([each for _, opened in held for each in opened], together)
        for lying, opened in held:
            until = self._deadline()
            yield lying, tuple(taken for each in opened for taken in self._take_opened(each, together, until))

    def _compare(self, opened: Sequence[OpenedFile], together: FilesTogether) -> None:
        """Find the versions of one table among files that came together."""
        files = [(each, self._came(each)) for each in opened if each.found]
        if len(files) < 2:
            together.compare(())
            return
        with self._app.database.reading() as session:
            filed = filed_files(session, {came.digest for _, came in files})
        together.compare(
            Version(table, each.name, unit, came.day, filed.get(came.digest))
            for each, came in files
            for table in each.found
            if (unit := said_unit(self._snapshot, table, self._wanted, came)) is not None
        )

    def _came(self, opened: OpenedFile) -> Provenance:
        path, digest = f"{opened.folder}/{opened.name}", hashlib.sha256(opened.data).hexdigest()
        return Provenance(path, digest, self._snapshot.day(self._at))

    def _take_opened(
        self, opened: OpenedFile, together: FilesTogether, until: float
    ) -> tuple[TakenForm, ...]:
        name, found = opened.name, opened.found
        if not found:
            return opened.told
        if monotonic() > until:
            return refused(name, refusals.TOO_MANY_AT_ONCE).told
        came = self._came(opened)
        with self._app.database.reading() as session:
            owed = self._owed(session, found, came)
        taken = _checked(name, found, owed, together)
        if not self._only_checks:
            with self._app.engine.acting(self._now) as (session, snapshot):
                is_edited, self._snapshot = snapshot is not self._snapshot, snapshot
                if not is_edited:
                    # Between the two looks somebody else may have filed; that is rare, and then it is checked once more.
                    if (now_owed := self._owed(session, found, came)) != owed:
                        taken = _checked(name, found, now_owed, together)
                    paper = OriginalFile(PurePosixPath(name).name, opened.data)
                    taken = [self._file(session, each, paper) for each in taken]
            if is_edited:
                # By other forms it may be read otherwise.
                forms = self._snapshot.campaign.forms
                again = open_file(self._reader, forms, name, opened.data, opened.folder, until, self._asked())
                return tuple(each for one in again for each in self._take_opened(one, together, until))
        together.note(taken)
        return tuple(self._answered(each, table) for each, table in zip(taken, found, strict=True))

    def _file(self, session: Session, taken: TakenForm, paper: OriginalFile) -> TakenForm:
        table, filed = taken.table, taken.filed
        if table is None or filed is None:
            return taken
        sent = SentFile(
            paper,
            self._at,
            self._who or _who(table.form, filed) or _login_name(),
            self._via,
            finding_facts(taken.findings, self._snapshot.campaign.language),
            taken.of(Weight.QUESTION),
            taken.seat,
        )
        try:
            refuse_undecided(self._snapshot, self._via)
            if taken.of(Weight.ERROR):
                keep_refused(session, table, sent, self._now)
                return taken
            took = take(session, self._snapshot, table, filed, sent, self._now)
        except LedgerError as error:
            zh, en = (sentence(error, language, self._snapshot.campaign) for language in ("zh", "en"))
            refused = Finding(Weight.ERROR, Said(f"台账不能受理：{zh}", en))
            return replace(taken, findings=(*taken.findings, refused))
        back, before = taken.read_back, took.replaced
        if back is not None and before is not None:
            day = self._snapshot.day(before.at)
            back = replace(back, replaced=before.at, replaced_day=day, replaced_rows=len(before.filed.rows))
        return replace(
            taken,
            findings=without_settled(taken.findings, took.settled),
            is_taken=True,
            is_again=not took.is_new,
            read_back=back,
            anew=tuple(took.anew),
        )

    def _owed(
        self, session: Session, found: Sequence[Recognised], came: Provenance
    ) -> list[_Owed | _Unmatched]:
        answers = [
            whose(session, self._snapshot, each, self._wanted, _with_beside(came, each, found), self._now)
            for each in found
        ]
        tables = [each.table for each in answers if not isinstance(each, Finding)]
        before = filed_before(session, self._snapshot, tables)
        stands = in_force_filings(session, self._snapshot.campaign.forms, tables)
        owed: list[_Owed | _Unmatched] = []
        for each, table in zip(answers, found, strict=True):
            if isinstance(each, Finding):
                owed.append(_Unmatched(each, said_unit(self._snapshot, table, self._wanted, came)))
            elif sum(each.table.id == other.id for other in tables) > 1:
                owed.append(_Unmatched(_twice(table), each.table.unit))
            else:
                own = stands.get(each.table.id)
                previous = before.get(each.table.id)
                filed = None if own is None else own.filed
                is_earlier = any(_is_later(other, each.table) for other in tables)
                owed.append(_Owed(each.table, each.findings, previous, filed, is_earlier, each.if_changed))
        return owed

    def _answered(self, taken: TakenForm, found: Recognised) -> TakenForm:
        """With the copy that has the findings in it, where there is something to put right or to look at."""
        if not taken.of(Weight.ERROR) and not taken.of(Weight.QUESTION):
            return taken
        language = self._snapshot.campaign.language
        back = taken.facts(language)["read_back"]
        data = reply(
            found,
            taken.findings,
            created=self._now,
            language=language,
            told="" if back is None else back["text"],
        )
        return replace(taken, answer=OriginalFile(self._name_of_answer(taken, found.form), data))

    def _name_of_answer(self, taken: TakenForm, form: Form) -> str:
        """The form, the unit and the period, so that no two answers are called the same; else after the file."""
        table = taken.table
        if table is None:
            stem = PurePosixPath(taken.file).stem
            return f"{stem}（{form.name}核对）.xlsx"
        unit = self._snapshot.campaign.unit_name(table.unit)
        return file_name(form, unit, period_text(table), "（核对）")

    def send_receipts(self, results: Sequence[TakenForm]) -> int:
        """Tell each unit what became of its files, in one mail; how many mails wait to be sent.

        What was taken in before is not told again.
        """
        by_unit: dict[str, list[TakenForm]] = {}
        for each in results:
            if each.unit is not None and not each.is_again:
                by_unit.setdefault(each.unit, []).append(each)
        if not by_unit:
            return 0
        with self._app.database.writing() as session:
            return sum(
                prompt(session, self._snapshot, self._receipts(session, unit, files), self._now)
                for unit, files in by_unit.items()
            )

    def _receipts(self, session: Session, unit: str, files: Sequence[TakenForm]) -> Iterator[Fact]:
        day = self._snapshot.day(self._now)
        enclosed = [keep_document(session, each.answer) for each in files if each.answer is not None]
        for person in self._snapshot.people(day).asked(unit):
            told = [each.facts(person.language) for each in files]
            for each in files:
                changed = each.table.ref if each.table is not None else ""
                told += files_of(self._snapshot, each.anew, changed, person.language)
            digest = hashlib.sha256(json.dumps([told, enclosed]).encode()).hexdigest()[:24]
            key = f"{MailKind.RECEIPT}/{day}/{digest}/{person.email.casefold()}"
            yield receipt_row(person, unit, key, {"files": told, "enclosed": enclosed}, day)


def _with_beside(came: Provenance, one: Recognised, found: Sequence[Recognised]) -> Provenance:
    months = {header_month(each) for each in found if each is not one and each.form is one.form}
    return replace(
        came,
        beside=frozenset(month for month in months if month is not None),
        forms=frozenset(each.form.id for each in found),
    )


def _checked(
    name: str, found: Sequence[Recognised], owed: Sequence[_Owed | _Unmatched], together: FilesTogether
) -> list[TakenForm]:
    return [
        together.held_against(_checked_one(name, table, each), table)
        for table, each in zip(found, owed, strict=True)
    ]


def _checked_one(name: str, found: Recognised, owed: _Owed | _Unmatched) -> TakenForm:
    if isinstance(owed, _Unmatched):
        return TakenForm(name, found.form, found.sheet.name, owed.unit, findings=(owed.why,))
    before = owed.previous
    checked = check(
        found,
        round_=owed.table.round,
        previous=None if before is None else before.filed,
        since="" if before is None else before.since,
    )
    findings = (*owed.findings, *checked.findings)
    is_changed = owed.own is not None and owed.own.rows != checked.filed.rows
    if is_changed and owed.is_earlier:
        findings = (*findings, _stands(found))
    elif is_changed and owed.if_changed is not None:
        findings = (owed.if_changed, *findings)
    elif owed.own is not None and owed.own.rows and checked.filed.is_nil:
        findings = _nil_over_rows(found, findings, checked.seat, len(owed.own.rows))
    return TakenForm(
        name,
        found.form,
        found.sheet.name,
        owed.table.unit,
        owed.table,
        checked.filed,
        findings=findings,
        read_back=read_back(found.form, checked.filed),
        seat=checked.seat,
    )


def _is_later(other: RequestedTable, table: RequestedTable) -> bool:
    return (other.unit, other.form.id) == (table.unit, table.form.id) and other.due > table.due


def _twice(found: Recognised) -> Finding:
    said = Said(
        "同一文件里有两张同一期的表，分不清以哪一张为准，没有采用；请只保留一张。",
        "The file holds two tables of the same period, and neither was taken; please keep one of them.",
    )
    return Finding(Weight.ERROR, said, found.sheet.name)


def _nil_over_rows(
    found: Recognised, findings: Sequence[Finding], seat: TablePosition | None, rows: int
) -> tuple[Finding, ...]:
    """With what is said where a nil return would take the place of rows: words alone do not, a √ is asked about."""
    place = None if seat is None else seat.nil
    cell = None if place is None else found.sheet.cells.get(place)
    text = "" if cell is None else shown(cell.value)
    fields = {field.id for field in found.form.header if field.kind is FieldKind.NIL}
    is_said = _NIL_WORD in text or any(
        found.fields[each][0] == place for each in fields & found.fields.keys()
    )
    if is_said:
        said = Said(
            f"这一期已报{rows}行，改为零报告，请核对。",
            f"This period was filed with {rows} rows and is now nothing to report; please check.",
        )
        return (*findings, Finding(Weight.QUESTION, said, found.sheet.name, place, text))
    said = Said(
        f"写的是“{text}”，而这一期已报{rows}行，没有替换；确为零报告的请在“零报告”处打“√”。",
        f"“{text}” is written here, and this period was filed with {rows} rows, which were not replaced: if there is "
        "nothing to report, put a √ beside 零报告.",
    )
    expected = Said("零报告处打“√”", "a √ beside 零报告")
    others = [each for each in findings if each.place != place or each.weight is not Weight.QUESTION]
    return (*others, Finding(Weight.ERROR, said, found.sheet.name, place, text, expected))


def _stands(found: Recognised) -> Finding:
    said = Said(
        "这一期已报，同一文件里又有后一期的表，没有改动这一期；要更正请单独报送。",
        "This period is filed, and the file holds a later one: it was left as it is; send a correction by itself.",
    )
    return Finding(Weight.ERROR, said, found.sheet.name)


def _who(form: Form, filed: Filed) -> str | None:
    """Whoever filled the form in, by its own word."""
    names = (filed.header.get(field.id, "") for field in form.header if field.kind is FieldKind.TEXT)
    return next((name for name in names if name), None)


def _login_name() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"
