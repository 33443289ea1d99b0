"""What the service tells while it runs: lines for people on standard error, or JSON lines with TRACKER_LOG=json.

Everything goes through the standard library's logging, so whoever embeds the service may route it elsewhere.
"""

from __future__ import annotations

import contextlib
import json
import logging
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime

from tracker.errors import ConfigError, Problem, TrackerError
from tracker.i18n.catalogue import Language
from tracker.i18n.message import Message, both, say

#: A library that says the same as we do, only later and with less sense.
QUIET = ("apscheduler", "asyncio")


class HumanFormatter(logging.Formatter):
    """``2022-05-05 09:00:00  mail: 41 written; 41 sent``; an error in one line, its traceback at ``debug``."""

    def __init__(self, *, debug: bool = False) -> None:
        super().__init__()
        self._debug = debug

    def format(self, record: logging.LogRecord) -> str:
        """One record as one line."""
        moment = datetime.fromtimestamp(record.created, UTC).astimezone()
        level = "" if record.levelno <= logging.INFO else f"{record.levelname.lower()}: "
        line = f"{moment:%Y-%m-%d %H:%M:%S}  {level}{_said(record)}"
        if record.exc_info is None or record.exc_info[1] is None:
            return line
        if self._debug:
            return f"{line}\n{self.formatException(record.exc_info)}"
        return f"{line}: {_in_short(record.exc_info[1])}"


class JsonFormatter(logging.Formatter):
    """One JSON object a line: ``at``, ``level``, ``logger``, ``message``, and ``exception`` with its traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """One record as one line."""
        facts = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _said(record),
        }
        if record.exc_info is not None and record.exc_info[1] is not None:
            facts["exception"] = self.formatException(record.exc_info)
        return json.dumps(facts, ensure_ascii=False)


class _CommandFormatter(logging.Formatter):
    """The message alone, in the reader's language as far as it has one."""

    def __init__(self, language: Callable[[], Language]) -> None:
        super().__init__()
        self._language = language

    def format(self, record: logging.LogRecord) -> str:
        """One record as a sentence."""
        return _said(record, self._language())


def _said(record: logging.LogRecord, language: Language | None = None) -> str:
    """A record with what it tells of said in ``language``, or in both where that is None: several people read a log."""
    if not record.args or not isinstance(record.args, tuple):
        return record.getMessage()
    return str(record.msg) % tuple(_as_read(each, language) for each in record.args)


def _as_read(told: object, language: Language | None) -> object:
    if isinstance(told, Problem):
        return str(told) if language is None else told.said(language)
    if isinstance(told, TrackerError) and not isinstance(told, ConfigError):
        told = told.message
    if isinstance(told, Message):
        return both(told) if language is None else say(told, language, on_command_line=True)
    return told


class _Handler(logging.Handler):
    """Ours, so that it can be told from what others have hung on the root logger."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line to whatever standard error is by now."""
        try:
            line = self.format(record)
        except Exception:  # noqa: BLE001 - somebody's wrong call of the log must not end the service
            line = f"{record.levelname} {record.name} {record.msg!r}"
        # Where nobody listens any more nobody misses it; the service goes on.
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.write(f"{line}\n")
            sys.stderr.flush()


def set_up(environ: Mapping[str, str]) -> None:
    """Send everything from INFO up (of others: from WARNING up) to standard error."""
    handler = _Handler()
    as_json = environ.get("TRACKER_LOG", "").strip().lower() == "json"
    handler.setFormatter(
        JsonFormatter() if as_json else HumanFormatter(debug=bool(environ.get("TRACKER_DEBUG")))
    )
    root = logging.getLogger()
    for old in [each for each in root.handlers if isinstance(each, _Handler)]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    logging.getLogger("tracker").setLevel(logging.INFO)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.ERROR)


@contextlib.contextmanager
def of_command(language: Callable[[], Language]) -> Iterator[None]:
    """Meanwhile warnings are sentences in ``language``, as far as they have it; the service's log stays as it is."""
    root = logging.getLogger()
    if any(isinstance(each, _Handler) for each in root.handlers):
        yield
        return
    handler = _Handler(logging.WARNING)
    handler.setFormatter(_CommandFormatter(language))
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)


def _in_short(error: BaseException) -> str:
    """The error in one line, with the place in our own code that it came from."""
    place = ""
    traceback = error.__traceback__
    while traceback is not None:
        code = traceback.tb_frame.f_code
        if "tracker" in code.co_filename:
            place = f" ({code.co_filename.rpartition('/')[2]}:{traceback.tb_lineno})"
        traceback = traceback.tb_next
    message = str(error).splitlines()
    return f"{type(error).__name__}: {message[0] if message else ''}{place}"
