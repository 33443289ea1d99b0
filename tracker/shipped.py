"""Where the files lie that come with the product: in the wheel beside the code, in a checkout at its root."""

from __future__ import annotations

from pathlib import Path
from typing import Literal


def shipped(name: Literal["config", "templates"]) -> Path:
    """The directory of that name as it was shipped.  Raises FileNotFoundError if there is none."""
    package = Path(__file__).parent
    for place in (package / "shipped" / name, package.parent / name):
        if place.is_dir():
            return place
    raise FileNotFoundError(f"{name}/ came neither with the package nor stands at the checkout's root")
