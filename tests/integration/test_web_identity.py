"""Who gets in, as whom, and how they are kept out: each point of security with a test that fails without it."""

import re
from contextlib import contextmanager
from datetime import timedelta
from http.cookies import SimpleCookie

import pytest
from sqlalchemy import select

from tests.integration.web import HOST, SECRET, SETTINGS, csrf_of, house, shown
from tests.world import at
from tracker.access.accounts import remove_account, set_password, set_role
from tracker.access.sessions import IDLE, LONGEST
from tracker.core.roles import Role
from tracker.errors import TrackerError
from tracker.store.tables import SESSION
from tracker.web.auth import authentication, signing_in
from tracker.web.base.identity import local_path
from tracker.web.server import WebServer

LOCAL = "http://127.0.0.1:8080"
PROXY = (
    SETTINGS
    + """\
web: {listen: 0.0.0.0:8080, proxy: {from: [10.0.0.5], header: X-Remote-User}, people: {王: supervisor, li: viewer}}
"""
)


@pytest.fixture
def home():
    with house() as found:
        yield found


def who(browser, path="/"):
    """(status, where to, or the name on the page)."""
    answer = browser.get(path)
    name = re.search(r'<span class="who">(.*?)</span>', answer.text)
    return answer.status_code, answer.headers.get("location") or (name and name[1])


def cookie(answer, name="__Host-tracker"):
    for header in answer.headers.get_list("set-cookie"):
        morsels = SimpleCookie(header)
        if name in morsels:
            return morsels[name]
    return None


@contextmanager
def served(home, address):
    server = WebServer(home.site, address)
    try:
        yield server
    finally:
        server._socket.close()


# --- the open door there is none of ---


def test_at_this_machine_everybody_may_look_while_there_is_no_account(home):
    browser = home.browser(LOCAL, peer="127.0.0.1")
    assert browser.get("/nothing").status_code == 404
    assert "首次登录" not in browser.get("/nothing").text
    refused = browser.post("/act/accept", data={"ref": "table-2@2022-05", "unit": "wanzhou", "csrf": ""})
    assert refused.status_code == 403
    assert "只能查看" in refused.text


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "127.8.8.8", "[::1]"])
def test_this_machine_has_these_names(home, name):
    assert home.browser(f"http://{name}:8080").get("/nothing").status_code == 404


@pytest.mark.parametrize("path", ["/", "/sign-in", "/answer/x", "/api/status"])
def test_a_name_that_is_not_ours_gets_nothing_dns_rebinding(home, path):
    answer = home.browser("http://evil.example:8080", peer="127.0.0.1").get(path)
    assert answer.status_code == 421
    assert "万州" not in answer.text


@pytest.mark.parametrize("host", ["", "a@127.0.0.1", "127.0.0.1/..", "[::1", "127.0.0.1.evil.example"])
def test_a_host_that_is_none_gets_nothing(home, host):
    assert home.browser(LOCAL).get("/", headers={"host": host}).status_code == 421


def test_through_the_address_in_mails_nobody_looks_without_signing_in(home):
    assert who(home.browser()) == (303, "/sign-in?next=%2F")


@pytest.mark.parametrize("header", ["x-forwarded-for", "forwarded", "x-real-ip", "via"])
def test_what_a_server_before_ours_hands_on_is_not_from_this_machine(home, header):
    assert who(home.browser(LOCAL, peer="127.0.0.1", **{header: "203.0.113.9"})) == (303, "/sign-in?next=%2F")


def test_once_there_is_an_account_nobody_looks_without_signing_in(home):
    home.account("王")
    assert who(home.browser(LOCAL), "/unit/wanzhou?a=b&c=d") == (
        303,
        "/sign-in?next=%2Funit%2Fwanzhou%3Fa%3Db%26c%3Dd",
    )
    assert home.browser(LOCAL).post("/act/accept").status_code == 403
    answer = home.browser(LOCAL).get("/api/status")
    assert (answer.status_code, answer.headers["content-type"]) == (401, "application/json")


