"""``tracker run`` with pages, which looks for work every second; what its health says."""

from __future__ import annotations

import contextlib
import json
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator

from tests.tools import wait_until
from tests.torture import ready
from tests.torture.bureau import Bureau


class Running:
    """A service of ``place`` on a free port; it waits for ``process.let_go()`` where ``is_held``."""

    def __init__(self, place: Bureau, *arguments: str, is_held: bool = False, **facts: float) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{free.getsockname()[1]}"
        self.place = place
        self.process = ready.start(
            place.folder,
            "run",
            *arguments,
            facts={"clock": place.ahead, "is_restless": 1, **facts},
            waits=is_held,
            TRACKER_WEB=self.address,
        )

    def health(self) -> tuple[int, list[str]]:
        """What ``/readyz`` says; 0 where nobody answers."""
        try:
            with urllib.request.urlopen(f"http://{self.address}/readyz", timeout=10) as answer:
                return answer.status, json.load(answer)["reasons"]
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)["reasons"]
        except OSError:
            return 0, []

    def wait_until_there(self) -> None:
        wait_until(lambda: self.health()[0], 30, self.process.said)

    def wait_until_red(self, seconds: float = 90) -> float:
        """Seconds until it says that it is not well."""
        return wait_until(
            lambda: self.health()[0] == 503, seconds, lambda: f"still green\n{self.process.said()}"
        )

    def wait_until_out(self, seconds: float = 60) -> float:
        """Seconds until everything is sent."""
        return wait_until(
            lambda: set(self.place.states()) == {"sent"},
            seconds,
            lambda: f"{self.place.states()}\n{self.process.said()}",
        )

    def wait_until_healed(self, seconds: float = 60) -> float:
        """Seconds until everything is sent and it says that it is well."""
        return self.wait_until_out(seconds) + wait_until(
            lambda: self.health()[0] == 200, seconds, lambda: f"{self.health()}\n{self.process.said()}"
        )


@contextlib.contextmanager
def running(place: Bureau, *arguments: str, is_held: bool = False, **facts: float) -> Iterator[Running]:
    """It does not outlive the block."""
    service = Running(place, *arguments, is_held=is_held, **facts)
    try:
        yield service
    finally:
        service.process.end()


def is_whole(place: Bureau) -> bool:
    """Whether SQLite finds nothing wrong with the file."""
    return place.place.query("PRAGMA integrity_check") == [("ok",)]
