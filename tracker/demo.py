"""2022 as a time-lapse: the shipped campaign with a year of answers made up from a fixed seed.

It is the service itself on a virtual clock: its own database file, its own mailbox, every mail rendered
and delivered.  Only the districts' answers are invented: most in time, some late, one never.
"""

from __future__ import annotations

import random
import shutil
import sys
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.text import Text

from tracker import desk
from tracker.app import App
from tracker.clock import VirtualClock
from tracker.core.model import Event, EventKind, Light
from tracker.engine.standings import LedgerRow, ledger_rows
from tracker.errors import LedgerError
from tracker.shipped import shipped

LAST_DAY = date(2022, 12, 31)
SEED = 20220408
#: Out of a hundred answers so many come in time and so many late; the rest never.
IN_TIME, LATE = 88, 9
#: The one district that never answers, so that a red row can be seen.
SILENT = "chengkou"
SHOWN_MAILS = 8
STYLES = {
    Light.GREEN: "green",
    Light.AMBER: "yellow",
    Light.RED: "red",
    Light.BLUE: "blue",
    Light.GREY: "white",
}

Show = Callable[[date, Counter[Light], list[str]], None]


def run_demo(folder: Path, seconds: float, *, pause: Callable[[float], None]) -> None:
    """Let the year pass in about ``seconds``; the data goes to ``folder``, and what stood there is replaced.

    ``pause`` waits a number of seconds: a test hands in one that does not.
    """
    for leftover in ("mailbox", "tracker.db", "tracker.db-wal", "tracker.db-shm"):
        path = folder / leftover
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    clock = VirtualClock(datetime(2022, 4, 8, tzinfo=UTC))
    environ = {"TRACKER_MAIL": f"mailbox:{folder / 'mailbox'}"}
    app = App(shipped("config"), database=f"sqlite:///{folder / 'tracker.db'}", environ=environ, clock=clock)
    try:
        _pass_the_year(app, clock, seconds, pause)
    finally:
        app.close()
    sys.stdout.write(
        f"邮件在 {folder / 'mailbox'}，台账在 {folder / 'tracker.db'}\n"
        f"the mails are in {folder / 'mailbox'}, the ledger in {folder / 'tracker.db'}; look closer with\n"
        f"  tracker --database sqlite:///{folder / 'tracker.db'} status --at 2022-06-10 --unit 万州\n"
    )


def _pass_the_year(app: App, clock: VirtualClock, seconds: float, pause: Callable[[float], None]) -> None:
    force = app.force
    first = force.campaign.issued
    clock.set(datetime.combine(first, time.min, force.zone))
    app.engine.bring_up_to_date(clock.now())
    answers = _made_up_answers(app, clock.now())
    wait = seconds / ((LAST_DAY - first).days + 1)
    with _screen(first) as show:
        day = first
        while day <= LAST_DAY:
            morning = datetime.combine(day, force.settings.send_at, force.zone)
            _answer(app, clock, answers, morning)
            clock.set(morning)
            app.engine.run_pass()
            _answer(app, clock, answers, datetime.combine(day, time(18), force.zone))
            with app.database.reading() as session:
                rows = ledger_rows(session, force, clock.now(), latest=clock.now())
            lights = Counter(row.light for row in rows)
            show(day, lights, [str(fact["subject"]) for fact in desk.mails(app, limit=SHOWN_MAILS)])
            pause(wait)
            day += timedelta(days=1)


def _made_up_answers(app: App, now: datetime) -> deque[Event]:
    """An answer for most of what falls due in the year, by the time at which it comes."""
    force = app.force
    dice = random.Random(SEED)  # noqa: S311 - the same year every time
    with app.database.reading() as session:
        rows = ledger_rows(
            session, force, now, latest=now, since=date.min, until=LAST_DAY + timedelta(days=1)
        )
    events = [event for row in rows if (event := _made_up(row, dice, app)) is not None]
    return deque(sorted(events, key=lambda event: event.at))


def _made_up(row: LedgerRow, dice: random.Random, app: App) -> Event | None:
    due, force = row.dates.effective_due, app.force
    luck = dice.randrange(100)
    if due is None or row.unit == SILENT or luck >= IN_TIME + LATE:
        return None
    offset = -dice.randrange(4) if luck < IN_TIME else dice.randrange(1, 20)
    day = max(due + timedelta(days=offset), row.dates.opens)
    at = datetime.combine(day, time(8 + dice.randrange(10), dice.randrange(60)), force.zone)
    kind = EventKind.NIL if row.definition.form and dice.randrange(25) == 0 else EventKind.SUBMIT
    name = force.campaign.units[row.unit].name
    return Event(
        at,
        row.ref,
        row.unit,
        kind,
        count=row.target if kind is EventKind.SUBMIT else None,
        who=name,
        via="demo",
    )


def _answer(app: App, clock: VirtualClock, answers: deque[Event], until: datetime) -> None:
    while answers and answers[0].at <= until:
        event = answers.popleft()
        clock.set(event.at)
        try:
            app.engine.record(event)
        except LedgerError:
            continue


@contextmanager
def _screen(first: date) -> Iterator[Show]:
    """On a terminal a picture that changes; into a pipe a line a week."""
    days = (LAST_DAY - first).days
    if not sys.stdout.isatty():
        yield _print_weekly
        return
    with Live(console=Console(), refresh_per_second=12) as live:
        yield lambda day, lights, mails: live.update(_picture(day, (day - first).days, days, lights, mails))


def _picture(day: date, passed: int, days: int, lights: Counter[Light], mails: list[str]) -> Group:
    bar = Text()
    total = max(1, sum(lights.values()))
    for light, style in STYLES.items():
        bar.append("█" * round(60 * lights[light] / total), style=style)
    legend = Text("  ".join(f"{light.value} {lights[light]}" for light in STYLES))
    return Group(
        Text(f"{day:%Y-%m-%d}", style="bold"),
        ProgressBar(total=days, completed=passed, width=60),
        bar,
        legend,
        *(Text(f"✉ {subject}", overflow="ellipsis", no_wrap=True) for subject in mails),
    )


def _print_weekly(day: date, lights: Counter[Light], mails: list[str]) -> None:
    if day.weekday() == 0:
        counts = " ".join(f"{light.value}={lights[light]}" for light in STYLES)
        sys.stdout.write(f"{day}  {counts}  ✉ {mails[-1] if mails else '—'}\n")
        sys.stdout.flush()
