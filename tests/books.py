"""Files that are to be one table themselves, and no parcel of others."""

from __future__ import annotations

from tracker.forms.book import Book
from tracker.forms.guard import read_file
from tracker.forms.parcel import Parcel


def book(read: Book | Parcel) -> Book:
    """What was read, which is a book."""
    assert isinstance(read, Book)
    return read


def read_book(name: str, data: bytes) -> Book:
    """The book in ``data``, read in this process."""
    return book(read_file(name, data))
