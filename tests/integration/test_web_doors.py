"""Who talks to the pages for long, or many times at once, keeps nobody else from them and no mail from going out."""

import errno
import http.client
import logging
import socket
import ssl
import struct
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme
from starlette.requests import HTTPConnection

from tests.integration.web import SECRET, SETTINGS, house
from tests.tools import SOON, quick_folder, wait_until
from tracker.core.policy import Web
from tracker.daemon import scheduler
from tracker.daemon.scheduler import Service
from tracker.web.auth import signing_in
from tracker.web.base.access_policy import asker
from tracker.web.middleware import connections
from tracker.web.middleware.connections import Connections
from tracker.web.server import WebServer

#: So many descriptors a process takes beside those of visitors, when it begins to serve.
OWN_DESCRIPTORS = 20

HALF = b"GET /healthz HTTP/1.1\r\nHost: "


@pytest.fixture
def home():
    with house() as found:
        yield found


@pytest.fixture
def crowded():
    """The same over a database that many can read at once."""
    with quick_folder() as folder, house(database=f"sqlite:///{folder / 'tracker.db'}") as found:
        yield found


@contextmanager
def served(home):
    server = WebServer(home.site, "127.0.0.1:0")
    server.start()
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def opened(server, number, source="127.0.0.1", begin=HALF):
    """So many connections that have said ``begin``."""
    there = []
    try:
        for _ in range(number):
            there.append(one := socket.create_connection(place_of(server), 10, (source, 0)))
            one.sendall(begin)
        yield there
    finally:
        for each in there:
            each.close()


def place_of(server):
    host, port = server.address.removeprefix("http://").split(":")
    return host, int(port)


def ask(server, source="127.0.0.2", path="/healthz"):
    """(status, seconds)."""
    start = time.monotonic()
    host, port = place_of(server)
    asked = http.client.HTTPConnection(host, port, timeout=20, source_address=(source, 0))
    asked.request("GET", path)
    status = asked.getresponse().status
    asked.close()
    return status, time.monotonic() - start


def is_ended(connection):
    """Whether the service has closed it."""
    connection.settimeout(10)
    try:
        while connection.recv(1000):
            pass
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False
    return True


def is_reset(connection):
    """Whether the service has closed it without an answer."""
    try:
        return not connection.recv(1, socket.MSG_PEEK)
    except ConnectionResetError:
        return True


def descriptors():
    """How many this process has open."""
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def trickle(connection):
    """Send byte after byte; whether the service has had enough of it."""
    for _ in range(200):
        try:
            connection.sendall(b"x")
        except OSError:
            return True
        time.sleep(0.05)
    return False


def guests(server):
    return server._server._hall._count


def test_one_address_has_so_many_connections_and_its_oldest_idle_one_goes_first(home, monkeypatch):
    monkeypatch.setattr(connections, "OF_ADDRESS", 5)
    with served(home) as server, opened(server, 5) as first, opened(server, 20):
        assert all(map(is_ended, first))
        assert ask(server)[0] == 200
        assert ask(server, "127.0.0.1")[0] == 200, "its own people get in as well"
        wait_until(lambda: guests(server) <= 5, 5)


def test_a_header_that_does_not_come_ends_the_connection_and_a_byte_now_and_then_does_not_help(
    home, monkeypatch
):
    monkeypatch.setattr(connections, "HEADER", 0.4)
    with served(home) as server, opened(server, 1) as [silent], opened(server, 1) as [slow]:
        assert trickle(slow)
        assert is_ended(silent)
        assert guests(server) == 0


def test_after_an_answer_the_next_header_has_its_time_too(home, monkeypatch):
    monkeypatch.setattr(connections, "HEADER", 0.4)
    with served(home) as server, opened(server, 1, begin=HALF + b"127.0.0.1\r\n\r\n" + HALF) as [kept]:
        assert b"200 OK" in kept.recv(1000)
        assert is_ended(kept)


def test_a_body_that_comes_too_slowly_ends_the_connection(home, monkeypatch):
    monkeypatch.setattr(connections, "BODY", 0.3)
    begin = b"POST /sign-in HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100000\r\n\r\n"
    with served(home) as server, opened(server, 1, begin=begin) as [slow]:
        assert trickle(slow)
        assert ask(server)[0] == 200


def test_a_body_that_comes_slowly_and_steadily_is_read(home, monkeypatch):
    monkeypatch.setattr(connections, "BODY", 0.5)
    begin = b"POST /sign-in HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9000\r\n\r\n"
    with served(home) as server, opened(server, 1, begin=begin) as [slow]:
        for _ in range(9):
            time.sleep(0.1)
            slow.sendall(b"x" * 1000)
        assert slow.recv(100).startswith(b"HTTP/1.1 4")


