"""Where people's data is kept: each column, why it is there and how long (``docs/privacy.md`` shows the same).

What forgets (``tracker.service.forget``) goes by this list, and a test fails for a text column that is not in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Until(StrEnum):
    """How long it is kept."""

    ALWAYS = "as long as the ledger; a person's name goes with `--person`"
    BODY = "until `prune --before`"
    SUPERSEDED = (
        "until `prune --before`, where another took its place; the one in force as long as the ledger"
    )
    SIGN_IN = "until it ends, at most until `prune --before`"
    NEXT = "until something newer takes its place"


@dataclass(frozen=True, slots=True)
class PersonalColumns:
    """Columns of one table that may name people; ``is_file`` says that they hold the bytes of files."""

    table: str
    columns: tuple[str, ...]
    why: str
    until: Until
    is_file: bool = False


KEPT = (
    PersonalColumns(
        "event", ("who", "reason", "note"), "the audit trail: who said what, and why", Until.ALWAYS
    ),
    PersonalColumns(
        "mail",
        ("key", "recipient", "name", "outcome"),
        "to whom a mail went and what became of it",
        Until.ALWAYS,
    ),
    PersonalColumns("mail", ("content", "details", "subject"), "what a mail said", Until.BODY),
    PersonalColumns(
        "filing", ("who", "file", "content", "findings", "seat"), "what a unit filed", Until.ALWAYS
    ),
    PersonalColumns("document", ("name",), "what an upload was called", Until.ALWAYS),
    PersonalColumns("document", ("content",), "the upload itself", Until.SUPERSEDED, is_file=True),
    PersonalColumns(
        "question",
        ("sheet", "cell", "facts", "answered_by", "note"),
        "what was asked about a table, and the answer",
        Until.ALWAYS,
    ),
    PersonalColumns(
        "request",
        ("who", "email", "text", "answered_by", "reply"),
        "what a unit asked for, and the answer",
        Until.ALWAYS,
    ),
    PersonalColumns("feed", ("created_by",), "who gave out a calendar's address", Until.ALWAYS),
    PersonalColumns("account", ("name",), "who may sign in, and in whose name history stands", Until.ALWAYS),
    PersonalColumns("session", ("account",), "who is signed in", Until.SIGN_IN),
    PersonalColumns("journey", ("following",), "where a sign-in goes on", Until.SIGN_IN),
    PersonalColumns(
        "meta", ("name", "value"), "the files in force, and how the service is doing", Until.NEXT
    ),
    PersonalColumns("campaign", ("title", "document"), "what a campaign is called", Until.ALWAYS),
    PersonalColumns("definition", ("title",), "what an item is called", Until.ALWAYS),
    PersonalColumns("revision", ("title",), "what a calendar entry is called", Until.ALWAYS),
)

_OF_CAMPAIGN = ("agenda", "assignment", "beat", "definition", "event", "feed", "mail", "revision")
_OF_UNIT = ("assignment", "beat", "event", "feed", "filing", "mail", "request", "revision")

#: Text columns that name nobody: references, states, numbers, marks.
WITHOUT = frozenset(
    {
        *(f"{table}.campaign" for table in _OF_CAMPAIGN),
        *(f"{table}.unit" for table in _OF_UNIT),
        *("account.role", "account.hash", "session.role", "session.token", "session.via", "session.csrf"),
        *("agenda.key", "agenda.period", "agenda.slot", "agenda.told", "campaign.id"),
        *("assignment.answered", "assignment.key", "assignment.nudge", "assignment.period", "assignment.via"),
        *(
            "definition.key",
            "definition.fingerprint",
            "document.digest",
            "event.ref",
            "event.event",
            "event.via",
        ),
        *("feed.digest", "filing.digest", "filing.form", "question.answer", "question.code"),
        *("question.digest", "question.via", "revision.key", "revision.period"),
        *("request.answer", "request.kind", "request.ref"),
        *("journey.ticket", "journey.state", "journey.nonce", "journey.verifier"),
        *("mail.cause", "mail.claimed_by", "mail.kind", "mail.language", "mail.message_id", "mail.state"),
        "mail.timezone",
    }
)


def table_of_kept() -> str:
    """The list as the table of ``docs/privacy.md``."""
    head = "| where | what for | how long |\n| --- | --- | --- |\n"
    return head + "".join(
        f"| `{each.table}`: {', '.join(each.columns)} | {each.why} | {each.until} |\n" for each in KEPT
    )
