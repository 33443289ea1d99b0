"""The options by which listings are narrowed, each of which may be repeated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from tracker.service.app import App

RefsOption = Annotated[list[str] | None, typer.Option("--ref", metavar="REF", help="refs")]
UnitsOption = Annotated[list[str] | None, typer.Option("--unit", metavar="UNIT", help="units")]


def unit_ids(app: App, units: list[str] | None) -> list[str] | None:
    """The ids of ``units`` by id, name or alias; None is all.  Raises UnknownNameError."""
    return None if units is None else [app.snapshot.unit_id(each) for each in units]
