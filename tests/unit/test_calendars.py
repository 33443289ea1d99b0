"""Deadlines as calendars, read back by two readers that share no code: icalendar and vobject."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import icalendar
import vobject
from hypothesis import given
from hypothesis import strategies as st

from tracker.calendars import Entry, calendar

MAY = Entry(
    ref="table-2@2022-05",
    title="安全生产培训“走过场”专项整治进展情况汇总表（培训机构）; 含逗号, 分号\\反斜杠",
    due=date(2022, 5, 5),
    notice=date(2022, 5, 5),
    deadline="2022年5月起，每月5日前",
    requirement="填写附件2，报送市考试中心。",
    scope="wanzhou",
)


def made(*entries, language="zh"):
    return calendar(
        entries,
        name="万州区应急管理局 渝考发〔2022〕5号",
        domain="kaoshi.example",
        stamp=date(2022, 4, 29),
        language=language,
    )


def both(data):
    """The events as each of the readers has them."""
    one = list(icalendar.Calendar.from_ical(data).walk("VEVENT"))
    other = vobject.readOne(data.decode()).vevent_list
    assert len(one) == len(other)
    return one, other


def test_a_deadline_is_an_all_day_event_that_ends_before_the_next_day():
    one, other = both(made(MAY))
    assert (one[0].decoded("dtstart"), one[0].decoded("dtend")) == (date(2022, 5, 5), date(2022, 5, 6))
    assert (other[0].dtstart.value, other[0].dtend.value) == (date(2022, 5, 5), date(2022, 5, 6))
    assert not isinstance(other[0].dtstart.value, datetime)
    assert b"DTSTART;VALUE=DATE:20220505\r\n" in made(MAY)
    assert str(one[0]["uid"]) == other[0].uid.value == "table-2@2022-05/wanzhou@kaoshi.example"
    assert str(one[0]["transp"]) == "TRANSPARENT"


def test_it_rings_at_nine_on_the_last_workday_and_a_week_before():
    sunday = Entry("table-2@2022-06", "表", date(2022, 6, 5), date(2022, 6, 2), "每月5日前")
    one, other = both(made(sunday))
    rings = {timedelta(days=-3, hours=9), timedelta(days=-7, hours=9)}
    assert {alarm["trigger"].dt for alarm in one[0].walk("VALARM")} == rings
    assert {alarm.trigger.value for alarm in other[0].valarm_list} == rings


def test_what_is_answered_is_ticked_and_rings_no_more():
    done = Entry("5", "典型案例", date(2022, 12, 31), date(2022, 12, 30), "2022年底前", is_done=True)
    one, _ = both(made(done))
    assert str(one[0]["summary"]).startswith("✓ ")
    assert one[0].walk("VALARM") == []


def test_chinese_is_folded_between_characters_and_reads_back():
    data = made(MAY, Entry(**{**_facts(MAY), "requirement": "要求" * 300}))
    assert all(len(line) <= 75 for line in data.split(b"\r\n"))
    for line in data.split(b"\r\n"):
        line.decode()
    one, other = both(data)
    assert "要求" * 29 + "要…" in str(one[1]["description"])
    assert "要求" * 29 + "要…" in other[1].description.value
    assert MAY.title[:40] in str(one[0]["summary"])


def test_the_same_is_the_same_bytes():
    assert made(MAY) == made(MAY)


def test_of_several_units_each_event_says_whose_it_is():
    entry = Entry(**{**_facts(MAY), "who": "万州"})
    _, other = both(made(entry, language="en"))
    assert other[0].summary.value.startswith("【万州】")
    assert "due table-2@2022-05" in other[0].summary.value


def _facts(entry):
    return {name: getattr(entry, name) for name in Entry.__dataclass_fields__}


TEXT = st.text(max_size=120)


@given(title=TEXT, requirement=TEXT, who=st.none() | st.text(max_size=10))
def test_no_text_breaks_a_calendar(title, requirement, who):
    entry = Entry("5", title, date(2022, 5, 5), date(2022, 5, 5), "每月5日前", requirement, who=who)
    data = made(entry, MAY)
    assert b"\0" not in data
    found = icalendar.Calendar.from_ical(data).walk("VEVENT")
    assert [str(each["uid"]) for each in found] == [
        "5@kaoshi.example",
        "table-2@2022-05/wanzhou@kaoshi.example",
    ]
    assert data.count(b"BEGIN:VEVENT") == data.count(b"END:VEVENT") == 2
