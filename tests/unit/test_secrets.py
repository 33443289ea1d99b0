"""Secrets come from a file of their owner, from systemd or from the environment, and are shown nowhere."""

import io
import logging

import pytest

from tests.tools import ROOT, Place, quick_folder
from tracker.cli import users
from tracker.config import environment
from tracker.config.environment import CREDENTIALS, apply_environment, secret
from tracker.config.signing import signing_keys
from tracker.core.policy import Settings
from tracker.errors import UsageError
from tracker.service.log import HumanFormatter
from tracker.store.database import open_database, shown


@pytest.fixture(autouse=True)
def afresh():
    environment._warn_once.cache_clear()


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "password"
    path.write_text("nine yellow tables\n")
    path.chmod(0o600)
    return path


def warnings(caplog):
    """As the service's log has them, which several people read."""
    log = HumanFormatter()
    return [log.format(record) for record in caplog.records if record.levelno == logging.WARNING]


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_file_of_its_owner_is_taken_without_a_word(file, mode, caplog):
    file.chmod(mode)
    assert secret({"X_FILE": str(file)}, "X") == "nine yellow tables"
    assert warnings(caplog) == []


@pytest.mark.parametrize("mode", [0o640, 0o644, 0o604, 0o620, 0o777])
def test_a_file_that_others_may_open_is_told_of_once(file, mode, caplog):
    file.chmod(mode)
    for _ in range(3):
        assert secret({"X_FILE": str(file)}, "X") == "nine yellow tables"
    (said,) = warnings(caplog)
    assert f"mode {mode:04o}" in said
    assert f"chmod 600 {file}" in said
    assert "权限过宽" in said
    assert "yellow" not in said


def test_what_is_no_file_of_a_disk_has_no_mode_to_be_told_of(caplog):
    with pytest.raises(UsageError, match="is empty"):
        secret({"X_FILE": "/dev/null"}, "X")
    assert warnings(caplog) == []


def test_a_file_named_by_mistake_is_not_read_to_its_end():
    with pytest.raises(UsageError, match=r"X_FILE=/dev/zero is too long for a secret|is no text"):
        secret({"X_FILE": "/dev/zero"}, "X")


def test_the_kept_key_is_told_of_once_others_may_open_it(tmp_path, caplog):
    database = f"sqlite:///{tmp_path / 'tracker.db'}"
    (key,) = signing_keys(Settings(), database)
    assert warnings(caplog) == []
    (tmp_path / "secret").chmod(0o644)
    assert signing_keys(Settings(), database) == (key,)
    (said,) = warnings(caplog)
    assert key not in said


# --- credentials of systemd ---


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("TRACKER_MAIL_PASSWORD", "mail_password"),
        ("TRACKER_SECRET", "signing_key"),
        ("TRACKER_OIDC_SECRET", "oidc_secret"),
    ],
)
def test_a_credential_is_taken_where_nothing_nearer_is_named(name, field, file, tmp_path, caplog):
    folder = tmp_path / "credentials"
    folder.mkdir()
    (folder / CREDENTIALS[name]).write_text("from systemd\n")
    (folder / CREDENTIALS[name]).chmod(0o440)
    given = {"CREDENTIALS_DIRECTORY": str(folder)}
    assert getattr(apply_environment(Settings(), given), field) == "from systemd"
    nearer = {**given, f"{name}_FILE": str(file)}
    assert getattr(apply_environment(Settings(), nearer), field) == "nine yellow tables"
    nearest = {**nearer, name: "nearest"}
    assert getattr(apply_environment(Settings(), nearest), field) == "nearest"
    assert warnings(caplog) == []


def test_a_credential_that_is_not_there_is_none_and_one_that_holds_none_is_told_of(tmp_path):
    given = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    assert secret(given, "TRACKER_SECRET") is None
    assert secret(given, "OTHER") is None
    (tmp_path / "link-keys").write_text("\n")
    with pytest.raises(UsageError, match=f"the credential {tmp_path}/link-keys is empty"):
        secret(given, "TRACKER_SECRET")


# --- shown nowhere ---


def test_no_command_has_an_option_for_a_secret():
    for source in (ROOT / "tracker" / "cli").glob("*.py"):
        text = source.read_text(encoding="utf-8")
        for option in ("--password", "--secret", "--key", "--token"):
            assert f'"{option}"' not in text, source


def test_a_password_in_the_command_line_is_told_of_and_not_repeated(tmp_path):
    with quick_folder() as folder:
        place = Place(folder)
        address = f"sqlite://user:geheim@/{tmp_path}/x.db"
        said = place.tracker("tasks", "--database", address)
    assert (said.code, len(said.err.splitlines())) == (0, 1)
    assert "TRACKER_DATABASE" in said.err
    assert "geheim" not in said.err + said.out


@pytest.mark.parametrize(
    "address",
    [
        "postgresql+psycopg://u:geheim@127.0.0.1:1/x",
        "postgresql+psycopg://u@127.0.0.1:1/x?password=geheim",
        "postgresql+psycopg://u:geh%40geheim@127.0.0.1:1/x",
    ],
)
def test_a_database_that_is_away_is_told_of_without_its_password(address):
    assert "geheim" not in shown(address)
    with pytest.raises(Exception, match="cannot be opened") as refused:
        open_database(address)
    assert "geheim" not in str(refused.value)


def test_a_mark_that_an_editor_put_before_a_secret_is_none_of_it(tmp_path):
    """Notepad's, which nobody sees; in every file that holds a secret."""
    file = tmp_path / "secret"
    file.write_bytes(b"\xef\xbb\xbfnine yellow tables\r\n")
    file.chmod(0o600)
    for name in CREDENTIALS:
        assert secret({f"{name}_FILE": str(file)}, name) == "nine yellow tables"
    (tmp_path / CREDENTIALS["TRACKER_SECRET"]).write_bytes(file.read_bytes())
    assert secret({"CREDENTIALS_DIRECTORY": str(tmp_path)}, "TRACKER_SECRET") == "nine yellow tables"
    assert signing_keys(Settings(), f"sqlite:///{tmp_path / 'tracker.db'}") == ("nine yellow tables",)
    file.write_bytes("\ufeff\r\n".encode())
    with pytest.raises(UsageError, match="is empty"):
        secret({"X_FILE": str(file)}, "X")


def test_nor_of_a_password_that_comes_through_a_pipe(monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("\ufeffnine yellow tables\r\n"))
    assert users._ask_password(from_stdin=True) == "nine yellow tables"
