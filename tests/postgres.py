"""A private PostgreSQL for tests: one server for all workers of a test run, one database for each test.

The programs are looked for where PATH, ``pg_config`` and the usual folders have them; as root they run as another
user, for the server refuses root.  TRACKER_TEST_POSTGRES, the URL of somebody who may create databases, is taken
instead where it is set.  Without either ``tests.tools.missing`` decides.

``python -m tests.postgres FOLDER`` keeps the shared server: it lives as long as one of the workers does, however
that ends.
"""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import psycopg
from sqlalchemy.engine import URL, make_url

from tests.tools import QUICK, ROOT, missing
from tracker.store.database import open_database

ROLE = "tracker"

#: The tables, ready to be copied.
BLANK = "blank"

#: A collation that puts words in another order than their bytes: what depends on the order of bytes shows.
COLLATION = "LOCALE_PROVIDER icu ICU_LOCALE 'zh'"

#: For tests that never lose the machine itself: nothing waits for a disk.
CARELESS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}

PLACES = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/usr/local/pgsql/bin",
    "/opt/homebrew/opt/postgresql*/bin",
)

#: A server needs about 50 MB; a small /dev/shm, as containers have it, is none.
ROOM = 2**30


@cache
def programs() -> Path | None:
    """The folder with ``initdb`` and ``postgres``, of the newest version; None where there is none."""
    folders = [Path(name) for name in os.environ.get("PATH", "").split(os.pathsep) if name]
    config = shutil.which("pg_config")
    if config is not None:
        told = subprocess.run([config, "--bindir"], capture_output=True, text=True, check=False)
        folders.append(Path(told.stdout.strip()))
    found = [path for place in PLACES for path in Path("/").glob(place.lstrip("/"))]
    folders += sorted(found, key=_version, reverse=True)
    return next(
        (each for each in folders if all((each / name).is_file() for name in ("initdb", "postgres"))), None
    )


def _version(path: Path) -> int:
    digits = "".join(letter for letter in path.parent.name if letter.isdigit())
    return int(digits or 0)


class Server:
    """A server of our own in ``folder``, reached by a socket there."""

    def __init__(self, folder: Path, **settings: str) -> None:
        bin_ = programs()
        assert bin_ is not None
        self.bin = bin_
        self.folder = folder
        self.data = folder / "data"
        self.settings = settings
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def _as(self) -> dict[str, object]:
        """Whom the programs run as: as root somebody else, for they refuse root."""
        if os.geteuid() != 0:
            return {}
        names = {entry.pw_name: entry for entry in pwd.getpwall()}
        entry = names.get("postgres") or names["nobody"]
        return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}

    def create(self) -> None:
        """Make the files of an empty server."""
        who = self._as
        if who:
            os.chown(self.folder, int(str(who["user"])), int(str(who["group"])))
        arguments = ["--no-sync", "--auth=trust", f"--username={ROLE}", "--encoding=UTF8", "--locale=C"]
        command = [str(self.bin / "initdb"), *arguments, "--wal-segsize=1", f"--pgdata={self.data}"]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False, **who)  # type: ignore[call-overload]
        assert done.returncode == 0, done.stderr

    def start(self) -> None:
        """Start it, and wait until it answers."""
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.folder),
            "max_connections": "200",
            "shared_buffers": "32MB",
            "min_wal_size": "2MB",
            "autovacuum_naptime": "10s",
            **self.settings,
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [str(self.bin / "postgres"), "-D", str(self.data), *options],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **self._as,  # type: ignore[call-overload]
            )
        self.wait()

    def wait(self, seconds: float = 20) -> None:
        """Until it answers."""
        end = time.monotonic() + seconds
        while True:
            assert self.process is None or self.process.poll() is None, (self.folder / "log").read_text()
            try:
                self.run("SELECT 1")
            except psycopg.OperationalError:
                assert time.monotonic() < end, (self.folder / "log").read_text()
                time.sleep(0.02)
            else:
                return

    def stop(self, number: int = signal.SIGQUIT) -> None:
        """SIGQUIT is ``-m immediate``: no goodbye, and recovery at the next start."""
        if self.process is not None:
            self.process.send_signal(number)
            self.process.wait(20)
            self.process = None

    def pids(self) -> list[int]:
        """The server's own process, and one for each connection and task."""
        assert self.process is not None
        first = self.process.pid
        told = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(first)], capture_output=True, text=True, check=False
        )
        return [first, *(int(line) for line in told.stdout.split())]

    def signal_all(self, number: int) -> None:
        """To each of them; SIGSTOP and SIGCONT."""
        for pid in self.pids():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def url(self, database: str = "postgres") -> URL:
        """The address of one of its databases, as the service takes it."""
        return URL.create("postgresql+psycopg", ROLE, database=database, query={"host": str(self.folder)})

    def run(self, statement: str, database: str = "postgres") -> list[tuple[object, ...]]:
        """One statement, past the product."""
        return run(self.url(database), statement)

    def make(self, name: str) -> str:
        """A new empty database; its address."""
        self.run(f'CREATE DATABASE "{name}"')
        return shown(self.url(name))


