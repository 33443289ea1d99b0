"""How the reading process and the service talk: lengths before bytes, and a book as JSON.

Of a parcel the JSON has the list of its files, and their bytes follow one after the other.
"""

from __future__ import annotations

import json
import struct
from datetime import datetime, time
from typing import Any, Protocol

from tracker.errors import FileRefusedError
from tracker.forms import limits
from tracker.forms.book import Book, Cell, Merge, Sheet
from tracker.forms.read import refusals
from tracker.forms.read.attached_files import Parcel, Piece

#: Lengths of the name and of the file.
_REQUEST = struct.Struct(">II")
_ANSWER = struct.Struct(">I")
#: An answer longer than this is none: 200,000 cells and ten million characters take less.
_LONGEST_ANSWER = 128 * 1024 * 1024


class Out(Protocol):
    """Where bytes go."""

    def write(self, data: bytes, /) -> object:
        """Some more of them."""


class In(Protocol):
    """Where bytes come from."""

    def read(self, length: int, /) -> bytes:
        """So many of them; fewer where there will be no more."""


def send_file(stream: Out, name: str, data: bytes) -> None:
    """Ask for a file to be read."""
    title = name.encode("utf-8", "replace")
    stream.write(b"".join((_REQUEST.pack(len(title), len(data)), title, data)))


def receive_file(stream: In) -> tuple[str, bytes] | None:
    """What is asked for; None when nothing will be asked any more."""
    header = stream.read(_REQUEST.size)
    if len(header) < _REQUEST.size:
        return None
    title, length = _REQUEST.unpack(header)
    return stream.read(title).decode("utf-8", "replace"), stream.read(length)


def send_answer(stream: Out, answer: Book | Parcel | FileRefusedError) -> None:
    """The book or the files, or why there are none."""
    if isinstance(answer, Parcel):
        told: dict[str, Any] = {
            "files": [
                (each.path, len(each.data), each.refused and each.refused.key, each.is_text)
                for each in answer.pieces
            ]
        }
    elif isinstance(answer, Book):
        told = {
            "name": answer.name,
            "kind": answer.kind,
            "sheets": list(map(_sheet, answer.sheets)),
        }
    else:
        told = {"refused": answer.code}
    packed = json.dumps(told, separators=(",", ":"), default=_moment).encode()
    stream.write(_ANSWER.pack(len(packed)))
    stream.write(packed)
    for piece in answer.pieces if isinstance(answer, Parcel) else ():
        stream.write(piece.data)


def receive_answer(stream: In) -> Book | Parcel | FileRefusedError | None:
    """The same at the other end; None where the process ended before it had answered.

    Raises KeyError for a reason that is none of ours.
    """
    header = stream.read(_ANSWER.size)
    if len(header) < _ANSWER.size:
        return None
    (length,) = _ANSWER.unpack(header)
    if length > _LONGEST_ANSWER:
        return None
    packed = stream.read(length)
    if len(packed) < length:
        return None
    told = json.loads(packed, object_hook=_moment_again)
    if "refused" in told:
        return FileRefusedError(refusals.BY_KEY[told["refused"]])
    if "files" in told:
        return _parcel_again(stream, told["files"])
    return Book(told["name"], told["kind"], tuple(_sheet_again(sheet) for sheet in told["sheets"]))


def _parcel_again(stream: In, files: list[Any]) -> Parcel | None:
    if sum(length for _, length, _, _ in files) > limits.MAX_UNPACKED:
        return None
    pieces = []
    for path, length, refused, is_text in files:
        data = stream.read(length)
        if len(data) < length:
            return None
        pieces.append(Piece(path, data, refused and refusals.BY_KEY[refused], is_text))
    return Parcel(tuple(pieces))


def _sheet(sheet: Sheet) -> dict[str, Any]:
    """Its cells in columns: most are a value and nothing else; ``more`` has what the others are besides."""
    return {
        "name": sheet.name,
        "hidden": sheet.is_hidden,
        "picture": sheet.has_picture,
        "faded": sorted(sheet.faded),
        "unseen": (sorted(sheet.hidden_rows), sorted(sheet.hidden_columns), sorted(sheet.struck)),
        "merges": sheet.merges,
        "rows": [row for row, _ in sheet.cells],
        "columns": [column for _, column in sheet.cells],
        "values": [cell.value for cell in sheet.cells.values()],
        "more": [
            (number, *cell[1:])
            for number, cell in enumerate(sheet.cells.values())
            if cell.formula is not None or cell.is_error or cell.shown is not None
        ],
    }


def _sheet_again(told: dict[str, Any]) -> Sheet:
    hidden_rows, hidden_columns, struck = told["unseen"]
    cells = list(map(Cell, told["values"]))
    for number, *more in told["more"]:
        cells[number] = Cell(cells[number].value, *more)
    return Sheet(
        told["name"],
        dict(zip(zip(told["rows"], told["columns"], strict=True), cells, strict=True)),
        tuple(Merge(*merge) for merge in told["merges"]),
        told["hidden"],
        frozenset(hidden_rows),
        frozenset(hidden_columns),
        frozenset((row, column) for row, column in struck),
        told["picture"],
        frozenset((row, column) for row, column in told["faded"]),
    )


def _moment(value: object) -> dict[str, str]:
    """What JSON has no word for."""
    if isinstance(value, datetime):
        return {"day": value.isoformat()}
    if isinstance(value, time):
        return {"time": value.isoformat()}
    raise TypeError(type(value))


def _moment_again(told: dict[str, Any]) -> object:
    if "day" in told:
        return datetime.fromisoformat(told["day"])
    return time.fromisoformat(told["time"]) if "time" in told else told
