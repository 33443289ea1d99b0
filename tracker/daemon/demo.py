"""2022 as a time-lapse: the shipped campaign with a year of answers made up from a fixed seed.

It is the service itself on a virtual clock: its own database, its own mailbox, every mail rendered and
delivered.  Only the districts' answers are invented: most in time, some late, a few sent back, one never.
"""

from __future__ import annotations

import random
import shutil
import sys
from collections import Counter, deque
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import NamedTuple

from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text
from sqlalchemy import event as sqlalchemy_event

from tracker.campaign.snapshot import CampaignSnapshot
from tracker.clock import SystemClock, VirtualClock
from tracker.core.model import Definition, Event, EventKind, Every, Kind, Light
from tracker.core.vocabulary import LIGHTS
from tracker.errors import LedgerError, TrackerError
from tracker.i18n.catalogue import Language, words
from tracker.i18n.message import Message
from tracker.ledger.record import record
from tracker.ledger.status import LedgerRow, ledger_rows
from tracker.mail.transport.mailbox import file_name
from tracker.outbox.queue import Claimed
from tracker.outbox.results import Result
from tracker.service.app import App
from tracker.service.sender import MailSender
from tracker.shipped import shipped
from tracker.store.tables import MailState
from tracker.usecases import mailing

LAST_DAY = date(2022, 12, 31)
SEED = 20220408
#: Out of a hundred answers so many come in time and so many late, the rest never; so many tables are sent back.
IN_TIME, LATE, RETURNED = 88, 9, 3
#: The one district that never answers, so that a red row can be seen.
SILENT = "chengkou"
#: Subjects shown, and mails looked through for them.
SHOWN_MAILS, RECENT_MAILS = 5, 90
#: Seconds between two pictures: more often nobody can follow, and where time is short they cost too much.
PICTURE, HURRIED = 0.12, 0.6
STYLES = {
    Light.RED: "red",
    Light.AMBER: "yellow",
    Light.GREEN: "green",
    Light.BLUE: "blue",
    Light.NONE: "white",
    Light.GREY: "bright_black",
}
#: How often an open page looks for news, in seconds.
LIVE = 1.0
BAR = 72
#: As much of a title as a line of the matrix takes, in cells.
TITLE = 25


class MonthCell(NamedTuple):
    """One definition in one month: how many are in, of how many, and whether the time is up."""

    month: int
    answered: int
    of: int
    time_is_up: bool


@dataclass(frozen=True, slots=True)
class Frame:
    """The campaign at the end of one day."""

    day: date
    lights: Counter[Light]
    matrix: dict[str, list[MonthCell]]
    subjects: list[tuple[str, int]]
    today: int
    total: int


Show = Callable[[Frame], None]


