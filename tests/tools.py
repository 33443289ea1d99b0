"""What tests of the whole product share: a place with files, commands in it, processes, and shapes of JSON."""

from __future__ import annotations

import contextlib
import csv
import fcntl
import io
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from tracker.cli.main import main
from tracker.i18n.message import Message, say

ROOT = Path(__file__).resolve().parents[1]


def in_zh(message: Message | None) -> str:
    """The sentence in Chinese; nothing where there is none."""
    return "" if message is None else say(message, "zh")


def in_en(message: Message | None) -> str:
    """The sentence in English; nothing where there is none."""
    return "" if message is None else say(message, "en")


CAMPAIGN = """\
campaign:
  title: 安全培训专项治理
  document: 试发〔2022〕1号
  issued: 2022-04-08
  chase_from: 2022-04-08
  timezone: Asia/Shanghai
  language: zh
  # nobody above: a test should not depend on the weekday on which it runs
  task_count: 2
tasks:
  - id: 1
    section: 一、总体要求
    text: 严把数据质量关。
    owners: 各区
    deadline: 持续推进
  - id: 2
    section: 二、执法检查
    text: 每个区至少曝光2家企业。
    owners: 各区
    deadline: 2022年6月底前，并持续推进
    requirement: 每个区至少2家。
    target: {count: 2, of: 典型案例, owners: 各区}
    deliverables:
      - id: first-list
        title: 第一批名单
        owners: 万州
        deadline: 2022年5月20日前
        submit_to: list@kaoshi.example
      - id: experience
        title: 上月经验做法
        deadline: 2022年5月起-10月，每月5日前
reports:
  - id: table-2
    title: 汇总表（培训机构）
    owners: 各区
    deadline: 2022年5月起，每月5日前
    acceptance: true
"""

UNITS = """\
units:
  - id: center
    name: 市考试中心
    aliases: [市中心]
    contacts: []
  - id: wanzhou
    name: 万州区应急管理局
    aliases: [万州, 万州区]
    contacts: [{name: 万州联络员, email: wanzhou@unit.example}]
  - id: fuling
    name: 涪陵区应急管理局
    aliases: [涪陵]
    reports_to: center
    contacts: [{name: Fuling Office, email: fuling@unit.example, language: en}]
groups:
  - id: districts
    name: 各区
    members: [wanzhou, fuling]
"""

SETTINGS = """\
mail:
  from: {name: 督办提醒, email: tracker@kaoshi.example}
  mailbox: var/kept
operator: {name: 管理员, email: operator@kaoshi.example, language: zh}
"""

#: A folder in memory where there is one: what these tests write needs no disk.
QUICK = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None

#: So many units that a pass takes a moment.
MANY = 60


