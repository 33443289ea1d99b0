"""Files that are to be one table themselves, and no parcel of others."""

from __future__ import annotations

from tracker.forms.book import Book
from tracker.forms.read.attached_files import Parcel
from tracker.forms.read.file_kind import read_file


def book(read: Book | Parcel) -> Book:
    """What was read, which is a book."""
    assert isinstance(read, Book)
    return read


def read_book(name: str, data: bytes) -> Book:
    """The book in ``data``, read in this process."""
    return book(read_file(name, data))
