"""Links: what is signed can be read, and nothing else can."""

import stat
import threading
from base64 import urlsafe_b64decode
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from itsdangerous import Signer

from tests.world import definition
from tracker.access.links import (
    LASTING,
    ExpiredLinkError,
    ForgedLinkError,
    LinkClaim,
    LinkError,
    Links,
    Purpose,
    WrongPurposeError,
    lasting,
    mark,
)
from tracker.config.signing import signing_keys
from tracker.core.policy import Policies, Policy, Settings
from tracker.errors import UsageError

OLD, NEW = "the key of last year", "the key of this year"
LINKS = Links("https://tracker.example/", (OLD,))
UNTIL = date(2022, 7, 4)
NOW = datetime(2022, 5, 5, 1, tzinfo=UTC)
REF, UNIT, TO = "26/experience@2022-05", "wanzhou", "wanzhou@unit.example"


def token(links=LINKS, ref=REF, unit=UNIT, to=TO, until=UNTIL, purpose=Purpose.ANSWER):
    return links.token(purpose, ref, unit, mark(to), until)


def test_a_link_says_what_was_put_into_it():
    address = LINKS.answer(REF, UNIT, TO, UNTIL)
    head, _, found = address.rpartition("/")
    assert head == "https://tracker.example/answer"
    assert LINKS.read(found, Purpose.ANSWER, NOW) == LinkClaim(Purpose.ANSWER, REF, UNIT, mark(TO), UNTIL)


def test_the_same_mail_sent_again_has_the_same_links():
    assert token() == token(Links("https://tracker.example", (OLD,)))


def test_a_link_can_stand_in_an_address_and_tells_nobody_the_address_of_its_reader():
    found = token()
    assert found.replace("-", "").replace("_", "").replace(".", "").isalnum()
    payload = found[4:].partition(".")[0]
    assert TO.encode() not in urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
    assert "@" not in found


def test_the_mark_of_an_address_does_not_depend_on_how_it_is_written():
    assert mark("Wanzhou@Unit.example") == mark(TO) != mark("fuling@unit.example")


@pytest.mark.parametrize(
    "change", [{"ref": "5"}, {"unit": "fuling"}, {"to": "x@unit.example"}, {"until": date(2023, 1, 1)}]
)
def test_the_signature_of_one_thing_does_not_sign_another(change):
    payload, signature = token(**change).rpartition(".")[0], token().rpartition(".")[2]
    with pytest.raises(ForgedLinkError):
        LINKS.read(f"{payload}.{signature}", Purpose.ANSWER, NOW)


@pytest.mark.parametrize("purpose", [Purpose.VIEW, Purpose.PAPER])
def test_a_link_is_for_one_purpose(purpose):
    with pytest.raises(WrongPurposeError):
        LINKS.read(token(), purpose, NOW)
    with pytest.raises(WrongPurposeError):
        LINKS.read(token(purpose=purpose), Purpose.ANSWER, NOW)


def test_a_link_is_good_through_its_last_day_and_not_longer():
    last = datetime(2022, 7, 4, 23, 59, tzinfo=UTC)
    assert LINKS.read(token(), Purpose.ANSWER, last).until == UNTIL
    with pytest.raises(ExpiredLinkError) as caught:
        LINKS.read(token(), Purpose.ANSWER, last + timedelta(minutes=2))
    assert caught.value.claim.ref == REF


def test_a_forged_link_is_not_said_to_have_expired():
    with pytest.raises(ForgedLinkError):
        LINKS.read(token(until=date(2021, 1, 1))[:-1], Purpose.ANSWER, NOW)


@pytest.mark.parametrize(
    ("day", "due", "through"),
    [
        (date(2022, 5, 5), None, date(2022, 5, 5) + LASTING),
        (date(2022, 5, 5), date(2022, 12, 31), date(2022, 12, 31) + LASTING),
        (date(2022, 5, 5), date(2022, 3, 31), date(2022, 5, 5) + LASTING),
    ],
)
def test_a_link_outlasts_what_it_is_about_and_the_mail(day, due, through):
    assert lasting(day, due) == through


def test_keys_are_changed_without_breaking_the_links_that_are_out():
    both, only_new = Links("", (NEW, OLD)), Links("", (NEW,))
    assert both.read(token(), Purpose.ANSWER, NOW).ref == REF
    assert only_new.read(token(both), Purpose.ANSWER, NOW).ref == REF
    with pytest.raises(ForgedLinkError):
        only_new.read(token(), Purpose.ANSWER, NOW)


def test_what_is_signed_by_hand_is_what_the_library_signs():
    found = token()
    value, _, signature = found.rpartition(".")
    (signers,) = LINKS._signers.values()
    signer = signers[Purpose.ANSWER]
    assert isinstance(signer, Signer)
    assert signer.sign(value) == found.encode()
    assert len(urlsafe_b64decode(signature + "==")) == 16


