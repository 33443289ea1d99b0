"""Signing in through a provider: against one that runs, and with tokens that are forged."""

import base64
import hmac
import json
import re
import socket
import subprocess
import sys
from contextlib import contextmanager
from urllib.parse import parse_qs, urlsplit

import httpx2 as httpx
import pytest
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, RSAKey
from sqlalchemy import func, select

from tests.integration.web import HOST, SECRET, SETTINGS, house
from tests.tools import clean_environ, wait_until
from tracker.access.sign_in_journeys import LASTS, MOST, Journey, come_back, set_out
from tracker.clock import SystemClock
from tracker.core.policy import Oidc
from tracker.errors import TrackerError
from tracker.store.short_lived import JOURNEY
from tracker.web.auth.oidc import name_in, read_claims
from tracker.web.server import WebServer

WANG = {"sub": "0001", "preferred_username": "wang", "email": "wang@unit.example"}
ZHAO = {"sub": "0002", "preferred_username": "zhao"}
LI = {"sub": "li@unit.example", "email": "li@unit.example"}


@pytest.fixture(scope="module")
def provider():
    """The address of a provider in a process of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    users = [f"--user-claims={json.dumps(each)}" for each in (WANG, ZHAO, LI)]
    process = subprocess.Popen(
        [
            sys.executable,
            "-W",
            "ignore",
            "-m",
            "oidc_provider_mock",
            "--port",
            str(port),
            "--require-nonce",
            *users,
        ],
        env=clean_environ({}),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"

    def answers():
        try:
            return httpx.get(f"{address}/.well-known/openid-configuration").status_code == 200
        except httpx.HTTPError:
            return False

    try:
        wait_until(answers, 30)
        yield address
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def home(provider):
    with at_home(provider, "preferred_username", "{wang: supervisor, li@unit.example: viewer}") as found:
        yield found


@contextmanager
def at_home(provider, claim, people):
    web = f"web: {{oidc: {{issuer: '{provider}', client: tracker, claim: {claim}}}, people: {people}}}\n"
    with house(SETTINGS + web, TRACKER_OIDC_SECRET="between us") as found:
        found.clock.set(SystemClock().now())
        yield found


def leave(browser, following="/nothing"):
    """To the provider; where it was asked."""
    answer = browser.get(f"/sign-in/oidc?next={following}")
    assert answer.status_code == 303
    return answer.headers["location"]


def at_the_provider(address, sub="0001", action=None):
    """Press the provider's button; where it sends the browser."""
    form = {"action": action} if action else {"sub": sub}
    answer = httpx.post(address, data=form, follow_redirects=False)
    assert answer.status_code == 302, answer.text
    return answer.headers["location"].removeprefix(HOST)


def name_on(browser):
    found = re.search(r'<span class="who">(.*?)</span>', browser.get("/nothing").text)
    return found and found[1]


def test_whom_the_provider_names_is_signed_in_with_the_role_of_the_settings(home):
    browser = home.browser()
    asked = leave(browser)
    query = parse_qs(urlsplit(asked).query)
    assert query["code_challenge_method"] == ["S256"]
    assert query["redirect_uri"] == [f"{HOST}/sign-in/oidc/back"]
    assert len(query["state"][0]) > 40
    assert len(query["nonce"][0]) > 40
    answer = browser.get(at_the_provider(asked))
    assert (answer.status_code, answer.headers["location"]) == (303, "/nothing"), answer.text
    assert name_on(browser) == "wang"


def test_people_are_known_by_the_claim_that_the_settings_name(provider, caplog):
    """A user name that somebody gave themselves gives nobody a role."""
    with at_home(provider, "sub", "{'0002': supervisor, wang: operator}") as home:
        browser = home.browser()
        browser.get(at_the_provider(leave(browser), "0002"))
        assert name_on(browser) == "0002"
        other = home.browser()
        assert other.get(at_the_provider(leave(other), "0001")).status_code == 403
        assert "the sub of who signed in: '0001'" in caplog.text


def test_an_address_that_the_provider_does_not_vouch_for_is_nobodys(provider):
    with at_home(provider, "email", "{li@unit.example: supervisor}") as home:
        browser = home.browser()
        assert browser.get(at_the_provider(leave(browser), "li@unit.example")).status_code == 403


