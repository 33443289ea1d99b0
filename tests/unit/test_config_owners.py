"""Who a text means, by names and aliases."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.config.owners import UnitNames, fold, resolve

DISTRICTS = ("wanzhou", "heping")
NAMES = UnitNames(
    [
        ("市应急管理局", ("bureau",)),
        ("市应急管理局考试中心", ("centre",)),
        ("市考试中心", ("centre",)),
        ("各区县应急管理局", DISTRICTS),
        ("各区县急局", DISTRICTS),
        ("万州区", ("wanzhou",)),
        ("和平区", ("heping",)),
        ("市、区考试机构和考试点按职责分工负责", ("centre", *DISTRICTS)),
        ("空组", ()),
        ("Finance", ("finance",)),
        ("Finance and Legal", ("finlegal",)),
        ("Andover Branch", ("andover",)),
    ]
)

READ = {
    "市应急管理局": ["bureau"],
    # The longest name wins, not the first.
    "市应急管理局考试中心": ["centre"],
    # In the order of the text, then of the group, and nobody twice.
    "各区县应急管理局、市应急管理局": ["wanzhou", "heping", "bureau"],
    "和平区、各区县应急管理局": ["heping", "wanzhou"],
    "市应急管理局、各区县急局、市、区考试机构和考试点按职责分工负责": [
        "bureau",
        "wanzhou",
        "heping",
        "centre",
    ],
    # Every separator; 和 in front of 和平区 as well.
    "市应急管理局，市考试中心": ["bureau", "centre"],
    "市应急管理局和和平区": ["bureau", "heping"],
    "市应急管理局及万州区与和平区以及市考试中心": ["bureau", "wanzhou", "heping", "centre"],
    "市应急管理局;万州区；和平区,市考试中心。": ["bureau", "wanzhou", "heping", "centre"],
    "  市应急管理局 \n 万州区\u3000和平区 ": ["bureau", "wanzhou", "heping"],
    "Finance & Andover Branch": ["finance", "andover"],
    "FINANCE AND andover branch": ["finance", "andover"],
    "finance and legal": ["finlegal"],
    "Ｆｉｎａｎｃｅ": ["finance"],
    "": [],
    "、，": [],
}


@pytest.mark.parametrize("text", READ)
def test_the_units_that_a_text_means(text):
    owners = resolve(text, NAMES)
    assert list(owners.units) == READ[text]
    assert all(part.units is not None for part in owners.parts)
    assert all(part.end <= len(text) for part in owners.parts)


UNKNOWN = {
    "丙局": [(0, 2)],
    "市应急管理局、丙局、万州区、丁局": [(7, 9), (14, 16)],
    "市应急管理局丙": [(6, 7)],
    # “和” ends an unknown name where a known one follows, and only there.
    "丙局和万州区": [(0, 2)],
    "丙和丁局、万州区": [(0, 4)],
    "Legal Office and Finance": [(0, 12)],
    # Half a word is no name.
    "Financed": [(0, 8)],
    "丙局  、": [(0, 2)],
}


@pytest.mark.parametrize("text", UNKNOWN)
def test_what_nobody_knows_is_told_with_its_place(text):
    parts = resolve(text, NAMES).parts
    assert [(part.start, part.end) for part in parts if part.units is None] == UNKNOWN[text]


def test_a_group_without_members_is_known_and_means_nobody():
    (part,) = resolve("空组", NAMES).parts
    assert part.units == ()


def test_every_part_says_where_it_stands():
    text = "市应急管理局，市考试中心和丙局"
    assert [text[part.start : part.end] for part in resolve(text, NAMES).parts] == [
        "市应急管理局",
        "市考试中心",
        "丙局",
    ]


def test_letters_that_grow_when_they_become_small_keep_their_place():
    parts = resolve("İzmir、Finance", NAMES).parts
    assert [(part.start, part.end, part.units) for part in parts] == [(0, 5, None), (6, 13, ("finance",))]


def test_of_equal_names_the_first_counts():
    assert resolve("a", UnitNames([("A", ("first",)), ("a", ("second",))])).units == ("first",)


@given(st.text())
def test_folding_keeps_every_place(text):
    assert len(fold(text)) == len(text)


@given(st.text(alphabet="市应急管理局、和平区万州 Finance&and，\n丙", max_size=40))
def test_any_text_is_divided_into_parts_that_do_not_overlap(text):
    parts = resolve(text, NAMES).parts
    places = [place for part in parts for place in (part.start, part.end)]
    assert places == sorted(places)
    assert all(part.start < part.end <= len(text) for part in parts)


@given(
    st.lists(st.sampled_from(["市应急管理局", "万州区", "和平区", "Finance"])),
    st.sampled_from(["、", "，", " and ", "及"]),
)
def test_names_joined_by_a_separator_are_all_found(names, separator):
    meant = {"市应急管理局": "bureau", "万州区": "wanzhou", "和平区": "heping", "Finance": "finance"}
    assert list(resolve(separator.join(names), NAMES).units) == list(
        dict.fromkeys(meant[name] for name in names)
    )


def test_three_thousand_units_are_read_as_fast_as_thirty():
    def measure(count):
        names = UnitNames((f"第{number}街道应急管理办公室", (f"u{number}",)) for number in range(count))
        text = "、".join(f"第{number}街道应急管理办公室" for number in range(30))
        times = []
        for _ in range(7):
            start = time.process_time()
            for _ in range(20):
                owners = resolve(text, names)
            times.append(time.process_time() - start)
        assert len(owners.units) == 30
        return min(times)

    assert measure(3000) < 3 * measure(30)
