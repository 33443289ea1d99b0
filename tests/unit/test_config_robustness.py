"""Damaged files: cut anywhere, with flipped bits, half-written, or anything at all."""

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.config.loader import load
from tracker.errors import Problem
from tracker.shipped import shipped

NAMES = ("tasks.yaml", "units.yaml", "settings.yaml")
CHUNKS = 8

#: An entry with what is asked for in it: its quota, its deliverables.
MOST_CHANGED = 4

SHIPPED = {name: (shipped("config") / name).read_bytes() for name in NAMES}
END = "# 全文完\n".encode()


def load_with(directory, name, data):
    for each, text in SHIPPED.items():
        (directory / each).write_bytes(data if each == name else text)
    return load(directory)


def assert_well_told(loaded):
    for problem in loaded.problems:
        assert isinstance(problem, Problem)
        assert problem.line >= 0
        assert problem.column >= 0
        assert str(problem.message)
    assert (loaded.campaign is None) == bool(loaded.errors)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return load_with(tmp_path_factory.mktemp("whole"), "tasks.yaml", SHIPPED["tasks.yaml"])


def test_the_whole_files_are_well(whole):
    assert whole.errors == ()


def cuts(name, *, every):
    """Where to cut: the ends of lines are where a cut shows least."""
    data = SHIPPED[name]
    last = data.rindex(END)
    ends = [place + 1 for place in range(last) if data[place : place + 1] == b"\n"]
    if every:
        return list(range(last + len(END) - 1))
    chosen = random.Random(20220408)
    return sorted(
        {
            0,
            1,
            last,
            last + 1,
            last + 2,
            *ends[-25:],
            *chosen.sample(ends, 20),
            *chosen.sample(range(last), 60),
        }
    )


def assert_no_cut_is_taken(directory, name, places, whole):
    # The end is complete without its own line's end; the head of the file quotes it and is no end.
    complete = SHIPPED[name].rindex(END.strip()) + len(END.strip())
    for place in places:
        loaded = load_with(directory, name, SHIPPED[name][:place])
        assert_well_told(loaded)
        if place >= complete:
            assert (loaded.campaign, loaded.settings) == (whole.campaign, whole.settings)
        else:
            assert loaded.errors, f"{name} cut at {place} was taken"


@pytest.mark.parametrize("name", NAMES)
def test_a_file_that_is_cut_off_is_never_taken(name, tmp_path, whole):
    assert_no_cut_is_taken(tmp_path, name, cuts(name, every=False), whole)


@pytest.mark.torture
@pytest.mark.fault("edits")
@pytest.mark.parametrize("chunk", range(CHUNKS))
@pytest.mark.parametrize("name", NAMES)
def test_a_file_that_is_cut_off_at_any_byte_is_never_taken(name, chunk, tmp_path, whole, figures):
    """Each file cut at every byte, read by itself."""
    places = cuts(name, every=True)[chunk::CHUNKS]
    assert_no_cut_is_taken(tmp_path, name, places, whole)
    figures |= {"cuts": len(places), "wrongly accepted": 0}


@pytest.mark.torture
@pytest.mark.fault("edits")
@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_a_flipped_bit_never_costs_a_task(chunk, tmp_path, whole, figures):
    """One bit of tasks.yaml flipped, at every second byte: refused, or an edit of one entry."""
    data, chosen = SHIPPED["tasks.yaml"], random.Random(f"flips {chunk}")
    counted = Counter({"flips": 0, "refused": 0, "changed nothing": 0, "read as an edit of one entry": 0})
    for place in range(2 * chunk, len(data), 2 * CHUNKS):
        flipped = bytearray(data)
        flipped[place] ^= 1 << chosen.randrange(8)
        loaded = load_with(tmp_path, "tasks.yaml", bytes(flipped))
        assert_well_told(loaded)
        counted["flips"] += 1
        if loaded.campaign is None:
            counted["refused"] += 1
            continue
        assert len(loaded.campaign.definitions) == len(whole.campaign.definitions), place
        there = set(whole.campaign.definitions.values())
        changed = sum(each not in there for each in loaded.campaign.definitions.values())
        assert changed <= MOST_CHANGED, place
        counted["read as an edit of one entry" if changed else "changed nothing"] += 1
    figures |= {**counted, "tasks lost": 0}


def test_without_an_end_mark_task_count_still_notices_lost_tasks(tmp_path):
    text = (shipped("config") / "tasks.yaml").read_text(encoding="utf-8")
    text = text.replace("# end_mark: 全文完\n", "")
    place = text.index("  - id: 20\n")
    loaded = load_with(tmp_path, "tasks.yaml", text[:place].encode())
    assert any("task_count is 31, but 19 task(s)" in str(problem.message) for problem in loaded.errors)


def damage(name, rounds, seed):
    chosen = random.Random(seed)
    for _ in range(rounds):
        data = bytearray(SHIPPED[name])
        for _ in range(chosen.choice([1, 1, 1, 2, 8, 64])):
            place = chosen.randrange(len(data))
            match chosen.randrange(5):
                case 0:
                    data[place] = chosen.randrange(256)
                case 1:
                    del data[place : place + chosen.randrange(1, 200)]
                case 2:
                    data[place:place] = chosen.choice(
                        [b"\0" * 512, b"\t", b": ", b"- ", b"\n", b'"', b"[", b"&a ", b"*a"]
                    )
                case 3:
                    start = chosen.randrange(len(data))
                    data[place:place] = data[start : start + chosen.randrange(1, 500)]
                case _:
                    data[place] ^= 1 << chosen.randrange(8)
        yield bytes(data)


@pytest.mark.parametrize("name", NAMES)
def test_a_damaged_file_gives_findings_and_nothing_worse(name, tmp_path):
    for data in damage(name, 40, 1):
        assert_well_told(load_with(tmp_path, name, data))


@pytest.mark.torture
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("seed", range(2, 22))
def test_much_damage_gives_findings_and_nothing_worse(name, seed, tmp_path):
    for data in damage(name, 500, seed):
        assert_well_told(load_with(tmp_path, name, data))


# --- any structure at all, where one of ours is expected ---

WORDS = st.sampled_from(
    [
        "",
        "~",
        "\u3000",
        "x" * 600,
        "9" * 400,
        "31",
        "-1",
        "true",
        "zh",
        "off",
        "default",
        "2022-04-08",
        "2022-02-30",
        "09:00",
        "7d",
        "每月5日前",
        "各区县应急管理局",
        "a@x.cn",
        "：",
        "mailbox:x",
        "shi-kaoshi",
    ]
)
KEYS = st.sampled_from(
    [
        "end_mark",
        "campaign",
        "tasks",
        "reports",
        "id",
        "text",
        "owners",
        "deadline",
        "target",
        "count",
        "of",
        "issued",
        "deliverables",
        "title",
        "task_count",
        "due",
        "units",
        "groups",
        "name",
        "aliases",
        "members",
        "contacts",
        "email",
        "reports_to",
        "mail",
        "from",
        "policies",
        "default",
        "lead",
        "overdue",
        "web",
        "year",
        "off",
        "work",
    ]
)
ANYTHING = st.recursive(
    WORDS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5), max_leaves=25
)


def written(value):
    """As YAML in one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {written(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(written(each) for each in value) + "]"
    return value if value == "~" else f'"{value}"'


@given(st.sampled_from(NAMES), ANYTHING)
def test_any_structure_gives_findings_and_nothing_worse(tmp_path_factory, name, value):
    loaded = load_with(tmp_path_factory.mktemp("any"), name, written(value).encode())
    assert_well_told(loaded)
