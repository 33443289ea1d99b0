"""Pages name files and link to pages that are there."""

import re

import pytest

from tests.tools import ROOT

PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for pattern in ("*.md", "docs/**/*.md", "templates/**/*.md")
    for path in ROOT.glob(pattern)
)
LINK = re.compile(r"\]\(([^)#\s]+)?(?:#([^)\s]+))?\)")
#: A file or folder of ours, as prose names it.
NAMED = re.compile(r"`((?:tracker|tests|config|templates|docs|tools|bench|packaging)/[\w./-]*)`")
#: What an example makes.
MADE = ("config/campaigns", "config/holidays", "config/forms/ID.yaml")


def anchors(text):
    """The names that headings are reached by."""
    for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE):
        plain = re.sub(r"[^\w\- ]", "", heading.lower())
        yield plain.strip().replace(" ", "-")


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    for target, anchor in LINK.findall(text):
        if "://" in target:
            continue
        led_to = (ROOT / page).parent / target if target else ROOT / page
        assert led_to.exists(), f"{page} leads to {target}"
        if anchor:
            assert anchor in set(anchors(led_to.read_text(encoding="utf-8"))), (
                f"{page} leads to {target}#{anchor}"
            )


@pytest.mark.parametrize(
    "page", ["CONTRIBUTING.md", "docs/glossary.md", "docs/contract.md", "README.md", "README.zh-CN.md"]
)
def test_files_that_a_newcomer_is_sent_to_are_there(page):
    for name in NAMED.findall((ROOT / page).read_text(encoding="utf-8")):
        assert name.startswith(MADE) or (ROOT / name).exists(), f"{page} names {name}"


def test_sections_of_the_contract_that_comments_name_are_there():
    contract = (ROOT / "docs" / "contract.md").read_text(encoding="utf-8")
    sections = dict(re.findall(r"^## (\d)\. [^\n]+\n(.*?)(?=^## |\Z)", contract, re.MULTILINE | re.DOTALL))
    named = set()
    for path in (ROOT / "tracker").rglob("*.py"):
        for mention in re.findall(
            r"docs/contract\.md ((?:[§\d.]+(?:, | to | and )?)+)", path.read_text(encoding="utf-8")
        ):
            named |= set(re.findall(r"§(\d)(?:\.(\d+))?", mention))
    assert named
    for section, point in named:
        assert section in sections
        assert not point or re.search(rf"^{point}\. ", sections[section], re.MULTILINE), f"§{section}.{point}"
