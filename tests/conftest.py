"""What every test shares."""

import gc
import os

import pytest
from argon2 import PasswordHasher
from hypothesis import HealthCheck, settings

from tracker.engine import accounts

pytest_plugins = ["tests.torture.record"]

CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)

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
