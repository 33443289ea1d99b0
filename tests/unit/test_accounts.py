"""Accounts and sessions: passwords are kept as hashes, cookies too; what is changed signs people out."""

from datetime import timedelta

import pytest
from argon2 import PasswordHasher
from sqlalchemy import select, update

from tests.world import at
from tracker.access import accounts as module
from tracker.access.accounts import (
    accounts,
    add_account,
    check_password,
    has_accounts,
    remove_account,
    set_password,
    set_role,
    sign_in_with,
    verify,
)
from tracker.access.sessions import (
    IDLE,
    LONGEST,
    begin_session,
    end_session,
    find_session,
    is_to_be_noted,
    note_use,
)
from tracker.core.roles import Role
from tracker.errors import UnknownNameError, UsageError
from tracker.store.database import open_database
from tracker.store.tables import ACCOUNT, SESSION

NOW = at("2022-05-05")
SECRET = "nine yellow tables"


@pytest.fixture
def database():
    opened = open_database("sqlite://")
    yield opened
    opened.close()


@pytest.fixture
def wang(database):
    with database.writing() as session:
        add_account(session, "王科长", Role.SUPERVISOR, SECRET, NOW)
    return "王科长"


def role_of(account):
    return account and account.role


def sign_in(database, name="王科长", now=NOW):
    with database.writing() as session:
        return begin_session(session, name, Role.SUPERVISOR, "password", now)


def found(database, token, now=NOW):
    with database.reading() as session:
        return find_session(session, token, now)


def test_a_password_is_kept_as_argon2_hashes_it(database, wang):
    with database.reading() as session:
        row = session.execute(select(ACCOUNT)).one()
    assert row.hash.startswith("$argon2id$")
    assert SECRET not in repr(row)


def test_only_the_right_password_is_theirs(database, wang):
    assert role_of(verify(database, " 王科长 ", SECRET)) is Role.SUPERVISOR
    assert verify(database, wang, SECRET + " ") is None
    assert verify(database, "李", SECRET) is None
    assert verify(database, wang, "x" * 5_000_000) is None


def test_a_name_that_nobody_has_takes_as_long_as_a_wrong_password(database, wang, monkeypatch):
    checked: list[str] = []
    check = module._is_of

    def watched(hash_, password):
        checked.append(hash_)
        return check(hash_, password)

    monkeypatch.setattr(module, "_is_of", watched)
    verify(database, wang, "wrong password")
    verify(database, "李", "wrong password")
    theirs, nobodys = (hash_.split("$")[1:4] for hash_ in checked)
    assert theirs == nobodys


def give_out_anew(session, name):
    remove_account(session, name, NOW)
    add_account(session, name, Role.OPERATOR, SECRET, NOW)


CHANGES = {
    "removed": lambda session, name: remove_account(session, name, NOW),
    "another password": lambda session, name: set_password(session, name, "eleven green tables"),
    "given out anew": give_out_anew,
}


@pytest.mark.parametrize("what", CHANGES)
def test_what_changes_while_the_password_is_checked_holds(database, wang, monkeypatch, what):
    assert sign_in_with(database, wang, SECRET, NOW) is not None
    check = module._is_of

    def meanwhile(hash_, password):
        with database.writing() as session:
            CHANGES[what](session, wang)
        return check(hash_, password)

    monkeypatch.setattr(module, "_is_of", meanwhile)
    assert sign_in_with(database, wang, SECRET, NOW) is None
    with database.reading() as session:
        assert session.execute(select(SESSION)).all() == []


def test_a_hash_of_older_parameters_is_renewed_as_they_sign_in(database, wang):
    old = PasswordHasher(time_cost=2, memory_cost=8, parallelism=1).hash(SECRET)
    with database.writing() as session:
        session.execute(update(ACCOUNT).values(hash=old))
    assert sign_in_with(database, wang, SECRET, NOW) is not None
    with database.reading() as session:
        renewed = session.execute(select(ACCOUNT.c.hash)).scalar_one()
    assert renewed != old
    assert not module._hasher().check_needs_rehash(renewed)
    assert sign_in_with(database, wang, SECRET, NOW) is not None


