"""A small campaign, its SQLite file and a scripted mail server: run it, let time pass, score it."""

from __future__ import annotations

import contextlib
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from tests.tools import Place, quick_folder, wait_until
from tests.torture import ready
from tests.trust.score import Score, score
from tracker.clock import SystemClock, VirtualClock
from tracker.planning.plan import plan
from tracker.service.app import App

#: What every clock shows when a test begins: 10:00 in Chongqing on a Wednesday, two days after the time was up.
MOMENT = datetime(2022, 6, 8, 2, 0, tzinfo=UTC)

CAMPAIGN = """\
campaign:
  title: 安全培训专项治理
  document: 试发〔2022〕1号
  issued: 2022-04-08
  chase_from: 2022-04-08
  timezone: Asia/Shanghai
  language: zh
  task_count: 1
tasks:
  - {id: 1, section: 一、总体要求, text: 报送工作方案。, owners: 各区, deadline: 2022年6月6日前}
"""

SETTINGS = """\
mail:
  from: {{name: 督办提醒, email: tracker@kaoshi.internal}}
  transport: smtp+plain://127.0.0.1:{port}
  connections: {connections}
operator: {{name: 管理员, email: operator@kaoshi.internal}}
"""

PASSED = "2000-01-01 00:00:00.000000"


def units(addresses: Sequence[Sequence[str]]) -> str:
    """``units.yaml``: a unit for each group of addresses."""
    lines = ["units:"]
    for number, group in enumerate(addresses):
        contacts = ", ".join(f"{{name: 联络员, email: {address}}}" for address in group)
        lines.append(f"  - {{id: u{number}, name: 单位{number}, contacts: [{contacts}]}}")
    members = ", ".join(f"u{number}" for number in range(len(addresses)))
    return "\n".join([*lines, "groups:", f"  - {{id: districts, name: 各区, members: [{members}]}}", ""])


def each_alone(count: int, domain: str = "unit.internal") -> list[list[str]]:
    """So many units with one address each."""
    return [[f"u{number}@{domain}"] for number in range(count)]


@dataclass(frozen=True, slots=True)
class Remains:
    """Whether SQLite finds the file ``is_whole``, the state of each mail by Message-ID, and what version made it."""

    is_whole: bool
    mails: dict[str, str]
    schema: str = ""

    def untold(self, taken: Sequence[str]) -> list[str]:
        """Those that the server took and nobody wrote down as sent, once for each time."""
        return [id_ for id_ in taken if self.mails.get(id_) != "sent"]


class Post(Protocol):
    """A mail server: where it is, how many talk to it, and the Message-IDs of what it took, copies included."""

    port: int
    open: int

    @property
    def ids(self) -> list[str]: ...


@dataclass
class Bureau:
    """One place with its mail server; ``ahead`` is how many seconds its clock is ahead of ours.

    ``facts`` (see ``tests.torture.ready``) and ``environ`` go to whatever is started here.
    """

    place: Place
    server: Post
    ahead: float
    facts: dict[str, float] = field(default_factory=dict)
    environ: dict[str, str] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        return self.place.folder

    def start(self, *arguments: str, waits: bool = False) -> ready.Process:
        """``tracker ARGUMENTS`` here; one that ``waits`` does nothing until it is let go."""
        facts = {"clock": self.ahead, **self.facts}
        return ready.start(self.folder, *arguments, facts=facts, waits=waits, **self.environ)

    def run_once(self) -> str:
        """One pass, to its end; what it said."""
        process = self.start("run", "--once", "--send-now")
        assert process.wait(120) == 0, process.said()
        assert "Traceback" not in process.said(), process.said()
        self.wait_for_silence()
        return process.said()

    def wait_for_silence(self) -> None:
        """Until the server has read all that a dead process has left on the wire."""
        wait_until(lambda: self.server.open == 0, 20, lambda: "a connection stays open")

    def plan(self) -> None:
        """Everything that a pass does before it sends."""
        now = VirtualClock(MOMENT)
        database = f"sqlite:///{self.folder / 'var' / 'tracker.db'}"
        with contextlib.closing(App(self.place.config, database=database, environ={}, clock=now)) as app:
            app.engine.bring_up_to_date(MOMENT)
            with app.database.writing() as session:
                plan(session, app.snapshot, MOMENT, at_once=True)

    def copy(self, folder: Path) -> Bureau:
        """Another one, which stands as this one does."""
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        twin = Place.__new__(Place)
        twin.folder, twin.config = folder, folder / "config"
        return replace(self, place=twin)

    def time_passes(self) -> None:
        """So much that every lease has run out and every wait is over."""
        self.place.query(f"UPDATE mail SET lease_until = '{PASSED}' WHERE lease_until IS NOT NULL")
        self.place.query(
            f"UPDATE mail SET not_before = '{PASSED}' WHERE state IN ('queued', 'deferred', 'uncertain')"
        )
        self.place.query("DELETE FROM meta WHERE name IN ('pace', 'doors')")

    def come_to_rest(self, most: int = 15) -> int:
        """Pass after pass, and time between them, until nothing waits any more; how many passes."""
        for number in range(1, most + 1):
            self.time_passes()
            self.run_once()
            if not set(self.states()) & {"queued", "claimed", "deferred", "uncertain"}:
                return number
        raise AssertionError(f"it never comes to rest: {self.states()}")

    def states(self) -> Counter[str]:
        return Counter(str(state) for (state,) in self.place.query("SELECT state FROM mail"))

    def enqueued(self) -> dict[str, str]:
        """State by Message-ID; nothing where there are no tables yet."""
        if not self.place.query("SELECT 1 FROM sqlite_master WHERE name = 'mail'"):
            return {}
        return {str(id_): str(state) for id_, state in self.place.query("SELECT message_id, state FROM mail")}

    def score(self, unanswered: Sequence[str] = ()) -> Score:
        return score(self.enqueued(), self.server.ids, unanswered)

    def later(self, minutes: float) -> None:
        """The clock of whoever starts next."""
        self.ahead += minutes * 60

    def found(self) -> Remains:
        """What a process has left, looked at in a copy: putting the file in order is left to the next process."""
        if not (self.folder / "var" / "tracker.db").exists():
            return Remains(True, {})
        with quick_folder() as folder:
            copy = self.copy(folder)
            is_whole = copy.place.query("PRAGMA integrity_check") == [("ok",)]
            has_meta = copy.place.query("SELECT 1 FROM sqlite_master WHERE name = 'meta'")
            found = copy.place.query("SELECT value FROM meta WHERE name = 'schema'") if has_meta else []
            return Remains(is_whole, copy.enqueued(), *(str(schema) for (schema,) in found))


@contextlib.contextmanager
def bureau(
    addresses: Sequence[Sequence[str]], server: Post, *, connections: int = 4, **facts: float
) -> Iterator[Bureau]:
    """A place with units of these addresses; nothing has run yet."""
    with quick_folder() as folder:
        settings = SETTINGS.format(port=server.port, connections=connections)
        place = Place(folder / "bureau", tasks=CAMPAIGN, units=units(addresses), settings=settings)
        yield Bureau(place, server, (MOMENT - SystemClock().now()).total_seconds(), facts)


def total(scores: Sequence[Score]) -> Score:
    """The sum of several runs."""
    return Score(*(sum(getattr(each, part.name) for each in scores) for part in fields(Score)))
