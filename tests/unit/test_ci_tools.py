"""What CI looks for, it finds; and where it cannot look, it says so."""

import importlib.util
import json
import re
import secrets
import subprocess

import pytest
import yaml

from tests.tools import ROOT


def tool(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# --- secrets ---

# Put together here, so that this file itself holds none.
PLANTED = {
    "a link key": ("key.py", lambda: f'KEY = "{secrets.token_hex(32)}"\n'),
    "a mail password": ("environment", lambda: f"TRACKER_MAIL_PASSWORD={secrets.token_urlsafe(12)}\n"),
    "a private key": ("tls.pem", lambda: "-----BEGIN " + "PRIVATE KEY-----\nMIIE\n"),
    "a database's password": ("run.sh", lambda: f"run postgresql://tracker:{secrets.token_hex(6)}@db/x\n"),
    "a token of a code host": ("x.yaml", lambda: f"token: ghp_{secrets.token_hex(18)}\n"),
}


@pytest.mark.parametrize("what", PLANTED)
def test_a_planted_secret_is_found(what, tmp_path, capsys):
    name, content = PLANTED[what]
    (tmp_path / name).write_text(content())
    assert tool("secret_scan").main([str(tmp_path / name)]) == 1
    assert f"{tmp_path / name}:1: " in capsys.readouterr().out


def test_a_test_may_have_passwords_of_its_own_and_no_real_key(capsys):
    # Scanned under the names that they have here: this very file and one beside it.
    scan = tool("secret_scan")
    assert scan.main(["tests/unit/test_secrets.py", "tests/unit/test_config_settings.py"]) == 0
    assert "Secret Keyword" in scan.MADE_UP
    assert "Private Key" not in scan.MADE_UP


def test_every_tracked_file_is_looked_at():
    if not (ROOT / ".git").exists():
        pytest.skip("this is no checkout")
    assert {"pyproject.toml", ".ci/run", "tools/secret_scan.py", "README.md"} <= set(
        tool("secret_scan").tracked()
    )


# --- dependencies ---

SOUND = {"name": "sound", "version": "1.0", "vulns": []}
SKIPPED = {"name": "skipped", "skip_reason": "not found"}
WEAK = {
    "name": "weak",
    "version": "0.9",
    "vulns": [{"id": "PYSEC-1", "aliases": ["CVE-1"], "fix_versions": ["1.0"], "description": ""}],
}


@pytest.fixture
def answers(monkeypatch):
    """The auditor, and what each service is to say: facts, or a text that is none."""
    audit = tool("dependency_audit")

    def use(**said):
        def run(command, **_):
            service = command[command.index("--vulnerability-service") + 1]
            found = said[service]
            out = found if isinstance(found, str) else json.dumps({"dependencies": found, "fixes": []})
            return subprocess.CompletedProcess(command, 1, out, "")

        monkeypatch.setattr(subprocess, "run", run)
        return audit

    return use


def test_a_vulnerability_fails_the_build_and_is_named(answers, capsys):
    assert answers(pypi=[SOUND, WEAK, SKIPPED]).main([]) == 1
    said = capsys.readouterr().out
    assert "weak 0.9: PYSEC-1 CVE-1; mended in 1.0" in said
    assert "2 locked versions audited by pypi: 1 known vulnerabilities; not known there: skipped" in said


def test_no_vulnerability_is_well(answers, capsys):
    assert answers(pypi=[SOUND]).main([]) == 0
    assert "1 locked versions audited by pypi: 0 known" in capsys.readouterr().out


def test_the_second_service_is_asked_where_the_first_knows_nothing(answers, capsys):
    assert answers(pypi=[SKIPPED], osv=[WEAK]).main([]) == 1
    assert "audited by osv" in capsys.readouterr().out


def test_where_nobody_can_be_asked_it_says_so_and_fails_nothing(answers, capsys):
    assert answers(pypi=[SKIPPED], osv="no network").main([]) == 0
    assert "DEPENDENCIES NOT AUDITED" in capsys.readouterr().out


def test_a_service_that_takes_too_long_is_as_good_as_away(answers, monkeypatch, capsys):
    audit = answers()

    def run(command, **more):
        raise subprocess.TimeoutExpired(command, more["timeout"])

    monkeypatch.setattr(subprocess, "run", run)
    assert audit.main([]) == 0
    assert "DEPENDENCIES NOT AUDITED" in capsys.readouterr().out


def test_the_auditor_takes_what_it_is_asked(tmp_path):
    """The options are those of the version that is installed: a list without entries is asked about nobody."""
    empty = tmp_path / "requirements.lock"
    empty.write_text("")
    asked = tool("dependency_audit").command("pypi", [empty])
    done = subprocess.run(asked, capture_output=True, text=True, timeout=60, check=False)
    assert json.loads(done.stdout)["dependencies"] == []


def test_ci_runs_both():
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert "make audit" in script
    for name in ("dependency_audit", "secret_scan"):
        assert f"tools/{name}.py" in makefile


def test_help_lists_whatever_can_be_made():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = re.search(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)
    assert targets is not None
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert re.findall(r"^make ([a-z]+)  ", shown, re.MULTILINE) == targets[1].split()


def test_before_a_commit_the_same_tools_run_and_nothing_is_fetched():
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]
    assert [each["repo"] for each in hooks] == ["local"]
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8").replace("$(BIN)", ".venv/bin")
    for hook in hooks[0]["hooks"]:
        assert hook["language"] == "system"
        assert hook["entry"].removesuffix(" --force-exclude") in makefile


def test_what_is_known_to_be_none_is_known_in_every_checkout():
    known = json.loads((ROOT / ".secrets.baseline").read_text(encoding="utf-8"))["results"]
    for name, found in known.items():
        assert (ROOT / name).is_file()
        assert {each["filename"] for each in found} == {name}
