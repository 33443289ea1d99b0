"""How the reading process and the service talk: lengths before bytes, and a book as JSON.

Of a parcel the JSON has the list of its files, and their bytes follow one after the other.
"""

from __future__ import annotations

import json
import struct
from datetime import datetime, time
from typing import IO, Any

from tracker.errors import FileRefusedError
from tracker.forms import limits
from tracker.forms.book import Book, Cell, Content, Merge, Sheet
from tracker.forms.parcel import Parcel, Piece

#: Lengths of the name and of the file.
_REQUEST = struct.Struct(">II")
_ANSWER = struct.Struct(">I")
#: An answer longer than this is none: 200,000 cells and ten million characters take less.
_LONGEST_ANSWER = 128 * 1024 * 1024


def send_file(stream: IO[bytes], name: str, data: bytes) -> None:
    """Ask for a file to be read."""
    title = name.encode("utf-8", "replace")
    stream.write(_REQUEST.pack(len(title), len(data)))
    stream.write(title)
    stream.write(data)
    stream.flush()


def receive_file(stream: IO[bytes]) -> tuple[str, bytes] | None:
    """What is asked for; None when nothing will be asked any more."""
    header = stream.read(_REQUEST.size)
    if len(header) < _REQUEST.size:
        return None
    title, length = _REQUEST.unpack(header)
    return stream.read(title).decode("utf-8", "replace"), stream.read(length)


def send_answer(stream: IO[bytes], answer: Book | Parcel | FileRefusedError) -> None:
    """The book or the files, or why there are none."""
    if isinstance(answer, Parcel):
        told: dict[str, Any] = {
            "files": [(each.path, len(each.data), each.refused, each.is_text) for each in answer.pieces]
        }
    elif isinstance(answer, Book):
        told = {
            "name": answer.name,
            "kind": answer.kind,
            "sheets": list(map(_sheet, answer.sheets)),
        }
    else:
        told = {"refused": answer.said}
    packed = json.dumps(told, separators=(",", ":")).encode()
    stream.write(_ANSWER.pack(len(packed)))
    stream.write(packed)
    if isinstance(answer, Parcel):
        stream.writelines(each.data for each in answer.pieces)
    stream.flush()


def receive_answer(stream: IO[bytes]) -> Book | Parcel | FileRefusedError | None:
    """The same at the other end; None where the process ended before it had answered."""
    header = stream.read(_ANSWER.size)
    if len(header) < _ANSWER.size:
        return None
    (length,) = _ANSWER.unpack(header)
    if length > _LONGEST_ANSWER:
        return None
    packed = stream.read(length)
    if len(packed) < length:
        return None
    told = json.loads(packed)
    if "refused" in told:
        zh, en = told["refused"]
        return FileRefusedError(str(zh), str(en))
    if "files" in told:
        return _parcel_again(stream, told["files"])
    return Book(told["name"], told["kind"], tuple(_sheet_again(sheet) for sheet in told["sheets"]))


def _parcel_again(stream: IO[bytes], files: list[Any]) -> Parcel | None:
    if sum(length for _, length, _, _ in files) > limits.MAX_UNPACKED:
        return None
    pieces = []
    for path, length, refused, is_text in files:
        data = stream.read(length)
        if len(data) < length:
            return None
        pieces.append(Piece(path, data, None if refused is None else (refused[0], refused[1]), is_text))
    return Parcel(tuple(pieces))


def _sheet(sheet: Sheet) -> dict[str, Any]:
    return {
        "name": sheet.name,
        "hidden": sheet.is_hidden,
        "unseen": (sorted(sheet.hidden_rows), sorted(sheet.hidden_columns), sorted(sheet.struck)),
        "merges": [
            (each.first_row, each.first_column, each.last_row, each.last_column) for each in sheet.merges
        ],
        "cells": [
            (*place, _plain(cell.value))
            if cell.formula is None and not cell.is_error
            else (*place, _plain(cell.value), cell.formula, cell.is_error)
            for place, cell in sheet.cells.items()
        ],
    }


def _sheet_again(told: dict[str, Any]) -> Sheet:
    rows, columns, struck = told["unseen"]
    return Sheet(
        told["name"],
        {(row, column): Cell(_content(value), *rest) for row, column, value, *rest in told["cells"]},
        tuple(Merge(*merge) for merge in told["merges"]),
        told["hidden"],
        frozenset(rows),
        frozenset(columns),
        frozenset((row, column) for row, column in struck),
    )


def _plain(value: Content) -> object:
    if isinstance(value, datetime):
        return {"d": value.isoformat()}
    if isinstance(value, time):
        return {"t": value.isoformat()}
    return value


def _content(value: Any) -> Content:
    if isinstance(value, dict):
        return datetime.fromisoformat(value["d"]) if "d" in value else time.fromisoformat(value["t"])
    return value  # type: ignore[no-any-return]
