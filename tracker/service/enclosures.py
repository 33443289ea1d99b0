"""The files that travel with a mail: a unit's own form and its dates with a reminder, the checked copy with a receipt.

Forms are written when the mail is composed, from what is filed at that moment; planning writes none.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, time
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from tracker.campaign.snapshot import CampaignSnapshot
from tracker.core.model import Campaign, Definition, Mail, MailKind, Reason
from tracker.core.naming import Names, due_and_about, tells_of_month_before
from tracker.core.reminders import notice_day
from tracker.filing.filings import OriginalFile, Prefill, RequestedTable, read_document, starts, tables_at
from tracker.forms.mark import Mark
from tracker.i18n.catalogue import Language, words
from tracker.mail.compose import calendar
from tracker.mail.compose.digest import is_copy
from tracker.mail.compose.digest_details import DigestDetails
from tracker.mail.compose.view import Enclosed
from tracker.outbox.queue import mail_domain
from tracker.planning.calendar_dates import CalendarDate, dates_in
from tracker.store.database import Database

if TYPE_CHECKING:
    from tracker.mail.transport.message import Attachment

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

#: A mail with more forms than this would not get through many mail servers; they are for one unit's reminders.
MOST = 12

#: So many written forms are kept, as several people of a unit get the same.
KEPT = 256


def period_text(table: RequestedTable) -> str:
    """How the header of a form names its period: when it is due, and of which month it tells."""
    due, form_round, definition = table.due, table.round, table.row.definition
    names, about = due_and_about(f"{due:%Y-%m}", "zh", month_before=tells_of_month_before(definition))
    rest = f"，{table.form.rounds[form_round].name}" if form_round is not None else ""
    told = f"，{about}" if about else "应报"
    return f"{names}{told}（{due.month}月{due.day}日前报送{rest}）"


def blank_form(
    snapshot: CampaignSnapshot, table: RequestedTable, start: Prefill | None, language: Language
) -> OriginalFile:
    """The form that a unit fills in for one period, with what it filed for it, or for the one before."""
    from tracker.forms.write.blank import blank, file_name

    unit = snapshot.campaign.unit_name(table.unit)
    text = period_text(table)
    data = blank(
        table.form,
        round_=table.round,
        unit_name=unit,
        period_text=text,
        mark=Mark(table.form.id, table.ref, table.unit),
        previous=None if start is None else start.filed,
        is_own=start is not None and start.is_own,
        # Not the time of writing: the same form is the same file.
        created=datetime.combine(table.row.dates.opens, time(), snapshot.zone),
        language=language,
    )
    return OriginalFile(file_name(table.form, unit, text), data)


class Enclosures:
    """Makes what is enclosed with a mail, over one database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._written: OrderedDict[tuple[object, ...], OriginalFile] = OrderedDict()
        self._calendars: OrderedDict[tuple[object, ...], Attachment] = OrderedDict()

    def of(self, mail: Mail, snapshot: CampaignSnapshot) -> tuple[list[Attachment], Enclosed]:
        """What goes with ``mail``, and which forms these are, for the mail to say."""
        from tracker.mail.transport.message import Attachment

        if mail.kind is MailKind.DIGEST:
            forms = self._forms(mail, snapshot)
            papers = [self._form(snapshot, *each, mail.language) for each in forms]
            found = [Attachment(paper.name, XLSX, paper.data) for paper in papers]
            return [*found, *self.dates_of(mail, snapshot)], _told(forms)
        if mail.kind is MailKind.RECEIPT:
            return [Attachment(paper.name, XLSX, paper.data) for paper in self._kept(mail)], {}
        return [], {}

    def forms_of(self, mail: Mail, snapshot: CampaignSnapshot) -> Enclosed:
        """The forms alone that go with ``mail``, without writing them."""
        return _told(self._forms(mail, snapshot)) if mail.kind is MailKind.DIGEST else {}

    def dates_of(self, mail: Mail, snapshot: CampaignSnapshot) -> list[Attachment]:
        """The dates of a reminder as a calendar to open, and those that have ended as another; none if not wanted.

        Units that are asked the same get the same file, made and encoded once.
        """
        if not snapshot.settings.encloses_calendar:
            return []
        dates = dates_in(mail, snapshot)
        ended = tuple(each for each in dates if each.ended is not None)
        kept = tuple(each for each in dates if each.ended is None) if ended else dates
        return [self._calendar(mail, snapshot, each) for each in (kept, ended) if each]

    def _calendar(
        self, mail: Mail, snapshot: CampaignSnapshot, dates: tuple[CalendarDate, ...]
    ) -> Attachment:
        told = tuple(each.told for each in dates)
        key = (snapshot.fingerprint, mail_domain(snapshot), mail.at, mail.language, told)
        made = self._calendars.get(key)
        if made is None:
            made = self._calendars[key] = _calendar_of(snapshot, dates, mail.at, mail.language)
            if len(self._calendars) > KEPT:
                self._calendars.popitem(last=False)
        return made

    def _forms(self, mail: Mail, snapshot: CampaignSnapshot) -> list[_Form]:
        asked = enclosed_with(mail, snapshot)
        if not asked:
            return []
        with self._database.reading() as session:
            tables = tables_at(session, snapshot, mail.at, asked[:MOST])
            found = starts(session, snapshot, tables)
        return [_Form(table, found.get(table.id)) for table in tables]

    def _form(
        self, snapshot: CampaignSnapshot, table: RequestedTable, start: Prefill | None, language: Language
    ) -> OriginalFile:
        key = (snapshot.fingerprint, table.ref, table.unit, language, repr(start))
        paper = self._written.get(key)
        if paper is None:
            paper = self._written[key] = blank_form(snapshot, table, start, language)
            if len(self._written) > KEPT:
                self._written.popitem(last=False)
        return paper

    def _kept(self, mail: Mail) -> list[OriginalFile]:
        numbers = mail.details.get("enclosed")
        if not isinstance(numbers, Sequence):
            return []
        with self._database.reading() as session:
            papers = [read_document(session, number) for number in numbers if isinstance(number, int)]
        return [paper for paper in papers if paper is not None]


