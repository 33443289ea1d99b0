"""A finished zip file of which one part is put in anew, the others staying as they are, bytes and all.

Deflating the parts of a workbook again would cost more than writing it; this costs a copy of the bytes.
"""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from xml.sax.saxutils import escape
from zipfile import ZipFile

#: Where checksum and sizes stand in a part's own head, and in its entry of the directory (APPNOTE.TXT 4.3.7, 4.3.12).
_IN_HEAD, _IN_ENTRY = 14, 16
#: Where the offset of the head stands in an entry, and that of the directory at the end of the file.
_OFFSET_IN_ENTRY, _OFFSET_AT_END = 42, 16
_ENTRY, _END = 46, 22


class Parted:
    """A zip file without comments, as xlsxwriter writes it; ``part`` is the content of the part called ``name``."""

    def __init__(self, data: bytes, name: str) -> None:
        with ZipFile(BytesIO(data)) as file:
            infos = file.infolist()
            info = file.getinfo(name)
            self.part = file.read(info)
            directory = file.start_dir
        content = info.header_offset + 30 + sum(struct.unpack_from("<HH", data, info.header_offset + 26))
        self._before, self._head = data[: info.header_offset], data[info.header_offset : content]
        self._after = data[content + info.compress_size : directory]
        self._directory, self._end = data[directory:-_END], data[-_END:]
        #: Where the entry of the part stands in the directory, and those of the parts behind it in the file.
        self._entry, self._moved, at = 0, [], 0
        for each in infos:
            if each.header_offset == info.header_offset:
                self._entry = at
            elif each.header_offset > info.header_offset:
                self._moved.append(at + _OFFSET_IN_ENTRY)
            at += _ENTRY + sum(struct.unpack_from("<HHH", self._directory, at + 28))
        self._packed = info.compress_size

    def with_part(self, part: bytes) -> bytes:
        """The file with ``part`` in the place of what was there."""
        deflating = zlib.compressobj(zlib.Z_DEFAULT_COMPRESSION, zlib.DEFLATED, -zlib.MAX_WBITS)
        packed = deflating.compress(part) + deflating.flush()
        facts = struct.pack("<LLL", zlib.crc32(part), len(packed), len(part))
        longer = len(packed) - self._packed
        head, directory, end = bytearray(self._head), bytearray(self._directory), bytearray(self._end)
        head[_IN_HEAD : _IN_HEAD + 12] = facts
        directory[self._entry + _IN_ENTRY : self._entry + _IN_ENTRY + 12] = facts
        for at in self._moved:
            _add(directory, at, longer)
        _add(end, _OFFSET_AT_END, longer)
        return b"".join((self._before, head, packed, self._after, directory, end))


def text_in(text: str) -> str:
    """``text`` as it stands among the texts of a workbook."""
    return escape(text)


def _add(data: bytearray, at: int, number: int) -> None:
    struct.pack_into("<L", data, at, struct.unpack_from("<L", data, at)[0] + number)
