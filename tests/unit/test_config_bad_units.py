"""Broken units, settings and calendars, and the exact finding on each."""

import pytest

from tests.unit.test_config_bad_input import FILES, SETTINGS, UNITS, H, S, U, load_edited, told, write
from tracker.config.loader import load

#: Name → (edits, every error).
BAD: dict[str, tuple[list[tuple[str, ...]], list[str]]] = {
    # --- units ---
    "an address that is none": (
        [(U, "a@x.example", "a.x.example"), (U, "b@x.example", "b@@x.example")],
        [
            "units.yaml:6:26: “a.x.example” is no e-mail address: it has no @; expected one such as zhang@unit.example",
            (
                "units.yaml:9:33: “b@@x.example” is no e-mail address: it has more than one @; "
                "expected one such as zhang@unit.example"
            ),
        ],
    ),
    "a contact without an address": (
        [(U, ", email: a@x.example", "")],
        ["units.yaml:6:9: this contact has no “email”, which is required"],
    ),
    "a name twice": (
        [(U, "name: 乙局", "name: 乙局\n    aliases: [alpha]")],
        [
            (
                "units.yaml:9:15: the name “alpha” already belongs to what stands in line 4; "
                "one name means one unit or group"
            )
        ],
    ),
    "a group with a unit's name": (
        [(U, "name: 空组", "name: 甲")],
        [
            "units.yaml:15:11: the name “甲” already belongs to what stands in line 4; one name means one unit or group"
        ],
    ),
    "an id twice": (
        [(U, "id: none", "id: a")],
        ["units.yaml:14:9: the id “a” is already used in line 2"],
    ),
    "an unknown member": (
        [(U, "[a, b]", "[a, bb, b, none]")],
        [
            "units.yaml:13:18: there is no unit “bb”; expected the id or name of one; did you mean “b”?",
            "units.yaml:13:25: “none” is a group; members are units",
        ],
    ),
    "an unknown superior": (
        [(U, "name: 甲局", "name: 甲局\n    reports_to: zz")],
        ["units.yaml:4:17: there is no unit “zz”; expected the id or name of one"],
    ),
    "superiors in a circle": (
        [
            (U, "name: 甲局", "name: 甲局\n    reports_to: b"),
            (U, "name: 乙局", "name: 乙局\n    reports_to: 甲"),
        ],
        ["units.yaml:4:17: reports_to goes in a circle: a → b → a"],
    ),
    "a superior of itself": (
        [(U, "name: 乙局", "name: 乙局\n    reports_to: b")],
        ["units.yaml:9:17: reports_to goes in a circle: b → b"],
    ),
    # --- settings ---
    "settings that are none": (
        [
            (
                S,
                'send_at: "09:00"',
                "send_at: 25:00\n  transport: smtp://u:p@host\n  link_base: foo\n  conections: 3",
            ),
            (S, "web: off", "web: 8080\ndatabase: mysql://x\noperator: me"),
            (
                S,
                "default: {lead: [30, 7], overdue: 7d}",
                "default: {lead: [30, x], overdue: 7x, review: weekly}",
            ),
        ],
        [
            "settings.yaml:3:12: “25:00” is no time of day; expected one such as 09:00",
            "settings.yaml:4:14: a password has no place here; put it into TRACKER_MAIL_PASSWORD",
            "settings.yaml:5:14: “foo”: expected an address such as https://tracker.example or https://office.example/tracker",
            "settings.yaml:6:3: mail has no key “conections”; did you mean “connections”?",
            "settings.yaml:7:6: “8080”: expected an address and a port such as 127.0.0.1:8080, or off",
            "settings.yaml:8:11: expected sqlite:///var/tracker.db or postgresql+psycopg://user@host/name",
            "settings.yaml:9:11: the operator must be made of “key: value” lines (name or email), not the text “me”",
            "settings.yaml:11:24: “x”: expected a whole number from 0 to 366",
            "settings.yaml:11:37: “7x”: expected an interval such as 7d, 2wd or never",
            "settings.yaml:11:49: “review” is “weekly”; expected month, quarter, half-year, year or never",
        ],
    ),
    "a policy that is a text": (
        [(S, "policies:\n", "policies:\n  close: daily\n")],
        [
            (
                "settings.yaml:6:10: this policy must be made of “key: value” lines (lead, overdue or escalate), "
                "not the text “daily”"
            ),
        ],
    ),
    "a policy with a strange name": (
        [(S, "  default:", "  a b: {}\n  default:")],
        ["settings.yaml:6:3: “a b”: expected a name of letters, digits, “-” and “_”"],
    ),
    # --- holidays ---
    "a year of another name": (
        [(H, "year: 2027", "year: 2026")],
        [
            "holidays/2027.yaml:1:7: year is 2026, but the file is called 2027.yaml; expected the same",
            "holidays/2027.yaml:2:7: expected days of 2026",
            "holidays/2027.yaml:2:19: expected days of 2026",
            "holidays/2027.yaml:3:8: expected days of 2026",
        ],
    ),
    "holidays that run backwards": (
        [(H, "to: 2027-02-11", "to: 2027-02-01")],
        ["holidays/2027.yaml:2:19: 2027-02-05 to 2027-02-01 runs backwards"],
    ),
    "a workday within holidays": (
        [(H, "2027-02-14", "2027-02-06")],
        ["holidays/2027.yaml:3:8: 2027-02-06 is a day off and a workday at once"],
    ),
    "a holiday that does not exist": (
        [(H, "2027-01-01", "2027-02-29")],
        ["holidays/2027.yaml:2:7: there is no such day as 2027-02-29"],
    ),
    # --- whole files ---
    "a file that is empty": (
        [(S, SETTINGS, "")],
        ["settings.yaml:1:1: the file is empty; it may not have been written"],
    ),
    "a file that is a list": (
        [(U, UNITS, "- a\n")],
        ["units.yaml:1:1: the file must be made of “key: value” lines (units), not a list"],
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_the_findings_on_bad_input_word_for_word(case, tmp_path):
    edits, expected = BAD[case]
    loaded = load_edited(tmp_path, *edits)
    assert told(loaded, tmp_path) == expected
    assert loaded.campaign is None


@pytest.mark.parametrize(
    "address",
    [
        "zhang@unit.example",
        "101560197@qq.com",
        "a.b+c@sub.example.com",
        "x_y@mail-1.example",
        "A@B.CN",
        "o'neil@x.example",
    ],
)
def test_addresses_that_are_some(address, tmp_path):
    assert told(load_edited(tmp_path, (U, "a@x.example", f'"{address}"')), tmp_path) == []


NO_ADDRESSES = """\
zhang
@x.cn
a@
a@localhost
a b@x.cn
a@x..cn
a@-x.cn
a@x.cn.
<a@x.cn>
a@x.cn;b@x.cn
a@x.cn\\nBcc: b@x.cn
a\\u2028@x.cn
a@x\\u0085.cn
a..b@x.cn
.a@x.cn
张@x.cn
a＠x.cn
a@x。cn
"""


@pytest.mark.parametrize("address", [*NO_ADDRESSES.splitlines(), "a" * 65 + "@x.cn", f"a@{'b.' * 130}cn"])
def test_addresses_that_are_none(address, tmp_path):
    assert len(told(load_edited(tmp_path, (U, "a@x.example", f'"{address}"')), tmp_path)) == 1


def test_ten_thousand_unknown_owners_do_not_take_minutes(tmp_path):
    tasks = "".join(
        f"  - {{id: {number}, text: 做, owners: 丙{number}局, deadline: 2022年底前}}\n"
        for number in range(10_000)
    )
    units = "".join(
        f"  - {{id: u{number}, name: 第{number}街道办, aliases: [街{number}]}}\n" for number in range(3_000)
    )
    write(
        tmp_path,
        FILES
        | {
            "tasks.yaml": f"campaign: {{title: x, issued: 2022-04-08, task_count: 10000}}\ntasks:\n{tasks}",
            "units.yaml": f"units:\n{units}",
        },
    )
    assert len(load(tmp_path).errors) == 10_000
