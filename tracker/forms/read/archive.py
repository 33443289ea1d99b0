"""The parts of a zip archive, unpacked within limits: by what its directory says, and by what really comes out."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator

from tracker.forms import limits
from tracker.forms.read import refusals
from tracker.forms.read.refusals import refuse

#: Large, as expat before 2.6 scans an unfinished token anew with every chunk.
_CHUNK = 4 * limits.MEGABYTE
_ENTRY = b"PK\x01\x02"
_IS_ENCRYPTED = 0x1
#: LZMA and the like are no part of either format, and their memory is the sender's choice.
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
#: What a broken archive makes the standard library raise, besides its own.
BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    UnicodeError,
    ValueError,
    IndexError,
    OSError,
)


class Archive:
    """An opened archive; names are looked up without case and with either slash, as some writers are careless."""

    def __init__(self, data: bytes) -> None:
        # The directory is parsed in Python, an object per entry: count before that.
        if data.count(_ENTRY) > limits.MAX_MEMBERS:
            refuse(refusals.BOMB)
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
        except BROKEN:
            refuse(refusals.BROKEN)
        members = self._zip.infolist()
        if sum(member.file_size for member in members) > limits.MAX_UNPACKED:
            refuse(refusals.BOMB)
        # Not by ``is_dir``, which before Python 3.12 fails over a member without a name.
        self._members = {
            _key(member.filename): member
            for member in members
            if member.filename and not member.filename.endswith("/")
        }
        self._unpacked = 0

    def __contains__(self, name: str) -> bool:
        return _key(name) in self._members

    @property
    def names(self) -> tuple[str, ...]:
        """Every part, in lower case and with forward slashes."""
        return tuple(self._members)

    @property
    def entries(self) -> tuple[zipfile.ZipInfo, ...]:
        """Every file as the directory has it, those of one name too."""
        return tuple(
            each for each in self._zip.infolist() if each.filename and not each.filename.endswith("/")
        )

    def chunks(self, name: str) -> Iterator[bytes]:
        """What part ``name`` holds; refused where it is more than it may be, is encrypted, or does not unpack."""
        member = self._members.get(_key(name))
        if member is None:
            refuse(refusals.BROKEN)
        yield from self.unpacked(member)

    def unpacked(self, member: zipfile.ZipInfo) -> Iterator[bytes]:
        """The same of one of ``entries``."""
        if member.flag_bits & _IS_ENCRYPTED:
            refuse(refusals.ENCRYPTED)
        if member.compress_type not in _METHODS:
            refuse(refusals.BROKEN)
        size = 0
        try:
            with self._zip.open(member) as stream:
                while chunk := stream.read(_CHUNK):
                    size += len(chunk)
                    self._unpacked += len(chunk)
                    if size > limits.MAX_MEMBER or self._unpacked > limits.MAX_UNPACKED:
                        refuse(refusals.BOMB)
                    yield chunk
        except BROKEN:
            refuse(refusals.BROKEN)

    def read(self, name: str, at_most: int = limits.MEGABYTE) -> bytes:
        """The beginning of a small part."""
        data = b""
        for chunk in self.chunks(name):
            data += chunk
            if len(data) >= at_most:
                break
        return data[:at_most]


def _key(name: str) -> str:
    return name.replace("\\", "/").lstrip("/").lower()