@pytest.mark.parametrize("path", ["/static/base.css", "/sign-in", "/enter/x", "/healthz", "/answer/x"])
def test_what_is_for_everybody_asks_nobody(home, path):
    home.account("王")
    assert home.browser().get(path).status_code in {200, 404, 410}


@pytest.mark.parametrize(
    "path", ["/healthz/..", "/staticx", "/sign-inx", "/Static/base.css", "//static/x", "/answerx"]
)
def test_nothing_else_looks_like_it(home, path):
    home.account("王")
    assert home.browser().get(path).status_code in {303, 400}


def test_the_pages_are_not_served_to_other_machines_without_somebody_to_ask():
    with house() as home:
        with pytest.raises(TrackerError, match=r"tracker user add "):
            WebServer(home.site, "0.0.0.0:0")
        home.account("王")
        with served(home, "0.0.0.0:0") as server:
            assert server.address.startswith("http://0.0.0.0:")
        with served(home, "127.0.0.1:0") as server:
            assert server.first_entry("root") is None


@pytest.mark.parametrize("address", ["127.0.0.1:0", "localhost:0", "[::1]:0"])
def test_the_pages_are_served_to_this_machine(address):
    with house() as home, served(home, address) as server:
        entry = server.first_entry("root") or ""
        assert re.fullmatch(rf"{re.escape(server.address)}/enter/[\w-]{{40,}}", entry)


# --- passwords ---


