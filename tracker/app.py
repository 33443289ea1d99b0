"""The wiring: files, database, clock, post and engine put together, for the command line, the service and the web.

This is the only place that knows them all; everything else is handed what it needs.
"""

from __future__ import annotations

import hashlib
import logging
import os
import socket
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tracker.clock import Clock, SystemClock
from tracker.config.environment import apply_environment
from tracker.config.loader import Loaded, load
from tracker.core.policy import Settings
from tracker.core.workdays import Workdays
from tracker.engine.inforce import InForce
from tracker.engine.pulse import Pulse
from tracker.errors import ConfigError, HeldBackError, Problem

if TYPE_CHECKING:
    from tracker.engine.courier import PostCourier
    from tracker.engine.engine import Courier, Engine
    from tracker.links import Links
    from tracker.mail.render import Renderer
    from tracker.mail.transport import Transport
    from tracker.store.database import Database

log = logging.getLogger("tracker")

#: Said where files with errors are passed over.
LAST_GOOD = (
    "the files have errors; what was in force last is so still, until they are mended"
    "（配置文件有误，暂按上次有效的内容办理，请尽快更正）"
)

#: How far ahead ``check`` looks for years whose holidays nobody knows yet.
CALENDAR_AHEAD = timedelta(days=92)

#: What alerts are about, in both languages.
RELOAD_FAILED = ("配置有误，修改未生效", "an edit of the files was not taken over")
HELD_BACK = (
    "修改会删去已有台账，等待确认",
    "an edit would take away part of the ledger, and waits for a word",
)
TEMPLATES_UNUSABLE = ("邮件模板有误，暂用自带模板", "mail templates do not work; the shipped ones are used")

#: The files that are watched; anything else in the folders is somebody's own business.
WATCHED = ("*.yaml", "forms/*.yaml")


def _is_loopback(address: str) -> bool:
    return urlsplit(address).hostname in {"127.0.0.1", "localhost", "::1"}


