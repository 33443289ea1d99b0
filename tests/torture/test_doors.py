"""Everybody at the doors at once, with few descriptors: mails go on, and pages answer whoever comes from elsewhere."""

from __future__ import annotations

import contextlib
import http.client
import re
import resource
import socket
import sqlite3
import threading
import time

import pytest

from tests.tools import CAMPAIGN, Place, letters, many_units, quick_folder, wait_until
from tests.torture import ready
from tests.torture.bureau import MOMENT
from tracker.clock import SystemClock

pytestmark = [pytest.mark.torture, pytest.mark.fault("doors")]

HALF_OPEN, SLOW, SIGN_INS, WRITERS = 1150, 200, 120, 16
DESCRIPTORS = 1024
#: Seconds for a page, in the middle of all that; a machine may be a few times as slow as ours.
ANSWERED = 1.0
BUSY = 5
PATIENT = 10_000
#: What a unit says goes to the supervisor by mail.
TASKS = CAMPAIGN.replace("  language: zh\n", "  language: zh\n  supervisor: 市考试中心\n")
UNITS = many_units(WRITERS).replace(
    "万州]}", "万州], contacts: [{name: 督办, email: center@kaoshi.example}]}"
)
LINK = re.compile(r"http://127\.0\.0\.1:\d+(/answer/[\w.~-]+)")


class Crowd:
    """Who comes to ``port``; nobody of them knows of the others."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.held: list[socket.socket] = []
        self.answers: list[tuple[str, int]] = []
        self.stop = threading.Event()
        self.threads: list[threading.Thread] = []

    def send(self, work, *arguments):
        self.threads.append(threading.Thread(target=work, args=arguments))
        self.threads[-1].start()

    def half_open(self):
        """So many that have begun a header, from one address."""
        for _ in range(HALF_OPEN):
            self.held.append(one := socket.create_connection(("127.0.0.1", self.port), 60))
            with contextlib.suppress(OSError):
                one.sendall(b"GET / HTTP/1.1\r\nHost: ")

    def slow(self):
        """Headers and bodies of which a byte comes each second, from seven addresses; who is cut off comes again."""
        begin = [
            b"GET / HTTP/1.1\r\nHost: ",
            b"POST /sign-in HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9999\r\n\r\n",
        ]
        there: dict[int, socket.socket] = {}
        while not self.stop.wait(1):
            for number in range(SLOW):
                try:
                    if number not in there:
                        source = (f"127.0.0.{100 + number % 7}", 0)
                        there[number] = socket.create_connection(("127.0.0.1", self.port), 60, source)
                        there[number].sendall(begin[number % 2])
                    there[number].sendall(b"x")
                except OSError:
                    there.pop(number).close() if number in there else None
        for each in there.values():
            each.close()

    def post(self, kind, source, path, form):
        with contextlib.suppress(OSError, http.client.HTTPException):
            asked = http.client.HTTPConnection(
                "127.0.0.1", self.port, timeout=120, source_address=(source, 0)
            )
            asked.request("POST", path, form, {"Content-Type": "application/x-www-form-urlencoded"})
            self.answers.append((kind, asked.getresponse().status))
            asked.close()

    def go(self):
        self.stop.set()
        for thread in self.threads:
            thread.join()
        for each in self.held:
            each.close()


def ask(port, path, source="127.0.0.2"):
    """(status, text, seconds)."""
    start = time.monotonic()
    asked = http.client.HTTPConnection("127.0.0.1", port, timeout=60, source_address=(source, 0))
    asked.request("GET", path)
    answer = asked.getresponse()
    text = answer.read().decode()
    asked.close()
    return answer.status, text, time.monotonic() - start


def link_of(letter):
    """By which its unit answers the first item."""
    body = letter.get_body(("plain",))
    found = LINK.search(body.get_content()) if body is not None else None
    return found and found[1]


@pytest.fixture
def many_descriptors():
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(PATIENT, before[1]), before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_a_crowd_at_the_doors(figures, many_descriptors):
    """1,150 half-open connections, 200 slow ones, 120 sign-ins from six addresses, 16 writers who wait; 1,024 descriptors."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with quick_folder() as folder:
        place = Place(folder, tasks=TASKS, units=UNITS)
        ahead = (MOMENT - SystemClock().now()).total_seconds()
        running = ready.start(
            folder,
            "run",
            "--send-now",
            facts={"clock": ahead, "is_restless": 1},
            waits=True,
            TRACKER_WEB=f"127.0.0.1:{port}",
        )
        resource.prlimit(running.pid, resource.RLIMIT_NOFILE, (DESCRIPTORS, DESCRIPTORS))
        running.let_go()
        crowd = Crowd(port)
        try:
            wait_until(lambda: len(letters(place.mailbox)) >= WRITERS, 60, running.said)
            links = set(filter(None, map(link_of, letters(place.mailbox))))
            assert len(links) >= WRITERS
            forms = {link: ask(port, f"{link}/say")[1] for link in sorted(links)[:WRITERS]}
            crowd.send(crowd.half_open)
            crowd.send(crowd.slow)
            before = len(letters(place.mailbox))
            with sqlite3.connect(folder / "var" / "tracker.db", isolation_level=None) as lock:
                lock.execute("BEGIN IMMEDIATE")
                for number, (link, page) in enumerate(forms.items()):
                    seen = re.search(r'name="seen" value="(\d+)"', page)
                    assert seen is not None
                    crowd.send(
                        crowd.post,
                        "writer",
                        f"127.0.0.{50 + number}",
                        f"{link}/say",
                        f"seen={seen[1]}&text=x",
                    )
                for number in range(SIGN_INS):
                    source = f"127.0.0.{20 + number % 6}"
                    crowd.send(
                        crowd.post, "sign-in", source, "/sign-in", f"name=n{number}&password=guess+guess"
                    )
                waits = []
                end = time.monotonic() + 12
                while time.monotonic() < end:
                    for path in ("/", "/healthz", "/month/2022-05"):
                        status, _, seconds = ask(port, path)
                        assert status == 200
                        waits.append(seconds)
                    time.sleep(0.1)
                lock.execute("COMMIT")
            # What the units said goes to the supervisor or the operator, and somebody is told by mail.
            sent = wait_until(
                lambda: len(letters(place.mailbox)) > before, 10, lambda: f"{crowd.answers}\n{running.said()}"
            )
            assert place.tracker("mail", "list").code == 0
        finally:
            crowd.go()
            said = running.said()
            running.end()
    by_kind = {
        kind: [status for each, status in crowd.answers if each == kind] for kind in ("writer", "sign-in")
    }
    assert by_kind["writer"] == [303] * WRITERS, by_kind
    assert set(by_kind["sign-in"]) <= {403, 429, 503}, by_kind
    assert len(by_kind["sign-in"]) == SIGN_INS
    assert "Traceback" not in said
    assert sorted(waits)[len(waits) // 2] < ANSWERED, waits
    assert max(waits) < ANSWERED * BUSY, waits
    figures["pages asked for"] = len(waits)
    figures["the slowest page"] = f"{max(waits):.2f} s"
    figures["sign-ins refused early"] = by_kind["sign-in"].count(503)
    figures["until the next mail"] = f"{sent:.1f} s"
