"""A file of events, whatever stands in it, is read or refused with a place; and in little time."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.world import ZONE
from tracker.config.events import FIELDS, read_events
from tracker.errors import ConfigError, Problem

GOOD = {"at": "2022-05-03", "ref": "5", "unit": "wanzhou", "event": "submit"}
BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(98 + number)}: &{chr(98 + number)} [{', '.join([f'*{chr(97 + number)}'] * 9)}]\n"
    for number in range(9)
)
HOSTILE = {
    "deep.jsonl": "[" * 200_000,
    "deep-row.jsonl": '{"at": ' + "[" * 200_000,
    "deep.yaml": "[" * 200_000,
    "bomb.yaml": BOMB,
    "aliases.yaml": "- &a {at: 2022-05-03}\n- *a\n",
    "long-field.csv": f"at,ref,unit,event,note\n2022-05-03,5,wanzhou,submit,{'x' * 200_000}\n",
    "tag.yaml": "- !!python/object/apply:os.system [id]\n",
    "digits.jsonl": json.dumps([GOOD]).replace('"submit"', f'"submit", "count": {"9" * 5000}'),
    "list.jsonl": json.dumps({**GOOD, "ref": ["x"], "event": {"a": 1}}),
    "number.jsonl": "7\n",
    # One of the two would be dropped in silence.
    "twice.jsonl": json.dumps(GOOD)[:-1] + ', "unit": "fuling"}',
    "twice.csv": "at,ref,unit,unit,event\n2022-05-03,5,wanzhou,fuling,submit\n",
    "twice.yaml": "- {at: 2022-05-03, ref: 5, unit: wanzhou, unit: fuling, event: submit}\n",
    "utf-16.csv": b"\xff\xfea\0",
    "half.jsonl": b'{"at": "\xe5',
}


def read(folder, name, content):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))
    problems: tuple[Problem, ...] = ()
    try:
        return read_events(path, ZONE, lambda unit: unit)
    except ConfigError as refused:
        problems = refused.problems
    assert problems
    assert all(str(each).startswith(f"{path}:") and each.message for each in problems)
    return None


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_list_of_events_is_refused_at_once(tmp_path, name):
    start = time.process_time()
    assert read(tmp_path, name, HOSTILE[name]) is None
    assert time.process_time() - start < 5


def test_the_same_events_in_each_way_of_writing(tmp_path):
    rows = [GOOD, {**GOOD, "event": "return", "reason": "合计不符"}]
    written = {
        "a.jsonl": "".join(json.dumps(each) + "\n" for each in rows),
        "b.jsonl": json.dumps(rows),
        "c.csv": "at,ref,unit,event,reason\n2022-05-03,5,wanzhou,submit,\n2022-05-03,5,wanzhou,return,合计不符\n",
        "d.yaml": "- {at: 2022-05-03, ref: 5, unit: wanzhou, event: submit, note: ~, reason: ''}\n"
        "- {at: 2022-05-03, ref: 5, unit: wanzhou, event: return, reason: 合计不符}\n",
        "e.yaml": "",
        "f.yaml": "# none\n",
    }
    found = [read(tmp_path, name, content) for name, content in written.items()]
    assert found[0] is not None
    assert len(found[0]) == 2
    assert all(each == found[0] for each in found[:4])
    assert found[4] == []


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=30)
    | st.sampled_from(sorted(FIELDS)),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=9), inner)
    ),
    max_leaves=12,
)


@given(anything)
def test_any_structure_is_read_or_refused(tmp_path_factory, value):
    read(tmp_path_factory.mktemp("any"), "a.jsonl", json.dumps(value))
    if isinstance(value, dict):
        read(tmp_path_factory.mktemp("any"), "a.jsonl", json.dumps({**GOOD, **value}))


@given(
    st.sampled_from([".jsonl", ".csv", ".yaml"]),
    st.binary(max_size=200) | st.text(max_size=200).map(str.encode),
)
def test_any_bytes_are_read_or_refused(tmp_path_factory, ending, data):
    read(tmp_path_factory.mktemp("any"), f"a{ending}", data)
