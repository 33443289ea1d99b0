"""Reads the plain values of a mail's details; what is not in the agreed form counts as absent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from tracker.core.model import Mail

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


#: What was enclosed with a mail that has gone: ``{"forms": [[ref, unit, filled with]], "files": [name]}``.
WENT = "went"


def sent_with(forms: Mapping[tuple[str, str], str], files: Sequence[str]) -> dict[str, object] | None:
    """What is kept of it; None where nothing was enclosed."""
    if not files:
        return None
    return {"forms": [[*cell, before] for cell, before in forms.items()], "files": list(files)}


def forms_sent(mail: Mail) -> dict[tuple[str, str], str] | None:
    """The forms that went with ``mail``, with what they were filled in with; None where that is not known."""
    went = mail.details.get(WENT)
    forms = went.get("forms") if isinstance(went, Mapping) else None
    if not isinstance(forms, list):
        return None
    return {
        (str(each[0]), str(each[1])): str(each[2])
        for each in forms
        if len(each) == len(("ref", "unit", "before"))
    }


def files_sent(mail: Mail) -> list[str]:
    """The names of the files that went with ``mail``, as far as they are known."""
    went = mail.details.get(WENT)
    return names(went.get("files")) if isinstance(went, Mapping) else []