def test_who_is_at_the_providers_may_come_back_to_another_machine(home):
    """Or to the same one after a restart; what was good once is good on neither again."""
    browser = home.browser()
    back = at_the_provider(leave(browser))
    home.restart()
    answer = browser.get(back)
    assert (answer.status_code, name_on(browser)) == (303, "wang"), answer.text
    home.restart()
    assert browser.get(back).status_code == 403


def test_journeys_that_are_over_are_forgotten_and_never_too_many(home):
    journey = Journey("state", "nonce", "verifier", "/")
    with home.app.database.writing() as session:
        tickets = [set_out(session, journey, home.clock.now()) for _ in range(MOST + 3)]
        assert session.execute(select(func.count()).select_from(JOURNEY)).scalar_one() == MOST
        assert come_back(session, tickets[-1], home.clock.now()) == journey
        assert come_back(session, tickets[-1], home.clock.now()) is None
        set_out(session, journey, home.clock.now() + LASTS)
        assert session.execute(select(func.count()).select_from(JOURNEY)).scalar_one() == 1


def test_whom_nobody_has_listed_is_not_let_in(home):
    browser = home.browser()
    answer = browser.get(at_the_provider(leave(browser), "0002"))
    assert (answer.status_code, name_on(browser)) == (403, None)
    assert "没有角色" in answer.text


def test_who_is_taken_off_the_list_is_out_at_once(home):
    browser = home.browser()
    browser.get(at_the_provider(leave(browser)))
    assert name_on(browser) == "wang"
    settings = home.app.config / "settings.yaml"
    settings.write_text(settings.read_text().replace("wang: supervisor, ", ""))
    home.app.reload()
    assert browser.get("/nothing").status_code == 403


def test_a_code_is_good_only_for_the_browser_that_asked(home):
    thief, victim = home.browser(), home.browser()
    back = at_the_provider(leave(thief))
    answer = victim.get(back)
    assert (answer.status_code, name_on(victim)) == (403, None)
    leave(victim)
    answer = victim.get(back)
    assert (answer.status_code, name_on(victim)) == (403, None)
    # By the state alone: the code is not even taken to the provider.
    assert "登录用时过长或已中断" in answer.text


def test_an_answer_is_taken_once(home):
    browser = home.browser()
    back = at_the_provider(leave(browser))
    browser.get(back)
    assert browser.get(back).status_code == 403


def test_who_stays_too_long_at_the_providers_begins_anew(home):
    browser = home.browser()
    back = at_the_provider(leave(browser))
    home.clock.set(home.clock.now().replace(year=home.clock.now().year + 1))
    assert browser.get(back).status_code == 403


def test_a_provider_that_says_no_is_told_of(home):
    browser = home.browser()
    answer = browser.get("/sign-in/oidc/back?error=access_denied")
    assert answer.status_code == 403
    asked = leave(browser)
    state = parse_qs(urlsplit(asked).query)["state"][0]
    answer = browser.get(f"/sign-in/oidc/back?error=access_denied&state={state}")
    assert "没有同意" in answer.text


def test_a_provider_that_is_away_is_told_of_and_no_secret_is_in_the_log(caplog):
    web = "web: {oidc: {issuer: 'http://127.0.0.1:9', client: tracker}, people: {'*': viewer}}\n"
    with house(SETTINGS + web, TRACKER_OIDC_SECRET=SECRET) as home:
        browser = home.browser()
        answer = browser.get(browser.get("/sign-in/oidc").headers["location"])
    assert answer.status_code == 403
    assert "稍后再试" in answer.text
    assert "signing in through the provider failed" in caplog.text
    assert SECRET not in caplog.text


def test_without_the_libraries_the_pages_do_not_start_and_say_what_is_missing(home, monkeypatch):
    monkeypatch.setitem(sys.modules, "authlib.integrations.httpx_client", None)
    with pytest.raises(TrackerError, match=r"deadline-tracker\[oidc\]"):
        WebServer(home.site, "127.0.0.1:0")


def test_without_a_provider_the_address_leads_to_the_form():
    with house() as home:
        assert home.browser().get("/sign-in/oidc").headers["location"] == "/sign-in"
        assert home.browser().get("/sign-in/oidc/back?code=x&state=y").status_code == 403


