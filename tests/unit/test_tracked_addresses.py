"""Nobody's address and no registry's stands in a tracked file: what is tried out with them must reach nobody."""

import re
import subprocess

import pytest

from tests.tools import ROOT
from tracker.mail.transport.transport import is_reserved

ADDRESS = re.compile(r"[A-Za-z0-9._%+-]+@((?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,})\b")

#: The one real address: it stands in the document that the shipped campaign is made from.
THE_DOCUMENTS = "101560197@qq.com"

#: The README shows how one's own office is written, and a reserved name would go nowhere.
STAND_INS = re.compile(r"(?:^|\.)your-office\.cn$")

#: Where packages, images and the like are fetched from.
REGISTRIES = re.compile(
    r"\b(?:pypi\.org|pythonhosted\.org|npmjs\.(?:com|org)|unpkg\.com|jsdelivr\.net|docker\.io|ghcr\.io|quay\.io|gcr\.io"
    r"|crates\.io|rubygems\.org|proxy\.golang\.org|repo1?\.maven\.org|mirrors?\.[a-z0-9-]+\.[a-z.]+|[a-z]+\.debian\.org)\b"
)


def tracked():
    if not (ROOT / ".git").exists():
        pytest.skip("this is no checkout")
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    for name in filter(None, listed.split("\0")):
        data = (ROOT / name).read_bytes()
        if b"\0" not in data[:8192]:
            yield name, data.decode("utf-8", "replace")


def strangers(name, text):
    """Addresses in ``text`` that could be somebody's.  Those of tests may be made up, but of no mailbox provider."""
    for found in ADDRESS.finditer(text):
        domain = found[1].lower()
        is_fine = is_reserved(found[0]) or domain.endswith(".internal") or STAND_INS.search(domain)
        if is_fine or found[0] == THE_DOCUMENTS:
            continue
        if not name.startswith("tests/") or PROVIDERS.search(domain):
            yield f"{name}: {found[0]}"


PROVIDERS = re.compile(
    r"(?:^|\.)(?:qq|163|126|sina|sohu|aliyun|foxmail|gmail|googlemail|hotmail|outlook|live|yahoo|icloud|proton|protonmail|github)"
    r"\.[a-z.]+$|\.gov\.cn$|\.edu(?:\.cn)?$"
)


def test_no_tracked_file_names_anybodys_address():
    assert [each for name, text in tracked() for each in strangers(name, text)] == []


def test_no_tracked_file_names_a_registry():
    me = "tests/unit/test_tracked_addresses.py"
    assert [
        f"{name}: {found[0]}" for name, text in tracked() if name != me for found in REGISTRIES.finditer(text)
    ] == []


@pytest.mark.parametrize(
    "host", ["pypi" + ".org", "files.pythonhosted" + ".org", "mirrors.aliyun" + ".com", "ghcr" + ".io"]
)
def test_a_registry_would_be_found(host):
    assert REGISTRIES.search(f"--index-url https://{host}/simple")


def test_a_real_address_would_be_found():
    real = "zhang" + "@" + "163.com"
    assert list(strangers("tests/unit/x.py", f"to: {real}")) == [f"tests/unit/x.py: {real}"]
    assert list(strangers("docs/x.md", "to: zhang" + "@" + "danwei.cn"))
    assert not list(strangers("docs/x.md", f"{THE_DOCUMENTS} a@wanzhou.example"))