@dataclass(frozen=True)
class Done:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        """JSON Lines."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def csv(self) -> list[dict[str, str]]:
        return list(csv.DictReader(io.StringIO(self.out)))


class Place:
    """A folder with ``config/``; commands run in it as a person would run them there."""

    def __init__(self, folder: Path, *, tasks: str = CAMPAIGN, units: str = UNITS, settings: str = SETTINGS):
        self.folder = folder
        self.config = folder / "config"
        self.config.mkdir(parents=True, exist_ok=True)
        for name, text in (("tasks", tasks), ("units", units), ("settings", settings)):
            (self.config / f"{name}.yaml").write_text(text, encoding="utf-8")

    @property
    def tasks(self) -> Path:
        return self.config / "tasks.yaml"

    @property
    def mailbox(self) -> Path:
        return self.folder / "var" / "mailbox"

    def tracker(self, *arguments: object, **environ: str) -> Done:
        """``tracker …`` in this process, through the function that the console script calls."""
        out, err = io.StringIO(), io.StringIO()
        with contextlib.ExitStack() as stack:
            patch = stack.enter_context(pytest.MonkeyPatch.context())
            patch.chdir(self.folder)
            for name in [name for name in os.environ if name.startswith(("TRACKER_", "LC_", "LANG"))]:
                patch.delenv(name)
            patch.setenv("TRACKER_ALLOW_ROOT", "1")
            for name, value in environ.items():
                patch.setenv(name, value)
            stack.enter_context(contextlib.redirect_stdout(out))
            stack.enter_context(contextlib.redirect_stderr(err))
            left = stack.enter_context(pytest.raises(SystemExit))
            main([str(each) for each in arguments])
        code = left.value.code
        return Done(int(code or 0), out.getvalue(), err.getvalue())

    def ok(self, *arguments: object, **environ: str) -> Done:
        """The same, of a command that must do well."""
        done = self.tracker(*arguments, **environ)
        assert done.code == 0, done.err
        return done

    def json(self, *arguments: object, **environ: str) -> Any:
        return self.ok(*arguments, "--format", "json", **environ).json

    def mails(self, *arguments: object) -> list[Any]:
        """What ``tracker mail list`` tells."""
        return self.ok("mail", "list", "--format", "json", *arguments).lines

    def letters(self, mailbox: str = "var/mailbox") -> list[EmailMessage]:
        """The mails in a Maildir, parsed."""
        return letters(self.folder / mailbox)

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        """Rows from the database, past the product."""
        with contextlib.closing(
            sqlite3.connect(self.folder / "var" / "tracker.db", timeout=30)
        ) as connection:
            rows = connection.execute(statement).fetchall()
            connection.commit()
            return rows

    def start(self, *arguments: object, **environ: str) -> subprocess.Popen[str]:
        """``tracker …`` as a process of its own."""
        return subprocess.Popen(
            command(*arguments),
            cwd=self.folder,
            env=clean_environ(environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            # Whoever runs the tests in the background has interrupts ignored, and children inherit that.
            preexec_fn=_heed_interrupts,  # noqa: PLW1509 - no thread of ours runs then
        )

    def process(self, *arguments: object, **environ: str) -> Done:
        """The same, to its end."""
        with self.start(*arguments, **environ) as running:
            out, err = running.communicate(timeout=60)
        return Done(running.returncode, out, err)


@contextlib.contextmanager
def quick_folder() -> Iterator[Path]:
    """An empty folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(dir=QUICK, prefix="tracker-test-") as folder:
        yield Path(folder)


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """A folder that ``make`` has filled, once for all workers of a test run; nobody changes it afterwards."""
    root = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent
    folder = root / name
    with (root / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            draft = root / f"{name}.draft"
            shutil.rmtree(draft, ignore_errors=True)
            draft.mkdir()
            make(draft)
            draft.rename(folder)
    return folder


def made_json(factory: pytest.TempPathFactory, name: str, make: Callable[[], Any]) -> Any:
    """The same of a value that JSON can hold."""

    def write(folder: Path) -> None:
        (folder / "made.json").write_text(json.dumps(make(), ensure_ascii=False), encoding="utf-8")

    return json.loads((made_once(factory, name, write) / "made.json").read_text(encoding="utf-8"))


#: ``python -m tracker`` with another second at which the engine is woken.
TICKING = """\
import sys
from tracker import daemon
from tracker.cli.main import main
daemon.TICK = sys.argv.pop(1)
main()
"""


def command(*arguments: object, tick: str = "") -> list[str]:
    program = ["-c", TICKING, tick] if tick else ["-m", "tracker"]
    return [sys.executable, *program, *(str(each) for each in arguments)]


def _heed_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def clean_environ(more: Mapping[str, str]) -> dict[str, str]:
    """Nothing of the tester's own settings, whoever the tester is; the checkout is found wherever the process runs.

    What is compiled may be kept: so many processes need not all compile the same again.
    """
    others = ("TRACKER_", "LC_", "LANG", "COLUMNS", "PYTHONDONTWRITEBYTECODE")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(others)}
    return {**kept, "PYTHONPATH": str(ROOT), "TRACKER_ALLOW_ROOT": "1", **more}


def many_units(count: int = MANY, domain: str = "unit.example") -> str:
    """``units.yaml`` with that many units, all of the group that CAMPAIGN asks."""
    lines = ["units:"]
    lines.append("  - {id: center, name: 市考试中心, aliases: [市中心, 万州]}")
    for number in range(count):
        contact = f"{{name: 联络员, email: u{number}@{domain}}}"
        lines.append(f"  - {{id: u{number}, name: 单位{number}, contacts: [{contact}]}}")
    members = ", ".join(f"u{number}" for number in range(count))
    return "\n".join([*lines, "groups:", f"  - {{id: districts, name: 各区, members: [{members}]}}", ""])