def _calendar_of(
    snapshot: CampaignSnapshot, dates: Sequence[CalendarDate], at: datetime, language: Language
) -> Attachment:
    """``dates`` are all in force, or have all ended."""
    from tracker.mail.transport.message import Attachment

    campaign = snapshot.campaign
    is_cancelled = dates[0].ended is not None
    method = calendar.CANCEL if is_cancelled else calendar.PUBLISH
    data = calendar.calendar(
        named((_entry(snapshot, each) for each in dates), campaign, language),
        name=campaign.document,
        campaign=campaign.document,
        domain=mail_domain(snapshot),
        stamp=at,
        language=language,
        is_short=True,
        method=method,
    )
    told = (("charset", "utf-8"), ("method", method))
    return Attachment(
        words("service", language)(f"calendar.{method.lower()}"), calendar.CONTENT_TYPE, data, told
    )


def _entry(snapshot: CampaignSnapshot, kept: CalendarDate) -> calendar.CalendarEntry:
    who = snapshot.campaign.short_unit_name(kept.unit) if kept.scope else None
    if kept.ended is not None:
        return ended_entry(kept.ref, kept.ended, kept.due, scope=kept.scope, who=who, sequence=kept.sequence)
    definition = snapshot.campaign.definitions[kept.ref.partition("@")[0]]
    entry = entry_of(snapshot, definition, kept.ref, kept.due, scope=kept.scope, who=who)
    return entry if kept.sequence == entry.sequence else replace(entry, sequence=kept.sequence)


def entry_of(
    snapshot: CampaignSnapshot,
    definition: Definition,
    ref: str,
    due: date,
    *,
    rings: bool = True,
    scope: str = "",
    who: str | None = None,
    sign: str = "",
    state: str | None = None,
) -> calendar.CalendarEntry:
    """One deadline for a calendar, as it was first told."""
    return calendar.CalendarEntry(
        ref=ref,
        title=definition.title,
        due=due,
        notice=notice_day(due, snapshot.workdays),
        deadline=definition.deadline,
        requirement=definition.requirement,
        rings=rings,
        scope=scope,
        who=who,
        sign=sign,
        state=state,
    )


def named(
    entries: Iterable[calendar.CalendarEntry], campaign: Campaign, language: Language
) -> Iterator[calendar.CalendarEntry]:
    """Each with what people call it; what the files do not have any more keeps its title."""
    # An entry for each unit, and few things that they are about.
    listed = cache(Names(campaign, language).listed)
    for each in entries:
        is_known = each.ref.partition("@")[0] in campaign.definitions
        yield replace(each, title=listed(each.ref)) if is_known else each


def ended_entry(
    ref: str, title: str, due: date, *, scope: str, who: str | None, sequence: int
) -> calendar.CalendarEntry:
    """A deadline that is none any more; the files may not have it."""
    return calendar.CalendarEntry(
        ref, title, due, notice=due, scope=scope, who=who, sequence=sequence, is_cancelled=True
    )


def enclosed_with(mail: Mail, snapshot: CampaignSnapshot) -> list[tuple[str, str]]:
    """The tables (reference, unit) whose forms belong to a reminder, the most pressing first.

    They are those of its items, then those of the other periods that it names.  Whoever hears of what others leave
    undone, or is told for information, fills in nothing.
    """
    on_form = snapshot.on_form
    asked = [
        item
        for item in mail.items
        if item.ref.partition("@")[0] in on_form
        and item.due is not None
        and item.reason is not Reason.ESCALATION
        and not is_copy(mail, item.unit)
    ]
    return (
        [*({(item.ref, item.unit): None for item in asked} | DigestDetails.of(mail).also(asked))]
        if asked
        else []
    )


class _Form(NamedTuple):
    """A form that goes with a mail, and what it is filled in with."""

    table: RequestedTable
    start: Prefill | None

    @property
    def filled_with(self) -> str:
        """For which reference the rows were filed that stand in it; empty where none do."""
        return filled_with(self.table, self.start)


def filled_with(table: RequestedTable, start: Prefill | None) -> str:
    """For which reference the rows were filed that stand in the form of ``table``; empty where none do."""
    if start is None or not start.filed.rows or not (start.is_own or table.form.accumulates):
        return ""
    return start.ref


def _told(forms: Sequence[_Form]) -> Enclosed:
    """Which forms are enclosed, and what they are filled in with."""
    return {(form.table.ref, form.table.unit): form.filled_with for form in forms}
