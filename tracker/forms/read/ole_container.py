"""A stream out of an OLE container, read as far as it can be: [MS-CFB], without what xlrd insists on."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence

_ENTRY = 128
_ROOT = 5
_FIRST_SECTORS = struct.Struct("<109i")


def workbook_stream(data: bytes) -> bytes | None:
    """The bytes of the workbook's stream; None where there is none to be found."""
    try:
        return _Container(data).stream(("workbook", "book"))
    except (struct.error, IndexError, ValueError):
        return None


class _Container:
    def __init__(self, data: bytes) -> None:
        self._data = data
        shift, small_shift = struct.unpack_from("<HH", data, 0x1E)
        self._size, self._small = 1 << min(shift, 16), 1 << min(small_shift, 16)
        (directory,) = struct.unpack_from("<i", data, 0x30)
        self._least, self._small_table = struct.unpack_from("<Ii", data, 0x38)
        self._table = self._allocation()
        self._entries = self._chain(directory, self._table, self._sector)

    def stream(self, names: Sequence[str]) -> bytes | None:
        """The first of these streams; names are in lower case."""
        found: dict[str, tuple[int, int]] = {}
        root = -1
        for at in range(0, len(self._entries) - _ENTRY + 1, _ENTRY):
            entry = self._entries[at : at + _ENTRY]
            (length,) = struct.unpack_from("<H", entry, 64)
            name = entry[: max(0, min(length, 64) - 2)].decode("utf-16-le", "replace").lower()
            start, size = struct.unpack_from("<iI", entry, 116)
            found.setdefault(name, (start, size))
            root = start if entry[66] == _ROOT else root
        place = next((found[name] for name in names if name in found), None)
        if place is None:
            return None
        start, size = place
        if size >= self._least:
            return self._chain(start, self._table, self._sector, size)
        small = self._chain(root, self._table, self._sector)
        table = _numbers(self._chain(self._small_table, self._table, self._sector))
        return self._chain(start, table, lambda at: small[at * self._small : (at + 1) * self._small], size)

    def _sector(self, at: int) -> bytes:
        return self._data[(at + 1) * self._size : (at + 2) * self._size]

    def _allocation(self) -> list[int]:
        """Which sector follows which."""
        sectors = [at for at in _FIRST_SECTORS.unpack_from(self._data, 0x4C) if at >= 0]
        (further,) = struct.unpack_from("<i", self._data, 0x44)
        seen: set[int] = set()
        while further >= 0 and further not in seen and (numbers := _numbers(self._sector(further))):
            seen.add(further)
            sectors += [at for at in numbers[:-1] if at >= 0]
            further = numbers[-1]
        most = len(self._data) // self._size + 1
        return [
            number
            for at in dict.fromkeys(sectors[:most])
            for number in _numbers(self._sector(at).ljust(self._size, b"\xff"))
        ]

    def _chain(
        self, start: int, table: Sequence[int], piece: Callable[[int], bytes], length: int | None = None
    ) -> bytes:
        """Sector after sector, as long as there are any that were not there before."""
        pieces, got, seen = [], 0, set[int]()
        while start >= 0 and start not in seen and (length is None or got < length):
            seen.add(start)
            pieces.append(piece(start))
            got += len(pieces[-1])
            start = table[start] if start < len(table) else -1
        return b"".join(pieces)[:length]


def _numbers(data: bytes) -> list[int]:
    return list(struct.unpack(f"<{len(data) // 4}i", data[: len(data) // 4 * 4]))
