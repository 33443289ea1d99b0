"""The wiring: files, database, clock, post and engine put together, for the command line, the service and the web.

This is the only place that knows them all; everything else is handed what it needs.
"""

from __future__ import annotations

import hashlib
import os
import socket
from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from tracker.clock import Clock, SystemClock
from tracker.config.environment import apply_environment
from tracker.config.loader import Loaded, load
from tracker.core.workdays import Workdays
from tracker.engine.inforce import InForce
from tracker.errors import ConfigError, Problem

if TYPE_CHECKING:
    from tracker.engine.courier import PostCourier
    from tracker.engine.engine import Engine
    from tracker.mail.render import Renderer
    from tracker.mail.transport import Transport
    from tracker.store.database import Database

#: How far ahead ``check`` looks for years whose holidays nobody knows yet.
CALENDAR_AHEAD = timedelta(days=92)

#: The files that are watched; anything else in the folders is somebody's own business.
WATCHED = ("*.yaml", "holidays/*.yaml", "forms/*.yaml")


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

    def close(self) -> None:
        """Let go of the database."""
        if self._database is not None:
            self._database.close()

    # --- the files ---

    @cached_property
    def loaded(self) -> Loaded:
        """The files as they were when first asked for, problems included."""
        self._seen = self._glance()
        return load(self.config)

    @cached_property
    def force(self) -> InForce:
        """What the files put in force.  Raises ConfigError with every error."""
        return self._in_force_of(self.loaded)

    def _in_force_of(self, loaded: Loaded) -> InForce:
        errors = tuple(problem for problem in loaded.problems if problem.severity == "error")
        if errors or loaded.campaign is None:
            raise ConfigError(errors)
        settings = apply_environment(loaded.settings, self.environ)
        return InForce(loaded.campaign, settings, Workdays(loaded.holidays), loaded.fingerprint)

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
        campaign = self.force.campaign
        deliverables = sum(len(task.deliverables) for task in campaign.tasks)
        return (
            f"{campaign.document} {campaign.title}: {len(campaign.tasks)} tasks, {deliverables} deliverables, "
            f"{len(campaign.reports)} reports, {len(campaign.units)} units, {len(campaign.groups)} groups"
        )

    # --- hot reload ---

    def files_changed(self) -> bool:
        """Whether a file was edited since this was last asked; looks at names, sizes and times only."""
        glance = self._glance()
        changed = self._seen is not None and glance != self._seen
        self._seen = glance
        return changed

    def reload(self) -> None:
        """Put the edited files in force.

        Raises ConfigError where they have errors: then nothing changes, and the operator gets one alert for
        each such state of the files.
        """
        loaded = load(self.config)
        try:
            force = self._in_force_of(loaded)
        except ConfigError as error:
            lines = [str(problem) for problem in error.problems]
            key = hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]
            self.engine.alert(f"reload/{key}", "reload", lines)
            raise
        self.loaded, self.force = loaded, force
        self.__dict__.pop("renderer", None)
        self.engine.adopt(force)
        self.engine.courier = self.courier()

    def _glance(self) -> str:
        """Which files there are, how large and how old: enough to know whether to read them again."""
        facts = []
        templates = self.templates
        places = [(self.config, pattern) for pattern in WATCHED]
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
        """The operator's mail templates: ``templates/emails`` beside the folder of the files, if it is there."""
        own = self.config.resolve().parent / "templates" / "emails"
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

        return Renderer(self.force.campaign, self.templates)

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
        return Engine(self.database, self.force, self.courier(), read_clock=self.clock.now, who=who)

    def courier(self) -> PostCourier:
        """Renders with the templates in force and posts through the transport."""
        from tracker.engine.courier import PostCourier

        return PostCourier(self.renderer, self.transport)