def test_an_account_that_was_removed_is_none_and_its_name_may_be_given_out_again(database, wang):
    with database.writing() as session:
        remove_account(session, wang, NOW)
        assert not has_accounts(session)
        assert accounts(session) == []
    assert verify(database, wang, SECRET) is None
    with database.writing() as session:
        add_account(session, wang, Role.VIEWER, "another secret", NOW)
    assert verify(database, wang, SECRET) is None
    assert role_of(verify(database, wang, "another secret")) is Role.VIEWER


def test_a_name_is_given_out_once(database, wang):
    with pytest.raises(UsageError, match="already"), database.writing() as session:
        add_account(session, wang, Role.VIEWER, "another secret", NOW)


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "x" * 65, "a\u202eb"])
def test_names_that_are_none(database, name):
    with pytest.raises(UsageError, match="name"), database.writing() as session:
        add_account(session, name, Role.VIEWER, SECRET, NOW)


@pytest.mark.parametrize(
    "password",
    [
        "", "short", "wangkezhang", "wangkezhang1", "WANGKEZHANG2022", "wangkezhangwangkezhang", "aaaaaaaaaaaa",
        "1234567890", "0987654321", "ababababab", "qwertyuiop", "abcdefghij", "password123", "1357924680246",
        "x" * 1001,
    ],
)  # fmt: skip
def test_passwords_that_would_be_guessed(password):
    with pytest.raises(UsageError) as raised:
        check_password("wangkezhang", password)
    assert password in {"", "short"} or password not in str(raised.value)


@pytest.mark.parametrize(
    "password", [SECRET, "督办科五月要报表哦亲们", "correct horse battery", "Tr4cker-2022-xq"]
)
def test_passwords_that_are_some(password):
    check_password("wangkezhang", password)


@pytest.mark.parametrize(
    "change",
    [
        lambda session: set_password(session, "王科长", "another secret"),
        lambda session: set_role(session, "王科长", Role.VIEWER),
        lambda session: remove_account(session, "王科长", NOW),
    ],
)
def test_another_password_another_role_and_removal_sign_out(database, wang, change):
    token, other = sign_in(database), sign_in(database, "李科长")
    with database.writing() as session:
        change(session)
    assert found(database, token) is None
    assert found(database, other) is not None


@pytest.mark.parametrize(
    "change",
    [
        lambda session: set_password(session, "李", "another secret"),
        lambda session: set_role(session, "李", Role.VIEWER),
        lambda session: remove_account(session, "李", NOW),
    ],
)
def test_who_is_not_there_is_told_of(database, change):
    with pytest.raises(UnknownNameError, match="李"), database.writing() as session:
        change(session)


# --- sessions ---


def test_a_session_is_found_by_its_token_which_is_not_kept(database):
    token = sign_in(database)
    signed_in = found(database, token)
    assert (signed_in.name, signed_in.role, signed_in.via) == ("王科长", Role.SUPERVISOR, "password")
    with database.reading() as session:
        assert token not in repr(session.execute(select(SESSION)).all())
    assert found(database, token + "x") is None
    assert found(database, "") is None


def test_two_sessions_have_nothing_in_common(database):
    one, other = sign_in(database), sign_in(database)
    assert one != other
    assert found(database, one).csrf != found(database, other).csrf


def test_a_session_ends_when_it_is_left_alone(database):
    token = sign_in(database)
    assert found(database, token, NOW + IDLE - timedelta(seconds=1))
    assert found(database, token, NOW + IDLE) is None


def test_a_session_that_is_used_ends_after_a_week_all_the_same(database):
    token, now = sign_in(database), NOW
    while now < NOW + LONGEST:
        signed_in = found(database, token, now)
        assert signed_in is not None
        if is_to_be_noted(signed_in, now):
            with database.writing() as session:
                note_use(session, token, now)
        now += IDLE / 2
    assert found(database, token, now) is None


def test_signing_out_is_final(database):
    token = sign_in(database)
    with database.writing() as session:
        end_session(session, token)
    assert found(database, token) is None


def test_sessions_that_ended_are_not_kept(database):
    sign_in(database)
    sign_in(database, now=NOW + LONGEST)
    with database.reading() as session:
        assert len(session.execute(select(SESSION)).all()) == 1
