"""The engine's tests run on SQLite, and again on PostgreSQL: the long ones there under torture."""

import pytest

from tests import decoy, postgres
from tests.world import Running

#: What runs on both, and of these what is long.
ON_BOTH = (
    "test_engine",
    "test_outbox",
    "test_second_look",
    "test_upward",
    "test_explain",
    "test_filings",
    "test_kept_dates",
    "test_settlement",
)
#: What runs a third time, on SQLite, in a ledger that holds another campaign as well.
BESIDE_ANOTHER = (
    *("test_engine", "test_upward", "test_explain", "test_filings", "test_kept_dates", "test_settlement"),
)
LONG = (
    "test_reminders_for_june_and_october",
    "test_whatever_the_post_does",
    "test_a_mountain_of_mail",
    "test_explain_agrees_with_the_outbox",
    "test_other_late_months",
    "test_what_is_settled_and_taken_back",
)


def pytest_generate_tests(metafunc):
    if not metafunc.module.__name__.endswith(ON_BOTH):
        return
    marks = [pytest.mark.torture] if metafunc.function.__name__.startswith(LONG) else []
    stores = ["sqlite", pytest.param("postgres", marks=marks)]
    if metafunc.module.__name__.endswith(BESIDE_ANOTHER):
        stores.append(pytest.param("shared", marks=marks))
    metafunc.parametrize("store", stores, indirect=True)


@pytest.fixture(autouse=True)
def store(request, monkeypatch):
    """The kind of database in which engines keep their tables; each engine has one of its own."""
    kind = getattr(request, "param", "sqlite")
    made = []

    def new_database():
        made.append(postgres.fresh())
        return made[-1]

    if kind == "shared":
        monkeypatch.setattr(Running, "decoy", staticmethod(decoy.plant))
    if kind == "postgres":
        postgres.shared()
        monkeypatch.setattr(Running, "new_database", staticmethod(new_database))
    yield kind
    for url in made:
        postgres.drop(url)
