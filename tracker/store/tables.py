"""The tables.

``event`` is the truth about what happened; the answer columns of ``assignment`` are its sum, kept so that
a list of a thousand units is one query.  ``agenda.next_on`` is what a pass looks at.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import Index, LargeBinary, MetaData, Text, TextClause, text
from sqlmodel import Field, SQLModel

from tracker.store.columns import NAMING, BigId, UtcDateTime, of_campaign


class MailState(StrEnum):
    """Where a mail is on its way (docs/design/architecture.md).

    ``queued`` and ``deferred`` wait for ``not_before``; ``claimed`` is in the hands of one process until
    ``lease_until``; ``uncertain`` may or may not have been taken by the server and is sent again, with the
    same Message-ID, a bounded number of times.  The others are final.
    """

    QUEUED = "queued"
    CLAIMED = "claimed"
    DEFERRED = "deferred"
    UNCERTAIN = "uncertain"
    SENT = "sent"
    FAILED = "failed"
    DROPPED = "dropped"
    SUPERSEDED = "superseded"


WAITING = (MailState.QUEUED, MailState.DEFERRED, MailState.UNCERTAIN)

#: Mails that are not at the end of their way.  Said in the same words by the partial index and by the queries:
#: a database uses such an index only where it sees that the query implies it, and not through parameters.
UNDERWAY = text("state IN ('queued', 'deferred', 'uncertain', 'claimed')")


#: What was sent back, said in the same words for the same reason.
SENT_BACK = text("answered = 'returned'")


def _few(name: str, where: TextClause, *columns: str, unique: bool = False) -> Index:
    """An index of those rows only."""
    return Index(name, *columns, unique=unique, sqlite_where=where, postgresql_where=where)


class Base(SQLModel):
    """Shares the metadata, so that constraints have names that a migration can rely on."""

    metadata = MetaData(naming_convention=NAMING)


class MetaRow(Base, table=True):
    """Single facts about the whole: what was planned through, which files are in force, the schema."""

    __tablename__ = "meta"

    name: str = Field(primary_key=True)
    value: str = Field(sa_type=Text)


class CampaignRow(Base, table=True):
    """A campaign that has been in force in this ledger; ``began`` is the first day on which it was."""

    __tablename__ = "campaign"

    id: str = Field(primary_key=True)
    title: str = Field(sa_type=Text)
    document: str = Field(sa_type=Text)
    issued: date
    began: date


class DefinitionRow(Base, table=True):
    """A definition as it is in force: its occurrences due before ``horizon`` have their assignments."""

    __tablename__ = "definition"

    campaign: str = of_campaign(primary_key=True)
    key: str = Field(primary_key=True)
    fingerprint: str
    horizon: date
    title: str = Field(sa_type=Text)


class AgendaRow(Base, table=True):
    """Assignments of one occurrence that share a date in force.

    ``next_on`` is the next date, local to whoever is told, on which something is to be said about those of them
    that are still open; None while there is nothing to say.  ``told`` has the last day on which it spoke in
    each time zone ("ZONE=DAY;…"); of one that it leaves out nobody knows.  "late/ZONE" and "upward/ZONE" are the days on
    which it told there that it is late by its dates, and went upward.  ``due`` is the date by the rule alone.  ``slot`` makes
    (campaign, key, slot) unique where the date is None.
    """

    __tablename__ = "agenda"
    __table_args__ = (
        Index("uq_agenda_campaign_key_slot", "campaign", "key", "slot", unique=True),
        Index("ix_agenda_campaign_next_on", "campaign", "next_on"),
    )

    id: int | None = Field(default=None, primary_key=True)
    key: str
    slot: str
    period: str
    opens: date
    due: date | None
    effective_due: date | None
    next_on: date | None
    told: str = ""
    campaign: str = of_campaign()


class AssignmentRow(Base, table=True):
    """One cell of the ledger.

    ``quiet`` is True when nothing is to be said about it (answered, waived, paused).  ``mark`` is all of the
    answer that a standing depends on, as one number (``core/status.py``).  ``nudge_on`` is a date on which this
    one alone is to be mentioned for the reason ``nudge`` (behind it the time zones that have been told, while
    others have not).  ``late_since`` is the day of digests from which it is open and late, where it was not open in time.
    ``removed_on`` is set when an edit of the files took it away and it has a history to keep.
    """

    __tablename__ = "assignment"
    __table_args__ = (
        Index("uq_assignment_campaign_key_period_unit", "campaign", "key", "period", "unit", unique=True),
        # With the mark in them, the two count lights without a look at the rows.
        Index("ix_assignment_agenda_id_quiet_mark", "agenda_id", "quiet", "mark"),
        Index("ix_assignment_campaign_unit_agenda_id_mark", "campaign", "unit", "agenda_id", "mark"),
        Index("ix_assignment_campaign_effective_due", "campaign", "effective_due"),
        _few("ix_assignment_campaign_nudge_on", text("nudge_on IS NOT NULL"), "campaign", "nudge_on"),
        _few("ix_assignment_campaign_quiet", SENT_BACK, "campaign", "quiet"),
    )

    id: int | None = Field(default=None, sa_type=BigId, primary_key=True)
    key: str
    period: str
    unit: str
    agenda_id: int
    opens: date
    due: date | None
    effective_due: date | None
    grace_until: date | None
    quiet: bool = False
    mark: int = 0
    answered: str | None = None
    paused: bool = False
    progress: int = 0
    submitted_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    accepted_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    extended_due: date | None = None
    via: str | None = None
    nudge: str | None = None
    nudge_on: date | None = None
    late_since: date | None = None
    removed_on: date | None = None
    campaign: str = of_campaign()


class EventRow(Base, table=True):
    """Something that happened; rows are added, never changed.

    ``at`` is when it counts from, ``recorded_at`` when it was written down.
    """

    __tablename__ = "event"
    __table_args__ = (
        Index("ix_event_assignment_id", "assignment_id"),
        Index("ix_event_at", "at"),
        Index("ix_event_ref", "ref"),
    )

    id: int | None = Field(default=None, sa_type=BigId, primary_key=True)
    assignment_id: int = Field(sa_type=BigId)
    ref: str
    unit: str
    at: datetime = Field(sa_type=UtcDateTime)
    recorded_at: datetime = Field(sa_type=UtcDateTime)
    event: str
    amount: int | None = None
    until: date | None = None
    who: str | None = None
    via: str | None = None
    reason: str | None = Field(default=None, sa_type=Text)
    note: str | None = Field(default=None, sa_type=Text)
    campaign: str = of_campaign()


class RevisionRow(Base, table=True):
    """A date in calendars that has changed; ``due`` is the later one of before and after the last change."""

    __tablename__ = "revision"

    campaign: str = of_campaign(primary_key=True)
    unit: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    period: str = Field(primary_key=True)
    sequence: int
    due: date
    ended_on: date | None = None
    title: str = Field(sa_type=Text)


class MailRow(Base, table=True):
    """One mail to one recipient; ``key`` is what it is and whose, and unique.

    ``content`` (the items) and ``details`` are JSON, frozen as decided at ``at``.  ``day`` is the recipient's local date.
    ``seen_event`` is the last event that planning knew of: only later ones need a second look before sending.
    ``fence`` counts claims, so that a process which lost its lease cannot record a result; ``lost`` counts
    answers that never came.  ``timezone`` is that by whose clock and calendar a digest goes out.  ``cause`` is what
    stood in its way last (``tracker.mail.transport.replies.Verdict``), ``ours_since`` when it was first us who were refused.
    """

    __tablename__ = "mail"
    __table_args__ = (
        Index("uq_mail_key", "key", unique=True),
        _few("ix_mail_not_before", UNDERWAY, "not_before"),
        Index("ix_mail_at", "at"),
        Index("ix_mail_unit_day", "unit", "day"),
        Index("ix_mail_recipient", "recipient"),
    )

    id: int | None = Field(default=None, sa_type=BigId, primary_key=True)
    key: str
    message_id: str
    kind: str
    recipient: str
    name: str
    unit: str | None
    language: str
    timezone: str
    at: datetime = Field(sa_type=UtcDateTime)
    day: date
    content: str = Field(sa_type=Text)
    details: str = Field(sa_type=Text)
    seen_event: int = Field(sa_type=BigId)
    state: str = MailState.QUEUED
    attempts: int = 0
    lost: int = 0
    not_before: datetime = Field(sa_type=UtcDateTime)
    lease_until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    claimed_by: str | None = None
    fence: int = 0
    subject: str | None = Field(default=None, sa_type=Text)
    sent_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    outcome: str | None = Field(default=None, sa_type=Text)
    campaign: str = of_campaign()
    cause: str | None = None
    ours_since: datetime | None = Field(default=None, sa_type=UtcDateTime)


class DocumentRow(Base, table=True):
    """A file that somebody sent, or that goes out with a mail; the same bytes once."""

    __tablename__ = "document"
    __table_args__ = (Index("uq_document_digest", "digest", unique=True),)

    id: int | None = Field(default=None, sa_type=BigId, primary_key=True)
    digest: str
    name: str = Field(sa_type=Text)
    content: bytes = Field(sa_type=LargeBinary)


class FilingRow(Base, table=True):
    """One table as a unit filed it; rows are added, and only ``in_force`` (at most one of an assignment) changes.

    ``seat`` is JSON: where in its sheet the table stands (``tracker.forms.check.positions``).
    ``at`` is when it counts from; ``event_id`` the event that it came with, None where nothing was taken.  ``content``
    (what it says) and ``findings`` are JSON; ``digest`` is of the content, or, where nothing was taken, of the file.
    """

    __tablename__ = "filing"
    __table_args__ = (
        _few("uq_filing_assignment_id", text("in_force"), "assignment_id", unique=True),
        Index("ix_filing_assignment_id_digest", "assignment_id", "digest"),
        Index("ix_filing_form_unit", "form", "unit"),
    )

    id: int | None = Field(default=None, sa_type=BigId, primary_key=True)
    assignment_id: int = Field(sa_type=BigId)
    form: str
    unit: str
    at: datetime = Field(sa_type=UtcDateTime)
    recorded_at: datetime = Field(sa_type=UtcDateTime)
    who: str | None = None
    file: str = Field(sa_type=Text)
    document_id: int = Field(sa_type=BigId)
    digest: str
    content: str = Field(sa_type=Text)
    findings: str = Field(sa_type=Text)
    questions: int = 0
    in_force: bool = False
    seat: str | None = Field(default=None, sa_type=Text)
    event_id: int | None = Field(default=None, sa_type=BigId)


class FeedRow(Base, table=True):
    """A calendar that may be looked at without an account, by whoever has its address; ``unit`` None is all units.

    Only the hash of the address is kept.
    """

    __tablename__ = "feed"
    __table_args__ = (Index("uq_feed_digest", "digest", unique=True),)

    id: int | None = Field(default=None, primary_key=True)
    unit: str | None = None
    digest: str
    created_at: datetime = Field(sa_type=UtcDateTime)
    created_by: str
    revoked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    campaign: str = of_campaign()


class RequestRow(Base, table=True):
    """What a unit has asked for or said beside its answers; only the answer columns change, and only once.

    ``kind`` is ``extend`` (until ``wanted_until``) or ``say``; ``answer`` is ``granted``, ``declined``, ``read`` or
    ``replaced``, and None while it waits.  ``email`` is whose link it came through.
    """

    __tablename__ = "request"
    __table_args__ = (
        Index("ix_request_assignment_id", "assignment_id"),
        Index("ix_request_answer", "answer"),
    )

    id: int | None = Field(default=None, sa_type=BigId, primary_key=True)
    assignment_id: int = Field(sa_type=BigId)
    ref: str
    unit: str
    at: datetime = Field(sa_type=UtcDateTime)
    who: str
    email: str
    kind: str
    text: str = Field(sa_type=Text)
    wanted_until: date | None = None
    answered_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    answered_by: str | None = None
    answer: str | None = None
    until: date | None = None
    reply: str | None = Field(default=None, sa_type=Text)


class AccountRow(Base, table=True):
    """Somebody who signs in with a password; ``hash`` is argon2's, with its parameters.

    One that is disabled stays for the history, and may be given out again.
    """

    __tablename__ = "account"

    name: str = Field(primary_key=True)
    role: str
    hash: str = Field(sa_type=Text)
    created_at: datetime = Field(sa_type=UtcDateTime)
    disabled_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class SessionRow(Base, table=True):
    """Somebody who is signed in; ``token`` is the hash of what their cookie says.

    ``account`` is the name that the history gets, ``via`` how they signed in (password, key, oidc).  ``csrf`` is
    what their forms must say.
    """

    __tablename__ = "session"
    __table_args__ = (Index("ix_session_account", "account"),)

    token: str = Field(primary_key=True)
    account: str
    role: str
    via: str
    created_at: datetime = Field(sa_type=UtcDateTime)
    seen_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)
    csrf: str


# The same tables for statements in bulk, where one object for each row would cost twenty times the work.
META = MetaRow.__table__  # type: ignore[attr-defined]
CAMPAIGN = CampaignRow.__table__  # type: ignore[attr-defined]
DEFINITION = DefinitionRow.__table__  # type: ignore[attr-defined]
AGENDA = AgendaRow.__table__  # type: ignore[attr-defined]
ASSIGNMENT = AssignmentRow.__table__  # type: ignore[attr-defined]
REVISION = RevisionRow.__table__  # type: ignore[attr-defined]
EVENT = EventRow.__table__  # type: ignore[attr-defined]
MAIL = MailRow.__table__  # type: ignore[attr-defined]
DOCUMENT = DocumentRow.__table__  # type: ignore[attr-defined]
FEED = FeedRow.__table__  # type: ignore[attr-defined]
FILING = FilingRow.__table__  # type: ignore[attr-defined]
REQUEST = RequestRow.__table__  # type: ignore[attr-defined]
ACCOUNT = AccountRow.__table__  # type: ignore[attr-defined]
SESSION = SessionRow.__table__  # type: ignore[attr-defined]
