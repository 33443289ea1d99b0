"""The process in which files are opened: it limits itself, then answers on standard output what it is sent.

Started by ``apart``.  Whatever happens here, an expat that loops or an xlrd that fills the memory, ends here.
"""

from __future__ import annotations

import contextlib
import gc
import math
import os
import resource
import sys

from tracker.errors import FileRefusedError
from tracker.forms import limits
from tracker.forms.book import Book
from tracker.forms.read import reader_protocol, refusals
from tracker.forms.read.attached_files import Parcel
from tracker.forms.read.file_kind import read_file

_MEMORY = 1024 * limits.MEGABYTE
#: Of computing, for one file.
_SECONDS = 15
_OPEN_FILES = 24
#: Made and not ended, before those among them are looked for that hold each other.
_THINGS = 50_000


def main() -> None:
    """Read files until there are no more, or until one has used up the memory."""
    requests = sys.stdin.buffer
    # Libraries print; what they print must not stand between the answers.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
    _limit()
    # A book is a great many small things and hardly a circle among them: look for those more seldom.
    gc.freeze()
    gc.set_threshold(_THINGS)
    while (request := reader_protocol.receive_file(requests)) is not None:
        _renew()
        try:
            answer = _read(*request)
            reader_protocol.send_answer(answers, answer)
            answers.flush()
        except MemoryError:
            # Who knows what is half done now: say so and let a fresh process read the next file.
            reader_protocol.send_answer(answers, FileRefusedError(refusals.TOO_COMPLEX))
            answers.flush()
            return


def _read(name: str, data: bytes) -> Book | Parcel | FileRefusedError:
    try:
        return read_file(name, data)
    except FileRefusedError as refusal:
        return refusal
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 -- a file must not end the process for the next one
        return FileRefusedError(refusals.BROKEN)


def _limit() -> None:
    """No more memory, no file written, few opened, nothing started, no core."""
    sys.dont_write_bytecode = True
    for what, most in (
        (resource.RLIMIT_AS, _MEMORY),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, _OPEN_FILES),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        # Not every system has every limit; the time on the clock is watched from outside.
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(what, (most, most))


def _renew() -> None:
    """Time for one more file, counted from what the process has used so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    most = math.ceil(used.ru_utime + used.ru_stime) + _SECONDS
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CPU, (most, resource.getrlimit(resource.RLIMIT_CPU)[1]))