def _as_it_is(courier: Courier) -> Courier:
    return courier


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
        self._database: Database | None = None
        self._seen: str | None = None
        self._places = Settings()
        #: What the files on disk say, while it is held back; what is in force is what was before.
        self.held: InForce | None = None
        #: Whether files with errors may be passed over for the last ones that were in force.
        self.is_lenient = False
        self._served_at: str | None = None
        #: How the running service is doing.
        self.pulse = Pulse()
        #: What the service puts around every courier, so that it can be stopped.
        self.wrap_courier: Callable[[Courier], Courier] = _as_it_is

    def close(self) -> None:
        """Let go of the database."""
        if self._database is not None:
            self._database.close()

    # --- the files ---

    @cached_property
    def loaded(self) -> Loaded:
        """The files as they were when first asked for, problems included."""
        self._seen = self._glance()
        loaded = load(self.config)
        self._look_where(loaded.settings)
        return loaded

    @cached_property
    def force(self) -> InForce:
        """What the files put in force.  Raises ConfigError with every error.

        Where ``is_lenient``, files with errors are told of, and what was in force last is so still.
        """
        try:
            return self._in_force_of(self.loaded)
        except ConfigError as error:
            last = self.last_in_force() if self.is_lenient else None
            if last is None:
                raise
            for problem in error.problems:
                log.warning("%s", problem)
            log.warning("%s", LAST_GOOD)
            self.pulse.problems = error.problems
            return last

    def last_in_force(self) -> InForce | None:
        """What the ledger was last brought up to date with; None where there is no ledger, or it keeps no files."""
        from tracker.store.database import is_there

        settings = apply_environment(self.loaded.settings, self.environ)
        url = self._database_url or settings.database
        if not is_there(url):
            return None
        self._database_url = url
        return self._kept()

    def _kept(self) -> InForce | None:
        """What the ledger keeps of the files that it was last brought up to date with."""
        from tracker.engine.engine import kept_files

        with self.database.reading() as session:
            texts = kept_files(session)
        kept = None if texts is None else load(self.config, texts)
        return None if kept is None or kept.errors else self._in_force_of(kept)

    def _in_force_of(self, loaded: Loaded) -> InForce:
        errors = tuple(problem for problem in loaded.problems if problem.severity == "error")
        if errors or loaded.campaign is None:
            raise ConfigError(errors)
        settings = self._linked(apply_environment(loaded.settings, self.environ))
        return InForce(loaded.campaign, settings, Workdays(loaded.holidays), loaded.fingerprint, loaded.texts)

    def _linked(self, settings: Settings) -> Settings:
        """Where links can lead to this machine only, they lead to where its pages really are."""
        if self._served_at is None or not _is_loopback(settings.link_base):
            return settings
        return replace(settings, link_base=self._served_at)

    def serve_at(self, address: str) -> None:
        """The pages are at ``address`` (``http://127.0.0.1:41234``), whatever the settings had in mind."""
        if _is_loopback(address):
            self._served_at = address
            self._adopt(replace(self.force, settings=self._linked(self.force.settings)))

    def check(self) -> tuple[Problem, ...]:
        """Every error and warning: of the files, of the mail templates, of the calendar (CONTRACT.md §6.8)."""
        problems = self.loaded.problems
        if any(problem.severity == "error" for problem in problems):
            return problems
        return (*problems, *self._calendar_problems(), *self.renderer.check())

    def _calendar_problems(self) -> Iterator[Problem]:
        today = self.force.day(self.clock.now())
        years = set(range(self.force.campaign.issued.year, (today + CALENDAR_AHEAD).year + 1))
        for definition in self.force.campaign:
            years.update(day.year for day in (definition.rule.due, definition.rule.until) if day is not None)
        for year in self.force.workdays.provisional_years(years):
            yield Problem(
                file=str(self.config / "holidays" / f"{year}.yaml"),
                line=0,
                column=0,
                path="",
                message=(
                    f"the holidays of {year} are not known: Monday to Friday count as workdays until this file "
                    f"says otherwise（尚无{year}年放假安排，暂按周一至周五为工作日，公布后请补充此文件）"
                ),
                severity="warning",
            )

    def summary(self) -> str:
        """One line on what is in force."""
        campaign, number = self.force.campaign, self.numbers()
        counted = ", ".join(f"{count} {name}" for name, count in number.items())
        return f"{campaign.document} {campaign.title}: {counted}"

    def numbers(self) -> dict[str, int]:
        """How many there are of each kind of thing in the files."""
        campaign = self.force.campaign
        return {
            "tasks": len(campaign.tasks),
            "deliverables": sum(len(task.deliverables) for task in campaign.tasks),
            "reports": len(campaign.reports),
            "units": len(campaign.units),
            "groups": len(campaign.groups),
        }

    # --- hot reload ---

    def files_changed(self) -> bool:
        """Whether a file was edited since this was last asked; looks at names, sizes and times only."""
        glance = self._glance()
        changed = self._seen is not None and glance != self._seen
        self._seen = glance
        return changed

    def reload(self) -> bool:
        """Put the edited files in force; False if they changed under the reading, and are to be read again.

        Raises ConfigError where they have errors: then nothing changes, and the operator gets one alert for
        each such state of the files.
        """
        before = self._glance()
        loaded = load(self.config)
        if self._glance() != before:
            # Half a file may have been read; the next look sees the change and reads it whole.
            return False
        try:
            force = self._in_force_of(loaded)
        except ConfigError as error:
            self.pulse.problems = error.problems
            self._alert(RELOAD_FAILED, [str(problem) for problem in error.problems])
            raise
        self.loaded, self.held = loaded, None
        self.pulse.reloaded_at, self.pulse.problems, self.pulse.held = self.clock.now(), (), None
        self._look_where(loaded.settings)
        self._adopt(force)
        return True

    def _adopt(self, force: InForce) -> None:
        self.force = force
        for made in ("renderer", "onlookers_renderer", "links"):
            self.__dict__.pop(made, None)
        self.engine.adopt(force)
        self.engine.courier = self.wrap_courier(self.courier())

    def _hold(self, error: HeldBackError) -> None:
        """Go on with what was in force before an edit that has to be confirmed; the operator hears of it once."""
        last = self._kept()
        if last is None:
            raise error
        self.held = self.force
        self._adopt(last)
        self.pulse.held = str(error)
        log.warning("%s", error)
        self._alert(HELD_BACK, [str(error)])

    def take_over_held(self) -> bool:
        """Put a held edit in force if somebody has confirmed it meanwhile, in another process; whether it was."""
        if self.held is None or not self.engine.is_reconciled_with(self.held):
            return False
        force, self.held = self.held, None
        self.pulse.held = None
        self._adopt(force)
        return True

    def check_templates(self) -> tuple[Problem, ...]:
        """What is wrong with the operator's own mail templates; he gets one alert for each such state of them."""
        problems = self.renderer.check()
        if problems:
            self._alert(TEMPLATES_UNUSABLE, [str(problem) for problem in problems])
        return problems

    def _look_where(self, settings: Settings) -> None:
        """Watch the folders that ``settings`` name; where they are others than before, start anew there."""
        if (settings.templates, settings.holidays) != (self._places.templates, self._places.holidays):
            self._places = settings
            self._seen = self._glance()

    def _alert(self, titles: tuple[str, str], lines: list[str]) -> None:
        operator = self.force.settings.operator
        language = self.force.campaign.language if operator is None else self.force.language(operator)
        # After the files in force have changed, the same mistake is a new one.
        state = "\n".join((self.force.fingerprint, *lines))
        key = hashlib.sha256(state.encode()).hexdigest()[:16]
        self.engine.alert(f"files/{key}", titles[0 if language == "zh" else 1], lines)

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
        own = self.config.resolve().parent / "templates" / "emails"
        if self._places.templates is not None:
            own = Path(self._places.templates)
        return own if own.is_dir() else None

    # --- the rest, made at the first need ---

    @property
    def database(self) -> Database:
        """The database: from the command line, else the environment, else the settings."""
        if self._database is None:
            from tracker.store.database import open_database

            self._database = open_database(self.database_url)
        return self._database

    @property
    def database_url(self) -> str:
        """Its address."""
        return self._database_url or self.force.settings.database

    @cached_property
    def renderer(self) -> Renderer:
        """The mail templates over what is in force."""
        from tracker.mail.render import Renderer

        settings = self.force.settings
        # Where no pages are served, there is nothing to link to.
        links = None if settings.web is None else self.links
        return Renderer(self.force.campaign, self.templates, links=links)

    @cached_property
    def onlookers_renderer(self) -> Renderer:
        """The same without the links by which a mail's reader answers: others may look, and not act for them."""
        from tracker.mail.render import Renderer

        return Renderer(self.force.campaign, self.templates)

    @cached_property
    def links(self) -> Links:
        """The links of mails; the keys are looked for with the first one."""
        from tracker.config.signing import signing_keys
        from tracker.links import Links

        settings, database = self.force.settings, self.database_url
        return Links(settings.link_base, lambda: signing_keys(settings, database))

    @cached_property
    def transport(self) -> Transport:
        """Where mail goes."""
        from tracker.engine.courier import transport_of

        return transport_of(self.force.settings)

    @cached_property
    def engine(self) -> Engine:
        """The engine over what is in force."""
        from tracker.engine.engine import Engine

        who = f"{socket.gethostname()}/{os.getpid()}"
        courier = self.wrap_courier(self.courier())
        engine = Engine(self.database, self.force, courier, read_clock=self.clock.now, who=who)
        engine.on_held = self._hold
        return engine

    def courier(self, ledger: Database | None = None) -> PostCourier:
        """Renders with the templates in force, encloses forms by the ledger, and posts through the transport."""
        from tracker.engine.courier import PostCourier
        from tracker.engine.enclosures import Enclosures

        enclosures = Enclosures(ledger or self.database)
        return PostCourier(self.renderer, self.transport, enclosures, read_clock=self.clock.now)
