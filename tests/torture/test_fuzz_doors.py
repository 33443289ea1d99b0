"""Chance against what strangers reach: tokens of links, the API, every page.  Nothing is let in, nothing breaks."""

import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, date, datetime
from urllib.parse import quote

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from starlette.testclient import TestClient

from tests.integration import test_web_answer
from tests.integration.test_web_api import HOST
from tests.integration.test_web_reading import everything, routes
from tests.tools import ROOT
from tests.torture.chance import LONG, mutated, mutated_text, rounds
from tests.torture.test_fuzz_files import long_and_short
from tracker.access.links import ExpiredLinkError, ForgedLinkError, LinkClaim, LinkError, Links, Purpose, mark
from tracker.web.application import make_application

#: The same fixture.
office = test_web_answer.office

# --- tokens ---

KEYS = ("the key of this year", "the key of last year")
OURS = Links("https://tracker.example", KEYS)
OLD = Links("https://tracker.example", KEYS[1:])
STRANGERS = Links("https://tracker.example", ("the key of nobody here",))
NOW = datetime(2022, 5, 5, 1, tzinfo=UTC)
CLAIMS = [
    LinkClaim(purpose, ref, unit, to, until)
    for purpose in Purpose
    for ref in ("5", "table-2@2022-05")
    for unit in ("wanzhou", "fuling")
    for to in (mark("a@unit.example"), "")
    for until in (date(2022, 7, 4), date(2022, 5, 4))
]


def token_of(links, claim):
    return links.token(claim.purpose, claim.ref, claim.unit, claim.to, claim.until)


ISSUED = {token_of(links, claim): claim for links in (OURS, OLD) for claim in CLAIMS}
SIGNS = (*"ABCXYZabcxyz0189-_.=+/%~ \n\0é＝", "..", "AAAA", "%2E", "\u200b", "١")


def forged(chance):
    """One of ours, changed; or parts of several put together; or one by another key."""
    one, other = (chance.choice(sorted(ISSUED)) for _ in range(2))
    body, _, mac = one.rpartition(".")
    match chance.randrange(8):
        case 0:
            return f"{body}.{other.rpartition('.')[2]}"
        case 1:
            return f"{other[:4]}{one[4:]}"
        case 2:
            place = chance.randrange(len(one))
            return one[:place] + other[place:]
        case 3:
            return token_of(STRANGERS, chance.choice(CLAIMS))
        case 4:
            # The payload says something else, under the old signature.
            claim = chance.choice(CLAIMS)
            said = f"{claim.until.toordinal()}\n{claim.unit}\n{claim.to}\n{claim.ref}".encode()
            changed = mutated(chance, said, (b"\n", b"fuling", b"9", b"@"))
            return f"{one[:4]}{urlsafe_b64encode(changed).decode().rstrip('=')}.{mac}"
        case 5:
            raw = bytearray(urlsafe_b64decode(mac + "=="))
            raw[chance.randrange(len(raw))] ^= 1 << chance.randrange(8)
            cut = raw[: chance.choice([len(raw), 8, 1, 0])]
            return f"{body}.{urlsafe_b64encode(bytes(cut)).decode().rstrip('=')}"
        case 6:
            return one + chance.choice(SIGNS)
        case _:
            return mutated_text(chance, one, SIGNS)


def token(chance):
    text, purpose = forged(chance), chance.choice(list(Purpose))
    try:
        claim = OURS.read(text, purpose, NOW)
    except ExpiredLinkError as expired:
        claim, what = expired.claim, "expired"
    except LinkError as refused:
        return type(refused).__name__
    else:
        what = "taken"
    # Chance may undo its own change: then it is one that was given out, for just this.
    assert ISSUED.get(text) == claim
    assert claim.purpose is purpose
    assert (what == "expired") == (claim.until < NOW.date())
    return what


@long_and_short
def test_no_token_is_taken_that_was_not_given_out(seconds):
    """Tokens of links."""
    seen = rounds(token, seconds, slowest=0.5).seen
    assert seen[ForgedLinkError.__name__] > 10


# --- the API, by its own description ---


@pytest.mark.torture
@pytest.mark.fault("fuzz")
def test_the_api_answers_whatever_is_asked(office, figures):
    """The API, by its own description.

    For long; a short look is tests/integration/test_web_api.py::test_it_keeps_to_its_own_description.
    """
    config = schemathesis.Config.from_path(ROOT / "schemathesis.toml")
    application = make_application(office.site)
    schema = schemathesis.openapi.from_asgi("/api/openapi.json", application, headers=HOST, config=config)
    operations = [found.ok() for found in schema.get_all_operations()]  # type: ignore[union-attr]
    end, asked = time.monotonic() + LONG, 0

    def ask(case):
        nonlocal asked
        if time.monotonic() < end:
            asked += 1
            case.call_and_validate(headers=HOST)

    # Each gets its share of the time in turn, with other examples each time.
    while time.monotonic() < end:
        for operation in operations:
            limits = settings(
                max_examples=10,
                deadline=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
                database=None,
            )
            limits(given(operation.as_strategy())(ask))()
    figures["requests"] = asked
    assert asked > 10


