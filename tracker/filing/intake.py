"""Takes files in: read apart, recognised, checked against the month before, filed in the ledger, answered.

A file may hold several forms, an archive or a mail several files, and each of them is accounted for.  A file is one
transaction; one that cannot be taken keeps none of the others back.
"""

from __future__ import annotations

import getpass
import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import PurePosixPath
from time import monotonic
from typing import Self

from sqlmodel import Session

from tracker.app import App
from tracker.core.form import FieldKind, Filed, Form, Said
from tracker.core.model import MailKind
from tracker.engine.asking import files_of, without_settled
from tracker.engine.came import Came, Wanted
from tracker.engine.enclosures import period_text
from tracker.engine.filed import Earlier, filed_before
from tracker.engine.filings import (
    VIA,
    Paper,
    Sent,
    Table,
    in_force_filings,
    keep_document,
    keep_refused,
    take,
)
from tracker.engine.ledger import refuse_undecided
from tracker.engine.people import receipt_row
from tracker.engine.prompted import prompt
from tracker.engine.whose import whose
from tracker.errors import FileRefusedError, LedgerError
from tracker.filing.folder import Lying
from tracker.filing.taken import Taken, finding_facts
from tracker.forms import refusals
from tracker.forms.apart import Reader
from tracker.forms.blank import file_name
from tracker.forms.book import Book
from tracker.forms.check import check
from tracker.forms.finding import Finding, Weight
from tracker.forms.parcel import is_noise
from tracker.forms.readback import read_back
from tracker.forms.recognise import recognise
from tracker.forms.recognised import Recognised, header_month
from tracker.forms.reply import reply
from tracker.listing import Fact
from tracker.refusals import refusal

#: On the clock, for all files of an archive or a mail.
SECONDS_PER_PARCEL = 180.0


