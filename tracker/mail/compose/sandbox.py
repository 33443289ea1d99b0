"""Where layouts run that an operator has changed: they reach nothing but the mail, change nothing, and come to an end.

Jinja's sandbox keeps them from Python's insides and bounds a single ``range``.  It does not bound ranges within
ranges, nor a text times a thousand million, and a mail that is waited for would never go out.  So rounds are counted,
and what is written is measured.  That is meant for slips: whoever may write layouts may write the other files, too.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from typing import Any

from jinja2 import Template, nodes
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

#: Rounds of all loops of one mail together; the largest mails have some ten thousand rows of a few cells.
MOST_ROUNDS = 1_000_000

#: Characters of a mail, and what a text or a list may be multiplied to.
LONGEST = 8_000_000

#: Digits do not run away below this power.
HIGHEST_POWER = 64

_COUNTED = "tracker_counted"


class Sandbox(ImmutableSandboxedEnvironment):
    """Jinja's, with an end."""

    intercepted_binops = frozenset({"*", "**"})

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.filters[_COUNTED] = self._counted
        self._here = threading.local()

    def fill(self, layout: Template, **facts: object) -> str:
        """What the layout says.  Raises SecurityError for one that does not end, or writes too much."""
        self._here.rounds = 0
        pieces, length = [], 0
        for piece in layout.generate(**facts):
            length += len(piece)
            if length > LONGEST:
                raise SecurityError("this layout writes more than a mail can hold")
            pieces.append(piece)
        return "".join(pieces)

    def parse(self, source: str, name: str | None = None, filename: str | None = None) -> nodes.Template:
        """The tree, with every loop counted."""
        tree = super().parse(source, name, filename)
        for loop in list(tree.find_all(nodes.For)):
            loop.iter = nodes.Filter(loop.iter, _COUNTED, [], [], None, None, lineno=loop.iter.lineno)
        tree.set_environment(self)
        return tree

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Refuse what would make very much of little."""
        if operator == "**" and not -HIGHEST_POWER <= right <= HIGHEST_POWER:
            raise SecurityError("this power is too high for a layout")
        if operator == "*":
            for what, times in ((left, right), (right, left)):
                if hasattr(what, "__len__") and isinstance(times, int) and len(what) * times > LONGEST:
                    raise SecurityError("this is longer than a mail can be")
        return super().call_binop(context, operator, left, right)

    def _counted(self, things: Iterable[Any]) -> Iterator[Any]:
        for thing in things:
            self._here.rounds += 1
            if self._here.rounds > MOST_ROUNDS:
                raise SecurityError("the loops of this layout do not come to an end")
            yield thing