def test_an_answer_that_nobody_fetches_does_not_wait_for_ever(home, monkeypatch):
    monkeypatch.setattr(connections, "BODY", 0.3)
    monkeypatch.setattr(connections, "HEADER", 0.3)
    page = b"GET /static/base.css HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    with served(home) as server:
        greedy = socket.socket()
        greedy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        greedy.connect(place_of(server))
        greedy.settimeout(0.2)
        with greedy:
            try:
                for _ in range(3000):
                    greedy.sendall(page)
            except OSError:
                pass
            wait_until(lambda: guests(server) == 0, 10)


def test_a_handshake_that_does_not_come_ends_the_connection_and_counts_as_one(monkeypatch, tmp_path):
    """Where the service has the certificate itself."""
    authority, certificate = trustme.CA(), tmp_path / "pages.pem"
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(certificate)
    monkeypatch.setattr(connections, "HEADER", 0.6)
    monkeypatch.setattr(connections, "OF_ADDRESS", 5)
    context = ssl.create_default_context()
    authority.configure_trust(context)
    listen = f"web: {{listen: '127.0.0.1:0', certificate: {certificate}}}\n"
    with house(SETTINGS + listen) as found, served(found) as server:
        host, port = server.address.removeprefix("https://").split(":")
        silent = [socket.create_connection((host, int(port)), 10) for _ in range(12)]
        wait_until(lambda: guests(server) == 5, 10)
        assert is_ended(silent[0])
        asked = http.client.HTTPSConnection(host, int(port), timeout=20, context=context)
        asked.request("GET", "/healthz")
        assert asked.getresponse().status == 200
        asked.close()
        assert all(map(is_ended, silent))
        wait_until(lambda: guests(server) == 0, 10)
        for each in silent:
            each.close()


@pytest.mark.parametrize(
    ("bound", "together"), [(1, 1), (connections.OF_ADDRESS, connections.TOGETHER)], ids=["one", "as shipped"]
)
def test_a_burst_of_one_address_takes_no_more_descriptors_than_its_bound(home, monkeypatch, bound, together):
    """All have come, each with a whole request, before the first is accepted: as a busy loop finds them."""
    monkeypatch.setattr(connections, "OF_ADDRESS", bound)
    monkeypatch.setattr(connections, "TOGETHER", together)
    most, heard_after_the_end = [0], []
    admit, hear = Connections.admit, connections.LimitedProtocol.data_received

    def watched_admit(hall, *arguments):
        most[0] = max(most[0], descriptors())
        return admit(hall, *arguments)

    def watched_hear(visitor, data):
        if visitor._guest.is_ended:
            heard_after_the_end.append(data)
        hear(visitor, data)

    monkeypatch.setattr(Connections, "admit", watched_admit)
    monkeypatch.setattr(connections.LimitedProtocol, "data_received", watched_hear)
    server = WebServer(home.site, "127.0.0.1:0")
    with opened(server, 300, begin=HALF + b"127.0.0.1\r\n\r\n") as burst:
        before = descriptors()
        server.start()
        try:
            answered = [one for one in burst if not is_reset(one)]
            assert ask(server)[0] == 200
        finally:
            server.stop()
    assert answered, "the bound is no refusal of them all"
    assert most[0] - before < bound + 3 * together + OWN_DESCRIPTORS
    assert heard_after_the_end == []


def test_who_waits_for_us_is_not_sent_away_by_others(home, monkeypatch):
    """The oldest connection of an address is in the middle of a question, and the answer takes a while."""
    monkeypatch.setattr(connections, "OF_ADDRESS", 2)
    go_on, answered = threading.Event(), []
    found = home.site.board.matrix
    monkeypatch.setattr(home.site.board, "matrix", lambda *a, **b: go_on.wait(20) and found(*a, **b))
    with served(home) as server:
        asking = threading.Thread(target=lambda: answered.append(ask(server, "127.0.0.1", "/")))
        asking.start()
        wait_until(lambda: guests(server) == 1, 5)
        time.sleep(0.1)
        with opened(server, 6) as half:
            assert is_ended(half[0])
            go_on.set()
            asking.join()
    assert answered[0][0] == 200


# --- what takes long has threads of its own ---


@contextmanager
def going_on(server, requests, go_on):
    """Ask each of ``requests`` (source, path, form) at once; the answers that come, the last of them after ``go_on``."""
    answers: list[tuple[int, str | None, bytes]] = []

    def post(source, path, form):
        host, port = place_of(server)
        asked = http.client.HTTPConnection(host, port, timeout=30, source_address=(source, 0))
        asked.request("POST", path, form, {"Content-Type": "application/x-www-form-urlencoded"})
        answer = asked.getresponse()
        answers.append((answer.status, answer.headers["Retry-After"], answer.read()))
        asked.close()

    threads = [threading.Thread(target=post, args=each) for each in requests]
    for thread in threads:
        thread.start()
    try:
        yield answers
    finally:
        go_on.set()
        for thread in threads:
            thread.join()