@dataclass(frozen=True, slots=True)
class _Owed:
    """Whose table a file is, and what was filed for the period before.

    ``stands`` is what was filed for this period, where the file holds a later one as well.
    """

    table: Table
    findings: tuple[Finding, ...]
    previous: Earlier | None
    stands: Filed | None = None


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
        wanted: Wanted = Wanted(),  # noqa: B008 - frozen
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
        self._force = app.up_to_date()
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

    def take_lying(self, lying: Lying) -> tuple[Taken, ...]:
        """Take in a file that lies in a folder; the same."""
        name = lying.path.name
        if lying.is_noise or is_noise(name):
            return (_passed_over(name),)
        data = lying.read()
        return self.take(name, data, lying.folder) if isinstance(data, bytes) else (_refused(name, data),)

    def take(self, name: str, data: bytes, folder: str = "", until: float | None = None) -> tuple[Taken, ...]:
        """Take one file in, or those in an archive or a mail: what became of each form in it.

        ``folder`` is where it lay, as it may say whose it is; ``until`` is for files within one.  Whatever is wrong is a
        finding, never an exception.  Reading, checking and drawing may take seconds, and are done while nobody waits
        for the ledger.
        """
        until = until or self._until or monotonic() + SECONDS_PER_PARCEL
        if monotonic() > until:
            return (_refused(name, Said(*refusals.TOO_MANY_AT_ONCE)),)
        try:
            read = self._reader.read(name, data)
        except FileRefusedError as error:
            return (_refused(name, Said(*error.said)),)
        if isinstance(read, Book):
            return self._take_book(name, data, folder, read)
        taken: list[Taken] = []
        for piece in read.pieces:
            if piece.refused is not None:
                taken.append(_refused(piece.path, Said(*piece.refused)))
            elif is_noise(piece.path):
                taken.append(_passed_over(piece.path))
            else:
                forms = self.take(piece.path, piece.data, folder, until)
                # What a mail says itself is told of only where it holds a table.
                taken += [each for each in forms if each.form is not None or not piece.is_text]
        return tuple(taken) or (_refused(name, Said(*refusals.NOTHING_INSIDE)),)

    def _take_book(self, name: str, data: bytes, folder: str, book: Book) -> tuple[Taken, ...]:
        recognition = recognise(book, self._force.campaign.forms)
        found = recognition.tables
        if not found:
            return (Taken(name, findings=recognition.findings),)
        came = Came(f"{folder}/{name}", hashlib.sha256(data).hexdigest(), self._force.day(self._at))
        with self._app.database.reading() as session:
            owed = self._owed(session, found, came)
        taken = _checked(name, found, owed)
        if not self._only_checks:
            with self._app.engine.acting(self._now) as (session, force):
                is_edited, self._force = force is not self._force, force
                if not is_edited:
                    # Between the two looks somebody else may have filed; that is rare, and then it is checked once more.
                    if (now_owed := self._owed(session, found, came)) != owed:
                        taken = _checked(name, found, now_owed)
                    paper = Paper(PurePosixPath(name).name, data)
                    taken = [self._file(session, each, paper) for each in taken]
            if is_edited:
                # By other forms it may be read otherwise.
                return self._take_book(name, data, folder, book)
        return tuple(self._answered(each, table) for each, table in zip(taken, found, strict=True))

    def _file(self, session: Session, taken: Taken, paper: Paper) -> Taken:
        table, filed = taken.table, taken.filed
        if table is None or filed is None:
            return taken
        sent = Sent(
            paper,
            self._at,
            self._who or _who(table.form, filed) or _login_name(),
            self._via,
            finding_facts(taken.findings, self._force.campaign.language),
            taken.of(Weight.QUESTION),
            taken.seat,
        )
        try:
            refuse_undecided(self._force, self._via)
            if taken.of(Weight.ERROR):
                keep_refused(session, table, sent, self._now)
                return taken
            took = take(session, self._force, table, filed, sent, self._now)
        except LedgerError as error:
            zh, en = (refusal(error, language, self._force.campaign) for language in ("zh", "en"))
            refused = Finding(Weight.ERROR, Said(f"台账不能受理：{zh}", en))
            return replace(taken, findings=(*taken.findings, refused))
        back, before = taken.read_back, took.replaced
        if back is not None and before is not None:
            day = self._force.day(before.at)
            back = replace(back, replaced=before.at, replaced_day=day, replaced_rows=len(before.filed.rows))
        return replace(
            taken,
            findings=without_settled(taken.findings, took.settled),
            is_taken=True,
            is_again=not took.is_new,
            read_back=back,
            anew=tuple(took.anew),
        )

    def _owed(self, session: Session, found: Sequence[Recognised], came: Came) -> list[_Owed | Finding]:
        answers = [
            whose(session, self._force, each, self._wanted, _with_beside(came, each, found), self._now)
            for each in found
        ]
        tables = [each.table for each in answers if not isinstance(each, Finding)]
        before = filed_before(session, self._force, tables)
        earlier = [table for table in tables if any(_is_later(other, table) for other in tables)]
        stands = in_force_filings(session, self._force.campaign.forms, earlier)
        owed: list[_Owed | Finding] = []
        for each, table in zip(answers, found, strict=True):
            if isinstance(each, Finding):
                owed.append(each)
            elif sum(each.table.id == other.id for other in tables) > 1:
                owed.append(_twice(table))
            else:
                own = stands.get(each.table.id)
                previous = before.get(each.table.id)
                owed.append(_Owed(each.table, each.findings, previous, None if own is None else own.filed))
        return owed

    def _answered(self, taken: Taken, found: Recognised) -> Taken:
        """With the copy that has the findings in it, where there is something to put right or to look at."""
        if not taken.of(Weight.ERROR) and not taken.of(Weight.QUESTION):
            return taken
        language = self._force.campaign.language
        back = taken.facts(language)["read_back"]
        data = reply(
            found,
            taken.findings,
            created=self._now,
            language=language,
            told="" if back is None else back["text"],
        )
        return replace(taken, answer=Paper(self._name_of_answer(taken, found.form), data))

    def _name_of_answer(self, taken: Taken, form: Form) -> str:
        """The form, the unit and the period, so that no two answers are called the same; else after the file."""
        table = taken.table
        if table is None:
            stem = PurePosixPath(taken.file).stem
            return f"{stem}（{form.name}核对）.xlsx"
        unit = self._force.campaign.unit_name(table.unit)
        return file_name(form, unit, period_text(table), "（核对）")

    def send_receipts(self, results: Sequence[Taken]) -> int:
        """Tell each unit what became of its files, in one mail; how many mails wait to be sent.

        What was taken in before is not told again.
        """
        by_unit: dict[str, list[Taken]] = {}
        for each in results:
            if each.table is not None and not each.is_again:
                by_unit.setdefault(each.table.unit, []).append(each)
        if not by_unit:
            return 0
        with self._app.database.writing() as session:
            return sum(
                prompt(session, self._force, self._receipts(session, unit, files), self._now)
                for unit, files in by_unit.items()
            )

    def _receipts(self, session: Session, unit: str, files: Sequence[Taken]) -> Iterator[Fact]:
        day = self._force.day(self._now)
        enclosed = [keep_document(session, each.answer) for each in files if each.answer is not None]
        for person in self._force.people(day).asked(unit):
            told = [each.facts(person.language) for each in files]
            for each in files:
                changed = each.table.ref if each.table is not None else ""
                told += files_of(self._force, each.anew, changed, person.language)
            digest = hashlib.sha256(json.dumps([told, enclosed]).encode()).hexdigest()[:24]
            key = f"{MailKind.RECEIPT}/{day}/{digest}/{person.email.casefold()}"
            yield receipt_row(person, unit, key, {"files": told, "enclosed": enclosed}, day)


