"""A service at work with every secret that there is: none of them shows in processes, logs, files or the database."""

import base64
import socketserver
import threading
from datetime import date
from pathlib import Path

import httpx2 as httpx
import pytest

from tests.acceptance.test_users import Running
from tests.tools import Place, many_units, quick_folder
from tracker.access.links import Links, Purpose, mark

PASSWORD = "nine-yellow-tables"
KEY = "a-key-that-signs-the-links-of-this-test"
OIDC = "the-clients-own-secret"
SECRETS = (PASSWORD, KEY, OIDC, base64.b64encode(PASSWORD.encode()).decode())


class Server(socketserver.ThreadingTCPServer):
    """``heard`` is every command but the usual ones."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Parrot)
        self.heard: list[bytes] = []


class Parrot(socketserver.StreamRequestHandler):
    """A mail server that refuses every login, and repeats what it was told."""

    server: Server

    def handle(self):
        self.wfile.write(b"220 parrot\r\n")
        for line in self.rfile:
            if line.upper().startswith(b"EHLO"):
                self.wfile.write(b"250-parrot\r\n250 AUTH PLAIN LOGIN\r\n")
            elif line.upper().startswith(b"QUIT"):
                self.wfile.write(b"221 bye\r\n")
                return
            else:
                self.server.heard.append(line)
                self.wfile.write(b"535 no: " + line.rstrip() + b" " + PASSWORD.encode() + b"\r\n")


@pytest.fixture
def parrot():
    with Server() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def place():
    with quick_folder() as folder:
        yield Place(folder, units=many_units(3, "unit.internal"))


def below(number):
    """The process and all that it started."""
    found = [number]
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        if parent == number:
            found += below(int(path.parent.name))
    return found


@pytest.mark.parametrize("log", ["", "json"])
def test_no_secret_and_no_link_shows_anywhere(place, parrot, log):
    secret_file = place.folder / "password"
    secret_file.write_text(PASSWORD)
    secret_file.chmod(0o600)
    given = {
        "TRACKER_MAIL": f"smtp+plain://user@127.0.0.1:{parrot.server_address[1]}",
        "TRACKER_MAIL_PASSWORD_FILE": str(secret_file),
        "TRACKER_SECRET": KEY,
        "TRACKER_OIDC_SECRET": OIDC,
        "TRACKER_WEB": "127.0.0.1:0",
        "TRACKER_DEBUG": "1",
        "TRACKER_LOG": log,
    }
    once = place.ok("run", "--once", "--send-now", **given)
    assert any(base64.b64encode(f"\0user\0{PASSWORD}".encode()) in line for line in parrot.heard)
    links = Links("http://127.0.0.1", (KEY,))
    token = links.token(Purpose.ANSWER, "2", "u0", mark("u0@unit.internal"), date(2199, 1, 1))
    with Running(place, **given) as running:
        with httpx.Client(base_url=running.address.rstrip('"}')) as browser:
            assert browser.get(f"/answer/{token}").status_code == 200
            assert browser.get(f"/answer/{token}x").status_code == 404
            assert browser.post(f"/answer/{token}/nothing", data={"seen": "0"}).status_code in {303, 404}
            browser.post(f"/answer/{token}/file", files={"file": ("a.csv", b"1,2\n")})
            browser.post("/sign-in", data={"name": "li", "password": PASSWORD})
            metrics = browser.get("/metrics").text + browser.get("/health").text + browser.get("/mails").text
        processes = below(running.process.pid)
        told = [Path(f"/proc/{number}/cmdline").read_bytes() for number in processes]
        running.process.terminate()
        running.process.wait(20)
    said = once.err + once.out + running.err.read_text() + running.out.read_text()
    assert "refuses the login" in place.ok("mail", "list", "--format", "json").out + said
    files = [path for path in (place.folder / "var").rglob("*") if path.is_file() and path.name != "secret"]
    kept = b"".join(path.read_bytes() for path in files)
    for secret in (*SECRETS, token):
        assert secret not in said
        assert secret not in metrics
        assert secret.encode() not in b"".join(told)
        assert secret.encode() not in kept
