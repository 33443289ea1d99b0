"""The day that the README shows can be spent so, in both of its languages."""

import re
import shlex

from freezegun import freeze_time

from tests.tools import ROOT, Place
from tests.world import at


def day_in(page):
    """The commands of the first block that works with the ledger, without what is said of them."""
    text = (ROOT / page).read_text(encoding="utf-8")
    block = next(each for each in re.findall(r"```sh\n(.+?)```", text, re.DOTALL) if "tracker status" in each)
    lines = [shlex.split(line, comments=True) for line in block.splitlines()]
    return [words for words in lines if words[0] == "tracker"]


def test_both_readmes_show_the_same_day():
    english, chinese = day_in("README.md"), day_in("README.zh-CN.md")
    assert [words[:3] for words in english] == [words[:3] for words in chinese]
    assert len(english) > 10


def test_the_day_of_the_readme_can_be_spent_so(tmp_path):
    place = Place(tmp_path)
    place.ok("init", "day")
    place.folder = tmp_path / "day"
    with freeze_time(at("2022-06-06"), real_asyncio=True):
        for words in day_in("README.md"):
            # A fortnight of mails shows what the year would, and in the folder of the test.
            place.ok(
                *({"2022-12-31": "2022-04-22", "/tmp/mails": "mails"}.get(each, each) for each in words[1:])
            )
    assert (place.folder / "may.pdf").read_bytes().startswith(b"%PDF")
    assert list((place.folder / "mails").iterdir())