# --- what the provider signs ---

NOW = 1_650_000_000
SETTLED = Oidc("https://login.example", "tracker")
CLAIMS = {
    "iss": "https://login.example",
    "aud": "tracker",
    "sub": "0001",
    "nonce": "our nonce",
    "iat": NOW - 10,
    "exp": NOW + 300,
}
KEY = RSAKey.generate_key(2048, {"kid": "one"}, private=True)
KEYS = KeySet([KEY]).as_dict(private=False)


def signed(key=KEY, alg="RS256", **changes):
    claims = {name: value for name, value in (CLAIMS | changes).items() if value is not None}
    return jwt.encode({"alg": alg, "kid": "one"}, claims, key, algorithms=[alg])


def read(token):
    return read_claims(token, KEYS, SETTLED, "our nonce", NOW)


def test_a_token_as_it_should_be_is_read():
    assert read(signed())["sub"] == "0001"
    assert read(signed(aud=["tracker"]))["sub"] == "0001"
    assert read(signed(iss="https://login.example/"))["sub"] == "0001"
    assert read(signed(aud=["tracker", "other"], azp="tracker"))["sub"] == "0001"


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://evil.example"}, {"iss": None}, {"aud": "other"}, {"aud": None}, {"aud": ["other"]},
        {"nonce": "another"}, {"nonce": None}, {"exp": NOW - 120}, {"exp": None}, {"iat": None}, {"sub": None},
        {"iat": NOW + 600}, {"aud": ["tracker", "other"], "azp": "other"}, {"aud": ["tracker", "other"]},
        {"azp": "other"},
    ],
)  # fmt: skip
def test_a_token_that_is_not_for_us_now_is_refused(changes):
    with pytest.raises(JoseError):
        read(signed(**changes))


def test_a_token_by_another_key_is_refused():
    with pytest.raises(JoseError):
        read(signed(RSAKey.generate_key(2048, {"kid": "one"}, private=True)))


def test_a_token_that_is_signed_with_the_public_key_as_a_secret_is_refused():
    # By hand, as the library will not make such a token.
    _, body, _ = signed().split(".")
    head = base64.urlsafe_b64encode(b'{"alg":"HS256","kid":"one"}').rstrip(b"=").decode()
    mac = hmac.digest(KEY.as_pem(private=False), f"{head}.{body}".encode(), "sha256")
    signature = base64.urlsafe_b64encode(mac).rstrip(b"=").decode()
    with pytest.raises((JoseError, ValueError)):
        read(f"{head}.{body}.{signature}")


def test_a_token_that_nobody_signed_is_refused():
    header, body, _ = signed().split(".")
    nothing = "eyJhbGciOiJub25lIiwia2lkIjoib25lIn0"
    assert header != nothing
    with pytest.raises((JoseError, ValueError)):
        read(f"{nothing}.{body}.")


@pytest.mark.parametrize(
    ("claims", "claim", "name"),
    [
        ({"preferred_username": "wang", "email": "w@x.example", "sub": "1"}, "preferred_username", "wang"),
        ({"preferred_username": "wang", "sub": "1"}, "sub", "1"),
        ({"preferred_username": "1", "sub": "2"}, "sub", "2"),
        ({"email": "w@x.example", "email_verified": True}, "email", "w@x.example"),
        ({"email": "w@x.example", "email_verified": False}, "email", None),
        ({"email": "w@x.example", "email_verified": "false"}, "email", None),
        ({"email": "w@x.example", "email_verified": "true"}, "email", None),
        ({"email": "w@x.example", "email_verified": 1}, "email", None),
        ({"email": "w@x.example"}, "email", None),
        ({"sub": "1"}, "preferred_username", None),
        ({"preferred_username": " "}, "preferred_username", None),
        ({"preferred_username": "a\nb"}, "preferred_username", None),
        ({"preferred_username": "x" * 201}, "preferred_username", None),
        ({"groups": ["wang"]}, "groups", None),
        ({"employee": True}, "employee", None),
        ({}, "sub", None),
    ],
)
def test_what_somebody_is_known_by(claims, claim, name):
    assert name_in(claims, claim) == name