def run_demo(
    folder: Path,
    seconds: float,
    *,
    pause: Callable[[float], None],
    language: Language = "zh",
    address: str | None = None,
    stay: Callable[[], None] | None = None,
) -> None:
    """Let the year pass in about ``seconds``; the data goes to ``folder``, and what stood there is replaced.

    ``pause`` waits a number of seconds: a test hands in one that does not.  The pages are served at ``address``,
    or beside it where that is taken, until ``stay`` returns.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for leftover in ("mailbox", "tracker.db", "tracker.db-wal", "tracker.db-shm"):
        path = folder / leftover
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    mailbox, database = folder / "mailbox", folder / "tracker.db"
    clock = VirtualClock(datetime(2022, 4, 8, tzinfo=UTC))
    environ = {"TRACKER_MAIL": f"mailbox:{mailbox}"}
    app = App(shipped("config"), database=f"sqlite:///{database}", environ=environ, clock=clock)
    try:
        _hurry(app)
        with _pages(app, address) as place:
            app.engine.sender = QuickSender(app.sender(), mailbox)
            year = Year(app, clock, language)
            if place is not None:
                sys.stdout.write(f"{year.say('demo.pages', place=place)}\n")
            total = year.run(seconds, pause)
            tracker = "tracker" if Path("config").is_dir() else f"tracker --config {app.config}"
            sys.stdout.write(f"{year.say('demo.in_all', total=total)}\n")
            where = year.say("demo.where", mailbox=mailbox, database=database, tracker=tracker)
            sys.stdout.write(f"{where}\n")
            if place is not None and stay is not None:
                sys.stdout.write(f"{year.say('demo.stays', place=place)}\n")
                sys.stdout.flush()
                stay()
    finally:
        app.close()


@contextmanager
def _pages(app: App, address: str | None) -> Iterator[str | None]:
    """The pages while the year passes, looking for news all the time; where they are."""
    if address is None:
        yield None
        return
    from tracker.web.base.site import Site
    from tracker.web.server import WebServer

    site = Site(app, live=LIVE)
    try:
        server = WebServer(site, address)
    except TrackerError:
        # The service itself may have that port; a demonstration takes any.
        server = WebServer(site, f"{address.rpartition(':')[0]}:0")
    app.serve_at(server.address)
    server.start()
    try:
        yield server.address
    finally:
        server.stop()


def _hurry(app: App) -> None:
    """Nobody minds the loss of a made-up year, so the database need not wait for the disk."""
    engine = app.database.engine

    def relax(connection: object, _record: object) -> None:
        connection.execute("PRAGMA synchronous = OFF")  # type: ignore[attr-defined]

    sqlalchemy_event.listen(engine, "connect", relax)
    engine.dispose()


class QuickSender:
    """Writes every mail to the Maildir like the real one, but does not wait for the disk either."""

    def __init__(self, sender: MailSender, mailbox: Path) -> None:
        self._sender = sender
        self._new = mailbox / "new"
        for place in ("tmp", "new", "cur"):
            (mailbox / place).mkdir(parents=True)

    async def send(
        self, mails: Sequence[Claimed], snapshot: CampaignSnapshot
    ) -> AsyncGenerator[Result, None]:
        """Every mail is taken."""
        for claimed in mails:
            composed = self._sender.compose(claimed, snapshot)
            data = composed.data.replace(b"\r\n", b"\n")
            (self._new / file_name(claimed.message_id)).write_bytes(data)
            yield Result(
                claimed,
                MailState.SENT,
                str(Message("outcomes.written", path=self._new.parent)),
                composed.subject,
            )

    async def close(self) -> None:
        """There is nothing to let go of."""


class Year:
    """Runs the service from the day of issue to the last of December, and shows it."""

    def __init__(self, app: App, clock: VirtualClock, language: Language) -> None:
        self.app = app
        self.clock = clock
        self.language = language
        self.say = words("commands", language)
        self.weekdays = words("mails", language).listed("dates.weekdays")
        self.snapshot = app.snapshot
        self.first = self.snapshot.campaign.issued
        self.days = (LAST_DAY - self.first).days + 1
        self.listed = [each for each in self.snapshot.campaign if _is_listed(each)]

    def run(self, seconds: float, pause: Callable[[float], None]) -> int:
        """The number of mails of the year."""
        self.clock.set(datetime.combine(self.first, time.min, self.snapshot.zone))
        self.app.engine.bring_up_to_date(self.clock.now())
        answers = self._made_up_answers()
        wall, total, last_picture = SystemClock(), 0, 0.0
        started = wall.monotonic()
        with _screen(self) as (show, wanted):
            for number in range(self.days):
                day = self.first + timedelta(days=number)
                today = self._pass_day(day, answers)
                total += today
                ahead = started + seconds * (number + 1) / self.days - wall.monotonic()
                is_time = wall.monotonic() - last_picture >= (PICTURE if ahead > 0 else HURRIED)
                if day == LAST_DAY or wanted(day, is_time):
                    last_picture = wall.monotonic()
                    show(self._frame(day, today, total))
                pause(max(0.0, ahead))
        return total

    def _pass_day(self, day: date, answers: deque[Event]) -> int:
        morning = self.snapshot.sends_at(day, self.snapshot.campaign.timezone)
        self._answer(answers, morning)
        self.clock.set(morning)
        sent = self.app.engine.run_pass().delivered.total()
        self._answer(answers, datetime.combine(day, time(18), self.snapshot.zone))
        return sent

    def _answer(self, answers: deque[Event], until: datetime) -> None:
        with self.app.database.writing() as session:
            while answers and answers[0].at <= until:
                event = answers.popleft()
                try:
                    record(session, self.snapshot, event, event.at)
                except LedgerError:
                    continue
        self.clock.set(until)

    def _frame(self, day: date, today: int, total: int) -> Frame:
        now = self.clock.now()
        recent = mailing.mails(self.app, limit=RECENT_MAILS)
        newest = recent[-1]["at"] if recent else None
        subjects = Counter(fact["subject"] for fact in recent if fact["at"] == newest).most_common(
            SHOWN_MAILS
        )
        with self.app.database.reading() as session:
            rows = ledger_rows(session, self.snapshot, now, latest=now)
        lights = Counter(row.light for row in rows)
        return Frame(day, lights, self._matrix(rows, day), subjects, today, total)

    def _matrix(self, rows: Iterable[LedgerRow], day: date) -> dict[str, list[MonthCell]]:
        found: dict[str, dict[int, MonthCell]] = {definition.key: {} for definition in self.listed}
        for row in rows:
            due, cells = row.dates.effective_due, found.get(row.definition.key)
            if cells is not None and due is not None and self.first <= due <= LAST_DAY:
                _, answered, of, _ = cells.get(due.month, MonthCell(due.month, 0, 0, False))
                cells[due.month] = MonthCell(due.month, answered + row.answer.quiet, of + 1, day > due)
        return {key: list(cells.values()) for key, cells in found.items()}

    # --- the made-up answers ---

    def _made_up_answers(self) -> deque[Event]:
        """An answer for most of what falls due in the year, by the time at which it comes."""
        dice = random.Random(SEED)  # noqa: S311 - the same year every time
        now = self.clock.now()
        with self.app.database.reading() as session:
            until = LAST_DAY + timedelta(days=1)
            rows = ledger_rows(session, self.snapshot, now, latest=now, since=date.min, until=until)
        events = [event for row in rows for event in self._made_up(row, dice)]
        return deque(sorted(events, key=lambda event: event.at))

    def _made_up(self, row: LedgerRow, dice: random.Random) -> Iterator[Event]:
        due = row.dates.effective_due
        luck = dice.randrange(100)
        if due is None or row.unit == SILENT or luck >= IN_TIME + LATE:
            return
        offset = -dice.randrange(4) if luck < IN_TIME else dice.randrange(1, 20)
        day = max(due + timedelta(days=offset), row.dates.opens)
        at = datetime.combine(day, time(8 + dice.randrange(10), dice.randrange(60)), self.snapshot.zone)
        is_nil = row.definition.form is not None and dice.randrange(25) == 0
        name = self.snapshot.campaign.units[row.unit].name
        kind = EventKind.NIL if is_nil else EventKind.SUBMIT
        answer = Event(
            at, row.ref, row.unit, kind, count=None if is_nil else row.target, who=name, via="demo"
        )
        yield answer
        if row.definition.form is not None and not is_nil and dice.randrange(100) < RETURNED:
            back = at + timedelta(hours=20)
            who = self.snapshot.campaign.supervisor
            say = words("commands", self.snapshot.campaign.language)
            why, note = say("demo.reason"), say("demo.note")
            yield Event(back, row.ref, row.unit, EventKind.RETURN, who=who, via="demo", reason=why)
            again = back + timedelta(days=2)
            yield Event(again, row.ref, row.unit, EventKind.SUBMIT, who=name, via="demo", note=note)


def _is_listed(definition: Definition) -> bool:
    """Reports, and what else comes back every month."""
    return definition.kind is Kind.REPORT or definition.rule.every is Every.MONTH


# --- how it looks ---


@contextmanager
def _screen(year: Year) -> Iterator[tuple[Show, Callable[[date, bool], bool]]]:
    """On a terminal a picture that changes; into a pipe a line a week, and the matrix at the end."""
    if not sys.stdout.isatty():
        yield (lambda frame: _print_week(year, frame)), (lambda day, _is_time: day.weekday() == 0)
        return
    with Live(console=Console(highlight=False), auto_refresh=False) as live:
        draw: Show = lambda frame: live.update(_picture(year, frame), refresh=True)  # noqa: E731
        yield draw, (lambda _day, is_time: is_time)


def _picture(year: Year, frame: Frame) -> RenderableType:
    campaign = year.snapshot.campaign
    passed = BAR * ((frame.day - year.first).days + 1) // year.days
    heading = Text.assemble(
        (f"{frame.day} {year.weekdays[frame.day.weekday()]}", "bold"), f"  {campaign.document}"
    )
    mails = year.say("demo.mails", today=frame.today, total=frame.total)
    # So many lines at any time: a picture that grows and shrinks cannot be read.
    subjects = [f"✉ {f'{count}×':>4} {subject}" for subject, count in frame.subjects]
    subjects += [""] * (SHOWN_MAILS - len(subjects))
    return Group(
        Text(campaign.title, style="bold", overflow="ellipsis", no_wrap=True),
        heading,
        Text.assemble("━" * passed, ("━" * (BAR - passed), "bright_black")),
        _lights(frame.lights, year.language),
        Text(),
        _matrix_table(year, frame),
        Text(),
        Text(mails, style="bold"),
        *(Text(line, overflow="ellipsis", no_wrap=True) for line in subjects),
    )


def _lights(lights: Counter[Light], language: Language) -> RenderableType:
    total = max(1, sum(lights.values()))
    bar = Text()
    ends = 0
    for light, style in STYLES.items():
        start, ends = ends, ends + lights[light]
        bar.append("█" * (round(BAR * ends / total) - round(BAR * start / total)), style=style)
    legend = Text("  ").join(
        Text.assemble((f"{LIGHTS[light].sign} ", style), f"{LIGHTS[light].name(language)} {lights[light]}")
        for light, style in STYLES.items()
        if lights[light]
    )
    return Group(bar, legend)


def _matrix_table(year: Year, frame: Frame) -> Table:
    months = range(year.first.month, 13)
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    table.add_column(year.say("demo.matrix"), width=TITLE, no_wrap=True)
    for month in months:
        table.add_column(year.say("demo.month", month=month), justify="right", no_wrap=True, min_width=5)
    for definition in year.listed:
        cells = {cell.month: _shown(cell) for cell in frame.matrix[definition.key]}
        table.add_row(_tail(definition.title), *(cells.get(month, Text()) for month in months))
    return table


def _shown(cell: MonthCell) -> Text:
    if not cell.answered and not cell.time_is_up:
        return Text("·", style="bright_black")
    style = "green" if cell.answered == cell.of else "red" if cell.time_is_up else "yellow"
    return Text(f"{cell.answered}/{cell.of}", style=style)


def _tail(title: str) -> str:
    """What tells long titles apart stands at their end."""
    if cell_len(title) <= TITLE:
        return title
    while cell_len(title) > TITLE - 1:
        title = title[1:]
    return f"…{title}"


def _print_week(year: Year, frame: Frame) -> None:
    counts = "  ".join(
        f"{LIGHTS[light].name(year.language)} {frame.lights[light]:>4}"
        for light in Light
        if light is not Light.GREY or frame.lights[light]
    )
    mails = year.say("demo.mails", today=frame.today, total=frame.total)
    sys.stdout.write(f"{frame.day} {year.weekdays[frame.day.weekday()]}  {counts}  ✉ {mails}\n")
    if frame.day == LAST_DAY:
        Console(width=110, highlight=False).print(_matrix_table(year, frame))
    sys.stdout.flush()
