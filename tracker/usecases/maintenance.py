"""Looking after the database: backups of a running service, restoring one, upgrading to this version's tables."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from tracker.access.links import key_id
from tracker.campaign.snapshot import CampaignSnapshot
from tracker.config.signing import keep_keys, keys_to_save, signing_keys
from tracker.errors import DatabaseError, TrackerError, UsageError
from tracker.ledger.after_restore import go_on_from
from tracker.ledger.editions import kept_files
from tracker.service.app import App
from tracker.service.forget import Forgotten, forget_before, forget_person
from tracker.service.heartbeat import remembered
from tracker.service.person import PersonTerms
from tracker.store.backups import (
    FACTS,
    back_up,
    holdings,
    holdings_of,
    opened,
    put_back,
    refuse_itself,
)
from tracker.store.campaigns import known_campaigns
from tracker.store.database import Database, is_there, open_database, shown, wipe
from tracker.store.facts import read_fact
from tracker.store.tables import ACCOUNT, ASSIGNMENT, EVENT, Base

#: A service that made a pass so lately is at work.
AT_WORK = timedelta(minutes=2)


@dataclass(frozen=True)
class Backup:
    """What a backup says of itself: when it was made, which keys sign links, and those that come from nowhere else."""

    at: str | None = None
    keys: tuple[str, ...] | None = None
    secret: tuple[str, ...] = ()

    @classmethod
    def of(cls, text: str | None) -> Backup:
        """As it stands in the backup; nothing is known of one of an earlier version."""
        return read_fact(
            text, FACTS, lambda facts: cls(facts["at"], *map(tuple, (facts["keys"], facts["secret"]))), cls()
        )


class Keys(StrEnum):
    """Whether links in mails that are out will work: by the keys here, by those in the backup, not, or who knows."""

    HERE = "here"
    BACKUP = "backup"
    MISSING = "missing"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Restored:
    """What a restore brings, or would: ``rows`` by table; ``after`` are events of the present that it has not."""

    at: str | None
    rows: dict[str, int]
    let_go: int
    keys: Keys
    last_event: datetime | None
    after: int | None
    campaigns: tuple[str, ...]

    @property
    def has_ledger(self) -> bool:
        """Whether anything is asked in it."""
        return self.rows[ASSIGNMENT.name] > 0

    @property
    def is_whole(self) -> bool:
        """Whether nothing is missing."""
        return self.has_ledger and self.keys is not Keys.MISSING


def backup(app: App, target: Path, *, forced: bool = False) -> tuple[int, bool]:
    """Write the whole database to ``target``, with the keys that sign links; its size in bytes, and whether it has them.

    Keys from outside (``TRACKER_SECRET``) are not in it.  Raises LostLedgerError where the ledger is lost, DatabaseError
    where there is none, or, unless ``forced``, where ``target`` holds another one or more of this one.
    """
    _refuse_less(app, target, forced=forced)
    settings, database = app.snapshot.settings, app.database_url
    try:
        secret = keys_to_save(settings, database)
        keys = secret if settings.signing_key is None else signing_keys(settings, database)
        has_keys = settings.signing_key is None
    except UsageError:
        secret, keys, has_keys = (), (), False
    facts = {"at": app.clock.now().isoformat(), "keys": [key_id(key) for key in keys], "secret": list(secret)}
    return back_up(app.database, target, json.dumps(facts)), has_keys


def _refuse_less(app: App, target: Path, *, forced: bool) -> None:
    with app.database.reading() as session:
        here = holdings(session)
    if here.is_empty and not here.events:
        raise DatabaseError("nothing_to_back_up", database=shown(app.database_url))
    there = holdings_of(target)
    if there is not None and here.is_less_than(there) and not forced:
        raise DatabaseError("better_backup", path=target, there=there.events, here=here.events)


def restore(app: App, source: Path, *, forced: bool = False) -> Restored:
    """Put a backup in the place of the database, and the keys in it beside the database.

    Nothing that went out after the backup was made is sent again: everything up to today counts as said.  Raises
    DatabaseError where it is the database itself, or, unless ``forced``, a service is at work on it or it has no ledger.
    """
    refuse_itself(app.database_url, source)
    with opened(source) as reading:
        # A lost ledger is what most backups are put back for.
        app.begins = True
        now = app.clock.now()
        with app.database.reading() as session:
            beat = remembered(session)
        if beat is not None and timedelta(0) <= now - beat.at < AT_WORK and not forced:
            raise DatabaseError("at_work", time=f"{beat.at:%H:%M:%S}")
        restored = _restore(app, app.database, reading, source, forced=forced)
    app.sign.write()
    return restored


def rehearse(app: App, source: Path) -> Restored:
    """The same in a folder of its own, which is gone afterwards: nothing else is touched.  Raises DatabaseError."""
    refuse_itself(app.database_url, source)
    present = None
    if is_there(app.database_url):
        with suppress(TrackerError, SQLAlchemyError), app.database.reading() as session:
            present = _count_events(session)
    with opened(source) as reading, TemporaryDirectory() as folder:
        trial = open_database(f"sqlite:///{folder}/tracker.db")
        try:
            restored = _restore(app, trial, reading, source, is_trial=True, forced=True)
            with trial.reading() as session:
                events = _count_events(session)
        finally:
            trial.close()
    return replace(restored, after=None if present is None else max(0, present - events))


def _count_events(session: Session) -> int:
    return int(session.execute(select(func.count()).select_from(EVENT)).scalar_one())


def _restore(
    app: App, database: Database, backup: Session, source: Path, *, is_trial: bool = False, forced: bool
) -> Restored:
    with database.writing() as session:
        facts = put_back(backup, session)
        rows = {
            table.name: session.execute(select(func.count()).select_from(table)).scalar_one()
            for table in Base.metadata.sorted_tables
        }
        if not rows[ASSIGNMENT.name] and not forced:
            raise DatabaseError("empty_backup", path=source)
        last = session.execute(select(EVENT.c.at).order_by(EVENT.c.id.desc()).limit(1)).scalar()
        campaigns = tuple(known_campaigns(session))
        let_go = go_on_from(session, app.snapshot, app.clock.now())
        found = Backup.of(facts)
        keys = _fit(app, found)
        if keys is Keys.BACKUP and not is_trial:
            # Before the ledger is there: a key too many does no harm.
            keep_keys(found.secret, app.database_url)
    return Restored(found.at, rows, let_go, keys, last, None, campaigns)


def _fit(app: App, found: Backup) -> Keys:
    if found.keys is None:
        return Keys.UNKNOWN
    settings, database = app.snapshot.settings, app.database_url
    here = (
        keys_to_save(settings, database) if settings.signing_key is None else signing_keys(settings, database)
    )
    if set(found.keys) <= {key_id(key) for key in here}:
        return Keys.HERE
    return Keys.BACKUP if found.secret and settings.signing_key is None else Keys.MISSING


class _OnlyShownError(Exception):
    """Ends a transaction that was to show what it would do."""


def prune_before(app: App, day: date, *, dry_run: bool = False) -> Forgotten:
    """Forget what mails before ``day`` said, uploads that are not in force, and sign-ins; never events.

    Raises UsageError for a day to come: a slip of the year would forget all.
    """
    now = app.clock.now()
    if day > app.snapshot.day(now):
        raise UsageError("prune_ahead", day=day)
    return _forget(app, lambda session: forget_before(session, app.snapshot, day, now), dry_run=dry_run)


def prune_person(
    app: App, texts: Sequence[str], others: Sequence[str] = (), *, dry_run: bool = False
) -> Forgotten:
    """Put a pseudonym in the place of whom ``texts`` name.

    Whoever has a longer name with one of theirs within is somebody else: ``others``, the contacts in force, and who may
    sign in.  Raises UsageError for a text that is too short to be told from others, or that stands in the files, in
    those that are in force (an edit that takes it out may still wait), or in the name of an account.
    """
    for text in texts:
        _refuse_short(text)
    snapshot = app.snapshot

    def forget(session: Session) -> Forgotten:
        enabled = (
            session.execute(select(ACCOUNT.c.name).where(ACCOUNT.c.disabled_at.is_(None))).scalars().all()
        )
        longer = [name for name in (*_names(snapshot), *enabled) if name not in texts]
        longer = [name for name in longer if any(text.strip() in name for text in texts)]
        person = PersonTerms(texts, (*others, *longer))
        _refuse_in_files(app.config, person)
        _refuse_in_force(session, person)
        for name in enabled:
            if person.stands_in(name):
                raise UsageError("person_signs_in", name=name)
        return forget_person(session, snapshot, person)

    return _forget(app, forget, dry_run=dry_run)


def _names(snapshot: CampaignSnapshot) -> Iterator[str]:
    """Of all people in the files in force."""
    for unit in snapshot.campaign.units.values():
        for contact in unit.contacts:
            yield contact.name
            yield from (each.name for each in contact.stand_ins)
    if snapshot.settings.operator is not None:
        yield snapshot.settings.operator.name


def _forget(app: App, work: Callable[[Session], Forgotten], *, dry_run: bool) -> Forgotten:
    found = Forgotten()
    with suppress(_OnlyShownError), app.database.writing() as session:
        found = work(session)
        if dry_run:
            raise _OnlyShownError
    if not dry_run:
        wipe(app.database)
    return found


def _refuse_short(text: str) -> None:
    signs = [sign for sign in text if sign.isalnum()]
    if len(signs) < (5 if all(sign.isdecimal() for sign in signs) else 2):
        raise UsageError("person_too_short", text=text)


def _refuse_in_files(config: Path, person: PersonTerms) -> None:
    for file in sorted(config.rglob("*.yaml")):
        if found := _line_of(person, file.read_text(encoding="utf-8", errors="replace")):
            raise UsageError("person_in_files", file=file, line=found[0], text=found[1])


def _refuse_in_force(session: Session, person: PersonTerms) -> None:
    for campaign in known_campaigns(session):
        for name, text in kept_files(session, campaign)[0].items():
            if found := _line_of(person, text):
                raise UsageError(
                    "person_in_force", file=name, line=found[0], campaign=campaign, text=found[1]
                )


def _line_of(person: PersonTerms, text: str) -> tuple[int, str] | None:
    lines = enumerate(text.splitlines(), 1)
    return next(((number, " ".join(line.split())) for number, line in lines if person.stands_in(line)), None)
