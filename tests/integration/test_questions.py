"""Questions about filed tables: asked, answered, worked out anew when any month changes, and told."""

import json
from dataclasses import replace

import pytest
from sqlalchemy import select

from tests.integration.test_filings import due, running
from tests.tools import in_zh
from tests.world import at
from tracker.core.form import Filed, FiledRow
from tracker.core.model import Event, EventKind
from tracker.errors import LedgerError, UnknownNameError, UsageError
from tracker.filing.filings import OriginalFile, SentFile, starts, take
from tracker.forms.finding import Finding, Weight
from tracker.i18n.message import Message, say, unpacked
from tracker.questions.filed_rows import filed_before
from tracker.questions.questions import QuestionState, count_open, questions_of, settle
from tracker.store.tables import MAIL

MAY, JUNE, JULY = (f"table-2@2022-0{month}" for month in (5, 6, 7))
READ = Finding(Weight.QUESTION, Message("findings.cell.likely_tick"), "附件2", (6, 3), "12.")


def table(count, **more):
    return Filed((FiledRow({"name": "一校", "special_trained": count, **more}),))


def file(service, ref, filed, *questions):
    name = f"{ref} {filed}.xlsx"
    sent = SentFile(OriginalFile(name, name.encode()), service.clock.now(), "张三", questions=questions)
    with service.engine.database.writing() as session:
        owed = due(service, session, "2022-04-01", "2022-12-31")[ref, "wanzhou"]
        return take(session, service.engine.snapshot, owed, filed, sent, service.clock.now())


def asked(service, state=None, **more):
    with service.engine.database.reading() as session:
        found = questions_of(session, service.engine.snapshot, state=state, **more)
    return [(each.ref, each.code, told(each.facts), each.state.value) for each in found]


def told(facts):
    return in_zh(unpacked(facts["message"])) if "message" in facts else facts.get("new")


def numbers(service):
    with service.engine.database.reading() as session:
        return [each.id for each in questions_of(session, service.engine.snapshot)]


def answer(service, number, how=QuestionState.ANSWERED, note="确实如此", **more):
    with service.engine.database.writing() as session:
        return settle(
            session,
            service.engine.snapshot,
            number,
            how,
            note,
            who="李四",
            via="cli",
            now=service.clock.now(),
            **more,
        )


def open_now(service):
    with service.engine.database.reading() as session:
        return count_open(session, service.engine.snapshot)


def receipts(service):
    with service.engine.database.reading() as session:
        rows = session.execute(select(MAIL).where(MAIL.c.kind == "receipt").order_by(MAIL.c.id)).all()
    return [json.loads(row.details)["files"] for row in rows]


@pytest.fixture
def service():
    return running("2022-07-20 10:00")


def test_a_correction_of_may_asks_about_june_anew_and_says_so(service):
    file(service, MAY, table(30))
    file(service, JUNE, table(40))
    assert asked(service) == []
    took = file(service, MAY, table(50))
    assert [(each.ref, each.code) for each in took.anew] == [(JUNE, "fell")]
    assert asked(service) == [(JUNE, "fell", "40", "open")]
    assert open_now(service) == {(JUNE, "wanzhou"): 1}
    took = file(service, MAY, table(35))
    assert not took.anew
    assert asked(service) == []
    assert asked(service, QuestionState.GONE) == [(JUNE, "fell", "40", "gone")]
    assert open_now(service) == {}


def test_june_filed_after_july_is_what_july_stands_on(service):
    file(service, MAY, table(30))
    file(service, JULY, table(40))
    assert [each.ref for each in file(service, JUNE, table(45)).anew] == [JULY]
    assert asked(service) == [(JULY, "fell", "40", "open")]


def test_the_same_question_keeps_its_answer(service):
    file(service, MAY, table(50))
    file(service, JUNE, table(40), READ)
    first, second = numbers(service)
    answer(service, first)
    answer(service, second, QuestionState.OVERRULED)
    took = file(service, JUNE, table(40, records=1), READ)
    assert sorted(each[3] for each in asked(service)) == ["answered", "overruled"]
    assert set(took.settled.values()) == {"确实如此"}
    assert file(service, JUNE, table(40, records=1), READ).settled == took.settled
    # Other figures are another question.
    file(service, JUNE, table(41), READ)
    assert sorted(each[2:] for each in asked(service)) == [
        ("41", "open"),
        ("按“√”读取，请核对。", "answered"),
    ]


def test_a_question_that_was_answered_and_comes_back_is_still_answered(service):
    file(service, MAY, table(50))
    file(service, JUNE, table(40))
    answer(service, *numbers(service))
    file(service, MAY, table(30))
    assert asked(service) == []
    assert not file(service, MAY, table(50, ordered=True)).anew
    assert asked(service) == [(JUNE, "fell", "40", "answered")]


