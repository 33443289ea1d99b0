"""What visitors send, until it is read: so much of one body, and so much of all that are held at a time.

Forms of words are held in memory, files on disk (which may be memory, too, as ``/tmp`` in many containers is).
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import IO, Any
from urllib.parse import parse_qsl

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import Field, File, FormParser, create_form_parser
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request

from tracker.errors import TrackerError
from tracker.i18n.message import Message
from tracker.web.base.capacity import BusyError, Capacity, UntakenError

KILOBYTE, MEGABYTE = 1024, 1024 * 1024

#: Bytes of a form: of whoever is not known, of words (a hundred thousand Chinese signs are shown again to whoever sends
#: too many of them), and of one that brings files.
STRANGERS, WORDS, FILES = 16 * KILOBYTE, 1 * MEGABYTE, 12 * MEGABYTE

#: Of one form.
MAX_FILES, MAX_FIELDS = 12, 5_000

#: So much of a form with files is taken apart at once.
_PIECE = 64 * KILOBYTE

log = logging.getLogger("tracker.web")
# What is wrong with a form its sender is told; strangers must not fill the log with it.
logging.getLogger("python_multipart").setLevel(logging.CRITICAL)

Read = Callable[[], FormData]
Receive = Callable[[Request, Sequence[str]], AbstractAsyncContextManager[Read]]
Parts = list[tuple[str, str | UploadFile]]


def _words() -> Capacity:
    # A thousand strangers at once hold a quarter of it.
    return Capacity(64 * MEGABYTE, 8 * WORDS, 32 * WORDS)


def _files() -> Capacity:
    return Capacity(256 * MEGABYTE, 3 * FILES, 8 * FILES)


@dataclass(frozen=True)
class Bodies:
    """The rooms of a process: in memory, and on disk."""

    words: Capacity = field(default_factory=_words)
    files: Capacity = field(default_factory=_files)

    def words_of(self, request: Request, whose: Sequence[str]) -> AbstractAsyncContextManager[Read]:
        """What reads a form of words, once it has come.  Raises UntakenError for a body that is too large."""
        return self._in_memory(request, whose, WORDS)

    def strangers_of(self, request: Request, whose: Sequence[str]) -> AbstractAsyncContextManager[Read]:
        """The same for a form of whoever is not known."""
        return self._in_memory(request, whose, STRANGERS)

    @asynccontextmanager
    async def _in_memory(self, request: Request, whose: Sequence[str], largest: int) -> AsyncIterator[Read]:
        body = bytearray()

        async def keep(piece: bytes) -> None:
            body.extend(piece)

        async with _received(request, largest, self.words, whose, keep):
            yield lambda: _parse_words(body)

    @asynccontextmanager
    async def files_of(self, request: Request, whose: Sequence[str]) -> AsyncIterator[Read]:
        """The same for a form that brings files, which comes to lie on disk."""
        with _on_disk() as file:

            async def keep(piece: bytes) -> None:
                await run_in_threadpool(_put, file, piece)

            async with _received(request, FILES, self.files, whose, keep):
                yield lambda: _parse_files(request.headers.get("content-type", ""), file)


@asynccontextmanager
async def _received(
    request: Request,
    largest: int,
    room: Capacity,
    whose: Sequence[str],
    keep: Callable[[bytes], Coroutine[Any, Any, None]],
) -> AsyncIterator[None]:
    """The body has come and takes its room, until the end."""
    if int(request.headers.get("content-length", "0")) > largest:
        raise _too_large(largest)
    size = 0
    try:
        async for piece in request.stream():
            if size + len(piece) > largest:
                raise _too_large(largest)
            room.take(whose, len(piece))
            size += len(piece)
            await keep(piece)
        yield
    finally:
        room.give_back(whose, size)


def _too_large(largest: int) -> UntakenError:
    if largest == FILES:
        return UntakenError(413, TrackerError("files_too_large", most=largest // MEGABYTE))
    return UntakenError(413, TrackerError("words_too_long", most=largest // KILOBYTE))


def _on_disk() -> IO[bytes]:
    try:
        return tempfile.TemporaryFile(buffering=0)
    except OSError as error:
        raise _no_disk(error) from None


def _put(file: IO[bytes], piece: bytes) -> None:
    """Raises BusyError where the disk has no room."""
    left = memoryview(piece)
    try:
        while left:
            left = left[file.write(left) :]
    except OSError as error:
        raise _no_disk(error) from None


def _no_disk(error: OSError) -> BusyError:
    log.warning("%s", Message("service.no_disk", folder=tempfile.gettempdir(), error=error))
    return BusyError()


def _parse_words(body: bytearray) -> FormData:
    """Raises UntakenError for what is no form."""
    try:
        return FormData(Parts(parse_qsl(body.decode(), True, max_num_fields=MAX_FIELDS)))
    except ValueError:
        raise UntakenError(400, TrackerError("no_web_form")) from None


def _parse_files(kind: str, file: IO[bytes]) -> FormData:
    """The same; a form of another kind brings none."""
    if not kind.lower().startswith("multipart/form-data"):
        return FormData()
    found: Parts = []

    def on_field(each: Field) -> None:
        found.append((_text(each.field_name), _text(each.value)))
        _refuse_many(found)

    def on_file(each: File) -> None:
        name = _text(each.file_name)
        each.file_object.seek(0)
        found.append((_text(each.field_name), UploadFile(each.file_object, size=each.size, filename=name)))
        _refuse_many(found)

    try:
        parser: FormParser = create_form_parser(
            {"Content-Type": kind.encode()}, on_field, on_file, {"MAX_MEMORY_FILE_SIZE": FILES}
        )
        file.seek(0)
        while piece := file.read(_PIECE):
            parser.write(piece)
        parser.finalize()
    except (FormParserError, ValueError):
        raise UntakenError(400, TrackerError("no_web_form")) from None
    return FormData(found)


def _refuse_many(found: Parts) -> None:
    if len(found) > MAX_FIELDS:
        raise UntakenError(400, TrackerError("no_web_form"))
    if sum(isinstance(each, UploadFile) for _, each in found) > MAX_FILES:
        raise UntakenError(400, TrackerError("too_many_files", most=MAX_FILES))


def _text(given: bytes | None) -> str:
    try:
        return (given or b"").decode()
    except UnicodeDecodeError:
        return (given or b"").decode("latin-1")
