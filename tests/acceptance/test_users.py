"""``tracker user``, and the service's pages as a process: who gets in, and what is refused at the start."""

import io
import os
import pty
import re
import select
import ssl
import subprocess
import sys
import termios

import httpx2 as httpx
import pytest
import trustme

from tests.tools import ROOT, Place, clean_environ, command, quick_folder, wait_until

SECRET = "nine yellow tables"
GUARDED = """\
mail:
  from: {name: 督办提醒, email: tracker@kaoshi.example}
  link_base: https://tracker.example
"""


@pytest.fixture
def place():
    with quick_folder() as folder:
        yield Place(folder)


def user(place, monkeypatch, *arguments, password=SECRET):
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{password}\n"))
    return place.tracker("user", *arguments)


def test_somebody_is_added_listed_changed_and_removed(place, monkeypatch):
    done = user(place, monkeypatch, "add", "王科长", "--role", "supervisor", "--password-stdin")
    assert (done.code, done.out) == (0, "王科长: supervisor\n")
    (listed,) = place.json("user", "list")
    assert (listed["name"], listed["role"]) == ("王科长", "supervisor")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+08:00", listed["created_at"])
    assert place.ok("user", "list", "--format", "csv").csv == [listed]
    assert "王科长" in place.ok("user", "list").out
    assert place.ok("user", "role", "王科长", "operator").out == "王科长: operator\n"
    assert (
        user(place, monkeypatch, "password", "王科长", "--password-stdin", password="another secret").code
        == 0
    )
    assert place.json("user", "list")[0]["role"] == "operator"
    assert place.ok("user", "remove", "王科长").code == 0
    assert place.json("user", "list") == []


def test_viewer_is_what_nobody_says_otherwise(place, monkeypatch):
    assert user(place, monkeypatch, "add", "li", "--password-stdin").out == "li: viewer\n"


