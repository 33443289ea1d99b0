"""Reads a file of events: JSON Lines, CSV with a heading, or a YAML list, by its ending (CONTRACT.md §5)."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, time, tzinfo
from pathlib import Path
from typing import Any

import yaml

from tracker.core.model import Event, EventKind
from tracker.errors import ConfigError, Problem, TrackerError

FIELDS = ("at", "ref", "unit", "event", "count", "until", "who", "via", "reason", "note")

Row = tuple[int, Mapping[str, Any]]


def read_events(path: Path, zone: tzinfo, unit_id: Callable[[str], str]) -> list[Event]:
    """The events of ``path`` in the order of the file; times without an offset are in ``zone``.

    A date alone is the first moment of that day.  ``unit_id`` makes an id of a unit's id, name or alias.
    Raises ConfigError with every line that cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ConfigError((Problem(str(path), 0, 0, "", f"cannot be read: {reason}"),)) from None
    events: list[Event] = []
    problems: list[Problem] = []
    try:
        for line, row in _rows(path, text):
            try:
                events.append(_event(row, zone, unit_id))
            except (ValueError, TrackerError) as error:
                problems.append(Problem(str(path), line, 1, "", str(error)))
    except _UnreadableError as error:
        problems.append(Problem(str(path), error.line, 1, "", str(error)))
    if problems:
        raise ConfigError(tuple(problems))
    return events


class _UnreadableError(Exception):
    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


def _rows(path: Path, text: str) -> Iterator[Row]:
    suffix = path.suffix.lower()
    if suffix == ".csv":
        return _csv_rows(text)
    if suffix in (".yaml", ".yml"):
        return _yaml_rows(text)
    return _json_rows(text)


def _csv_rows(text: str) -> Iterator[Row]:
    reader = csv.DictReader(io.StringIO(text))
    for row in reader:
        # A spreadsheet leaves cells empty where there is nothing to say.
        yield reader.line_num, {key: value for key, value in row.items() if key and value not in (None, "")}


def _json_rows(text: str) -> Iterator[Row]:
    if text.lstrip().startswith("["):
        try:
            listed = json.loads(text)
        except ValueError as error:
            raise _UnreadableError(getattr(error, "lineno", 1), f"this is not JSON: {error}") from None
        for row in listed:
            yield 1, _mapping(row, 1)
        return
    for line, each in enumerate(text.splitlines(), start=1):
        if each.strip():
            try:
                row = json.loads(each)
            except ValueError as error:
                raise _UnreadableError(line, f"this line is not JSON: {error}") from None
            yield line, _mapping(row, line)


def _yaml_rows(text: str) -> Iterator[Row]:
    try:
        # BaseLoader reads every scalar as the text that it is, so that no date or word is reinterpreted.
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        listed = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506 - BaseLoader makes strings only
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        raise _UnreadableError(mark.line + 1 if mark else 1, f"this is not YAML: {error}") from None
    if node is None:
        return
    if not isinstance(node, yaml.SequenceNode):
        raise _UnreadableError(1, "expected a list of events")
    for place, row in zip(node.value, listed, strict=True):
        line = place.start_mark.line + 1
        mapping = _mapping(row, line)
        yield line, {key: value for key, value in mapping.items() if value not in ("", "null", "~")}


def _mapping(row: object, line: int) -> Mapping[str, Any]:
    if not isinstance(row, dict):
        raise _UnreadableError(line, "expected an event with at, ref, unit and event")
    return row


def _event(row: Mapping[str, Any], zone: tzinfo, unit_id: Callable[[str], str]) -> Event:
    unknown = sorted(set(row) - set(FIELDS) - {"recorded_at"})
    if unknown:
        raise ValueError(f"unknown field {', '.join(unknown)}; expected {', '.join(FIELDS)}")
    missing = [name for name in ("at", "ref", "unit", "event") if row.get(name) in (None, "")]
    if missing:
        raise ValueError(f"{' and '.join(missing)} missing; an event needs at, ref, unit and event")
    kind = str(row["event"])
    if kind not in set(EventKind):
        raise ValueError(f"event “{kind}”: expected one of {', '.join(EventKind)}")
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
        raise ValueError(
            f"at “{text}”: expected a date or a time such as 2022-05-05T09:00:00+08:00"
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def _day(value: object) -> date | None:
    if value in (None, ""):
        return None
    try:
        return date.fromisoformat(str(value).strip())
    except ValueError:
        raise ValueError(f"until “{value}”: expected a date such as 2022-05-05") from None


def _count(value: object) -> int | None:
    if value in (None, ""):
        return None
    try:
        return int(str(value))
    except ValueError:
        raise ValueError(f"count “{value}”: expected a whole number") from None


def _text(value: object) -> str | None:
    return None if value in (None, "") else str(value)
