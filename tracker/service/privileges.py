"""Whether the service runs with more power than it may have: as root of a whole machine.

It needs no privilege of any kind.  Root of a container, or of a user namespace, is not meant here: what those can
do ends at their walls.  ``docs/design/trust.md`` has the reasons for each rule.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tracker.errors import TrackerError
from tracker.i18n.message import Message

#: Set to anything by whoever insists.
ALLOWED = "TRACKER_ALLOW_ROOT"

#: What container engines leave behind, below ``/``.
MARKS = (".dockerenv", "run/.containerenv", "run/systemd/container")

#: Names of process 1 on a machine; in a container it is the program itself, or a small waiter such as tini.
INITS = frozenset(
    {"systemd", "init", "openrc-init", "runit", "s6-svscan", "dinit", "procd", "shepherd", "launchd"}
)

WARNING = Message("service.as_root", variable=ALLOWED)


class RootRefusedError(TrackerError):
    """A service that was set up to run as root of a whole machine."""


@dataclass(frozen=True, slots=True)
class Privileges:
    """As whom this process runs, and what started it.

    ``is_whole`` says that its root is the machine's own; ``is_service`` that systemd started it, and not a person.
    """

    is_root: bool
    is_whole: bool
    is_service: bool
    is_allowed: bool

    @property
    def is_too_much(self) -> bool:
        """Whether somebody should be told."""
        return self.is_root and self.is_whole and not self.is_allowed


def standing(
    environ: Mapping[str, str],
    *,
    top: Path = Path("/"),
    user: int | None = None,
    ids: tuple[int, int] | None = None,
) -> Privileges:
    """Of this process; ``ids`` are its number and its parent's, and ``/`` is ``top``."""
    number, parent = ids or (os.getpid(), os.getppid())
    return Privileges(
        is_root=(os.geteuid() if user is None else user) == 0,
        is_whole=not _is_contained(environ, top) and not _is_mapped(top),
        is_service=_is_service(environ, number, parent),
        is_allowed=bool(environ.get(ALLOWED)),
    )


def refuse_root(found: Privileges, *, is_open: bool) -> Message | None:
    """What is to be said at the start, if anything; ``is_open`` is for pages that other machines can reach.

    Raises RootRefusedError where root of a whole machine would serve for good, or serve other machines.
    """
    if not found.is_too_much:
        return None
    if not found.is_service and not is_open:
        return WARNING
    raise RootRefusedError(
        "root_refused",
        role=Message("facts.role.service") if found.is_service else Message("facts.role.pages"),
        variable=ALLOWED,
    )


def _is_contained(environ: Mapping[str, str], top: Path) -> bool:
    if environ.get("container") or any((top / mark).exists() for mark in MARKS):
        return True
    first = _read(top / "proc/1/comm")
    return first is not None and first.strip() not in INITS


def _is_mapped(top: Path) -> bool:
    """Whether this root is somebody else outside its user namespace."""
    first = (_read(top / "proc/self/uid_map") or "").split()
    return len(first) >= 2 and first[:2] != ["0", "0"]


def _is_service(environ: Mapping[str, str], number: int, parent: int) -> bool:
    # What systemd sets is inherited by everything below: only its own child is the service.
    is_child = parent == 1 or environ.get("SYSTEMD_EXEC_PID") == str(number)
    return bool(environ.get("INVOCATION_ID")) and is_child


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
