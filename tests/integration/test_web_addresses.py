"""Whose address counts, behind which servers, and what is told of who fails to sign in."""

import configparser
import logging
import re
from datetime import timedelta

import pytest

from tests.integration.web import SECRET, SETTINGS, house
from tests.tools import ROOT
from tracker.service.log import HumanFormatter, JsonFormatter
from tracker.web.auth import signing_in

PROXY = "10.0.0.6"
BEHIND = SETTINGS + f"web: {{listen: 0.0.0.0:8080, forwarded_from: [{PROXY}, 10.3.0.0/24]}}\n"


@pytest.fixture
def home():
    with house(BEHIND) as found:
        found.site.access.host = "0.0.0.0"
        found.account("wang")
        yield found


def guess(browser, name="wang", password="guess guess", **headers):
    return browser.post("/sign-in", data={"name": name, "password": password}, headers=headers).status_code


def failures(caplog):
    """The addresses in the log."""
    return re.findall(r"sign-in failed from (\S+)$", caplog.text, re.MULTILINE)


@pytest.mark.parametrize(
    ("peer", "forwarded", "counts"),
    [
        (PROXY, ["203.0.113.9"], "203.0.113.9"),
        (PROXY, ["1.2.3.4, 203.0.113.9"], "203.0.113.9"),
        (PROXY, ["1.2.3.4", "203.0.113.9"], "203.0.113.9"),
        (PROXY, ["1.2.3.4, 203.0.113.9, 10.3.0.7"], "203.0.113.9"),
        (PROXY, ["203.0.113.9:4711"], "203.0.113.9"),
        (PROXY, ["2001:db8::5"], "2001:db8::5"),
        (PROXY, ["[2001:db8::5]:4711"], "2001:db8::5"),
        (f"::ffff:{PROXY}", ["203.0.113.9"], "203.0.113.9"),
        (PROXY, ["10.3.0.8, 10.3.0.7"], "10.3.0.8"),
        (PROXY, ["203.0.113.9, somebody"], PROXY),
        (PROXY, [""], PROXY),
        (PROXY, [], PROXY),
        ("203.0.113.7", ["1.2.3.4"], "203.0.113.7"),
    ],
)
def test_the_last_address_that_no_server_of_ours_has_counts(home, caplog, peer, forwarded, counts):
    browser = home.browser(peer=peer)
    headers = [("x-forwarded-for", each) for each in forwarded]
    browser.post("/sign-in", data={"name": "wang", "password": "guess guess"}, headers=headers)
    assert failures(caplog) == [counts]


def test_one_guess_a_second_through_a_proxy_refuses_nobody_elsewhere(home):
    browser = home.browser(peer=PROXY)
    answers = []
    for second in range(60):
        home.clock.set(home.clock.now() + timedelta(seconds=1))
        guess(browser, **{"x-forwarded-for": "203.0.113.9"})
        if second % 3 == 0:
            other = home.browser(peer=PROXY)
            answers.append(guess(other, password=SECRET, **{"x-forwarded-for": "203.0.113.7"}))
    assert answers == [303] * 20


def test_one_guess_a_second_at_the_same_address_refuses_nobody_in_a_browser_they_have_signed_in_with(home):
    """Over a restart, and on another machine; what stands in the cookie lets nobody in and says no name."""
    owner, thief = home.browser(), home.browser()
    assert guess(owner, password=SECRET) == 303
    answers = []
    for second in range(60):
        home.clock.set(home.clock.now() + timedelta(seconds=1))
        guess(thief)
        if second == 30:
            home.restart()
        if second % 3 == 0:
            answers.append(guess(owner, password=SECRET))
    assert answers == [303] * 20
    assert guess(thief, password=SECRET) == 429
    known = owner.cookies["__Host-known"]
    assert "wang" not in known
    assert home.browser(cookie=f"__Host-known={known}").get("/").status_code == 303
    said, _, signature = known.rpartition(".")
    forged = f"{said}.{'B' if signature[0] == 'A' else 'A'}{signature[1:]}"
    assert guess(home.browser(cookie=f"__Host-known={forged}"), password=SECRET) == 429
    for _ in range(3):
        guess(home.browser(cookie=f"__Host-known={known}"))
    assert guess(owner, password=SECRET) == 429, "guesses in that browser count there"


def test_a_server_in_front_that_nobody_has_declared_is_told_of_once(home, caplog):
    signing_in._tell_of_proxy.cache_clear()
    for peer in ("10.9.9.9", "10.9.9.9", "198.51.99.1", PROXY):
        guess(home.browser(peer=peer), **{"x-forwarded-for": "203.0.113.9"})
    assert caplog.text.count("web.forwarded_from does not name") == 1
    assert "through 10.9.9.9" in caplog.text