@pytest.mark.parametrize(
    ("arguments", "password", "code", "words"),
    [
        (["add", "li", "--password-stdin"], "short", 2, "at least 10 characters"),
        (["add", "wangkezhang", "--password-stdin"], "wangkezhang1", 2, "would be guessed"),
        (["add", " ", "--password-stdin"], SECRET, 2, "needs a name"),
        (["add", "li", "--role", "boss", "--password-stdin"], SECRET, 2, "expected viewer, supervisor or operator"),
        (["add", "li"], SECRET, 2, "--password-stdin"),
        (["remove", "li"], SECRET, 1, "there is no account li"),
        (["role", "li", "viewer"], SECRET, 1, "there is no account li"),
        (["password", "li", "--password-stdin"], SECRET, 1, "there is no account li"),
        (["add", "li", SECRET], SECRET, 2, "unexpected extra argument"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_said_in_a_sentence(place, monkeypatch, arguments, password, code, words):
    done = user(place, monkeypatch, *arguments, password=password)
    assert (done.code, done.out) == (code, "")
    assert words in done.err
    assert len(done.err.splitlines()) == 1


def test_the_password_is_nowhere_in_the_files(place, monkeypatch):
    user(place, monkeypatch, "add", "li", "--password-stdin")
    for path in (place.folder / "var").iterdir():
        assert SECRET.encode() not in path.read_bytes()


def test_a_password_is_asked_for_without_being_shown(place):
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        command("user", "add", "li"),
        cwd=place.folder,
        env=clean_environ({}),
        stdin=follower,
        stdout=subprocess.PIPE,
        stderr=follower,
        text=True,
    )
    said = b""

    def hears(prompt):
        nonlocal said
        while select.select([leader], [], [], 0)[0]:
            said += os.read(leader, 1024)
        return prompt in said and not termios.tcgetattr(leader)[3] & termios.ECHO

    try:
        for prompt in (b"Password", b"Again"):
            wait_until(lambda prompt=prompt: hears(prompt), 20, lambda: said)
            os.write(leader, SECRET.encode() + b"\n")
        out, _ = process.communicate(timeout=20)
    finally:
        process.kill()
        os.close(follower)
        os.close(leader)
    assert (process.returncode, out) == (0, "li: viewer\n")
    assert SECRET.encode() not in said


# --- the service ---


def run(place, out, **environ):
    return subprocess.Popen(
        command("run"),
        cwd=place.folder,
        env=clean_environ(environ),
        stdin=subprocess.DEVNULL,
        stdout=out,
        stderr=(place.folder / "err").open("w"),
    )


class Running:
    """A service with its pages, until the end of the block; ``at_terminal`` is what its standard output is."""

    def __init__(self, place, *, at_terminal=False, **environ):
        self.out, self.err = place.folder / "out", place.folder / "err"
        self.terminal, theirs = pty.openpty() if at_terminal else (-1, self.out.open("w"))
        self.process = run(place, theirs, **environ)

    def __enter__(self):
        wait_until(lambda: "pages（网页）:" in self.err.read_text(), 30, self.err.read_text)
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    @property
    def address(self):
        found = re.search(r"pages（网页）: (\S+)", self.err.read_text())
        assert found is not None
        return found[1]

    def entry(self):
        """The address that is printed at the terminal."""
        said = b""
        while b"\n" not in said.partition(b"/enter/")[2]:
            assert select.select([self.terminal], [], [], 10)[0], said
            said += os.read(self.terminal, 4096)
        return said.decode().split()[-1]


def test_an_address_of_other_machines_is_refused_at_the_start_and_once_there_is_an_account_served(
    place, monkeypatch
):
    done = place.tracker("run", TRACKER_WEB="0.0.0.0:0")
    assert done.code == 1
    assert "tracker user add" in done.err
    said = place.tracker("run", TRACKER_WEB="0.0.0.0:0", LC_ALL="zh_CN.UTF-8").err
    assert "网页不在 0.0.0.0:0 对外开放" in said
    user(place, monkeypatch, "add", "li", "--password-stdin")
    with Running(place, TRACKER_WEB="0.0.0.0:0") as running:
        port = running.address.rpartition(":")[2]
        assert httpx.get(f"http://127.0.0.1:{port}/").headers["location"] == "/sign-in?next=%2F"
        assert httpx.get(f"http://127.0.0.1:{port}/", headers={"host": "evil.example"}).status_code == 421
        assert "/enter/" not in running.out.read_text()


def test_the_first_entry_is_printed_and_stands_in_no_log(place):
    """Standard output that is no terminal is a log as well: a journal, a file."""
    with Running(place, TRACKER_WEB="127.0.0.1:0") as running:
        assert httpx.get(running.address).status_code == 200
        assert "/enter/" not in running.out.read_text() + running.err.read_text()
    with Running(place, at_terminal=True, TRACKER_WEB="127.0.0.1:0") as running:
        entry = running.entry()
        assert entry.startswith(f"{running.address}/enter/")
        assert "/enter/" not in running.err.read_text()
        with httpx.Client() as browser:
            assert browser.get(entry).status_code == 200
            answer = browser.post(entry)
            assert (answer.status_code, answer.headers["location"]) == (303, "/")
            assert browser.post(entry).status_code == 410
        key = entry.rpartition("/")[2].encode()
        for path in (place.folder / "var").glob("tracker.db*"):
            assert key not in path.read_bytes()


def test_the_pages_are_served_by_tls_where_there_is_a_certificate(place):
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1", "localhost")
    issued.private_key_pem.write_to_path(str(place.folder / "key.pem"))
    with (place.folder / "cert.pem").open("wb") as file:
        file.writelines(blob.bytes() for blob in issued.cert_chain_pems)
    settings = "web: {listen: '127.0.0.1:0', certificate: cert.pem, key: key.pem}\n"
    (place.config / "settings.yaml").write_text(GUARDED + settings)
    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    with Running(place) as running:
        assert running.address.startswith("https://")
        assert httpx.get(f"{running.address}/nothing", verify=trust).status_code == 404
    (place.folder / "key.pem").write_text("nothing")
    done = place.tracker("run")
    assert (done.code, len(done.err.splitlines())) == (1, 1)
    assert "the certificate of the pages cannot be used" in done.err


def test_the_shipped_settings_explain_what_they_may_say():
    text = (ROOT / "config" / "settings.yaml").read_text()
    assert text.rstrip().endswith("# 全文完")
    for word in (
        "tracker user add",
        "X-Remote-User",
        "TRACKER_OIDC_SECRET",
        "oidc:",
        "people:",
        "certificate:",
    ):
        assert word in text