@contextlib.contextmanager
def server(**settings: str) -> Iterator[Server]:
    """A server that this test alone may stop, freeze and kill."""
    if programs() is None:
        missing("PostgreSQL is not installed")
    with _folder() as folder:
        own = Server(folder, **settings)
        own.create()
        own.start()
        try:
            yield own
        finally:
            with contextlib.suppress(ProcessLookupError):
                own.signal_all(signal.SIGCONT)
            own.stop()


def shown(url: URL) -> str:
    return url.render_as_string(hide_password=False)


def run(url: URL | str, statement: str) -> list[tuple[object, ...]]:
    """One statement of a superuser, past the product."""
    plain = make_url(url).set(drivername="postgresql")
    with psycopg.connect(shown(plain), autocommit=True, connect_timeout=5) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


# The shared one.


@cache
def shared() -> URL:
    """The server that all workers of this run share; a database there from which databases can be made."""
    given = os.environ.get("TRACKER_TEST_POSTGRES")
    if given:
        url = make_url(given).set(drivername="postgresql+psycopg")
        with contextlib.suppress(psycopg.errors.UniqueViolation, psycopg.errors.DuplicateDatabase):
            _make_blank(url)
        return url
    if programs() is None:
        missing("PostgreSQL is not installed, and TRACKER_TEST_POSTGRES names none")
    return _kept()


def _kept() -> URL:
    run_id = os.environ.get("PYTEST_XDIST_TESTRUNUID", f"alone-{os.getpid()}")
    folder = Path(_parent()) / f"tracker-pg-{run_id[:12]}"
    folder.mkdir(exist_ok=True)
    # Held until this process ends, whichever way: while anybody holds it the server stays.
    alive = os.open(folder / "alive", os.O_RDWR | os.O_CREAT)
    fcntl.flock(alive, fcntl.LOCK_SH)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "ready").exists():
            with (folder / "keeper.log").open("w") as log:
                keeper = subprocess.Popen(
                    [sys.executable, "-m", "tests.postgres", str(folder)],
                    cwd=ROOT,
                    env={**os.environ, "PYTHONPATH": str(ROOT)},
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
            while not (folder / "ready").exists():
                assert keeper.poll() is None, (folder / "keeper.log").read_text()
                time.sleep(0.02)
    return Server(folder).url()


def _keep(folder: Path) -> None:
    """The server as long as somebody holds ``alive``; then nothing is left of it."""
    kept = Server(folder, **CARELESS)
    kept.create()
    kept.start()
    try:
        _make_blank(kept.url())
        (folder / "ready").touch()
        with (folder / "alive").open() as alive:
            fcntl.flock(alive, fcntl.LOCK_EX)
    finally:
        kept.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _make_blank(url: URL) -> None:
    try:
        run(url, f"CREATE DATABASE {BLANK} TEMPLATE template0 {COLLATION}")
    except (psycopg.errors.SyntaxError, psycopg.errors.FeatureNotSupported):
        # Before version 15, or built without ICU.
        run(url, f"CREATE DATABASE {BLANK}")
    open_database(shown(url.set(database=BLANK))).close()


_numbers = itertools.count()


def fresh() -> str:
    """The address of a database of its own with empty tables; ``drop`` it."""
    url = shared()
    name = f"t_{os.getpid()}_{next(_numbers)}"
    run(url, f"CREATE DATABASE {name} TEMPLATE {BLANK}")
    return shown(url.set(database=name))


def empty() -> str:
    """The same without tables."""
    url = shared()
    name = f"e_{os.getpid()}_{next(_numbers)}"
    run(url, f"CREATE DATABASE {name}")
    return shown(url.set(database=name))


def drop(url: str) -> None:
    """Away with it, whoever is connected."""
    name = make_url(url).database
    run(shared(), f"DROP DATABASE {name} WITH (FORCE)")


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=_parent(), prefix="tracker-pg-") as folder:
        yield Path(folder)


def _parent() -> str:
    if QUICK is not None and shutil.disk_usage(QUICK).free > ROOM:
        return QUICK
    return tempfile.gettempdir()


if __name__ == "__main__":
    _keep(Path(sys.argv[1]))
