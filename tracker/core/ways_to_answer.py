"""In which ways a unit can answer for something, by itself and without an account."""

from __future__ import annotations

from enum import StrEnum

from tracker.core.model import Definition, Kind


class Way(StrEnum):
    """One way; the words are those of the addresses."""

    FILE = "file"
    DONE = "done"
    NIL = "nil"
    EXTEND = "extend"
    SAY = "say"


def ways(definition: Definition, *, has_form: bool, has_date: bool) -> tuple[Way, ...]:
    """The ways that ``definition`` allows, the nearest at hand first.

    A month may pass with nothing to report; what is asked once cannot be answered with nothing.
    """
    may_be_nil = has_form or definition.kind is Kind.REPORT or definition.rule.every is not None
    allowed = {
        Way.FILE: has_form,
        Way.DONE: True,
        Way.NIL: may_be_nil and definition.target is None,
        Way.EXTEND: has_date,
        Way.SAY: True,
    }
    return tuple(way for way in Way if allowed[way])
