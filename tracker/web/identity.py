"""Who is asking, and what they may do."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from enum import IntEnum

from starlette.datastructures import FormData
from starlette.requests import Request


class Role(IntEnum):
    """Each may do what those before it may."""

    VIEWER = 1
    SUPERVISOR = 2
    OPERATOR = 3

    @property
    def word(self) -> str:
        """As it stands in files and commands."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who is known: ``name`` is what the history says, ``via`` how they are known (password, proxy, …)."""

    name: str
    role: Role
    via: str


class NotAllowedError(Exception):
    """Nobody is signed in, or somebody whose role does not reach: the site answers by itself."""


def require(request: Request, role: Role) -> Person:
    """Who is asking, if their role reaches.  Raises NotAllowedError."""
    person: Person | None = request.state.person
    if person is None or person.role < role:
        raise NotAllowedError
    return person


def check_csrf(request: Request, form: FormData) -> None:
    """Only a form of our own pages may act for somebody who is signed in.  Raises NotAllowedError."""
    if not hmac.compare_digest(str(form.get("csrf", "")).encode(), str(request.state.csrf).encode()):
        raise NotAllowedError
