"""What every test shares."""

import gc
import os
import shutil
import signal
from collections import OrderedDict

import pytest
from argon2 import PasswordHasher
from hypothesis import HealthCheck, settings
from sqlalchemy import Engine
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.dialects.sqlite.base import SQLiteDialect
from sqlalchemy.util import LRUCache

from tests.tools import QUICK
from tracker.access import accounts
from tracker.forms.write import blank

# The folders of tests are in memory where there is room: thousands of commits need not wait for a disk.
if QUICK is not None and shutil.disk_usage(QUICK).free > 4 << 30:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", QUICK)

pytest_plugins = ["tests.torture.record"]

CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)

#: So many blank forms are kept, about 15 kB each.
BLANKS = 2000

# Two busy cores make single examples slow; what is wrong shows in the result and not in the time.
settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("torture", deadline=None, max_examples=5000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


def pytest_collection_finish():
    """What the collection left stays: the collector of garbage need not walk through all of it over and over."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)


@pytest.fixture(autouse=True, scope="session")
def cheap_hashes():
    """Passwords hashed with the least that argon2 takes: what it costs is no business of most tests."""
    accounts._hasher.cache_clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(accounts, "_hasher", lambda: CHEAP)
        yield


def pytest_xdist_auto_num_workers() -> int:
    """Many tests wait for a process, a clock or a browser: meanwhile a core can do something else."""
    return (os.cpu_count() or 1) + 2


@pytest.fixture(autouse=True)
def signals_as_before():
    """``tracker run`` in this process heeds signals in its own way, and other tests' processes would inherit that."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, heed in before.items():
        signal.signal(number, heed)


@pytest.fixture(autouse=True, scope="session")
def statements_compiled_once():
    """What SQLAlchemy compiles a statement to is kept by each engine, and each ledger of a test has two.

    All in one kind of database speak the same dialect: it is compiled once in each process.
    """
    compiled: LRUCache[object, object] = LRUCache(1000)
    with pytest.MonkeyPatch.context() as patch:
        for dialect in (SQLiteDialect, PGDialect):
            patch.setattr(dialect, "__hash__", lambda self: hash(type(self)))
            patch.setattr(dialect, "__eq__", lambda self, other: type(self) is type(other))
        patch.setattr(Engine, "_compiled_cache", property(lambda _: compiled, lambda *_: None), raising=False)
        yield


@pytest.fixture(autouse=True, scope="session")
def blanks_written_once():
    """The same blank is the same bytes, as test_forms_blank has it: each process writes one, and so not for each test.

    Hundreds of them go with the mails of a morning, and many tests begin with the same morning.
    """
    write, written = blank.blank, OrderedDict()

    def write_once(form, **given):
        key = (form, repr(given))
        if key not in written:
            written[key] = write(form, **given)
            if len(written) > BLANKS:
                written.popitem(last=False)
        return written[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blank, "blank", write_once)
        yield
