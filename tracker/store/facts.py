"""Facts that are kept as JSON and that the service can do without: what cannot be read is as if it had not been kept."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any, TypeVar

from tracker.i18n.message import Message

log = logging.getLogger("tracker")

T = TypeVar("T")


def read_fact(text: str | None, name: str, make: Callable[[Any], T], default: T) -> T:
    """What ``make`` makes of the JSON in ``text``; ``default`` where there is none, or none of that form."""
    if not text:
        return default
    try:
        return make(json.loads(text))
    except (ValueError, TypeError, LookupError, AttributeError, AssertionError, RecursionError) as error:
        log.warning("%s", Message("service.fact_unreadable", name=name, error=str(error)))
        return default
