"""What visitors send is read only of whoever may send it, and only so much of it is held: nobody fills the service."""

import http.client
import io
import logging
import threading
import zipfile
from collections import Counter
from dataclasses import replace
from http import HTTPStatus

import pytest

from tests.integration.test_web_answer import Office
from tests.integration.test_web_doors import ask, is_ended, opened, place_of, served
from tests.tools import quick_folder, wait_until
from tracker.web.base import bodies
from tracker.web.base.bodies import Bodies
from tracker.web.base.capacity import BusyError, Capacity

LARGE = 11 * 1024 * 1024
WORDS = "application/x-www-form-urlencoded"
PARTS = "multipart/form-data; boundary=b"
FILE = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.xlsx"\r\n\r\n'


@pytest.fixture
def office():
    with quick_folder() as folder:
        found = Office(folder)
        yield found
        found.app.close()


def head(path, length=LARGE, kind=WORDS):
    return (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n"
    ).encode()


def status(connection):
    connection.settimeout(30)
    return int(connection.recv(4000).split()[1])


@pytest.mark.parametrize("kind", [WORDS, PARTS])
@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/answer/whatever/file", 404),
        ("/answer/whatever/nil", 404),
        ("/answer/whatever/question", 404),
        ("/answer/whatever/renew", 404),
        ("/act/grant", 403),
        ("/act/waive", 403),
        ("/act/retry", 403),
        ("/sign-in", 413),
        ("/sign-out", 413),
        ("/enter/whatever", 413),
        ("/healthz", 405),
    ],
)
def test_nothing_is_waited_for_of_who_may_not_send_it(office, path, said, kind):
    """Not one byte of the body comes, and the answer does."""
    with served(office) as server, opened(server, 1, begin=head(path, kind=kind)) as [stranger]:
        assert status(stranger) == said