def test_signing_in_leads_to_where_one_was_going(home):
    home.account("王")
    browser = home.browser()
    page = browser.get("/sign-in?next=/month/2022-05%3Fa%3Db")
    assert 'name="next" value="/month/2022-05?a=b"' in page.text
    answer = browser.post("/sign-in", data={"name": "王", "password": SECRET, "next": "/month/2022-05?a=b"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/month/2022-05?a=b")
    assert who(browser, "/nothing") == (404, "王")
    assert browser.get("/sign-in").headers["location"] == "/"


def test_the_cookie_is_bound_to_the_host_secret_and_for_us_alone(home):
    home.account("王")
    morsel = cookie(home.browser().post("/sign-in", data={"name": "王", "password": SECRET}))
    assert (morsel["secure"], morsel["httponly"], morsel["samesite"], morsel["path"], morsel["domain"]) == (
        True, True, "lax", "/", "",
    )  # fmt: skip
    assert int(morsel["max-age"]) == LONGEST.total_seconds()


def test_a_wrong_password_and_a_name_that_nobody_has_are_answered_alike(home):
    home.account("wang")
    pages = {}
    for name in ("wang", "none"):
        answer = home.browser().post("/sign-in", data={"name": name, "password": "something wrong"})
        pages[answer.status_code, answer.text.replace(f'value="{name}"', "")] = cookie(answer)
    assert list(pages.values()) == [None]
    ((status, text),) = pages
    assert status == 403
    assert "账户或密码不对" in text
    assert "something wrong" not in text


@pytest.mark.parametrize(
    "path",
    ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", "", "evil", "/\t/evil.example",
     "/\n/evil.example", "\\\\evil.example", "///evil.example", "/%0a\u2028x"],
)  # fmt: skip
def test_nobody_is_led_elsewhere_by_next(home, path):
    assert local_path(path) == "/" if path != "/%0a\u2028x" else True
    home.account("王")
    answer = home.browser().post("/sign-in", data={"name": "王", "password": SECRET, "next": path})
    assert answer.headers["location"] == "/"


def test_guessing_is_slowed_down_and_a_right_password_from_elsewhere_goes_through(home):
    home.account("王")
    thief, owner = home.browser(peer="203.0.113.9"), home.browser(peer="10.1.1.1")
    answers = [thief.post("/sign-in", data={"name": "王", "password": f"guess {n} guess"}) for n in range(8)]
    assert {answer.status_code for answer in answers[:3]} == {403}
    assert {answer.status_code for answer in answers[3:]} == {429}
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert thief.post("/sign-in", data={"name": "王", "password": SECRET}).status_code == 429
    assert owner.post("/sign-in", data={"name": "王", "password": SECRET}).status_code == 303


def test_guessing_goes_on_after_a_wait_and_locks_nobody_out(home):
    home.account("王")
    browser = home.browser()
    for _ in range(20):
        browser.post("/sign-in", data={"name": "王", "password": "guess guess"})
    home.clock.set(home.clock.now() + timedelta(seconds=61))
    assert browser.post("/sign-in", data={"name": "王", "password": SECRET}).status_code == 303


def test_one_address_that_tries_many_names_is_slowed_down(home):
    home.account("王")
    thief = home.browser(peer="203.0.113.9")
    told = [thief.post("/sign-in", data={"name": f"n{n}", "password": "x"}).status_code for n in range(25)]
    assert told[-1] == 429


@pytest.mark.parametrize(
    "headers",
    [{"origin": "https://evil.example"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"},
     {"sec-fetch-site": "same-site"}, {"origin": "https://tracker.example.evil.example"},
     {"origin": "https://[::1"}],
)  # fmt: skip
def test_nobody_is_signed_in_by_another_sites_form(home, headers):
    home.account("王")
    answer = home.browser().post("/sign-in", data={"name": "王", "password": SECRET}, headers=headers)
    assert (answer.status_code, cookie(answer)) == (403, None)


@pytest.mark.parametrize(
    "headers",
    [{"origin": HOST}, {"sec-fetch-site": "same-origin", "origin": "null"}, {}],
)
def test_our_own_form_signs_in(home, headers):
    home.account("王")
    assert (
        home.browser().post("/sign-in", data={"name": "王", "password": SECRET}, headers=headers).status_code
        == 303
    )


def test_the_sign_in_page_shows_browsers_where_its_form_comes_from(home):
    assert home.browser().get("/sign-in").headers["referrer-policy"] == "same-origin"
    assert home.browser().get("/enter/x").headers["referrer-policy"] == "no-referrer"


def test_a_form_without_measure_is_not_read(home):
    home.account("王")
    assert home.browser().post("/sign-in", data={"name": "x" * 300_000, "password": "y"}).status_code == 413


# --- sessions ---


def test_a_cookie_that_was_made_up_is_nobodys(home):
    home.account("王")
    assert who(home.browser(cookie="__Host-tracker=x")) == (303, "/sign-in?next=%2F")


def test_a_session_ends_when_it_is_left_alone_and_after_a_week(home):
    browser = home.sign_in("王")
    home.clock.set(home.clock.now() + IDLE)
    assert who(browser)[0] == 303
    browser = home.sign_in("李")
    for _ in range(int(LONGEST / (IDLE / 2)) - 1):
        home.clock.set(home.clock.now() + IDLE / 2)
        assert who(browser, "/nothing") == (404, "李")
    home.clock.set(home.clock.now() + IDLE / 2)
    assert who(browser)[0] == 303


def test_signing_out_ends_the_session_on_the_server(home):
    browser = home.sign_in("王")
    token = browser.cookies["__Host-tracker"]
    assert browser.post("/sign-out", data={"csrf": csrf_of(browser)}).headers["location"] == "/sign-in"
    with home.app.database.reading() as session:
        assert session.execute(select(SESSION)).all() == []
    assert who(home.browser(cookie=f"__Host-tracker={token}"))[0] == 303


def test_signing_out_needs_the_form(home):
    browser = home.sign_in("王")
    assert browser.post("/sign-out", data={"csrf": "x"}).status_code == 403
    assert browser.get("/sign-out").status_code == 405
    assert who(browser, "/nothing") == (404, "王")


@pytest.mark.parametrize(
    "change",
    [
        lambda session: set_password(session, "王", "another secret"),
        lambda session: set_role(session, "王", Role.VIEWER),
        lambda session: remove_account(session, "王", at("2022-05-05")),
    ],
)
def test_another_password_another_role_and_removal_end_sessions(home, change):
    home.account("李")
    browser = home.sign_in("王")
    with home.app.database.writing() as session:
        change(session)
    assert who(browser)[0] == 303


def test_signing_in_begins_a_session_anew(home):
    browser = home.sign_in("王")
    first = browser.cookies["__Host-tracker"]
    browser.post("/sign-in", data={"name": "王", "password": SECRET})
    assert browser.cookies["__Host-tracker"] != first
    assert who(home.browser(cookie=f"__Host-tracker={first}"))[0] == 303


# --- forms ---


@pytest.mark.parametrize("given", ["", "x", None, "of another"])
def test_a_form_without_this_sessions_secret_changes_nothing(home, given):
    browser, other = home.sign_in("王"), home.sign_in("李")
    given = csrf_of(other) if given == "of another" else given
    data = {"ref": "table-2@2022-05", "unit": "wanzhou"} | ({} if given is None else {"csrf": given})
    answer = browser.post("/act/waive", data=data)
    assert answer.status_code == 403
    assert "没有办理" in answer.text
    with home.app.database.reading() as session:
        assert session.connection().exec_driver_sql("SELECT count(*) FROM event").scalar() == 0


@pytest.mark.parametrize("headers", [{"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}])
def test_another_sites_form_changes_nothing_even_with_the_secret(home, headers):
    browser = home.sign_in("王")
    data = {"ref": "table-2@2022-05", "unit": "wanzhou", "csrf": csrf_of(browser)}
    assert browser.post("/act/waive", data=data, headers=headers).status_code == 403
    assert browser.post("/act/waive", data=data, headers={"origin": HOST}).status_code == 303


# --- the first entry ---


def test_the_first_entry_is_by_a_button_once(home):
    home.site.access.host = "127.0.0.1"
    key = home.site.access.keys.make("root", home.clock.now())
    scanner, browser = home.browser(LOCAL), home.browser(LOCAL.replace("http", "https"))
    for _ in range(3):
        assert scanner.get(f"/enter/{key}").status_code == 200
        assert scanner.head(f"/enter/{key}").status_code == 200
    assert scanner.cookies == {}
    answer = browser.post(f"/enter/{key}")
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert who(browser, "/nothing") == (404, "root")
    assert browser.get(f"/enter/{key}").status_code == 410
    again = home.browser(LOCAL).post(f"/enter/{key}")
    assert (again.status_code, cookie(again)) == (410, None)


def test_the_first_entry_makes_an_operator(home):
    key = home.site.access.keys.make("root", home.clock.now())
    browser = home.browser("https://127.0.0.1")
    browser.post(f"/enter/{key}")
    with home.app.database.reading() as session:
        row = session.execute(select(SESSION)).one()
    assert (row.account, row.role, row.via) == ("root", "operator", "key")


def test_a_key_is_good_for_a_day(home):
    key = home.site.access.keys.make("root", home.clock.now())
    home.clock.set(home.clock.now() + timedelta(days=1))
    answer = home.browser(LOCAL).post(f"/enter/{key}")
    assert (answer.status_code, cookie(answer)) == (410, None)
    assert home.browser(LOCAL).post("/enter/x").status_code == 410


# --- a trusted proxy ---


@pytest.fixture
def behind():
    with house(PROXY) as found:
        found.site.access.host = "0.0.0.0"
        yield found


def test_whom_the_proxy_names_has_the_role_of_the_settings(behind):
    browser = behind.browser(peer="10.0.0.5")
    browser.headers.encoding = "utf-8"
    browser.headers["x-remote-user"] = "王"
    assert who(browser, "/nothing") == (404, "王")
    browser.headers["x-remote-user"] = "li"
    assert who(browser, "/nothing") == (404, "li")
    assert browser.post("/act/waive", data={"csrf": csrf_of(browser)}).status_code == 403


def test_a_proxys_people_have_a_secret_in_their_forms_as_well(behind):
    browser = behind.browser(peer="10.0.0.5")
    browser.headers.encoding = "utf-8"
    browser.headers["x-remote-user"] = "王"
    data = {"ref": "table-2@2022-05", "unit": "wanzhou"}
    assert browser.post("/act/waive", data=data | {"csrf": "x"}).status_code == 403
    csrf = authentication._csrf_of(behind.site, "王")
    assert browser.post("/act/waive", data=data | {"csrf": csrf}).status_code == 303


def test_what_a_page_gave_out_is_taken_by_another_machine_and_after_a_restart(behind):
    """The secret of a proxy's people in their forms, and the sentence for the next page."""
    browser = behind.browser(peer="10.0.0.5")
    browser.headers.encoding = "utf-8"
    browser.headers["x-remote-user"] = "王"
    csrf = authentication._csrf_of(behind.site, "王")
    behind.restart()
    behind.site.access.host = "0.0.0.0"
    data = {"csrf": csrf, "ref": "table-2@2022-05", "unit": "wanzhou", "back": "/nothing"}
    assert browser.post("/act/waive", data=data).status_code == 303
    behind.restart()
    behind.site.access.host = "0.0.0.0"
    # The other machine's clock is a little behind.
    behind.clock.set(behind.clock.now() - timedelta(seconds=2))
    assert "已免报" in shown(browser)


@pytest.mark.parametrize("peer", ["10.0.0.6", "127.0.0.1", "203.0.113.9", "testclient"])
def test_the_header_says_nothing_from_elsewhere(behind, peer):
    assert who(behind.browser(peer=peer, **{"x-remote-user": "li"}))[0] == 303


def test_the_header_says_nothing_where_no_proxy_is_named(home):
    assert who(home.browser(peer="10.0.0.5", **{"x-remote-user": "li"}))[0] == 303


def test_two_names_in_the_header_are_nobodys(behind):
    browser = behind.browser(peer="10.0.0.5")
    answer = browser.get("/", headers=[("x-remote-user", "li"), ("x-remote-user", "li")])
    assert answer.status_code == 303


def test_whom_the_proxy_names_and_nobody_has_listed_is_told_so(behind):
    answer = behind.browser(peer="10.0.0.5", **{"x-remote-user": "zhao"}).get("/")
    assert answer.status_code == 403
    assert "“zhao”在本站没有角色" in answer.text


def test_with_a_proxy_nobody_looks_without_a_name_not_even_here(behind):
    behind.site.access.host = "127.0.0.1"
    assert who(behind.browser(LOCAL, peer="127.0.0.1"))[0] == 303


# --- what is said to whom ---


def test_a_sentence_is_shown_once_and_cannot_be_made_up(home):
    browser = home.sign_in("王")
    browser.post("/act/accept", data={"csrf": csrf_of(browser)})
    assert shown(browser) == "没有选中任何事项，没有办理。"
    assert shown(browser) == ""
    assert shown(home.browser(cookie="__Host-said=IjxiPiI.x.y")) == ""


def test_no_password_and_no_key_is_in_the_log(home, caplog):
    caplog.set_level("DEBUG")
    home.account("王")
    browser = home.browser()
    key = home.site.access.keys.make("root", home.clock.now())
    browser.post("/sign-in", data={"name": "王", "password": "wrong " + SECRET})
    browser.post("/sign-in", data={"name": "王", "password": SECRET})
    browser.get(f"/enter/{key}")
    said = "\n".join(record.getMessage() for record in caplog.records if not record.name.startswith("httpx"))
    for secret in (SECRET, key, browser.cookies["__Host-tracker"]):
        assert secret not in said


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_pages_speak_both_languages(home, language):
    assert signing_in.routes()
    home.account("王")
    page = home.browser().get(f"/sign-in?language={language}")
    assert (page.status_code, ("密码" in page.text)) == (200, language == "zh")
