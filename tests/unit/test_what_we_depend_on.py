"""What the service is built on, and what it has nothing to do with."""

import ast
import re
import tomllib
from fnmatch import fnmatch

import pytest

from tests.source import calls, modules
from tests.tools import ROOT

LOCKS = sorted(ROOT.glob("requirements*.lock"))


def version(text):
    return tuple(int(each) for each in text.split("."))


def imported():
    """Every module that the product imports, with the file that does."""
    for file, tree in modules().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                yield from ((each.name, file) for each in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield node.module or "", file


def test_no_release_of_aiosmtplib_is_taken_that_lets_commands_be_injected():
    facts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (wanted,) = [each for each in facts["project"]["dependencies"] if each.startswith("aiosmtplib")]
    floor = re.search(r">=([\d.]+)", wanted)
    assert floor is not None
    assert version(floor[1]) >= (5, 1, 2)


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_the_locks_hold_it_and_each_of_their_files_has_a_hash(lock):
    text = lock.read_text(encoding="utf-8")
    found = re.findall(r"^aiosmtplib==([\d.]+)", text, re.MULTILINE)
    assert all(version(each) >= (5, 1, 2) for each in found)
    if lock.name != "requirements-build.lock":
        assert found
        assert re.findall(r"^defusedxml==", text, re.MULTILINE)
    for pinned in re.split(r"\n(?=\S)", text):
        if re.match(r"[a-z0-9]", pinned):
            assert "--hash=sha256:" in pinned, pinned.splitlines()[0]
    assert len(LOCKS) == 5


def test_mail_is_sent_and_never_read_so_that_no_machine_is_answered():
    reading = {"imaplib", "poplib", "mailbox", "aioimaplib", "aiosmtpd", "smtpd"}
    assert not [(name, file) for name, file in imported() if name.partition(".")[0] in reading]


def test_nothing_is_unpickled_evaluated_or_handed_to_a_shell():
    unpicklers = {"pickle", "marshal", "shelve", "dill", "cloudpickle", "jsonpickle"}
    assert not [(name, file) for name, file in imported() if name.partition(".")[0] in unpicklers]
    for called, file, call in calls():
        assert called not in {"eval", "exec", "os.system", "os.popen", "__import__"}, file
        assert not any(each.arg == "shell" for each in call.keywords), file


def test_yaml_is_read_by_safe_loaders_only():
    for path in (ROOT / "tracker").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(
            r"yaml\.(load|load_all|full_load|unsafe_load|Loader|FullLoader|UnsafeLoader)\b", text
        ), path


def test_an_unpacked_source_distribution_installs_by_its_own_make():
    """Whatever ``make run`` and ``make lock`` read is in it."""
    included = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    patterns = included["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]
    for name in re.findall(r"-r (\S+\.lock)", (ROOT / "Makefile").read_text(encoding="utf-8")):
        assert any(fnmatch(f"/{name}", pattern) for pattern in patterns), name


def test_the_image_takes_nothing_without_a_hash_and_names_its_user_by_number():
    image = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    installs = re.findall(r"pip install [^&\n]*", image)
    assert installs
    assert all("--require-hashes" in each or "--no-index" in each for each in installs), installs
    assert "pip wheel --no-cache-dir --no-build-isolation --no-deps" in image
    assert re.search(r"^USER \d+$", image, re.MULTILINE)
    assert re.search(r"^HEALTHCHECK .*/opt/tracker/bin/python", image, re.MULTILINE)
    assert {"requirements-postgres.lock", "requirements-oidc.lock"} <= set(re.findall(r"\S+\.lock", image))
