"""What a zip archive or a mail holds: files, each with its bytes or the reason why there are none."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tracker.i18n.message import Message

#: What systems and programs leave beside the files of people.
_NOISE = re.compile(
    r"(?:\A|/)(?:__MACOSX/.*|\.[^/]*|~\$[^/]*|~[^/]*\.tmp|Thumbs\.db|desktop\.ini)\Z", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Piece:
    """One file of a parcel: its path, beginning with the name of the parcel, and its bytes, or why there are none.

    ``is_text`` says that it is what a mail itself says, and no file.
    """

    path: str
    data: bytes = b""
    refused: Message | None = None
    is_text: bool = False


@dataclass(frozen=True, slots=True)
class Parcel:
    """Every file in a mail, in its order, or in an archive, in the order in which they were written.

    Those of archives and mails inside it stand in their place.
    """

    pieces: tuple[Piece, ...]


def is_noise(path: str) -> bool:
    """Whether a file is of a system or a program, and nobody sends it: .DS_Store, ~$表.xlsx."""
    return _NOISE.search(path) is not None
