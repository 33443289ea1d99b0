"""What people ask of the service, by command or in the browser: answers as facts, words as sentences."""

from __future__ import annotations

import asyncio
import getpass
import shutil
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from tracker.config.events import read_events
from tracker.config.loader import SETTINGS, TASKS, UNITS, load_or_raise
from tracker.config.next_year import NextYear, mentions, roll_tasks
from tracker.core.deadline.expressions import Reading, parse
from tracker.core.model import Contact, Event, Mail, MailKind, Occurrence
from tracker.core.occurrences import occurrences, parse_ref
from tracker.errors import TrackerError, UnknownNameError, UsageError, cannot_write
from tracker.i18n.catalogue import Language, words
from tracker.i18n.recognised import said_in
from tracker.i18n.terms import enclosed, word
from tracker.ledger.beginning import how_many_before, known_beginning
from tracker.ledger.event_target import SupposedEvents, counts_from, in_the_ledger
from tracker.ledger.record import read_history, recorded_history
from tracker.ledger.status import LedgerRow, ledger_rows
from tracker.mail.compose.details import files_sent
from tracker.mail.transport.message import message_id, validated_email
from tracker.outbox.mail_server import forget_refused_logins
from tracker.outbox.queries import retry, stored_mail, stored_mails
from tracker.outbox.queue import Claimed, mail_domain
from tracker.outbox.results import Result
from tracker.planning import reminders_now
from tracker.planning.plan import next_planning
from tracker.planning.reminders_now import Reach, Reminded
from tracker.service.app import App
from tracker.service.enclosures import Enclosures
from tracker.service.simulation import preview, simulate
from tracker.shipped import shipped
from tracker.store.database import open_database
from tracker.store.tables import MailState
from tracker.usecases.json_facts import (
    Fact,
    event_facts,
    explanation_facts,
    mail_facts,
    outbox_facts,
    plan_facts,
)

#: How many dates of a rule without an end are shown where nobody said how many.
SHOWN_DATES = 12


def write_starter(folder: Path) -> list[Path]:
    """Write ``config/`` and ``templates/`` to start from; what was written.

    Raises UsageError where something of that name stands already: nobody's work is written over.
    """
    return _copy_new({"config": shipped("config"), "templates": shipped("templates")}, folder)


def roll_on(old: Path, folder: Path, year: int) -> tuple[list[Path], NextYear]:
    """Write the campaign of ``old`` into ``folder`` as one that is issued in ``year``; what was written, and how.

    ``old`` is a folder of configuration, or has one.  Raises ConfigError where its files have errors, and
    UsageError where ``year`` is not a later one; then nothing is written.
    """
    config = old / "config" if not (old / TASKS).exists() and (old / "config").is_dir() else old
    before = load_or_raise(config).campaign
    assert before is not None
    data, told = roll_tasks((config / TASKS).read_bytes(), year)
    beside = config.resolve().parent / "templates"
    with TemporaryDirectory() as place:
        rolled = Path(place) / "config"
        _copy(config, rolled)
        (rolled / TASKS).write_bytes(data)
        load_or_raise(rolled)
        for name in (TASKS, UNITS, SETTINGS):
            if (rolled / name).exists():
                told.mentions += mentions(name, (rolled / name).read_bytes(), before.issued.year)
        sources = {"config": rolled, "templates": beside if beside.is_dir() else shipped("templates")}
        return _copy_new(sources, folder), told


def _copy_new(sources: dict[str, Path], folder: Path) -> list[Path]:
    for name in sources:
        if (folder / name).exists():
            raise UsageError("there_already", path=folder / name)
    for name, source in sources.items():
        _copy(source, folder / name)
    return sorted(path for name in sources for path in (folder / name).rglob("*") if path.is_file())


def _copy(source: Path, target: Path) -> None:
    try:
        # The bytes only: what was read-only, such as last year's list, is there to be edited.
        # The pages are no templates of the user's.
        ignore = shutil.ignore_patterns("web")
        shutil.copytree(source, target, copy_function=shutil.copyfile, ignore=ignore)
    except OSError as error:
        raise cannot_write(target.parent, error) from None


def date_of_issue(app: App) -> date:
    """The campaign's date of issue, or today where there is no campaign that can be read."""
    if app.loaded.campaign is not None:
        return app.loaded.campaign.issued
    return app.clock.now().astimezone().date()