def test_what_is_sent_back_is_nothing_to_compare_with_and_is_asked_nothing(service):
    file(service, MAY, table(50))
    file(service, JUNE, table(40), READ)
    service.engine.record(Event(service.clock.now(), MAY, "wanzhou", EventKind.RETURN, reason="x"))
    assert asked(service) == [(JUNE, "read", "按“√”读取，请核对。", "open")]
    service.engine.record(Event(service.clock.now(), JUNE, "wanzhou", EventKind.RETURN, reason="x"))
    assert asked(service) == []
    before = receipts(service)
    service.engine.record(Event(service.clock.now(), MAY, "wanzhou", EventKind.UNDO))
    service.engine.record(Event(service.clock.now(), JUNE, "wanzhou", EventKind.UNDO))
    assert sorted(each[1:] for each in asked(service)) == [
        ("fell", "40", "open"),
        ("read", "按“√”读取，请核对。", "open"),
    ]
    # What is asked again by a word of the supervisor's is told by a mail of its own.
    (files,) = receipts(service)[len(before) :]
    assert [(each["ref"], each["because"], len(each["questions"])) for each in files] == [(JUNE, JUNE, 1)]


def test_the_same_sentence_at_two_cells_is_two_questions(service):
    other = replace(READ, place=(7, 3))
    file(service, MAY, table(50), READ, other)
    first, second = numbers(service)
    assert first != second
    answer(service, first)
    assert sorted(each[3] for each in asked(service)) == ["answered", "open"]


def test_what_is_asked_of_several_cells_is_one_question_and_keeps_its_answer_where_rows_move(service):
    many = replace(READ, also=(replace(READ, place=(8, 3)), replace(READ, place=(9, 3))))
    file(service, MAY, table(50), many)
    (first,) = numbers(service)
    assert [each[2] for each in asked(service)] == ["按“√”读取，请核对。D9:D10同样。"]
    answer(service, first)
    moved = replace(READ, also=(replace(READ, place=(9, 3)), replace(READ, place=(11, 3))))
    file(service, MAY, table(51), moved)
    assert [each[2:] for each in asked(service)] == [("按“√”读取，请核对。D10、D12同样。", "answered")]
    file(service, MAY, table(52), replace(moved, also=moved.also[:1]))
    assert [each[3] for each in asked(service)] == ["open"]


def test_what_a_corrected_file_answers_is_asked_no_longer(service):
    def send(name, *questions):
        facts = [{"message": say(each.message, "zh")} for each in questions]
        paper = OriginalFile(name, name.encode())
        sent = SentFile(paper, service.clock.now(), "张三", findings=facts, questions=questions)
        with service.engine.database.writing() as session:
            owed = due(service, session, "2022-04-01", "2022-12-31")[MAY, "wanzhou"]
            return take(session, service.engine.snapshot, owed, table(5), sent, service.clock.now())

    assert send("a.xlsx", READ).is_new
    assert not send("a.xlsx", READ).is_new
    assert open_now(service)
    # The same rows, without what was asked about.
    assert send("b.xlsx").is_new
    assert not open_now(service)
    assert not send("c.xlsx").is_new
    assert send("d.xlsx", READ).is_new
    assert open_now(service)


def test_a_question_is_settled_once_and_with_a_reason(service):
    file(service, MAY, table(50), READ)
    (number,) = numbers(service)
    with pytest.raises(UsageError, match="with a reason"):
        answer(service, number, note="  ")
    with pytest.raises(UnknownNameError):
        answer(service, number + 1)
    with pytest.raises(UnknownNameError):
        answer(service, number, only=(MAY, "fuling"))
    assert answer(service, number).note == "确实如此"
    with pytest.raises(LedgerError, match="settled by 李四"):
        answer(service, number)
    assert answer(service, number, QuestionState.OVERRULED).state is QuestionState.OVERRULED
    with pytest.raises(LedgerError, match="settled"):
        answer(service, number)
    file(service, MAY, table(51))
    with pytest.raises(LedgerError, match="asked no more"):
        answer(service, number, QuestionState.OVERRULED)


def test_a_month_that_was_left_out_is_told_from_the_last(service):
    file(service, "table-2-self-check", table(30))
    file(service, JUNE, table(20))
    with service.engine.database.reading() as session:
        tables = due(service, session, "2022-05-01", "2022-07-31")
        before = filed_before(session, service.engine.snapshot, tables.values())
        found = {ref: before[owed.id] for (ref, unit), owed in tables.items() if owed.id in before}
    assert {ref: (each.ref, each.is_last, each.since) for ref, each in found.items()} == {
        MAY: ("table-2-self-check", True, ""),
        JUNE: ("table-2-self-check", False, "2022-04"),
        JULY: (JUNE, True, ""),
    }
    with service.engine.database.reading() as session:
        (question,) = questions_of(session, service.engine.snapshot)
        message, _, _ = question.said(service.engine.snapshot.campaign.forms)
    assert in_zh(message).startswith(
        "“一校”“特种作业人员培训人次”：上一次报的表（2022年4月应报）填报30，本期20；"
    )


def test_a_form_goes_out_with_what_was_filed_for_it(service):
    file(service, MAY, table(30))
    file(service, JUNE, table(40))
    service.engine.record(Event(at("2022-07-20"), JUNE, "wanzhou", EventKind.RETURN, reason="x"))
    with service.engine.database.reading() as session:
        tables = due(service, session, "2022-05-01", "2022-07-31")
        found = starts(session, service.engine.snapshot, tables.values())
        got = {ref: found.get(owed.id) for (ref, unit), owed in tables.items() if unit == "wanzhou"}
    assert {ref: (start.ref, start.is_own, start.filed) for ref, start in got.items() if start} == {
        MAY: (MAY, True, table(30)),
        # Sent back: it is to be corrected, and nothing to go on from.
        JUNE: (JUNE, True, table(40)),
        JULY: (MAY, False, table(30)),
    }
