"""Deadlines as calendars, read back by two readers that share no code: icalendar and vobject."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

import icalendar
import vobject
from hypothesis import given
from hypothesis import strategies as st

from tracker.mail.compose.calendar import CalendarEntry, calendar, sequence_at

MAY = CalendarEntry(
    ref="table-2@2022-05",
    title="安全生产培训“走过场”专项整治进展情况汇总表（培训机构）; 含逗号, 分号\\反斜杠",
    due=date(2022, 5, 5),
    notice=date(2022, 5, 5),
    deadline="2022年5月起，每月5日前",
    requirement="填写附件2，报送市考试中心。",
    scope="wanzhou",
)


def made(*entries, **more):
    given = {
        "name": "万州区应急管理局 渝考发〔2022〕5号",
        "campaign": "渝考发〔2022〕5号",
        "domain": "kaoshi.example",
        "stamp": datetime(2022, 4, 29, 1, tzinfo=UTC),
        "language": "zh",
        **more,
    }
    return calendar(entries, **given)


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
    assert str(one[0]["uid"]) == other[0].uid.value
    assert re.fullmatch(r"table-2@2022-05/wanzhou\.[0-9a-f]{8}@kaoshi\.example", other[0].uid.value)
    assert str(one[0]["transp"]) == "TRANSPARENT"


def test_it_rings_at_nine_on_the_last_workday_and_a_week_before():
    sunday = CalendarEntry("table-2@2022-06", "表", date(2022, 6, 5), date(2022, 6, 2), "每月5日前")
    one, other = both(made(sunday))
    rings = {timedelta(days=-3, hours=9), timedelta(days=-7, hours=9)}
    assert {alarm["trigger"].dt for alarm in one[0].walk("VALARM")} == rings
    assert {alarm.trigger.value for alarm in other[0].valarm_list} == rings


def test_what_is_answered_is_ticked_and_rings_no_more():
    done = CalendarEntry(
        "5", "典型案例", date(2022, 12, 31), date(2022, 12, 30), "2022年底前", rings=False, sign="✓"
    )
    one, other = both(made(done))
    assert str(one[0]["summary"]).startswith("✓ ")
    assert one[0].walk("VALARM") == []
    assert "valarm" not in other[0].contents


def test_the_next_years_campaign_does_not_write_over_this_years_dates():
    task = CalendarEntry("5", "典型案例", date(2022, 12, 31), date(2022, 12, 30), "2022年底前")
    this, following = (
        both(made(task, campaign=each))[0][0] for each in ("渝考发〔2022〕5号", "渝考发〔2023〕2号")
    )
    assert this["uid"] != following["uid"]


def test_a_later_word_about_an_event_outranks_an_earlier_one():
    changed_at = datetime(2022, 4, 29, 6, 30, tzinfo=UTC)
    later = CalendarEntry(**{**_facts(MAY), "due": date(2022, 5, 20), "sequence": sequence_at(changed_at)})
    before, after = both(made(MAY))[0][0], both(made(later))[0][0]
    assert before["uid"] == after["uid"]
    assert 365 * 27 < before["sequence"] < after["sequence"]
    assert (before.decoded("dtstamp").hour, after.decoded("dtstamp")) == (1, changed_at)
    again = both(made(later, stamp=changed_at + timedelta(minutes=1)))[0][0]
    assert again["sequence"] == after["sequence"]
    assert again.decoded("dtstamp") > after.decoded("dtstamp")


def test_what_has_ended_is_cancelled_and_rings_no_more():
    one, other = both(made(CalendarEntry(**{**_facts(MAY), "is_cancelled": True}), method="CANCEL"))
    assert str(one[0]["status"]) == other[0].status.value == "CANCELLED"
    assert str(icalendar.Calendar.from_ical(made(MAY, method="CANCEL"))["method"]) == "CANCEL"
    assert str(one[0]["uid"]) == str(both(made(MAY))[0][0]["uid"])
    assert one[0].walk("VALARM") == []
    assert other[0].description.value.endswith("状态：已取消")


def test_a_program_is_told_how_often_to_look_again_and_what_it_looks_at():
    found = icalendar.Calendar.from_ical(made(MAY))
    assert found.decoded("refresh-interval") == timedelta(hours=6)
    assert str(found["x-published-ttl"]) == "PT6H"
    assert str(found["method"]) == "PUBLISH"
    assert str(found["x-wr-calname"]) == str(found["name"]) == "万州区应急管理局 渝考发〔2022〕5号"


def test_every_alarm_rings_when_it_should_however_long_the_days_off():
    for days in range(12):
        entry = CalendarEntry(
            "5", "表", date(2022, 10, 9), date(2022, 10, 9) - timedelta(days=days), "每月9日前"
        )
        one, other = both(made(entry))
        wanted = {timedelta(hours=9) - timedelta(days=each) for each in {days, 7}}
        assert {alarm["trigger"].dt for alarm in one[0].walk("VALARM")} == wanted
        assert {alarm.trigger.value for alarm in other[0].valarm_list} == wanted


def test_the_state_and_the_whole_requirement_stand_in_it_and_in_a_mail_the_beginning():
    entry = CalendarEntry(**{**_facts(MAY), "requirement": "要求，" * 100, "state": "已逾期", "sign": "🔴"})
    one, other = both(made(entry))
    assert str(one[0]["description"]) == other[0].description.value
    assert other[0].description.value.splitlines() == [
        "完成时限：2022年5月起，每月5日前",
        f"工作要求：{'要求，' * 100}",
        "状态：已逾期",
    ]
    assert other[0].summary.value.startswith("🔴 安全生产")
    assert one[0]["categories"].to_ical().decode() == "渝考发〔2022〕5号"
    assert len(made(entry, is_short=True)) < len(made(entry)) - 600


def test_chinese_is_folded_between_characters_and_reads_back():
    data = made(MAY, CalendarEntry(**{**_facts(MAY), "requirement": "要求" * 300}), is_short=True)
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
    entry = CalendarEntry(**{**_facts(MAY), "who": "万州"})
    _, other = both(made(entry, language="en"))
    assert other[0].summary.value.startswith("【万州】")
    assert other[0].summary.value.endswith(" (due)")


def _facts(entry):
    return {name: getattr(entry, name) for name in CalendarEntry.__dataclass_fields__}


#: Whatever a file may say, and more of what breaks calendars than chance would find.
TEXT = st.text(max_size=120) | st.text('\r\n\t ,;:\\"\0\x0b\x85\u2028表🔴\ufeffé', max_size=120)


@given(title=TEXT, requirement=TEXT, who=st.none() | TEXT, name=TEXT, is_short=st.booleans())
def test_no_text_breaks_a_calendar(title, requirement, who, name, is_short):
    entry = CalendarEntry("5", title, date(2022, 5, 5), date(2022, 5, 5), "每月5日前", requirement, who=who)
    data = made(entry, MAY, name=name, is_short=is_short)
    one, other = both(data)
    assert [str(each["uid"])[:2] for each in one] == [each.uid.value[:2] for each in other] == ["5.", "ta"]
    assert all(len(line) <= 75 for line in data.split(b"\r\n"))
    assert not re.search(rb"[^\r]\n|\r[^\n]|[\x00-\x09\x0b\x0c\x0e-\x1f]", data)
    for mine, his in zip(one, other, strict=True):
        assert str(mine["description"]) == his.description.value


@given(TEXT)
def test_a_text_is_written_as_a_library_writes_it(text):
    entry = CalendarEntry(**{**_facts(MAY), "requirement": text})
    told = str(both(made(entry))[0][0]["description"])
    like = icalendar.Event()
    like.add("description", told)
    assert _described(made(entry)) == _described(like.to_ical())


def _described(data):
    """The line of the description, unfolded."""
    found = re.search(rb"DESCRIPTION:.*?\r\n(?! )", data, re.DOTALL)
    assert found is not None
    return found[0].replace(b"\r\n ", b"")


def test_half_a_character_breaks_nothing():
    assert b"SUMMARY: " in made(CalendarEntry(**{**_facts(MAY), "title": "\ud800"}))