def plan_year(app: App, issued: date | None) -> int | None:
    """The year that the campaign plans for; none of it counts for another date of issue than the campaign's."""
    campaign = app.loaded.campaign
    return campaign.year if campaign is not None and issued in (None, campaign.issued) else None


def read_deadline(
    text: str, issued: date, since: date | None, until: date | None, year: int | None = None
) -> tuple[Reading, list[Occurrence]]:
    """How ``text`` is read in a plan for ``year``, and its dates from ``since`` to ``until``, both included."""
    if since is not None and until is not None:
        _in_order(since, until)
    reading = parse(text, issued, year)
    last = date(2201, 1, 1) if until is None else until + timedelta(days=1)
    found: list[Occurrence] = []
    for occurrence in occurrences(reading.rule, "", issued, since or date.min, last):
        if until is None and len(found) == SHOWN_DATES:
            break
        if occurrence.due is not None:
            found.append(occurrence)
    return reading, found


def status(
    app: App, at: datetime | None = None, *, unit: str | None = None, ref: str | None = None
) -> tuple[datetime, list[LedgerRow]]:
    """The ledger as it stood at ``at`` (now, if None), and that moment."""
    now = app.clock.now()
    app.engine.bring_up_to_date(now)
    moment = now if at is None else at
    if ref is not None:
        ref = app.snapshot.ref(ref, app.snapshot.day(moment))
    with app.database.reading() as session:
        return moment, ledger_rows(session, app.snapshot, moment, latest=now, unit=unit, ref=ref)


def due_between(app: App, first: date, last: date, unit: str | None = None) -> list[LedgerRow]:
    """Every assignment due from ``first`` to ``last``, both included."""
    _in_order(first, last)
    now = app.clock.now()
    app.engine.bring_up_to_date(now)
    with app.database.reading() as session:
        until = last + timedelta(days=1)
        return ledger_rows(session, app.snapshot, now, latest=now, unit=unit, since=first, until=until)


def record(app: App, event: Event, *, forced: bool = False) -> LedgerRow:
    """Take ``event`` into the ledger; how the assignment stands now.  See ``record_each``."""
    (found,) = record_each(app, [event], forced=forced)
    if not isinstance(found, LedgerRow):
        raise found
    return found


def record_each(app: App, events: Sequence[Event], *, forced: bool = False) -> list[LedgerRow | TrackerError]:
    """Take ``events`` into the ledger together; how each assignment stands now, or why its event was refused.

    Units may go by id, name or alias.  A time of today counts from now.
    """
    # What is meant is looked up in what is in force: the files here may be held back.
    app.up_to_date()
    found: dict[int, LedgerRow | TrackerError] = {}
    fit: dict[int, Event] = {}
    for place, event in enumerate(events):
        try:
            fit[place] = _checked(app, event)
        except (UsageError, UnknownNameError) as error:
            found[place] = error
    if fit:
        found |= zip(fit, app.engine.record_each(list(fit.values()), forced=forced), strict=True)
    return [found[place] for place in range(len(events))]


def _checked(app: App, event: Event) -> Event:
    """As the ledger is to have it.  Raises UsageError or UnknownNameError."""
    check_who(event.who)
    check_text("--reason", event.reason)
    check_text("--note", event.note)
    at = counts_from(app.snapshot, event.at, app.clock.now())
    event = replace(event, at=at, who=event.who or login_name(), via=event.via or "cli")
    return in_the_ledger(app.database, app.snapshot, event)


def whom_to_remind(app: App, refs: Sequence[str], units: Collection[str] | None) -> list[Reach]:
    """Whom ``remind_now`` would reach; nothing is sent."""
    now = app.clock.now()
    app.engine.bring_up_to_date(now)
    with app.database.reading() as session:
        return reminders_now.reach(session, app.snapshot, refs, units, now)


def remind_now(
    app: App, refs: Sequence[str], units: Collection[str] | None, *, who: str, again: bool = False
) -> Reminded:
    """Remind ``units`` (None: all) of what is open of ``refs``, because ``who`` says so; see ``nudge_now``."""
    now = app.clock.now()
    with app.engine.acting(now) as (session, snapshot):
        return reminders_now.remind_now(session, snapshot, refs, units, now, asked_by=who, again=again)