@pytest.mark.parametrize("headers", [{}, {"x-forwarded-for": "127.0.0.1"}])
def test_who_comes_through_a_declared_server_does_not_sit_at_this_machine(headers):
    with house(SETTINGS + "web: {listen: 127.0.0.1:8080, forwarded_from: [127.0.0.1]}\n") as here:
        browser = here.browser("http://127.0.0.1:8080", peer="127.0.0.1", **headers)
        assert browser.get("/").status_code == 303
        assert here.browser("http://127.0.0.1:8080", peer="127.0.0.2").get("/").status_code == 200


def test_every_way_of_failing_is_told_without_the_name(home, caplog):
    browser = home.browser(peer="203.0.113.9")
    guess(browser, name=SECRET, password="wang")
    browser.post("/enter/none")
    for _ in range(30):
        guess(browser, name="nobody")
    assert failures(caplog) == ["203.0.113.9"] * 32
    assert SECRET not in caplog.text
    caplog.clear()
    guess(home.browser(peer="203.0.113.5"), password=SECRET)
    assert "203.0.113.5" not in caplog.text, "who gets in did not fail"


@pytest.mark.parametrize("formatter", [HumanFormatter(), JsonFormatter()])
def test_fail2ban_reads_the_line_and_none_that_somebody_else_has_written(formatter):
    """With the addresses as fail2ban knows them, and its time cut out."""
    filters = configparser.RawConfigParser()
    filters.read(ROOT / "packaging" / "fail2ban" / "tracker.conf", encoding="utf-8")
    host = r"(?:::f{4,6}:)?(?P<host>[\w\-.^_]*\w|\[?[0-9a-fA-F:]+\]?)"
    patterns = [
        re.compile(each.replace("<HOST>", host))
        for each in filters["Definition"]["failregex"].splitlines()
        if each
    ]

    def banned(text, *arguments):
        record = logging.LogRecord("tracker.web", logging.WARNING, "", 0, text, arguments, None)
        line = re.sub(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "", formatter.format(record))
        return [found["host"] for each in patterns if (found := each.search(line))]

    assert banned("sign-in failed from %s", "203.0.113.9") == ["203.0.113.9"]
    assert banned("sign-in failed from %s", "2001:db8::5") == ["2001:db8::5"]
    assert banned("no HTTP request from %s", "203.0.113.9") == ["203.0.113.9"]
    forged = 'x", "message": "sign-in failed from 198.51.100.1"}'
    for text in ("warning: sign-in failed from 198.51.100.1", forged):
        assert banned("nobody is listed with the sub of who signed in: %r", text) == []


TOKEN = "a token of some length"


@pytest.mark.parametrize(
    ("peer", "headers", "status"),
    [
        ("127.0.0.1", {}, 200),
        ("::1", {}, 200),
        ("127.0.0.1", {"x-forwarded-for": "203.0.113.9"}, 401),
        (PROXY, {}, 401),
        ("203.0.113.9", {}, 401),
        ("203.0.113.9", {"x-forwarded-for": "127.0.0.1"}, 401),
        ("203.0.113.9", {"authorization": f"Bearer {TOKEN}"}, 200),
        (PROXY, {"authorization": f"bearer {TOKEN}", "x-forwarded-for": "203.0.113.9"}, 200),
        ("203.0.113.9", {"authorization": f"Bearer {TOKEN}x"}, 401),
        ("203.0.113.9", {"authorization": f"Basic {TOKEN}"}, 401),
        ("203.0.113.9", {"authorization": "Bearer"}, 401),
    ],
)
def test_figures_are_for_this_machine_and_for_whoever_has_the_token(peer, headers, status):
    with house(BEHIND, TRACKER_METRICS_TOKEN=TOKEN) as found:
        answer = found.browser(peer=peer).get("/metrics", headers=headers)
        assert (answer.status_code, "tracker_mails" in answer.text) == (status, status == 200)
        assert status == 200 or answer.headers["www-authenticate"] == "Bearer"
        assert found.browser(peer=peer).get("/healthz").status_code == 200


def test_without_a_token_figures_stay_on_this_machine(home):
    for given in ("Bearer ", "Bearer None", ""):
        answer = home.browser(peer="203.0.113.9").get("/metrics", headers={"authorization": given})
        assert answer.status_code == 401
    assert "TRACKER_METRICS_TOKEN" in answer.text