def test_signing_in_is_refused_early_and_keeps_no_page_waiting(crowded, monkeypatch):
    """48 people from six addresses, of whom each may be there four times; nobody's password is done with for a while."""
    go_on = threading.Event()
    monkeypatch.setattr(signing_in, "sign_in_with", lambda *_: go_on.wait(20) and None)
    crowded.account("wang")
    sources = [f"127.0.0.{10 + number % 6}" for number in range(48)]
    requests = [(source, "/sign-in", f"name=n{n}&password=guess+guess") for n, source in enumerate(sources)]
    with served(crowded) as server, going_on(server, requests, go_on) as answers:
        wait_until(lambda: len(answers) == 24, 10)
        status, seconds = ask(server, path="/sign-in")
        assert (status, {answer[0] for answer in answers}) == (200, {503})
        assert all(again == "2" and "密码尚未核对".encode() in text for _, again, text in answers), answers[0]
        assert seconds < SOON
    assert [answer[0] for answer in answers[24:]] == [403] * 24


def test_what_was_refused_for_want_of_room_was_no_attempt(home, monkeypatch):
    home.account("wang")
    monkeypatch.setattr(home.site.pools.signing_in.room, "_most", 0)
    browser = home.browser()
    for _ in range(40):
        assert browser.post("/sign-in", data={"name": "wang", "password": SECRET}).status_code == 503
    monkeypatch.setattr(home.site.pools.signing_in.room, "_most", 1)
    assert browser.post("/sign-in", data={"name": "wang", "password": SECRET}).status_code == 303


def test_sixty_who_wait_to_write_keep_no_page_waiting_and_leave_connections_for_the_mails(
    crowded, monkeypatch
):
    go_on, at_once, most = threading.Event(), [0], [0]

    def wait(*_):
        at_once[0] += 1
        most[0] = max(most[0], at_once[0])
        go_on.wait(20)
        at_once[0] -= 1

    monkeypatch.setattr(crowded.site.access.keys, "use", wait)
    requests = [(f"127.0.0.{10 + number % 6}", "/enter/x", "") for number in range(60)]
    with served(crowded) as server, going_on(server, requests, go_on) as answers:
        wait_until(lambda: guests(server) == 60, 10)
        status, seconds = ask(server, path="/sign-in")
        assert (status, answers) == (200, [])
        assert seconds < SOON
    assert most[0] < 15, "the connections of a database for those who write"
    assert [answer[0] for answer in answers] == [410] * 60


def test_a_provider_that_does_not_answer_keeps_no_page_waiting(crowded, monkeypatch):
    go_on = threading.Event()
    monkeypatch.setattr("tracker.web.auth.oidc._settings", lambda site: go_on.wait(20) and None)
    with served(crowded) as server:
        visitors = [
            threading.Thread(target=ask, args=(server, f"127.0.0.{10 + number % 20}", "/sign-in/oidc"))
            for number in range(60)
        ]
        for each in visitors:
            each.start()
        try:
            wait_until(lambda: guests(server) >= 16, 10)
            assert ask(server, path="/sign-in")[1] < SOON
        finally:
            go_on.set()
            for each in visitors:
                each.join()


# --- who goes away ---


@pytest.mark.parametrize(
    "path", ["/sign-in", "/sign-out", "/act/waive", "/answer/x/file", "/api/status", "/enter/x"]
)
@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=b"])
def test_a_form_that_is_broken_off_is_no_error_of_ours(crowded, caplog, path, kind):
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {kind}\r\nContent-Length: 90000\r\n\r\n"
    with served(crowded) as server:
        with opened(
            server, 2, begin=head.encode() + b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\nx'
        ) as connections_:
            time.sleep(0.05)
            connections_[0].setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        wait_until(lambda: guests(server) == 0, 10)
        assert ask(server)[0] == 200
    assert [each.getMessage() for each in caplog.records if each.levelno >= logging.WARNING] == []
    assert not {status for _, status in crowded.site.answers if status >= 500}