def history(app: App, *, ref: str | None = None, unit: str | None = None) -> list[Fact]:
    """Every event, oldest first, of one reference or unit if given."""
    snapshot = app.snapshot
    if ref is not None:
        ref = snapshot.ref(ref, snapshot.day(app.clock.now()))
    with app.database.reading() as session:
        events = recorded_history(
            session,
            snapshot.campaign.id,
            ref=ref,
            unit=None if unit is None else snapshot.unit_id(unit),
        )
    if not events and ref is not None:
        # What has left the files keeps its history; what never was in them is a slip.
        snapshot.definition(parse_ref(ref)[0])
    return [event_facts(recorded_at, event, snapshot.zone) for recorded_at, event in events]


def explanation(app: App, ref: str, unit: str) -> Fact:
    """Why a mail about one assignment went, or did not, or when it will."""
    # Nothing else looks ahead: a start need not wait for it.
    from tracker.planning.explain import explain
    from tracker.service.foresight import foresee

    now = app.clock.now()
    app.engine.bring_up_to_date(now)
    snapshot = app.snapshot
    ref, unit = snapshot.ref(ref, snapshot.day(now), one=True), snapshot.unit_id(unit)
    with app.database.reading() as session:
        coming = foresee(session, snapshot, ref, unit, now, place=app.engine.place)
        return explanation_facts(explain(session, snapshot, ref, unit, now, coming))


def planned_changes(app: App, days: int) -> Fact:
    """What the edited files would change: assignments, and the mails of the next ``days`` days."""
    edited, now = app.snapshot, app.clock.now()
    since = edited.day(now)
    until = since + timedelta(days=days)
    last = app.last_in_force()
    database, subject, place = app.database, app.renderer.subject, app.engine.place
    changes, after, held = preview(database, edited, now, until, subject, place=place)
    before: list[Mail] = []
    if last is not None:
        _, before, _ = preview(database, last, now, until, subject, place=place)
    return plan_facts(edited, changes, before, after, held)


def simulated_mails(
    app: App, first: date, last: date, *, events_file: Path | None = None, mailbox: Path | None = None
) -> Iterator[tuple[date, Fact]]:
    """Every mail from ``first`` to ``last``, both included, as its day and its facts.

    What the ledger knows has happened; ``events_file`` says what else does.  ``mailbox`` gets each mail as
    an ``.eml`` file.
    """
    _in_order(first, last)
    snapshot = app.snapshot
    with app.database.reading() as session:
        history = read_history(session, snapshot.campaign.id)
        snapshot.beginning.day = known_beginning(session, snapshot)
    meant = SupposedEvents(snapshot, history).take
    events = [] if events_file is None else read_events(events_file, snapshot.zone, snapshot.unit_id, meant)
    if mailbox is not None:
        mailbox.mkdir(parents=True, exist_ok=True)
    ledger = open_database("sqlite://")
    sender = app.sender(ledger)
    until = last + timedelta(days=1)
    for claimed, subject in simulate(
        snapshot, events, first, until, app.renderer.subject, history=history, database=ledger
    ):
        if mailbox is not None:
            at = claimed.mail.at.astimezone(snapshot.zone)
            name = f"{at:%Y%m%dT%H%M%S}-{claimed.message_id.strip('<>')}.eml"
            (mailbox / name).write_bytes(sender.compose(claimed, snapshot).data)
        yield (
            snapshot.day(claimed.mail.at),
            mail_facts(claimed.mail, message_id=claimed.message_id, subject=subject, zone=snapshot.zone),
        )


def mails(
    app: App, *, state: str | None = None, unit: str | None = None, limit: int | None = None
) -> list[Fact]:
    """The outbox: the newest ``limit`` mails, oldest of them first."""
    snapshot = app.snapshot
    with app.database.reading() as session:
        found = stored_mails(
            session,
            snapshot.campaign.id,
            state=state,
            unit=None if unit is None else snapshot.unit_id(unit),
            limit=limit,
        )
    shut = app.made.post.shut_until()
    return [
        outbox_facts(
            each, subject=each.subject or app.renderer.subject(each.mail), zone=snapshot.zone, shut_until=shut
        )
        for each in found
    ]


