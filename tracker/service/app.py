"""The wiring: files, database, clock, post and engine put together, for the command line, the service and the web.

This is the only place that knows them all; everything else is handed what it needs.
"""

from __future__ import annotations

import hashlib
import logging
import os
import socket
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tracker.campaign.provisional_years import calendar_problems
from tracker.campaign.snapshot import Beginning, CampaignSnapshot
from tracker.clock import Clock, SystemClock
from tracker.config.environment import apply_environment
from tracker.config.loader import TASKS, Loaded, load
from tracker.config.places import at_home
from tracker.config.startable import start_problems
from tracker.config.yamlnodes import read_document
from tracker.core.model import Campaign
from tracker.core.policy import Settings, Web
from tracker.core.workdays import Workdays
from tracker.errors import (
    AnotherDocumentError,
    ConfigError,
    HeldBackError,
    MailError,
    Problem,
    TrackerError,
)
from tracker.i18n.catalogue import Language
from tracker.i18n.message import Message, both, say
from tracker.i18n.terms import counted_as
from tracker.service.derived import DerivedParts
from tracker.service.heartbeat import Heartbeat, after_restart

if TYPE_CHECKING:
    from tracker.access.links import Links
    from tracker.mail.compose.render import Renderer
    from tracker.outbox.mail_server import MailServer
    from tracker.service.engine import Engine
    from tracker.service.file_alerts import FileAlerts
    from tracker.service.ledger_sign import LedgerSign
    from tracker.service.sender import MailSender
    from tracker.service.transactions import Sender
    from tracker.store.database import Database

log = logging.getLogger("tracker")

#: The files that are watched; anything else in the folders is somebody's own business.
WATCHED = ("*.yaml", "forms/*.y*ml")


def _is_loopback(address: str) -> bool:
    return urlsplit(address).hostname in {"127.0.0.1", "localhost", "::1"}


def _as_it_is(sender: Sender) -> Sender:
    return sender


