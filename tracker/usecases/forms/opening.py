"""Opens files that were handed in: what tables each holds, or what becomes of it without any."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic

from tracker.core.form import Form, Said
from tracker.errors import FileRefusedError
from tracker.forms.book import Book
from tracker.forms.check.form_fields import Month
from tracker.forms.check.recognise import recognise
from tracker.forms.check.recognised import Recognised
from tracker.forms.finding import Finding, Weight
from tracker.forms.read import refusals
from tracker.forms.read.attached_files import is_noise
from tracker.forms.read.sandboxed_reader import Reader
from tracker.i18n.message import Message
from tracker.usecases.forms.folder import FileInFolder
from tracker.usecases.forms.taken import TakenForm


@dataclass(frozen=True, slots=True)
class OpenedFile:
    """A file that was read: ``found`` are its tables, or ``told`` what becomes of it without any.

    ``name`` is within an archive or a mail the path that begins with the name of that, ``folder`` where it lay.
    """

    name: str
    data: bytes = b""
    folder: str = ""
    found: tuple[Recognised, ...] = ()
    told: tuple[TakenForm, ...] = ()

    @property
    def cells(self) -> int:
        """How many cells its tables have."""
        return sum(len(part.sheet.cells) for each in self.found for part in (each, *each.continued))


def open_lying(
    reader: Reader, forms: Mapping[str, Form], lying: FileInFolder, until: float, asked: Month | None = None
) -> list[OpenedFile]:
    """Open a file that lies in a folder."""
    name = lying.path.name
    if lying.is_noise or is_noise(name):
        return [_passed_over(name)]
    data = lying.read()
    return (
        open_file(reader, forms, name, data, lying.folder, until, asked)
        if isinstance(data, bytes)
        else [refused(name, data)]
    )


def open_file(
    reader: Reader,
    forms: Mapping[str, Form],
    name: str,
    data: bytes,
    folder: str,
    until: float,
    asked: Month | None = None,
) -> list[OpenedFile]:
    """Open a file, or each of those in it; those that are not begun ``until`` then (monotonic) are refused.

    ``asked`` is the month for which tables are asked: of a sheet for each month it is that one which is taken.

    Whatever is wrong is a finding, never an exception.
    """
    if monotonic() > until:
        return [refused(name, refusals.TOO_MANY_AT_ONCE)]
    try:
        read = reader.read(name, data)
    except FileRefusedError as error:
        return [refused(name, error.message)]
    if isinstance(read, Book):
        recognition = recognise(read, forms, asked)
        if recognition.tables:
            return [OpenedFile(name, data, folder, recognition.tables)]
        return [OpenedFile(name, told=(TakenForm(name, findings=recognition.findings),))]
    opened: list[OpenedFile] = []
    for piece in read.pieces:
        if piece.refused is not None:
            opened.append(refused(piece.path, piece.refused))
        elif is_noise(piece.path):
            opened.append(_passed_over(piece.path))
        else:
            within = open_file(reader, forms, piece.path, piece.data, folder, until, asked)
            # What a mail says itself is told of only where it holds a table.
            opened += [each for each in within if each.found or not piece.is_text]
    return opened or [refused(name, refusals.NOTHING_INSIDE)]


def _passed_over(name: str) -> OpenedFile:
    """What is said of a file that nobody sends."""
    said = Said("系统或软件自己的文件，略过。", "A file of the system or of a program; passed over.")
    return OpenedFile(name, told=(TakenForm(name, findings=(Finding(Weight.READING, said),)),))


def refused(name: str, said: Message) -> OpenedFile:
    """A file that is not taken, and why."""
    return OpenedFile(name, told=(TakenForm(name, findings=(Finding(Weight.ERROR, said),)),))
