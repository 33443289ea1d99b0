"""The one table of signs and words for lights and states, for every place where people see them.

Board, mails, report, workbook, terminal and calendars take theirs from here, so that a sign means the same wherever
somebody meets it (``tests/acceptance/test_one_vocabulary.py`` reads all of them).
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import NamedTuple

from tracker.core.model import Language, Light, State


class Said(NamedTuple):
    """The same in Chinese and in English."""

    zh: str
    en: str

    def __call__(self, language: Language) -> str:
        """In one of them."""
        return self.zh if language == "zh" else self.en


class Shown(NamedTuple):
    """A light: its sign, what it is called, what it means; ``ink`` is its colour on a terminal (SGR)."""

    sign: str
    name: Said
    meaning: Said
    ink: int

    def legend(self, language: Language, meaning: str | None = None) -> str:
        """绿灯：按期办结、按期报送 · Green: in on time; ``meaning`` where it is another one here."""
        colon = "：" if language == "zh" else ": "
        return f"{self.name(language)}{colon}{meaning or self.meaning(language)}"


#: Every sign is in GB 2312 or in the font of the report, and none is told from another by its colour.
LIGHTS: Mapping[Light, Shown] = {
    Light.RED: Shown("▲", Said("红灯", "Red"), Said("逾期未办结、未报送", "overdue"), 31),
    Light.AMBER: Shown(
        "◎",
        Said("黄灯", "Amber"),
        Said("临近到期、退回、逾期办结、逾期报送", "due soon, sent back, or in late"),
        33,
    ),
    Light.GREEN: Shown("✓", Said("绿灯", "Green"), Said("按期办结、按期报送", "in on time"), 32),
    Light.BLUE: Shown("∞", Said("蓝灯", "Blue"), Said("持续推进", "ongoing"), 34),
    Light.NONE: Shown("○", Said("无标记", "No mark"), Said("未到时限", "nothing to do yet"), 39),
    Light.GREY: Shown("－", Said("灰灯", "Grey"), Said("免报、暂停", "waived or paused"), 90),
}

#: By the names that JSON and templates have for lights.
SIGNS: Mapping[str, str] = {light.value: shown.sign for light, shown in LIGHTS.items()}
INKS: Mapping[str, int] = {shown.sign: shown.ink for shown in LIGHTS.values()}

STATES: Mapping[State, Said] = {
    State.BEFORE: Said("台账建立前到期", "due before this ledger began"),
    State.UPCOMING: Said("未开始", "upcoming"),
    State.OPEN: Said("办理中", "open"),
    State.DUE_SOON: Said("临近到期", "due soon"),
    State.DUE_TODAY: Said("今日到期", "due today"),
    State.OVERDUE: Said("已逾期", "overdue"),
    State.SUBMITTED: Said("已报送待审核", "submitted"),
    State.DONE: Said("已办结", "done"),
    State.DONE_LATE: Said("逾期办结", "done late"),
    State.NIL: Said("零报告", "nil return"),
    State.RETURNED: Said("已退回", "returned"),
    State.WAIVED: Said("免报", "waived"),
    State.PAUSED: Said("暂停", "paused"),
    State.ONGOING: Said("持续推进", "ongoing"),
}

#: Through what an event came in.
WAYS: Mapping[str, Said] = {
    "web": Said("网页", "web page"),
    "link": Said("邮件链接", "link in a mail"),
    "form": Said("报表", "filled-in form"),
    "file": Said("配置文件", "configuration file"),
    "cli": Said("命令行", "command line"),
    "demo": Said("演示", "demonstration"),
}

#: In front of the names of files that went with a mail.
ENCLOSED = Said("附件：", "Enclosed: ")

#: How many there are of each kind of thing.
NUMBERS: Mapping[str, Said] = {
    "tasks": Said("任务{n}项", "{n} tasks"),
    "deliverables": Said("报送事项{n}项", "{n} deliverables"),
    "reports": Said("报表{n}种", "{n} reports"),
    "units": Said("单位{n}个", "{n} units"),
    "groups": Said("单位组{n}个", "{n} groups"),
}

#: The states of a question about a table (疑问).
QUESTIONS: Mapping[str, Said] = {
    "open": Said("待核实", "open"),
    "answered": Said("已说明", "answered"),
    "overruled": Said("已认定", "overruled"),
    "gone": Said("已消除", "gone"),
}

#: What a nil return is called that has still to be accepted; its state in JSON is ``nil``.
NIL_WAITS = "nil_waits"

WORDS: Mapping[str, Said] = {
    **{state.value: said for state, said in STATES.items()},
    NIL_WAITS: Said("零报告待审核", "nil return, to be accepted"),
}


def word_for(state: State, *, waits: bool) -> str:
    """The name in ``WORDS`` of what people are told of a state; ``waits``: whether it has still to be accepted."""
    return NIL_WAITS if waits and state is State.NIL else state.value


def meaning(light: Light, language: Language, states: Container[str]) -> str:
    """What a light means where ``states`` occur: ○ is also what was due before the ledger began."""
    said = LIGHTS[light].meaning(language)
    if light is Light.NONE and State.BEFORE in states:
        said += ("、" if language == "zh" else ", ") + STATES[State.BEFORE](language)
    return said