@pytest.mark.parametrize(
    ("begin", "said"),
    [
        (b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n", []),
        (b"\x16\x03\x01\x02\x00 hello\r\n\r\n", ["no HTTP request from 127.0.0.9"]),
    ],
    ids=["websocket", "nonsense"],
)
def test_strangers_do_not_fill_the_log(home, caplog, begin, said):
    with served(home) as server:
        for _ in range(5):
            with opened(server, 1, "127.0.0.9", begin) as [one]:
                assert one.recv(4000).startswith(b"HTTP/1.1 ")
    assert [each.getMessage() for each in caplog.records if each.levelno >= logging.WARNING] == said


def test_an_address_with_a_scope_is_none():
    """After a % stands whatever somebody likes, which would come to stand in the log as theirs."""
    web = Web(forwarded_from=("10.0.0.5",))
    for said in (
        "fe80::1%x 9.9.9.9",
        "fe80::1%x warning: sign-in failed from 9.9.9.9",
        "[fe80::1%25eth0]:443",
    ):
        scope = {"type": "http", "client": ("10.0.0.5", 1), "headers": [(b"x-forwarded-for", said.encode())]}
        assert asker(HTTPConnection(scope), web) == "10.0.0.5"


# --- connections ---


def admit(hall, address, at):
    """Who connects and says nothing."""
    with socket.socket() as silent:
        return hall.admit(silent, address, at)


def filled(hall, address, number):
    return [admit(hall, address, at) for at in range(number)]


def test_a_declared_proxy_brings_as_many_as_there_is_room_for():
    hall = Connections(lambda address: address == "10.0.0.5")
    assert sum(guest.is_ended for guest in filled(hall, "10.0.0.5", 100)) == 0
    assert sum(guest.is_ended for guest in filled(hall, "10.0.0.6", 100)) == 100 - connections.OF_ADDRESS


def test_where_there_is_no_room_the_address_with_most_connections_gives_one(monkeypatch):
    monkeypatch.setattr(connections, "OF_ALL", 20)
    hall = Connections(lambda address: address == "10.0.0.5")
    proxy, many = filled(hall, "10.0.0.5", 5), filled(hall, "10.0.0.6", 15)
    assert not any(guest.is_ended for guest in filled(hall, "10.0.0.7", 3))
    assert [guest.is_ended for guest in many] == [True] * 3 + [False] * 12
    assert not any(guest.is_ended for guest in proxy)
    for guest in many:
        guest.idle_since = None
    assert filled(hall, "10.0.0.8", 1) != [None], "a proxy's idle ones go last, but they go"


def test_descriptors_are_kept_for_mails_and_the_database(monkeypatch):
    for soft, most in ((1024, 1024 - connections.KEPT), (1 << 20, connections.OF_ALL), (100, 50)):
        monkeypatch.setattr(
            "tracker.web.middleware.connections.resource.getrlimit", lambda _, soft=soft: (soft, soft)
        )
        hall = Connections(lambda address: True)
        there = filled(hall, "10.0.0.5", most + 7)
        assert sum(guest.is_ended for guest in there) == 7


def test_one_subscriber_has_one_address_whatever_it_says_in_ipv6(monkeypatch):
    monkeypatch.setattr(connections, "OF_ADDRESS", 2)
    hall = Connections(lambda address: False)
    there = [admit(hall, f"2001:db8::{number}", number) for number in range(5)]
    assert [guest.is_ended for guest in there] == [True] * 3 + [False] * 2


@pytest.mark.parametrize("number", [errno.EMFILE, errno.EIO])
def test_a_watch_that_cannot_look_at_the_files_looks_again(home, monkeypatch, caplog, number):
    """Whatever the system refuses for a moment: an edit made meanwhile is taken over when it looks again."""
    monkeypatch.setattr(scheduler, "WATCH", 0.01)
    stop = threading.Event()
    service, looks, soon = Service(home.app, stop), [], []
    seen = home.app.files_changed
    seen()
    home.app.config.joinpath("settings.yaml").write_text(SETTINGS + "holidays: free\n", encoding="utf-8")

    def look():
        looks.append(0)
        if len(looks) < 5:
            raise OSError(number, "no")
        return seen()

    def reload(work, name, **_):
        soon.append(name)
        stop.set()

    monkeypatch.setattr(home.app, "files_changed", look)
    monkeypatch.setattr(service, "_soon", reload)
    service._watch()
    assert soon == ["reload"]
    assert caplog.text.count("the files cannot be looked at") == 1


def test_files_that_no_descriptor_is_left_for_are_not_said_to_be_wrong(home, monkeypatch):
    def refuse(*_, **__):
        raise OSError(errno.EMFILE, "Too many open files")

    home.app.snapshot  # noqa: B018 - as it was before
    monkeypatch.setattr("tracker.config.loader._Folder._bytes", refuse)
    service = Service(home.app, threading.Event())
    monkeypatch.setattr(service, "pass_", lambda: None)
    service._reload()
    assert home.app.heartbeat.problems == ()
    assert service._is_unread, "it is read again at the next tick"