class App:
    """The product over one folder of files and one database; close it when done."""

    def __init__(
        self,
        config: Path,
        *,
        database: str | None = None,
        environ: Mapping[str, str] | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.config = config
        self.environ = os.environ if environ is None else environ
        self.clock = clock or SystemClock()
        self._database_url = database
        #: Whether an option or the environment says which database is meant.
        self.names_database = bool(database or self.environ.get("TRACKER_DATABASE", "").strip())
        #: Whether a new ledger may begin where there was one.
        self.begins = False
        #: Whether a ledger that is lost may come back while this runs, as a service looks at it in each pass; all else is
        #: refused before the database is opened.
        self.waits_for_ledger = False
        self._database: Database | None = None
        self._loaded: Loaded | None = None
        self._made: DerivedParts | None = None
        self._engine: Engine | None = None
        #: Threads share an App: what there is one of is made by one of them.
        self._making = threading.RLock()
        self._seen: str | None = None
        self._places = Settings()
        #: What the files on disk say, while it is held back; what is in force is what was before.
        self.held: CampaignSnapshot | None = None
        #: Why, while the operator is still to be told.
        self._untold: HeldBackError | None = None
        #: Whether files with errors may be passed over for the last ones that were in force.
        self.is_lenient = False
        self._served_at: str | None = None
        #: Whether there is anything that mails could link to.
        self._has_pages = True
        #: The settings before the first edit; some of them hold until the next start.
        self._started_with: Settings | None = None
        self._file_alerts: FileAlerts | None = None
        #: How the running service is doing.
        self.heartbeat = Heartbeat()
        #: When each campaign began, by its id: an edit of the id is another campaign.
        self._beginnings: defaultdict[str, Beginning] = defaultdict(Beginning)
        #: What the service puts around every sender, so that it can be stopped.
        self.wrap_sender: Callable[[Sender], Sender] = _as_it_is

    def close(self) -> None:
        """Let go of the database."""
        if self._database is not None:
            self._database.close()

    # --- the files ---

    @property
    def loaded(self) -> Loaded:
        """The files as they were when last read, problems included."""
        with self._making:
            if self._loaded is None:
                self._loaded = self._first_read()
            return self._loaded

    def _first_read(self) -> Loaded:
        """The files, with how they looked before they were read: what is saved from then on is an edit."""
        while True:
            self._seen = self._glance()
            loaded = load(self.config)
            if not self._look_where(loaded.settings):
                return loaded

    @property
    def snapshot(self) -> CampaignSnapshot:
        """What the files put in force.  Raises ConfigError with every error.

        Where ``is_lenient``, files with errors are told of, and what was in force last is so still.
        """
        return self.made.snapshot

    def up_to_date(self) -> CampaignSnapshot:
        """What is in force, with the ledger brought up to date: not the files here, where they are held back."""
        self.engine.bring_up_to_date(self.clock.now())
        return self.snapshot

    @property
    def campaign(self) -> Campaign | None:
        """The campaign in force, if that is known by now."""
        return None if self._made is None else self._made.snapshot.campaign

    @property
    def made(self) -> DerivedParts:
        """What is in force, with all that follows from it.  Raises as ``snapshot`` does."""
        if self._made is None:
            with self._making:
                if self._made is None:
                    self._made = self._making_of(self._first_in_force())
        return self._made

    def _making_of(self, snapshot: CampaignSnapshot) -> DerivedParts:
        database_url = self._database_url or snapshot.settings.database
        return DerivedParts(snapshot, self.templates, database_url, self._open_door, self._has_pages)

    def _open_door(self, snapshot: CampaignSnapshot, key: Callable[[], str]) -> MailServer:
        from tracker.outbox.mail_server import MailServer

        return MailServer(self.database, self.clock.now, snapshot, self.place, key)

    def _first_in_force(self) -> CampaignSnapshot:
        try:
            return self._in_force_of(self.loaded)
        except ConfigError as error:
            last = self.last_in_force() if self.is_lenient else None
            if last is None:
                raise
            for problem in error.problems:
                log.warning("%s", problem)
            log.warning("%s", Message("service.last_good"))
            self.heartbeat.problems = error.problems
            return last

    def last_in_force(self) -> CampaignSnapshot | None:
        """What the ledger was last brought up to date with; None where there is no ledger, or it keeps no files."""
        from tracker.store.database import is_there

        settings = self._settings_of(self.loaded)
        url = self._database_url or settings.database
        if not is_there(url):
            return None
        self._database_url = url
        return self._kept(self.loaded.campaign_id)

    def _kept(self, campaign: str | None) -> CampaignSnapshot | None:
        """What the ledger keeps of the files that it was last brought up to date with."""
        from tracker.ledger.editions import kept_files

        with self.database.reading() as session:
            texts, fingerprint = kept_files(session, campaign)
        if not texts or (kept := load(self.config, texts)).errors:
            return None
        return replace(self._in_force_of(kept), fingerprint=fingerprint, is_kept=True)

    def _in_force_of(self, loaded: Loaded) -> CampaignSnapshot:
        errors = tuple(problem for problem in loaded.problems if problem.severity == "error")
        if errors or loaded.campaign is None:
            raise ConfigError(errors)
        settings = self._linked(self._settings_of(loaded))
        workdays, beginning = Workdays(loaded.holidays), self._beginnings[loaded.campaign.id]
        return CampaignSnapshot(
            loaded.campaign, settings, workdays, loaded.fingerprint, loaded.texts, beginning=beginning
        )

    def _settings_of(self, loaded: Loaded) -> Settings:
        """What the file says, counted from its home, and the environment on top of it."""
        settings = at_home(loaded.settings, self.home, names_database=self.names_database)
        return apply_environment(settings, self.environ)

    @property
    def place(self) -> str:
        """Where the files stand, told from every other machine and folder."""
        return f"{socket.gethostname()}:{self.config.resolve()}"

    @property
    def home(self) -> Path:
        """The folder that holds the folder of files."""
        return self.config.resolve().parent

    def _linked(self, settings: Settings) -> Settings:
        """Where links can lead to this machine only, they lead to where its pages really are.

        An address with TLS or a path is that of a server in front, which somebody tries on this machine.
        """
        base = urlsplit(settings.link_base)
        is_in_front = base.scheme == "https" or base.path.strip("/")
        if self._served_at is None or is_in_front or not _is_loopback(settings.link_base):
            return settings
        return replace(settings, link_base=self._served_at)

    def serve_at(self, address: str | None) -> None:
        """The pages are at ``address`` (``http://127.0.0.1:41234``), whatever the settings had in mind.

        None: they are nowhere, and mails carry no link.
        """
        there = (address if address is not None and _is_loopback(address) else None, address is not None)
        with self._making:
            if there != (self._served_at, self._has_pages):
                self._served_at, self._has_pages = there
                self.adopt(replace(self.snapshot, settings=self._linked(self.snapshot.settings)))

    def check(self) -> tuple[Problem, ...]:
        """Every error and warning: of the files, of the mail templates, of the calendar (docs/contract.md §6.8)."""
        # A ledger takes longer to be ready for than most files to be checked.
        from tracker.ledger.held_edits import held_by_ledger
        from tracker.store.database import refuse_no_driver

        problems = self.loaded.problems
        if any(problem.severity == "error" for problem in problems):
            return problems
        today = self.snapshot.day(self.clock.now())
        calendar = calendar_problems(self.snapshot, today, self.config / "holidays")
        held = (
            Problem(str(self.config / TASKS), 0, 0, "campaign", error.message, "warning")
            for error in held_by_ledger(self.database_url, self.snapshot, self.place, today)
        )
        place = str(self.config / "settings.yaml")
        start = start_problems(
            self.snapshot.settings.web or Web(), partial(refuse_no_driver, self.database_url), place
        )
        unkept = self.no_sign()
        sign = () if unkept is None else (Problem(place, 0, 0, "ledger_sign", unkept.message, "warning"),)
        return (
            *problems,
            *start,
            *sign,
            *self._chase_problems(today),
            *calendar,
            *self.renderer.check(),
            *held,
        )

    def no_sign(self) -> TrackerError | None:
        """What is wrong where no sign of the ledger is kept; None where one is, or can be."""
        from tracker.service.ledger_sign import refuse_unkept

        try:
            refuse_unkept(self.sign_file)
        except TrackerError as error:
            return error
        return None

    def _chase_problems(self, today: date) -> Iterator[Problem]:
        from tracker.ledger.beginning import chase_problems

        file = str(self.config / TASKS)
        tasks = read_document(file, self.loaded.texts[TASKS].encode())
        return chase_problems(self.snapshot, today, file, tasks.place(("campaign", "chase_from")))

    def summary(self, language: Language = "en") -> str:
        """One line on what is in force."""
        campaign = self.snapshot.campaign
        counted = [counted_as(name, n, language) for name, n in campaign.numbers().items()]
        colon, comma = ("：", "、") if language == "zh" else (": ", ", ")
        return f"{campaign.document} {campaign.title}{colon}{comma.join(counted)}"

    # --- hot reload ---

    def files_changed(self) -> bool:
        """Whether a file was edited since this was last asked; looks at names, sizes and times only."""
        glance = self._glance()
        changed = self._seen is not None and glance != self._seen
        self._seen = glance
        return changed

    def reload(self) -> bool:
        """Put the edited files in force; False if they changed under the reading, and are to be read again.

        Raises ConfigError where they have errors: then nothing changes (see ``tell_of_files``).
        """
        before = self._glance()
        loaded = load(self.config)
        if self._glance() != before:
            # Half a file may have been read; the next look sees the change and reads it whole.
            return False
        try:
            snapshot = self._in_force_of(loaded)
            self._refuse_no_transport(snapshot)
        except ConfigError as error:
            self.heartbeat.problems = error.problems
            raise
        with self._making:
            self._loaded, self.held, self._untold = loaded, None, None
            self.heartbeat.reloaded_at, self.heartbeat.problems, self.heartbeat.held = (
                self.clock.now(),
                (),
                None,
            )
            self._look_where(loaded.settings)
            self._started_with = self._started_with or self.snapshot.settings
            self.heartbeat.awaits_restart = self._started_with.awaiting_restart(snapshot.settings)
            self.adopt(snapshot)
        if self.heartbeat.awaits_restart:
            log.warning("%s", after_restart(self.heartbeat.awaits_restart))
        return True

    def _refuse_no_transport(self, snapshot: CampaignSnapshot) -> None:
        """An edit by which no mail could go out any more is not taken over."""
        try:
            self._making_of(snapshot).transport  # noqa: B018 - made for what it raises
        except MailError as error:
            place = str(self.config / "settings.yaml")
            raise ConfigError((Problem(place, 0, 0, "mail.transport", error.message),)) from None

    def adopt(self, snapshot: CampaignSnapshot) -> None:
        """Put ``snapshot`` in force, and all that follows from it."""
        self._made = self._making_of(snapshot)
        self.engine.adopt(snapshot, self.wrap_sender(self.sender()), self.made.post)

    def _hold(self, snapshot: CampaignSnapshot, error: HeldBackError) -> None:
        """Go on with what was in force before an edit that has to be confirmed; the operator hears of it once.

        Nothing is to be done where another thread was first, or a later edit has taken the place of ``snapshot``.
        """
        with self._making:
            if snapshot is not self.snapshot:
                return
            last = self._kept(snapshot.campaign.id)
            if last is None:
                raise error
            self.held, self._untold = snapshot, error
            self.adopt(replace(last, is_undecided=isinstance(error, AnotherDocumentError)))
            self.heartbeat.held, self.heartbeat.held_state = error.message, error.state
        log.warning("%s", error)
        self._tell_of_held()

    def _tell_of_held(self) -> None:
        held, error, operator = self.held, self._untold, self.snapshot.settings.operator
        if held is None or error is None or operator is None:
            return
        since = error.from_ or self.engine.held_since(held)
        if since <= self.clock.now():
            # After the files in force have changed, or the hold was over, the same is told anew.
            said = both(error.message)
            state = f"{self.snapshot.fingerprint}\n{since.isoformat()}\n{said}"
            key = hashlib.sha256(state.encode()).hexdigest()[:16]
            self.engine.alert(f"files/{key}", say(error.title, self.snapshot.language(operator)), [said])
            self._untold = None

    def _go_by(self, snapshot: CampaignSnapshot, workdays: Workdays) -> None:
        """Count by the calendar of the ledger, which is later than the one here."""
        with self._making:
            if snapshot is self.snapshot:
                self.adopt(replace(snapshot, workdays=workdays))

    def take_over_held(self) -> bool:
        """Put a held edit in force if somebody has confirmed it meanwhile, in another process; whether it was."""
        snapshot = self.held
        if snapshot is None or not self.engine.is_reconciled_with(snapshot):
            return False
        with self._making:
            if self.held is not snapshot:
                return False
            self.held = self.heartbeat.held = self._untold = None
            self.adopt(snapshot)
        return True

    def check_templates(self) -> tuple[Problem, ...]:
        """What is wrong with the operator's own mail templates."""
        self.heartbeat.templates = self.renderer.check()
        return self.heartbeat.templates

    def tell_of_files(self) -> None:
        """Tell the operator of mistakes in files and templates that have come to rest or are mended, and of what is held."""
        from tracker.service.file_alerts import FileAlerts

        self._tell_of_held()
        told = self._file_alerts = self._file_alerts or FileAlerts()
        now = self.clock.now()
        for kind, problems in (("files", self.heartbeat.problems), ("templates", self.heartbeat.templates)):
            told.look(self.engine, kind, problems, now)

    def _look_where(self, settings: Settings) -> bool:
        """Watch the folders that ``settings`` name; whether they are others than were watched while reading."""
        if (settings.templates, settings.holidays) == (self._places.templates, self._places.holidays):
            return False
        self._places = settings
        return True

    def _glance(self) -> str:
        """Which files there are, how large and how old: enough to know whether to read them again."""
        facts = []
        templates = self.templates
        places = [(self.config, pattern) for pattern in WATCHED]
        places.append((self.config / self._places.holidays, "*.y*ml"))
        if templates is not None:
            places.append((templates, "*"))
        for folder, pattern in places:
            for path in sorted(folder.glob(pattern)):
                try:
                    state = path.stat()
                except OSError:
                    continue
                facts.append(f"{path} {state.st_size} {state.st_mtime_ns} {state.st_ino}")
        return "\n".join(facts)

    @property
    def templates(self) -> Path | None:
        """The operator's mail templates: where the settings say, else beside the folder of the files."""
        own = self.home / "templates" / "emails"
        if self._places.templates is not None:
            own = self.home / self._places.templates
        return own if own.is_dir() else None

    # --- the rest, made at the first need ---

    @property
    def database(self) -> Database:
        """The database: from the command line, else the environment, else the settings as they were at first."""
        if self._database is None:
            with self._making:
                if self._database is None:
                    self._database = self._open()
        return self._database

    def _open(self) -> Database:
        """The database, with nothing made where a ledger was and is no more.  Raises LostLedgerError."""
        from tracker.store.database import make_tables, open_without_check

        self._database_url = self.database_url
        database = open_without_check(self._database_url)
        if not self.waits_for_ledger:
            self._sign_of(database).refuse_lost()
        make_tables(database)
        database.before_writing = self._refuse_lost_ledger
        return database

    def _refuse_lost_ledger(self) -> None:
        self.sign.refuse_lost()

    @property
    def sign(self) -> LedgerSign:
        """What tells of the ledger, outside of it."""
        return self._sign_of(self.database)

    def _sign_of(self, database: Database) -> LedgerSign:
        from tracker.service.ledger_sign import LedgerSign

        return LedgerSign(self.sign_file, database, self.database_url, self.names_database, self.begins)

    @property
    def sign_file(self) -> Path:
        """Where it stands."""
        from tracker.service.ledger_sign import NAME

        # What is in force may stand in the ledger alone, and is not known before it is open.
        settings = self._settings_of(self.loaded) if self._made is None else self._made.snapshot.settings
        return self.home / (settings.ledger_sign or NAME)

    @property
    def database_url(self) -> str:
        """Its address."""
        return self._database_url or self.snapshot.settings.database

    @property
    def renderer(self) -> Renderer:
        """The mail templates over what is in force."""
        return self.made.renderer

    @property
    def onlookers_renderer(self) -> Renderer:
        """The same without the links by which a mail's reader answers: others may look, and not act for them."""
        return self.made.onlookers_renderer

    @property
    def links(self) -> Links:
        """The links of mails."""
        return self.made.links

    @property
    def engine(self) -> Engine:
        """The engine over what is in force."""
        if self._engine is None:
            with self._making:
                if self._engine is None:
                    self._engine = self._new_engine()
        return self._engine

    def _new_engine(self) -> Engine:
        from tracker.service.engine import Engine

        who, sender = f"{socket.gethostname()}/{os.getpid()}", self.wrap_sender(self.sender())
        engine = Engine(
            self.database, self.snapshot, sender, read_clock=self.clock.now, who=who, place=self.place
        )
        engine.post, engine.on_held, engine.on_calendar = self.made.post, self._hold, self._go_by
        return engine

    def sender(self, ledger: Database | None = None) -> MailSender:
        """Renders with the templates in force, encloses forms by the ledger, and posts through the transport."""
        from tracker.service.enclosures import Enclosures
        from tracker.service.sender import MailSender

        made, enclosures = self.made, Enclosures(ledger or self.database)
        return MailSender(made.renderer, made.transport, enclosures, read_clock=self.clock.now)