@pytest.mark.parametrize("path", ["/answer/whatever/file", "/sign-in", "/act/grant", "/nothing"])
def test_who_sends_all_the_same_gets_to_read_the_answer(office, path):
    """As a server in front does, which hands on the whole of it and closes."""
    begin = head(path).replace(b"Host:", b"Connection: close\r\nHost:")
    with served(office) as server, opened(server, 1, begin=begin) as [stranger]:
        for _ in range(LARGE // 1024 // 1024):
            stranger.sendall(b"%41" * (1024 * 1024 // 3) + b"x")
        assert 400 <= status(stranger) < 500
        assert is_ended(stranger)
        assert office.site.bodies.words.taken == 0


def test_a_form_of_words_has_the_bounds_of_one(office):
    """Though its sender has a link; said beforehand, or found while it comes."""
    link = office.link()
    chunked = f"POST {link}/done HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    chunked += b"%x\r\n" % (bodies.WORDS + 1) + b"%" * (bodies.WORDS + 1)
    with served(office) as server:
        for begin in (head(f"{link}/done"), chunked):
            with opened(server, 1, begin=begin) as [one]:
                assert status(one) == 413


def test_a_file_is_waited_for_only_where_one_can_be_taken(office):
    office.record("waive", reason="不适用")
    with served(office) as server:
        begin = head(f"{office.link()}/file", kind=PARTS)
        with opened(server, 1, begin=begin) as [one]:
            assert status(one) == 409


def test_unfinished_forms_hold_so_much_and_no_more_and_others_get_in(office):
    link, other = office.link(), office.link(unit="fuling")
    office.site.bodies = replace(Bodies(), words=Capacity(10_000, 3_000, 9_000))
    room = office.site.bodies.words
    begin = head(f"{link}/say", 100_000) + b"text=" + b"x" * 995
    with served(office) as server:
        with opened(server, 3, begin=begin):
            wait_until(lambda: room.taken == 3_000, 20)
            with opened(server, 4, begin=begin) as more:
                assert [status(each) for each in more] == [503] * 4
            assert room.taken == 3_000
            with opened(server, 1, begin=head(f"{other}/say", 6) + b"text=x") as [one]:
                assert status(one) == 303
        wait_until(lambda: room.taken == 0, 20)


def test_unfinished_files_are_held_on_disk(office):
    begin = head(f"{office.link()}/file", kind=PARTS) + FILE + b"x" * 100_000
    files, words = office.site.bodies.files, office.site.bodies.words
    with served(office) as server:
        with opened(server, 5, begin=begin):
            wait_until(lambda: files.taken == 5 * (100_000 + len(FILE)), 20)
            assert words.taken == 0
            assert ask(server)[0] == 200
        wait_until(lambda: files.taken == 0, 20)


def test_who_stays_in_the_middle_of_a_form_gives_its_room_back(office, monkeypatch):
    monkeypatch.setattr("tracker.web.middleware.connections.BODY", 0.3)
    with served(office) as server, opened(server, 1, begin=head("/sign-in", 9_000) + b"x" * 50) as [one]:
        assert is_ended(one)
        wait_until(lambda: office.site.bodies.words.taken == 0, 20)


@pytest.mark.parametrize(
    "body",
    [
        (FILE + b"x\r\n") * 13 + b"--b--\r\n",
        b"--c\r\n\r\n",
        b"",
        b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--\r\n",
    ],
    ids=["too-many", "another-boundary", "empty", "no-name"],
)
def test_a_form_that_is_none_is_said_to_be_none(office, body):
    link = office.link()
    page = office.browser.post(f"{link}/file", content=body, headers={"Content-Type": PARTS})
    assert page.status_code == 400
    assert office.events() == []


def test_room_is_taken_in_each_name_by_its_own_bound():
    room = Capacity(6, 2, 3)
    room.take(("wanzhou", "10.0.0.1"), 2)
    room.take(("fuling", "10.0.0.1"), 1)
    for whose in (("wanzhou", "10.0.0.2"), ("fuling", "10.0.0.1")):
        with pytest.raises(BusyError):
            room.take(whose)
    room.take(("yuzhong",), 2)
    room.take((), 1)
    with pytest.raises(BusyError):
        room.take(("dazu", "10.0.0.3"))
    room.give_back(("wanzhou", "10.0.0.1"), 2)
    room.take(("fuling", "10.0.0.1"))
    assert room.taken == 5


# --- one thread for a unit, two for an address, and one for everybody else ---


class Reading:
    """Files that are being read, by the beginning of their names, until ``go_on``; ``most`` of each at once."""

    def __init__(self):
        self.go_on = threading.Event()
        self.now: Counter[str] = Counter()
        self.most: Counter[str] = Counter()
        self._lock = threading.Lock()

    def take(self, intake, name, data):
        who = name.partition(".")[0]
        with self._lock:
            self.now[who] += 1
            self.most[who] = max(self.most[who], self.now[who])
        if who != "quick":
            self.go_on.wait(60)
        with self._lock:
            self.now[who] -= 1
        return ()


@pytest.fixture
def reading(monkeypatch):
    found = Reading()
    monkeypatch.setattr(
        "tracker.usecases.forms.intake.Intake.take_together",
        lambda intake, files: found.take(intake, *next(iter(files))),
    )
    yield found
    found.go_on.set()


def sent(name):
    part = FILE.replace(b"a.xlsx", f"{name}.xlsx".encode()) + b"x\r\n--b--\r\n"
    return part, {"Content-Type": PARTS}


def upload(server, link, name, source, answers):
    host, port = place_of(server)
    asked = http.client.HTTPConnection(host, port, timeout=60, source_address=(source, 0))
    asked.request("POST", f"{link}/file", *sent(name))
    answers.append(asked.getresponse().status)
    asked.close()


def test_what_one_unit_sends_in_holds_up_no_other(office, reading):
    slow = office.link()
    answers: list[int] = []
    with served(office) as server:
        threads = [
            threading.Thread(target=upload, args=(server, slow, "slow", f"127.0.0.{3 + number}", answers))
            for number in range(6)
        ]
        for thread in threads:
            thread.start()
        wait_until(lambda: len(answers) == 2 and reading.now["slow"] == 1, 30)
        assert answers == [503, 503], "four places for a unit, wherever it sends from"
        quick: list[int] = []
        for source in ("127.0.0.3", "127.0.0.9"):
            upload(server, office.link(unit="fuling"), "quick", source, quick)
        assert quick == [303, 303]
        assert reading.now["slow"] == 1
        reading.go_on.set()
        for thread in threads:
            thread.join()
    assert answers == [503, 503, *[303] * 4]
    assert reading.most["slow"] == 1
    assert office.site.pools.filing.room.taken == 0


def test_one_address_leaves_a_thread_to_others_whatever_links_it_has(office, reading):
    answers: list[int] = []
    with served(office) as server:
        threads = [
            threading.Thread(
                target=upload, args=(server, office.link(unit=unit), "slow", "127.0.0.3", answers)
            )
            for unit in ("wanzhou", "chengkou", "yuzhong")
        ]
        for thread in threads:
            thread.start()
        room = office.site.pools.filing.room
        wait_until(lambda: room.taken == 3 and reading.now["slow"] == 2, 30)
        upload(server, office.link(unit="fuling"), "quick", "127.0.0.9", answers)
        assert answers == [303]
        reading.go_on.set()
        for thread in threads:
            thread.join()
    assert reading.most["slow"] == 2


def test_an_upload_that_takes_too_long_is_told_which_files_were_not_read(office, monkeypatch):
    monkeypatch.setattr("tracker.web.pages.unit.files.SECONDS_PER_UPLOAD", 0.0)
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as file:
        file.writestr("a.xlsx", b"x")
    page = office.browser.post(f"{office.link()}/file", files=[("file", ("a.zip", made.getvalue()))])
    assert "请分几次报送" in page.text


MANY = b"".join(FILE + b"x\r\n" for _ in range(bodies.MAX_FILES + 1)) + b"--b--\r\n"


@pytest.mark.parametrize(
    ("path", "kind", "body", "code", "said"),
    [
        ("{link}/file", PARTS, MANY, 400, "一次最多上传12个文件"),
        ("{link}/file", PARTS, FILE + b"x" * bodies.FILES, 413, "合计不得超过12兆"),
        ("{link}/say", WORDS, b"text=" + b"x" * bodies.WORDS, 413, "不得超过1024KB"),
        ("/sign-in", WORDS, b"name=" + b"x" * bodies.STRANGERS, 413, "不得超过16KB"),
        ("{link}/say", WORDS, b"a=1&" * (bodies.MAX_FIELDS + 1), 400, "不是可以读取的表单"),
        ("{link}/say", WORDS, b"\xff", 400, "不是可以读取的表单"),
        ("{link}/file", "multipart/form-data", FILE, 400, "不是可以读取的表单"),
        ("{link}/file", PARTS, b"--b\r\nx\x00: y\r\n\r\n", 400, "不是可以读取的表单"),
    ],
    ids=["files", "size", "words", "strangers", "fields", "no text", "no boundary", "no form"],
)
def test_what_is_not_taken_has_its_reason_and_bound_in_the_readers_language(
    office, caplog, path, kind, body, code, said
):
    answer = office.browser.post(
        path.format(link=office.link()), content=body, headers={"Content-Type": kind}
    )
    assert (answer.status_code, said in answer.text) == (code, True), answer.text
    assert HTTPStatus(code).phrase not in answer.text
    assert [each.getMessage() for each in caplog.records if each.levelno >= logging.WARNING] == []


def test_where_there_is_no_room_it_is_said_when_to_send_it_again(office):
    office.site.bodies = replace(Bodies(), words=Capacity(0))
    answer = office.browser.post(f"{office.link()}/say", data={"text": "x"})
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
    assert "请在2秒后重新提交" in answer.text
    assert HTTPStatus.SERVICE_UNAVAILABLE.phrase not in answer.text


@pytest.mark.parametrize(("path", "code"), [("/nothing", 404), ("/sign-in/nothing", 404), ("/healthz", 405)])
def test_no_page_says_a_status_as_http_does(office, path, code):
    answer = office.browser.request("GET" if code == 404 else "DELETE", path)
    assert answer.status_code == code
    assert HTTPStatus(code).phrase not in answer.text


def test_a_program_is_told_in_its_language_as_well(office):
    chinese = office.browser.get("/api/nothing", headers={"Accept-Language": "zh"})
    english = office.browser.get("/api/nothing", headers={"Accept-Language": "en"})
    assert (chinese.status_code, chinese.json(), english.json()) == (
        404,
        {"detail": "没有这一页"},
        {"detail": "There is no such page"},
    )
