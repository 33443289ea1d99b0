"""Forgets what is old, and puts a lasting pseudonym in the place of a person (docs/privacy.md).

What the ledger needs of an old mail stays: to whom, when, which references, reasons and dates.  Events stay, and so
does the filing in force; neither way changes what the events add up to.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any

from sqlalchemy import RowMapping, and_, bindparam, delete, or_, select, update
from sqlmodel import Session

from tracker.core.model import FORGOTTEN
from tracker.engine.inforce import InForce
from tracker.engine.kept_dates import DATES
from tracker.engine.superseded import FAILED_WITHIN
from tracker.engine.written import why_unreadable
from tracker.store.database import locked_meta, write_meta
from tracker.store.kept import KEPT
from tracker.store.lots import lots
from tracker.store.passing import JOURNEY
from tracker.store.tables import DOCUMENT, FILING, MAIL, SESSION, WAITING, Base, MailState

#: The fact that says how many people have a pseudonym.
_NUMBER = "pseudonyms"

#: States of a mail that goes no more.
ENDED = tuple(state.value for state in MailState if state not in (*WAITING, MailState.CLAIMED))

#: So many rows are looked at together.
_LOT = 1_000

#: What stands in the lists of mails in the place of a subject.
_NO_SUBJECT = "（已清理 · forgotten）"

#: Between the signs of a number, and of a name in Chinese.
_GAPS, _SPACES = r"[\s()-]*", r"\s*"
_HAN = r"[\u3400-\u9fff\U00020000-\U0003ffff·]"


@dataclass
class Forgotten:
    """How many there were.  ``places`` counts rows by table; ``left`` are files in which a person still stands."""

    mails: int = 0
    uploads: int = 0
    sign_ins: int = 0
    pseudonym: str | None = None
    places: Counter[str] = field(default_factory=Counter)
    left: list[str] = field(default_factory=list)


def forget_before(session: Session, force: InForce, day: date, now: datetime) -> Forgotten:
    """What was said, filed and signed in for before ``day`` (in the campaign's time zone)."""
    begin = datetime.combine(day, time.min, force.zone)
    found = Forgotten()
    found.mails, enclosed = _forget_mails(session, begin, now)
    found.uploads = _forget_uploads(session, begin, enclosed)
    for table, since in ((SESSION, SESSION.c.seen_at), (JOURNEY, JOURNEY.c.expires_at)):
        is_over = or_(table.c.expires_at < now, since < begin)
        found.sign_ins += session.connection().execute(delete(table).where(is_over)).rowcount
    return found


def _forget_mails(session: Session, begin: datetime, now: datetime) -> tuple[int, set[int]]:
    """How many, and the numbers of the files that went with them."""
    # What failed lately is still told by the next digest or roll-up.
    is_needed = and_(MAIL.c.state == MailState.FAILED.value, MAIL.c.at >= now - FAILED_WITHIN)
    old = select(MAIL.c.id, MAIL.c.content, MAIL.c.details).where(
        MAIL.c.at < begin, MAIL.c.state.in_(ENDED), ~is_needed
    )
    changed, enclosed = [], set()
    for row in session.execute(old.execution_options(yield_per=_LOT)):
        details = json.loads(row.details) if why_unreadable(row) is None else {}
        if FORGOTTEN not in details:
            enclosed |= _enclosed(details)
            rest = {DATES: details[DATES]} if DATES in details else {}
            changed.append({"row": row.id, "rest": json.dumps({**rest, FORGOTTEN: True}, ensure_ascii=False)})
    forget = update(MAIL).where(MAIL.c.id == bindparam("row"))
    forget = forget.values(details=bindparam("rest"), subject=_NO_SUBJECT)
    for some in lots(changed):
        session.connection().execute(forget, list(some))
    return len(changed), enclosed


def _enclosed(details: dict[str, Any]) -> set[int]:
    numbers = details.get("enclosed")
    return {each for each in numbers if isinstance(each, int)} if isinstance(numbers, list) else set()


def _forget_uploads(session: Session, begin: datetime, enclosed: set[int]) -> int:
    """Those of filings that are not in force, and ``enclosed`` ones that nothing else needs."""
    old, needed = set(enclosed), set[int]()
    filings = select(FILING.c.document_id, FILING.c.in_force, FILING.c.recorded_at)
    for number, is_in_force, at in session.execute(filings):
        (needed if is_in_force or at >= begin else old).add(number)
    if enclosed - needed:
        for text in session.execute(
            select(MAIL.c.details).where(MAIL.c.details.contains('"enclosed"'))
        ).scalars():
            needed |= _enclosed(json.loads(text))
    return _forget_documents(session, sorted(old - needed))


def _forget_documents(session: Session, numbers: Sequence[int]) -> int:
    count = 0
    for some in lots(numbers):
        # The same file, sent again, is a new one.
        gone = update(DOCUMENT).where(DOCUMENT.c.id.in_(some), DOCUMENT.c.content != b"")
        gone = gone.values(content=b"", digest="forgotten/" + DOCUMENT.c.digest)
        count += session.connection().execute(gone).rowcount
    return count


class Person:
    """One person by all that they are called: names, addresses, phone numbers."""

    def __init__(self, texts: Iterable[str]) -> None:
        self.texts = sorted({" ".join(text.split()) for text in texts}, key=len, reverse=True)
        self._new: dict[str, str] = {}
        named = (f"(?P<t{number}>{_pattern(text)})" for number, text in enumerate(self.texts))
        self._looks = re.compile("|".join(named), re.IGNORECASE)

    def stands_in(self, text: str) -> bool:
        """Whether anything of them does."""
        return self._looks.search(text) is not None

    def call(self, number: int, language: str) -> str:
        """Give them the pseudonym with this number; what it is."""
        pseudonym, addresses = f"人员{number}" if language == "zh" else f"person {number}", 0
        for place, text in enumerate(self.texts):
            self._new[f"t{place}"] = pseudonym
            if "@" in text:
                addresses += 1
                ending = f"-{addresses}" if addresses > 1 else ""
                self._new[f"t{place}"] = f"person-{number}{ending}@pseudonym.example"
        return pseudonym

    def replaced(self, text: str) -> str:
        """``text`` with the pseudonym; of JSON each string in it."""
        if text[:1] in ("{", "["):
            try:
                found = json.loads(text)
            except (ValueError, RecursionError):
                pass
            else:
                new = self._within(found)
                if new == found:
                    return text
                separators = (",", ":") if '", "' not in text and '": ' not in text else None
                return json.dumps(new, ensure_ascii=text.isascii(), separators=separators)
        return self._looks.sub(lambda match: self._new[str(match.lastgroup)], text)

    def _within(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.replaced(value)
        if isinstance(value, list):
            return [self._within(each) for each in value]
        if isinstance(value, dict):
            return {self._within(name): self._within(each) for name, each in value.items()}
        return value

    def replaced_in_file(self, data: bytes) -> bytes | None:
        """The same in the bytes of a workbook or text; None where they stand in what cannot be written anew."""
        if data.startswith(b"PK"):
            return self._in_archive(data)
        for encoding in ("utf-8", "gb18030"):
            if b"\0" in data:
                break
            try:
                text = data.decode(encoding)
            except UnicodeDecodeError:
                continue
            return self._looks.sub(lambda match: self._new[str(match.lastgroup)], text).encode(encoding)
        texts = (data.decode(encoding, "ignore") for encoding in ("utf-16-le", "gb18030"))
        is_there = any(map(self.stands_in, texts)) or self.stands_in(data[1:].decode("utf-16-le", "ignore"))
        return None if is_there else data

    def _in_archive(self, data: bytes) -> bytes | None:
        new, is_changed = io.BytesIO(), False
        try:
            with (
                zipfile.ZipFile(io.BytesIO(data)) as old,
                zipfile.ZipFile(new, "w", zipfile.ZIP_DEFLATED) as out,
            ):
                for each in old.infolist():
                    part = old.read(each)
                    if each.filename.endswith((".xml", ".rels", ".vml")):
                        text = part.decode()
                        written = self._looks.sub(lambda match: self._new[str(match.lastgroup)], text)
                        is_changed |= written != text
                        part = written.encode()
                    out.writestr(each, part)
        except (zipfile.BadZipFile, UnicodeDecodeError, NotImplementedError, RuntimeError, EOFError):
            return None if self.stands_in(data.decode("gb18030", "ignore")) else data
        return new.getvalue() if is_changed else data


def _pattern(text: str) -> str:
    """How people write ``text``: numbers with gaps, Chinese names spaced out, others as whole words."""
    if "@" in text:
        return rf"(?<![\w.+-]){re.escape(text)}(?!\.?[\w-])"
    digits = re.sub(r"[\s()+-]", "", text)
    if digits.isdecimal():
        return rf"(?<!\d){_GAPS.join(digits)}(?!\d)"
    if re.fullmatch(rf"{_HAN}(?:\s?{_HAN})*", text):
        return _SPACES.join(map(re.escape, re.sub(r"\s", "", text)))
    words = _SPACES.join(map(re.escape, text.split()))
    return rf"(?<!\w){words}(?!\w)"


def forget_person(session: Session, force: InForce, person: Person) -> Forgotten:
    """Put a pseudonym in the place of ``person`` wherever people's data is kept."""
    number = int(locked_meta(session, _NUMBER, make="0") or 0) + 1
    found = Forgotten(pseudonym=person.call(number, force.campaign.language))
    for name in dict.fromkeys(each.table for each in KEPT):
        columns = [
            column for each in KEPT if each.table == name and not each.is_file for column in each.columns
        ]
        found.places[name] += _rename(session, name, columns, person.replaced)
    _rename_files(session, person, found)
    if not found.places.total() and not found.left:
        found.pseudonym = None
    else:
        write_meta(session, _NUMBER, str(number))
    return found


def _rename(session: Session, name: str, columns: Sequence[str], replaced: Callable[[str], str]) -> int:
    table = Base.metadata.tables[name]
    keys = [column.name for column in table.primary_key.columns]
    wanted = [table.c[column] for column in columns]
    changed: list[tuple[RowMapping, dict[str, str]]] = []
    asked = select(*(column for column in table.columns if column.name in {*keys, *columns}))
    for values in session.execute(asked.execution_options(yield_per=_LOT)).mappings():
        new = {each.name: replaced(values[each.name]) for each in wanted if values[each.name]}
        new = {column: value for column, value in new.items() if value != values[column]}
        if new:
            changed.append((values, new))
    for values, new in changed:
        where = and_(*(table.c[key] == values[key] for key in keys))
        session.execute(update(table).where(where).values(**new))
    return len(changed)


def _rename_files(session: Session, person: Person, found: Forgotten) -> None:
    in_force = set(session.execute(select(FILING.c.document_id).where(FILING.c.in_force)).scalars())
    gone = []
    for number in session.execute(select(DOCUMENT.c.id).order_by(DOCUMENT.c.id)).scalars().all():
        row = session.execute(select(DOCUMENT).where(DOCUMENT.c.id == number)).one()
        data = bytes(row.content)
        new = person.replaced_in_file(data)
        if new is None and number in in_force:
            found.left.append(row.name)
        elif new is None:
            gone.append(number)
        elif new != data:
            session.execute(update(DOCUMENT).where(DOCUMENT.c.id == number).values(content=new))
            found.places["document"] += 1
    found.uploads = _forget_documents(session, gone)
