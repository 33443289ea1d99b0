"""Wherever a command is started, it means the same ledger: the one beside the folder of files."""

import shutil

import pytest

from tests.tools import Place
from tracker.config.places import at_home
from tracker.core.policy import Settings, Web


@pytest.fixture
def places(tmp_path):
    """Where the files are, and another folder in which commands are started."""
    return Place(tmp_path / "here"), Place(tmp_path / "elsewhere")


def test_a_command_started_elsewhere_goes_on_with_the_same_ledger(places):
    here, elsewhere = places
    here.ok("run", "--once", "--send-now")
    sent = here.mails()
    assert sent
    elsewhere.ok("--config", here.config, "run", "--once", "--send-now")
    assert here.mails() == sent
    assert [path.name for path in elsewhere.folder.iterdir()] == ["config"], "nothing is begun there"


def test_an_option_and_the_environment_count_from_where_the_command_is_started(places):
    here, elsewhere = places
    elsewhere.ok("--config", here.config, "--database", "sqlite:///a.db", "status")
    elsewhere.ok("--config", here.config, "status", TRACKER_DATABASE="sqlite:///b.db")
    assert {path.name for path in elsewhere.folder.glob("*.db")} == {"a.db", "b.db"}
    assert not (here.folder / "var").exists()


def test_a_ledger_where_earlier_versions_had_it_goes_on_with_a_word(places):
    here, elsewhere = places
    here.ok("submit", "1", "--unit", "万州")
    shutil.move(here.folder / "var", elsewhere.folder / "var")
    done = elsewhere.ok("--config", here.config, "history", "--format", "json")
    assert [each["event"] for each in done.json] == ["submit"]
    assert str(elsewhere.folder / "var" / "tracker.db") in done.err
    assert str(here.folder / "var" / "tracker.db") in done.err
    assert not (here.folder / "var").exists()


def test_of_two_ledgers_neither_is_guessed(places):
    here, elsewhere = places
    here.ok("status")
    elsewhere.ok("status")
    done = elsewhere.tracker("--config", here.config, "run", "--once")
    assert done.code == 2
    for each in places:
        assert str(each.folder / "var" / "tracker.db") in done.err
    named = f"sqlite:///{here.folder / 'var' / 'tracker.db'}"
    elsewhere.ok("--config", here.config, "--database", named, "status")
    elsewhere.ok("--config", here.config, "status", TRACKER_DATABASE=named)


def test_every_path_of_the_file_counts_from_its_home(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    home = tmp_path / "home"
    settings = Settings(web=Web(certificate="cert.pem", key="/etc/key.pem"))
    found = at_home(settings, home, names_database=False)
    assert found.database == f"sqlite:///{home}/var/tracker.db"
    assert found.transport == f"mailbox:{home}/var/mailbox"
    assert found.mailbox == f"{home}/var/mailbox"
    assert found.web is not None
    assert (found.web.certificate, found.web.key) == (f"{home}/cert.pem", "/etc/key.pem")
    assert at_home(settings, tmp_path, names_database=False) is settings
