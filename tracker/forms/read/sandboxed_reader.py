"""Files are read by a process with limits, and the service survives every file.

One process reads many files, as starting it takes longer than reading.  It is replaced when it ends, when a file
takes too long, and now and then, as memory only grows.
"""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Self

from tracker.errors import FileRefusedError
from tracker.forms.book import Book
from tracker.forms.read import reader_protocol, refusals
from tracker.forms.read.attached_files import Parcel
from tracker.forms.read.file_kind import check_size

#: On the clock, for one file; the process has a limit of its own for computing, which comes first.
SECONDS_PER_FILE = 20.0
FILES_PER_PROCESS = 300
_SECONDS_TO_LEAVE = 2.0
#: -I and -S: nothing of the environment, no start-up files; the path is handed over, so that the same package is
#: found from an installation, an editable one or a mere directory.
_PROGRAM = "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from tracker.forms.read.reader_process import main; main()"


class Reader:
    """Reads files, one at a time, from whichever thread asks.  A context manager, or ``close`` it.

    The process is started with the first file.
    """

    def __init__(
        self, *, seconds: float = SECONDS_PER_FILE, files_per_process: int = FILES_PER_PROCESS
    ) -> None:
        self._seconds = seconds
        self._files_per_process = files_per_process
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None
        self._files = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def process_id(self) -> int | None:
        """Of the process that reads now, if any."""
        return None if self._process is None else self._process.pid

    def read(self, name: str, data: bytes) -> Book | Parcel:
        """The book in ``data``, or the files in it; FileRefusedError where neither is to be had, for whatever reason."""
        check_size(data)
        with self._lock:
            answer = self._ask(name, data)
        if isinstance(answer, (Book, Parcel)):
            return answer
        raise FileRefusedError(refusals.TOO_COMPLEX) if answer is None else answer

    def close(self) -> None:
        """End the process.  A later ``read`` starts another."""
        with self._lock:
            self._leave()

    def _ask(self, name: str, data: bytes) -> Book | Parcel | FileRefusedError | None:
        """What a process answers; None where it ends over this file."""
        was_used = self._files > 0
        answer, is_end = self._ask_once(name, data)
        if answer is None and was_used and not is_end:
            # It may have been ended between two files, by somebody else or by the one before; not by this one.
            answer, _ = self._ask_once(name, data)
        return answer

    def _ask_once(self, name: str, data: bytes) -> tuple[Book | Parcel | FileRefusedError | None, bool]:
        """The answer, if any; and was it the file that took too long?"""
        answer, is_late = None, False
        process, line = self._ready()
        try:
            reader_protocol.send_file(line, name, data)
            answer = reader_protocol.receive_answer(line)
        except TimeoutError:
            is_late = True
        except (OSError, ValueError, TypeError, KeyError):
            pass  # it died, or what it says is no answer
        self._files += 1
        is_last = isinstance(answer, FileRefusedError) and answer.message == refusals.TOO_COMPLEX
        if answer is None or is_last or self._files >= self._files_per_process:
            self._leave(at_once=answer is None)
        return answer, is_late or process.returncode == -signal.SIGXCPU

    def _ready(self) -> tuple[subprocess.Popen[bytes], _Line]:
        if self._process is None or self._socket is None or self._process.poll() is not None:
            self._leave(at_once=True)
            self._socket, theirs = socket.socketpair()
            path = json.dumps([str(Path(each).absolute()) for each in sys.path])
            self._process = subprocess.Popen(  # noqa: S603 -- this very interpreter, and a program that stands above
                [sys.executable, "-I", "-S", "-c", _PROGRAM, path],
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                stderr=subprocess.DEVNULL,
                env={},
                start_new_session=True,  # Ctrl-C is for the service, which then closes this
            )
            theirs.close()
            self._files = 0
        return self._process, _Line(self._socket, self._seconds)

    def _leave(self, *, at_once: bool = False) -> None:
        process, self._process = self._process, None
        ours, self._socket = self._socket, None
        if ours is not None:
            ours.close()
        if process is None:
            return
        if at_once:
            process.kill()
        try:
            process.wait(_SECONDS_TO_LEAVE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class _Line:
    """What is said to a process and heard from it, all of it within so many seconds on the clock."""

    def __init__(self, end: socket.socket, seconds: float) -> None:
        self._end = end
        self._until = monotonic() + seconds

    def write(self, data: bytes) -> None:
        """Say something.  Raises TimeoutError, as ``read`` does, where the time is over."""
        self._wait()
        self._end.sendall(data)

    def read(self, length: int) -> bytes:
        """So many bytes; fewer where the process has ended."""
        data = memoryview(bytearray(length))
        got = 0
        while got < length:
            self._wait()
            more = self._end.recv_into(data[got:])
            if not more:
                break
            got += more
        return bytes(data[:got])

    def _wait(self) -> None:
        left = self._until - monotonic()
        if left <= 0:
            raise TimeoutError
        self._end.settimeout(left)