# --- every page, by chance ---

WORDS = (
    *(
        "wanzhou",
        "table-2@2022-05",
        "5",
        "2022-05",
        "2022-13",
        "9999-99",
        "-1",
        "0",
        "9" * 30,
        "1e9",
        "..",
        "%2e%2e",
    ),
    *(
        "/",
        "//",
        "\\",
        "?",
        "#",
        "%00",
        "%ff",
        "%",
        "'",
        '"',
        "<x>",
        "{{7*7}}",
        "\0",
        "\u2028",
        "甲",
        "é",
        "🙂",
        " ",
    ),
)
TYPES = (
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "multipart/form-data",
    "application/json",
    "text/plain; charset=nothing",
    "",
)
BODIES = (
    b"csrf=x&ref=table-2@2022-05&unit=wanzhou&seen=0&count=1&text=a&until=2022-05-20&next=/&name=li&password=x",
    b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.xlsx"\r\n\r\nPK\x03\x04\r\n--x--\r\n',
    b"",
)
BODY_WORDS = (
    b"&",
    b"=",
    b"%",
    b"%00",
    b"--x",
    b"--x--",
    b"\r\n",
    b'name="',
    b"filename*=utf-8''%ff",
    b"\xff",
    b"a=" * 400,
)
PARAMETERS = (
    "unit",
    "ref",
    "state",
    "light",
    "page",
    "month",
    "from",
    "to",
    "at",
    "text",
    "next",
    "language",
)
HEADERS = {
    "accept-language": ("zh", "xx", ""),
    "cookie": ("__Host-tracker=x", "language=xx; theme=;;", "flash=x.y; =", "a" * 5000),
    "range": ("bytes=0-", "bytes=9-1,x"),
    "if-none-match": ('"x"', "*"),
    "origin": ("https://evil.example", "null", "x", "https://[::1"),
    "x-forwarded-for": ("1.2.3.4", "x"),
    "content-length": ("0",),
    "host": ("127.0.0.1:8080", "[::1]", "localhost", "x:y:z", "evil.example", "127.0.0.1:99999"),
}


@long_and_short
def test_no_page_breaks_and_no_stranger_changes_anything(office, seconds):
    """Every page, by a stranger."""
    patterns = sorted({path for path, _ in routes(office.browser.app.routes)})
    values = [office.link().rpartition("/")[2], *WORDS]
    # What pages give out is signed by a key that is made for the first of them, whoever asks for it.
    assert office.site.secret
    before = everything(office)
    # What a page fails over is raised here, and not shown as a page that says so.
    browser = TestClient(office.browser.app, base_url="http://127.0.0.1:8080", follow_redirects=False)

    def attack(chance):
        path = chance.choice(patterns)
        while "{" in path:
            start, _, rest = path.partition("{")
            word = (
                mutated_text(chance, chance.choice(values), WORDS, most=2)
                if chance.random() < 0.7
                else chance.choice(values)
            )
            path = start + quote(word.replace("{", ""), safe="/%@") + rest.partition("}")[2]
        names = chance.sample(
            [
                "unit",
                "ref",
                "state",
                "light",
                "page",
                "month",
                "from",
                "to",
                "at",
                "text",
                "next",
                "language",
            ],
            3,
        )
        query = "&".join(
            f"{name}={quote(mutated_text(chance, chance.choice(WORDS), WORDS), safe='%&=')}" for name in names
        )
        headers = {
            name: chance.choice(choices) for name, choices in HEADERS.items() if chance.random() < 0.15
        }
        method = chance.choice(["GET", "GET", "HEAD", "POST", "POST", "PUT", "OPTIONS"])
        # A link's own holder may act by it: strangers have none that is whole.
        content = None
        if method in {"POST", "PUT"}:
            path = path.replace(values[0], "forged")
            headers["content-type"] = chance.choice(TYPES)
            content = mutated(chance, chance.choice(BODIES), BODY_WORDS)
        answer = browser.request(method, f"{path}?{query}", headers=headers, content=content)
        assert answer.status_code != 500
        return str(answer.status_code)

    seen = rounds(attack, seconds, slowest=5).seen
    assert len(seen) >= 4
    assert everything(office) == before
