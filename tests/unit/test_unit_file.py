"""The unit that is handed out gives the service no power that it has no need of."""

import shutil
import subprocess

import pytest

from tests.tools import ROOT
from tracker.config.environment import CREDENTIALS

UNIT = ROOT / "packaging" / "tracker.service"
NO = {"no", "false", "0", "off"}


@pytest.fixture(scope="module")
def service():
    """The settings of [Service]; each with every value that it is given, in order."""
    found: dict[str, list[str]] = {}
    section = ""
    for line in UNIT.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            section = line
        elif line and not line.startswith("#") and section == "[Service]":
            name, equals, value = line.partition("=")
            assert equals, line
            found.setdefault(name, []).append(value)
    return found


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("NoNewPrivileges", "yes"),
        ("ProtectSystem", "strict"),
        ("ProtectHome", "yes"),
        ("PrivateTmp", "yes"),
        ("PrivateDevices", "yes"),
        ("CapabilityBoundingSet", ""),
        ("AmbientCapabilities", ""),
        ("DynamicUser", "yes"),
        ("RestrictSUIDSGID", "yes"),
        ("MemoryDenyWriteExecute", "yes"),
        ("UMask", "0077"),
        ("StateDirectory", "tracker tracker-sign"),
        ("StateDirectoryMode", "0700"),
        ("Restart", "on-failure"),
        ("LimitNOFILE", "4096"),
    ],
)
def test_each_guard_is_set_and_to_nothing_else(service, name, value):
    assert service[name] == [value]


def test_no_line_gives_power_back(service):
    for name in ("ReadWritePaths", "SupplementaryGroups", "PermissionsStartOnly", "User", "Group"):
        assert name not in service
    assert not any(line.startswith(("+", "!", "-")) for line in service["ExecStart"])
    assert not [
        name for name, values in service.items() if name.startswith(("Protect", "Private")) and NO & {*values}
    ]
    assert service["SystemCallFilter"] == ["@system-service", "~@privileged"]


def test_secrets_come_as_credentials_and_nowhere_else(service):
    given = dict(line.split(":") for line in service["LoadCredential"])
    assert set(given) == {CREDENTIALS["TRACKER_MAIL_PASSWORD"], CREDENTIALS["TRACKER_SECRET"]}
    for line in (*service["Environment"], *service["ExecStart"]):
        assert "PASSWORD" not in line
        assert "SECRET" not in line


def test_what_it_writes_lies_in_its_own_folder(service):
    assert service["WorkingDirectory"] == ["/var/lib/tracker"]
    assert service["Environment"] == [
        "TRACKER_CONFIG=/etc/tracker/config",
        "TRACKER_DATABASE=sqlite:////var/lib/tracker/var/tracker.db",
        "TRACKER_LEDGER_SIGN=/var/lib/tracker-sign/ledger",
    ]
    assert service["ExecStart"] == ["/opt/tracker/.venv/bin/tracker run"]


def test_in_the_image_the_sign_of_the_ledger_lies_on_another_volume_than_the_ledger():
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert "TRACKER_DATABASE=sqlite:////srv/var/tracker.db" in text
    assert "TRACKER_LEDGER_SIGN=/srv/sign/ledger" in text
    assert "VOLUME /srv/var /srv/sign\n" in text
    assert "chown 10001 /srv/var /srv/sign" in text


def test_systemd_has_nothing_to_say_against_it(tmp_path):
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("there is no systemd here")
    # It looks for the program as well, which is not installed where tests run.
    unit = tmp_path / "tracker.service"
    unit.write_text(
        UNIT.read_text().replace("/opt/tracker/.venv/bin/tracker run", shutil.which("true") or "")
    )
    done = subprocess.run([analyze, "verify", unit], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