def show_mail(app: App, number: int, language: Language, *, html: bool = False) -> str:
    """One mail as its reader sees it."""
    with app.database.reading() as session:
        found = stored_mail(session, app.snapshot.campaign.id, number)
    # What went with a mail that is gone was written down then.
    is_gone = found.state is MailState.SENT
    sent = None if is_gone else Enclosures(app.database).forms_of(found.mail, app.snapshot)
    rendered = app.renderer.render(found.mail, sent)
    if html:
        return rendered.html
    at = found.mail.at.astimezone(app.snapshot.zone)
    state, outcome = word(found.state.value, language), said_in(found.outcome, language)
    say = words("commands", language)
    if outcome:
        state = say("mail.state_because", state=state, why=outcome)
    head = say(
        "mail.head", to=found.mail.to, at=f"{at:%Y-%m-%d %H:%M}", subject=rendered.subject, state=state
    )
    if files := files_sent(found.mail):
        head += f"\n{enclosed(files, language)}"
    return f"{head}\n\n{rendered.text}"


def retry_mails(app: App, number: int | None, *, since: date | None = None) -> int:
    """Queue one mail again, or every failed one of ``since`` (by default a week ago) or later; how many."""
    if number is not None and since is not None:
        raise UsageError("mail_or_since")
    with app.database.writing() as session:
        return retry(session, app.snapshot.campaign.id, number, app.clock.now(), since=since)


def send_test_mail(app: App, address: str | None) -> tuple[str, Result]:
    """Send one mail through the configured transport, past the outbox; to whom, and what came of it.

    Without an ``address`` the operator gets it.  Raises MailError for what is no address.
    """
    if address is not None:
        validated_email(address)
    snapshot, now = app.snapshot, app.clock.now()
    operator = snapshot.settings.operator
    if address is None and operator is None:
        raise UsageError("no_operator")
    contact = operator if operator is not None and address is None else Contact(str(address), str(address))
    mail = Mail(
        key=f"alert/test/{now.isoformat()}",
        at=now,
        to=contact.email,
        name=contact.name,
        unit=None,
        kind=MailKind.ALERT,
        language=snapshot.language(contact),
        details={"title": "测试邮件 · test mail", "problems": [f"{snapshot.settings.transport}"]},
    )
    claimed = Claimed(0, 0, 1, message_id(mail.key, mail_domain(snapshot)), mail)
    with app.database.writing(alone=False) as session:
        forget_refused_logins(session, snapshot.campaign.id, now)
    return contact.email, asyncio.run(_send_one(app, claimed))


async def _send_one(app: App, claimed: Claimed) -> Result:
    sender = app.sender()
    try:
        results = [result async for result in sender.send([claimed], app.snapshot)]
        return results[0]
    finally:
        await sender.close()


def where_to_look(app: App, *, at_once: bool = False) -> list[str]:
    """What a person wants to know once the service runs; ``at_once``: it does not wait for its hour."""
    snapshot, now = app.snapshot, app.clock.now()
    with app.database.reading() as session:
        following = next_planning(session, snapshot, now, at_once=at_once)
        left = how_many_before(session, snapshot, now)
    is_due = "（正在编写 · being written now）" if following <= now else ""
    when = f"{following.astimezone(snapshot.zone):%Y-%m-%d %H:%M %Z}{is_due}"
    place = snapshot.settings.transport
    if not place.startswith("mailbox:"):
        place += f"; 样例地址 · .example: mailbox:{snapshot.settings.mailbox}"
    waiting = [f"台账建立前事项 · before this ledger: {left} (tracker before)"] if left else []
    return [
        f"生效 · in force: {app.summary()}",
        *waiting,
        f"邮件 · mails: {place} (tracker mail list, tracker mail show ID)",
        f"数据库 · database: {app.database_url.rpartition('@')[2]}",
        f"下次发信 · next digests: {when}",
        f"改完即生效 · edit at any time: {app.config}/*.yaml; Ctrl-C 结束 · ends the service",
    ]


def login_name() -> str:
    """Who runs this process, as the history says."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"


def _in_order(first: date, last: date) -> None:
    if last < first:
        raise UsageError("before_first", first=first, last=last)


def check_who(who: str | None) -> None:
    """Raises UsageError for what is no name: it stands on one line wherever it is shown."""
    if who is not None and not _is_text(who, "\u3000"):
        raise UsageError("unseen_in_name")


def check_text(option: str, text: str | None) -> None:
    """Raises UsageError for what nobody could read in the history."""
    if text is not None and not _is_text(text):
        raise UsageError("unprintable", option=option)


def _is_text(text: str, besides: str = "\n\t\u3000") -> bool:
    return all(each.isprintable() or each in besides for each in text)
