"""The roles that people have on the pages."""

from __future__ import annotations

from enum import IntEnum


class Role(IntEnum):
    """Each may do what those before it may."""

    VIEWER = 1
    SUPERVISOR = 2
    OPERATOR = 3

    @property
    def word(self) -> str:
        """As it stands in files and commands."""
        return self.name.lower()

    @classmethod
    def named(cls, word: str) -> Role:
        """The role called ``word``.  Raises ValueError."""
        for role in cls:
            if role.word == word.strip().lower():
                return role
        raise ValueError(f"{word!r} is no role")