def _passed_over(name: str) -> Taken:
    """What is said of a file that nobody sends."""
    said = Said("系统或软件自己的文件，略过。", "A file of the system or of a program; passed over.")
    return Taken(name, findings=(Finding(Weight.READING, said),))


def _refused(name: str, said: Said) -> Taken:
    return Taken(name, findings=(Finding(Weight.ERROR, said),))


def _with_beside(came: Came, one: Recognised, found: Sequence[Recognised]) -> Came:
    months = {header_month(each) for each in found if each is not one and each.form is one.form}
    return replace(came, beside=frozenset(month for month in months if month is not None))


def _checked(name: str, found: Sequence[Recognised], owed: Sequence[_Owed | Finding]) -> list[Taken]:
    return [_checked_one(name, *each) for each in zip(found, owed, strict=True)]


def _checked_one(name: str, found: Recognised, owed: _Owed | Finding) -> Taken:
    if isinstance(owed, Finding):
        return Taken(name, found.form, found.sheet.name, findings=(owed,))
    before = owed.previous
    checked = check(
        found,
        round_=owed.table.round,
        previous=None if before is None else before.filed,
        since="" if before is None else before.since,
    )
    findings = (*owed.findings, *checked.findings)
    if owed.stands is not None and owed.stands.rows != checked.filed.rows:
        findings = (*findings, _stands(found))
    return Taken(
        name,
        found.form,
        found.sheet.name,
        owed.table,
        checked.filed,
        findings=findings,
        read_back=read_back(found.form, checked.filed),
        seat=checked.seat,
    )


def _is_later(other: Table, table: Table) -> bool:
    return (other.unit, other.form.id) == (table.unit, table.form.id) and other.due > table.due


def _twice(found: Recognised) -> Finding:
    said = Said(
        "同一文件里有两张同一期的表，分不清以哪一张为准，没有采用；请只保留一张。",
        "The file holds two tables of the same period, and neither was taken; please keep one of them.",
    )
    return Finding(Weight.ERROR, said, found.sheet.name)


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
