"""Reads the plain values of a mail's details; what is not in the agreed form counts as absent."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

Facts = Mapping[str, object]
Numbers = Mapping[str, int]


def count(value: object) -> int:
    """A number, or 0."""
    return value if isinstance(value, int) else 0


def mappings(value: object) -> list[Facts]:
    """Those of a list that are mappings."""
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list | tuple) else []


def names(value: object) -> list[str]:
    """A list of names, such as the ids of units."""
    return [str(each) for each in value] if isinstance(value, list | tuple) else []


def dates(value: object) -> dict[str, date]:
    """Dates by name."""
    found = {str(name): day(text) for name, text in value.items()} if isinstance(value, Mapping) else {}
    return {name: found_day for name, found_day in found.items() if found_day is not None}


def day(value: object) -> date | None:
    """A date written as 2022-05-05."""
    try:
        return date.fromisoformat(str(value)) if value else None
    except ValueError:
        return None


def numbers(value: object) -> Numbers | None:
    """How many by name; None where there is nothing."""
    return (
        {str(name): count(number) for name, number in value.items()} if isinstance(value, Mapping) else None
    )
