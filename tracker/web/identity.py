"""Who is asking, and what they may do."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request

from tracker.core.roles import Role

__all__ = ["NotAllowedError", "Person", "Role", "require"]


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