@given(st.integers(0, 300), st.characters())
def test_a_token_with_one_character_changed_is_refused(place, other):
    found = token()
    place %= len(found)
    changed = found[:place] + other + found[place + 1 :]
    if changed == found:
        return
    with pytest.raises(LinkError):
        LINKS.read(changed, Purpose.ANSWER, NOW)


@given(st.text(max_size=200) | st.text("ABCabc012-_.", max_size=200))
def test_whatever_stands_in_an_address_is_refused_and_never_breaks(text):
    with pytest.raises(ForgedLinkError):
        LINKS.read(text, Purpose.ANSWER, NOW)
    with pytest.raises(ForgedLinkError):
        LINKS.read(token()[:4] + text, Purpose.ANSWER, NOW)


words = st.text(st.characters(exclude_characters="\n", codec="utf-8"), max_size=60)


@given(words, words, words, st.dates(date(2022, 6, 1), date(2199, 1, 1)))
def test_whatever_is_put_in_comes_out(ref, unit, to, until):
    found = LINKS.token(Purpose.PAPER, ref, unit, to, until)
    if len(found) <= 1024:
        assert LINKS.read(found, Purpose.PAPER, NOW) == LinkClaim(Purpose.PAPER, ref, unit, to, until)


@pytest.mark.parametrize("between", [" ", "\n", ",", " , "])
def test_the_keys_come_from_the_environment_and_the_first_signs(between):
    new, old = "a" * 16, "b" * 32
    assert signing_keys(Settings(signing_key=f"{new}{between}{old}\n"), "sqlite://") == (new, old)


def test_a_signature_is_written_in_one_way_only():
    found = token()
    # Four bits of the last character stand for nothing.
    for other in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_":
        if other != found[-1]:
            with pytest.raises(ForgedLinkError):
                LINKS.read(found[:-1] + other, Purpose.ANSWER, NOW)


def test_a_key_that_could_be_guessed_is_refused():
    with pytest.raises(UsageError, match="TRACKER_SECRET"):
        signing_keys(Settings(signing_key="abc"), "sqlite://")


def test_without_one_a_key_is_made_once_and_kept_to_its_owner(tmp_path):
    database = f"sqlite:///{tmp_path / 'var' / 'tracker.db'}"
    first = signing_keys(Settings(), database)
    assert signing_keys(Settings(), database) == first
    path = tmp_path / "var" / "secret"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in path.parent.iterdir()] == ["secret"]
    assert len(first[0]) >= 32


def test_many_at_once_agree_on_one_key(tmp_path):
    database = f"sqlite:///{tmp_path / 'var' / 'tracker.db'}"
    found, barrier = [], threading.Barrier(8)

    def start():
        barrier.wait()
        found.append(signing_keys(Settings(), database))

    threads = [threading.Thread(target=start) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(found) == 8
    assert len(set(found)) == 1


def test_where_no_key_can_be_kept_that_is_said(tmp_path):
    # Not even root can make a folder where a file stands.
    (tmp_path / "var").write_text("")
    with pytest.raises(UsageError, match="TRACKER_SECRET"):
        signing_keys(Settings(), f"sqlite:///{tmp_path / 'var' / 'tracker.db'}")


def test_an_empty_key_file_is_said_to_be_none(tmp_path):
    (tmp_path / "secret").write_text("\n")
    with pytest.raises(UsageError, match="secret"):
        signing_keys(Settings(), f"sqlite:///{tmp_path / 'tracker.db'}")


@pytest.mark.parametrize(
    ("deadline", "review", "days"),
    [
        ("2022年6月底前", "quarter", 0),
        ("每周五前", "quarter", 7),
        ("每月5日前", "never", 31),
        ("每季度", "quarter", 92),
        ("每年", "quarter", 366),
        ("持续推进", "quarter", 92),
        ("持续推进", "year", 366),
        ("2022年6月底前，并持续推进", "half-year", 184),
        ("持续推进", None, 0),
    ],
)
def test_a_link_lives_past_the_next_time_that_it_is_for(deadline, review, days):
    asked = definition("9", deadline, ("wanzhou",))
    named = {"default": Policy("default", review=review), "monthly": Policy("monthly", review=review)}
    cycle = Policies(named).cycle(asked)
    assert cycle == timedelta(days=days)
    links = Links("https://tracker.example", KEYS_OF_CYCLES, cycles={"9": cycle})
    day = date(2022, 4, 8)
    assert links.lasting(day, None, "9") == day + LASTING + cycle
    assert links.lasting(day, None, "5", "9@2022-05") == day + LASTING + cycle
    assert links.lasting(day, date(2022, 6, 30), "5") == date(2022, 6, 30) + LASTING


KEYS_OF_CYCLES = ("a key for tests only",)
