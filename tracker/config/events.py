"""Reads a file of events: JSON Lines, CSV with a heading, or a YAML list, by its ending (docs/contract.md §5)."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime, time, tzinfo
from pathlib import Path
from typing import Any

from tracker.config.document import Sequential
from tracker.config.yamlnodes import read_document
from tracker.config.yamltext import CONTROL, LARGEST, NotTextError, control_message, decode
from tracker.core.model import Event, EventKind
from tracker.errors import ConfigError, Problem, TrackerError
from tracker.i18n.message import Message

FIELDS = ("at", "ref", "unit", "event", "count", "until", "who", "via", "reason", "note")

Row = tuple[int, Mapping[str, Any]]


def _as_written(event: Event) -> Event:
    return event


def read_events(
    path: Path, zone: tzinfo, unit_id: Callable[[str], str], meant: Callable[[Event], Event] = _as_written
) -> list[Event]:
    """The events of ``path`` in the order of the file; times without an offset are in ``zone``.

    A date alone is the first moment of that day.  ``unit_id`` makes an id of a unit's id, name or alias, ``meant``
    puts a reference in the place of what people call it.
    Raises ConfigError with every line that cannot be read.
    """
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        message = Message("config.unreadable", error=error)
        raise ConfigError((Problem(str(path), 0, 0, "", message),)) from None
    events: list[Event] = []
    problems: list[Problem] = []
    try:
        for line, row in _rows(path, data):
            try:
                events.append(meant(_event(row, zone, unit_id)))
            except TrackerError as error:
                problems.append(Problem(str(path), line, 1, "", error.message))
            except _WrongEventError as error:
                problems.append(Problem(str(path), line, 1, "", error.args[0]))
    except _UnreadableError as error:
        problems.append(Problem(str(path), error.line, 1, "", error.args[0]))
    except NotTextError as error:
        problems.append(Problem(str(path), *error.place, "", error.args[0]))
    if problems:
        raise ConfigError(tuple(problems))
    return events


class _WrongEventError(Exception):
    """Its argument says what is wrong with an event."""


class _UnreadableError(Exception):
    def __init__(self, line: int, message: Message) -> None:
        super().__init__(message)
        self.line = line


def _rows(path: Path, data: bytes) -> Iterator[Row]:
    suffix = path.suffix.lower()
    if suffix in (".yaml", ".yml"):
        return _yaml_rows(path, data)
    text = decode(data)
    return _csv_rows(text) if suffix == ".csv" else _json_rows(text)


def _csv_rows(text: str) -> Iterator[Row]:
    reader = csv.DictReader(io.StringIO(text))
    try:
        if repeated := _repeated(reader.fieldnames or ()):
            raise _UnreadableError(1, Message("config.events.column_twice", column=repeated))
        for row in reader:
            # A spreadsheet leaves cells empty where there is nothing to say.
            yield (
                reader.line_num,
                {key: value for key, value in row.items() if key and value not in (None, "")},
            )
    except csv.Error as error:
        raise _UnreadableError(reader.line_num, Message("config.events.no_csv", error=str(error))) from None


def _json_rows(text: str) -> Iterator[Row]:
    if text.lstrip().startswith("["):
        try:
            listed = json.loads(text, object_pairs_hook=_once)
        except (ValueError, RecursionError) as error:
            line = getattr(error, "lineno", 1)
            raise _UnreadableError(line, Message("config.events.no_json", error=str(error))) from None
        for row in listed:
            yield 1, _mapping(row, 1)
        return
    for line, each in enumerate(text.splitlines(), start=1):
        if each.strip():
            try:
                row = json.loads(each, object_pairs_hook=_once)
            except (ValueError, RecursionError) as error:
                raise _UnreadableError(
                    line, Message("config.events.no_json_line", error=str(error))
                ) from None
            yield line, _mapping(row, line)


def _yaml_rows(path: Path, data: bytes) -> Iterator[Row]:
    if not data.strip():
        return
    # The same reading as for the other files: bounded, and every scalar is the text that was typed.
    document = read_document(str(path), data)
    if document.problems:
        raise ConfigError(tuple(document.problems))
    if not isinstance(document.root, Sequential):
        raise _UnreadableError(1, Message("config.events.no_list"))
    for mark, row in zip(document.root.marks, document.root, strict=True):
        line = mark.line + 1
        mapping = _mapping(row, line)
        yield line, {key: value for key, value in mapping.items() if value not in ("", None)}


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON; of a key that stands twice, one value would be dropped in silence."""
    if repeated := _repeated(key for key, _ in pairs):
        raise ValueError(f"{repeated} stands twice")
    return dict(pairs)


def _repeated(names: Iterable[str]) -> str:
    return ", ".join(name for name, times in Counter(names).items() if name and times > 1)


def _mapping(row: object, line: int) -> Mapping[str, Any]:
    if not isinstance(row, dict):
        raise _UnreadableError(line, Message("config.events.no_event"))
    return row


def _event(row: Mapping[str, Any], zone: tzinfo, unit_id: Callable[[str], str]) -> Event:
    unknown = sorted(set(row) - set(FIELDS) - {"recorded_at"})
    if unknown:
        raise _WrongEventError(Message("config.events.unknown", fields=tuple(unknown), known=FIELDS))
    missing = [name for name in ("at", "ref", "unit", "event") if row.get(name) in (None, "")]
    if missing:
        raise _WrongEventError(Message("config.events.missing", fields=tuple(missing)))
    kind = str(row["event"])
    if kind not in set(EventKind):
        raise _WrongEventError(Message("config.events.kind", kind=kind, known=tuple(EventKind)))
    return Event(
        at=_moment(str(row["at"]), zone),
        ref=str(row["ref"]).strip(),
        unit=unit_id(str(row["unit"])),
        event=EventKind(kind),
        count=_count(row.get("count")),
        until=_day(row.get("until")),
        who=_text(row.get("who")),
        via=_text(row.get("via")),
        reason=_text(row.get("reason")),
        note=_text(row.get("note")),
    )


def _moment(text: str, zone: tzinfo) -> datetime:
    text = text.strip()
    try:
        if len(text) <= len("2022-05-05"):
            return datetime.combine(date.fromisoformat(text), time.min, zone)
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise _WrongEventError(Message("config.events.at", text=text)) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def _day(value: object) -> date | None:
    if value in (None, ""):
        return None
    try:
        return date.fromisoformat(str(value).strip())
    except ValueError:
        raise _WrongEventError(Message("config.events.until", text=str(value))) from None


def _count(value: object) -> int | None:
    if value in (None, ""):
        return None
    try:
        return int(str(value))
    except ValueError:
        raise _WrongEventError(Message("config.events.count", text=str(value))) from None


def _text(value: object) -> str | None:
    if value in (None, ""):
        return None
    found = CONTROL.search(text := str(value))
    if found is not None:
        raise _WrongEventError(control_message(found[0]))
    return text
