"""The list of places where people's data is kept: all of them, and as the page says."""

from pathlib import Path

from sqlalchemy import LargeBinary, String

from tracker.store import database as _  # noqa: F401 - every table
from tracker.store.personal_data import KEPT, WITHOUT, table_of_kept
from tracker.store.tables import Base

PAGE = Path(__file__).parents[2] / "docs" / "privacy.md"


def test_every_column_of_text_or_bytes_is_in_the_list_or_names_nobody():
    listed = [f"{each.table}.{column}" for each in KEPT for column in each.columns]
    found = {
        f"{table.name}.{column.name}"
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if isinstance(getattr(column.type, "impl_instance", column.type), String | LargeBinary)
    }
    assert len(listed) == len(set(listed))
    assert not WITHOUT & set(listed)
    assert WITHOUT | set(listed) == found


def test_the_page_shows_the_list():
    assert table_of_kept() in PAGE.read_text(encoding="utf-8")