class Service:
    """A running ``tracker run``; what it says is read from a file, so that no pipe can fill up."""

    def __init__(
        self, place: Place, *arguments: object, prefix: tuple[str, ...] = (), tick: str = "", **environ: str
    ) -> None:
        self.place = place
        number = len(list(place.folder.glob("service-*.log")))
        self.log = place.folder / f"service-{number}.log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [*prefix, *command("run", "--no-web", *arguments, tick=tick)],
                cwd=place.folder,
                env=clean_environ(environ),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def said(self) -> str:
        return self.log.read_text(encoding="utf-8")

    def wait_for(self, text: str, seconds: float = 20, *, times: int = 1) -> float:
        """Until it has said ``text`` so many times; how long that took."""
        return wait_until(lambda: self.said().count(text) >= times, seconds, lambda: f"{text}\n{self.said()}")

    def stop(self, number: int = signal.SIGTERM, seconds: float = 60) -> tuple[int, float]:
        """Its exit code, and how long it took to end."""
        start = time.monotonic()
        self.process.send_signal(number)
        return self.process.wait(seconds), time.monotonic() - start


@contextlib.contextmanager
def service(place: Place, *arguments: object, **more: Any) -> Iterator[Service]:
    """A service that does not outlive the test; it has told where to look when the block begins."""
    running = Service(place, *arguments, **more)
    try:
        running.wait_for("in force")
        yield running
    finally:
        if running.process.poll() is None:
            running.process.kill()
        running.process.wait()


#: A machine may be so many times as slow as the one on which a test was written.
PATIENCE = 6

#: No test says how fast a machine is: this is less than what the mistake would take, and more than a busy one needs.
SOON = 25


def wait_until(holds: Any, seconds: float, what: Any = lambda: "it never came to hold") -> float:
    """Until it holds, ``seconds`` on an idle machine at most; how long that took."""
    start = time.monotonic()
    while not holds():
        assert time.monotonic() - start < seconds * PATIENCE, what()
        time.sleep(0.05)
    return time.monotonic() - start


def letters(maildir: Path) -> list[EmailMessage]:
    """The mails in a Maildir, parsed."""
    files = [*maildir.glob("new/*"), *maildir.glob("cur/*")]
    return [message_from_bytes(path.read_bytes(), policy=policy.default) for path in files]


def found_in(pattern: str, text: str, group: int = 0) -> str:
    """What ``pattern`` finds first in ``text``, where it must find something."""
    match = re.search(pattern, text)
    assert match is not None, f"{pattern} is not in {text[:2000]}"
    return match[group]


def required(tool: str) -> str:
    """The path of a program that a test needs; without it the test is skipped, unless that is forbidden."""
    found = shutil.which(tool)
    if found is None:
        missing(f"{tool} is not installed")
    assert found is not None
    return found


def missing(what: str) -> None:
    """Skip, or with TRACKER_TEST_NO_SKIP fail: on the machine that decides nothing goes untested."""
    if os.environ.get("TRACKER_TEST_NO_SKIP"):
        pytest.fail(f"{what}, and TRACKER_TEST_NO_SKIP is set")
    pytest.skip(what)


# Shapes of JSON.

DATE = re.compile(r"\d{4}-\d\d-\d\d")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d")
REF = re.compile(r"[0-9a-z-]+(/[0-9a-z-]+)?(@\d{4}(-\d\d|-Q[1-4]|-H[12]|-W\d\d)?)?")
PERIOD = re.compile(r"\d{4}(-\d\d|-Q[1-4]|-H[12]|-W\d\d)?")
ADDRESS = re.compile(r"[^@ ]+@[^@ ]+")


@dataclass(frozen=True)
class OneOf:
    """Any of these shapes."""

    shapes: tuple[Any, ...]


def maybe(shape: Any) -> OneOf:
    return OneOf((shape, None))


def misfits(value: Any, shape: Any, path: str = "$") -> list[str]:
    """Where ``value`` is not of ``shape``: a type, a pattern, a set of words, a list, or a dict of shapes."""
    if isinstance(shape, OneOf):
        return [] if any(not misfits(value, each) for each in shape.shapes) else [f"{path}: {value!r}"]
    if isinstance(shape, dict):
        if not isinstance(value, dict):
            return [f"{path}: {value!r} is no object"]
        found = [f"{path}.{key} is missing" for key in shape if key not in value]
        for key in shape.keys() & value.keys():
            found += misfits(value[key], shape[key], f"{path}.{key}")
        return found
    if isinstance(shape, list):
        if not isinstance(value, list):
            return [f"{path}: {value!r} is no list"]
        return [
            each for number, one in enumerate(value) for each in misfits(one, shape[0], f"{path}[{number}]")
        ]
    if isinstance(shape, re.Pattern):
        fits = isinstance(value, str) and shape.fullmatch(value) is not None
    elif isinstance(shape, frozenset):
        fits = value in shape
    elif shape is None:
        fits = value is None
    else:
        fits = type(value) is shape
    return [] if fits else [f"{path}: {value!r}"]
