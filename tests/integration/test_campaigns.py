"""Several campaigns in one ledger: each is asked, answered, mailed and counted by itself."""

from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import date

import pytest

from tests.decoy import intact, plant
from tests.tools import CAMPAIGN, Place
from tests.world import at, definition, running, world
from tracker.access import feeds
from tracker.access.links import ForgedLinkError, Links, Purpose
from tracker.clock import VirtualClock
from tracker.core.model import Contact, owned
from tracker.core.policy import Settings
from tracker.dashboard.outbox import MailFilter, mail_page, queue, stuck_since
from tracker.dashboard.status_overview import Board, StatusFilter
from tracker.errors import AnotherDocumentError, UnknownNameError
from tracker.i18n import message
from tracker.i18n.recognised import said_in
from tracker.ledger.after_restore import go_on_from
from tracker.ledger.editions import kept_files
from tracker.ledger.record import read_history
from tracker.ledger.requests import answered_requests, open_requests, requests_of
from tracker.ledger.status import ledger_rows
from tracker.outbox.queries import mail_called, retry, stored_mail, stored_mails
from tracker.planning.plan import plan
from tracker.service.app import App
from tracker.store.campaigns import known_campaigns

UNITS = ("wanzhou", "fuling")
TABLE = "table-2@2022-05"


def asked(*more):
    return world(
        definition("6", "2022年6月底前", UNITS),
        definition("table-2", "2022年5月起，每月5日前", UNITS),
        *more,
    )


def of(snapshot, campaign="main", **more):
    """The same files with another head."""
    changed = replace(snapshot, campaign=replace(snapshot.campaign, id=campaign, **more))
    return replace(changed, fingerprint=repr((campaign, sorted(more.items()), snapshot.fingerprint)))


@pytest.fixture
def both(tmp_path):
    """Two services on one ledger, whose files differ in the campaign's id."""
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    with running(asked(), url=url) as first, running(of(asked(), "second"), url=url) as second:
        second.engine.place = "elsewhere"
        yield first, second


def read(engine, question, *given, **more):
    with engine.database.reading() as session:
        return question(session, *given, **more)


def on_5_may(engine, when):
    rows = read(engine, ledger_rows, engine.engine.snapshot, at(when), latest=at(when))
    return {row.unit: row.state.value for row in rows if row.ref == TABLE}


def test_what_one_campaign_has_answered_the_other_asks(both):
    first, second = both
    for each in both:
        each.pass_at("2022-05-05")
    first.record("submit", TABLE)
    assert (TABLE, "overdue", -1) not in first.pass_at("2022-05-06").get("wanzhou@unit.example", ())
    assert (TABLE, "overdue", -1) in second.pass_at("2022-05-06")["wanzhou@unit.example"]
    assert on_5_may(first, "2022-05-06") == {"wanzhou": "done", "fuling": "overdue"}
    assert on_5_may(second, "2022-05-06") == {"wanzhou": "overdue", "fuling": "overdue"}
    assert len(read(first, read_history, "main")) == 1
    assert read(second, read_history, "second") == []


def test_each_sends_what_it_wrote_and_leaves_the_others(both):
    for each in both:
        each.clock.set(at("2022-05-05"))
        each.engine.bring_up_to_date(at("2022-05-05"))
        with each.database.writing() as session:
            assert plan(session, each.engine.snapshot, at("2022-05-05")) == len(UNITS)
    for each in both:
        each.engine.run_pass()
        mails = [claimed.mail for claimed, _ in each.sender.take()]
        name = each.engine.snapshot.campaign.id
        assert {mail.key for mail in mails} == {
            owned(name, f"digest/2022-05-05/{unit}@unit.example") for unit in UNITS
        }
    ids = [mail.message_id for name in ("main", "second") for mail in read(each, stored_mails, name)]
    assert len(set(ids)) == 2 * len(UNITS)


@pytest.mark.parametrize("campaign", ["main", "second"])
def test_a_campaign_lives_a_month_beside_another_without_a_trace_on_either(campaign):
    """Passes, answers, edits and a restart: the other's rows stay as they were, and its own are as if alone."""
    snapshot = of(asked(), campaign)

    def lives(engine):
        said = engine.mornings("2022-04-28", "2022-05-06")
        engine.record("submit", TABLE)
        engine.record("return", TABLE, reason="合计不符")
        said += engine.mornings("2022-05-07", "2022-05-20")
        engine.engine.accept_removals = True
        engine.engine.adopt(of(world(definition("6", "2022年5月31日前", UNITS)), campaign))
        said += engine.mornings("2022-05-21", "2022-06-08")
        with engine.database.writing() as session:
            assert retry(session, campaign, None, engine.clock.now()) == 0
        return said

    with running(snapshot) as alone:
        expected = lives(alone)
    with running(snapshot) as engine:
        plant(engine.database, snapshot, at("2022-04-08 08:00"))
        check = intact(engine.database)
        assert lives(engine) == expected
        check()


def test_nothing_of_another_campaign_is_looked_at():
    snapshot = asked()
    with running(snapshot) as engine:
        plant(engine.database, snapshot, at("2022-04-27"))
        engine.pass_at("2022-04-28")
        with engine.database.writing() as session:
            secret = feeds.add_feed(session, "decoy", None, "t", engine.clock.now())
        theirs = read(engine, stored_mails, "decoy")
        ours = read(engine, stored_mails, "main")
        assert {mail.state.value for mail in theirs} == {"queued"}
        assert {mail.state.value for mail in ours} == {"sent"}
        assert read(engine, mail_page, "main", MailFilter(), page=1, size=9).number == len(ours)
        assert read(engine, queue, "main").waiting == 0
        assert read(engine, stuck_since, "main") is None
        assert read(engine, mail_called, "main", theirs[0].mail.key) is None
        with pytest.raises(UnknownNameError):
            read(engine, stored_mail, "main", theirs[0].id)
        assert read(engine, open_requests, "main") == read(engine, answered_requests, "main", 9) == []
        assert read(engine, requests_of, "main", TABLE, "wanzhou") == []
        assert read(engine, open_requests, "decoy")
        assert read(engine, feeds.feeds, "main") == []
        assert read(engine, feeds.find_feed, "main", secret) is None
        assert read(engine, kept_files, "main")[1] == snapshot.fingerprint
        lights = Board(engine.database).matrix(snapshot, StatusFilter(), at("2022-04-28"), page=1, size=9)
        with running(snapshot) as alone:
            alone.pass_at("2022-04-28")
            counted = Board(alone.database).matrix(snapshot, StatusFilter(), at("2022-04-28"), page=1, size=9)
        assert (lights.all_lights, lights.states) == (counted.all_lights, counted.states)


def test_a_link_of_one_campaign_answers_for_no_other():
    ours, theirs = (Links("https://t.example", ("a key of sixteen",), name) for name in ("main", "second"))
    day = date(2022, 6, 1)
    token = ours.token(Purpose.ANSWER, TABLE, "wanzhou", "x", day)
    # Those that are out already were made before there were several.
    assert token == Links("https://t.example", ("a key of sixteen",)).token(
        Purpose.ANSWER, TABLE, "wanzhou", "x", day
    )
    assert ours.read(token, Purpose.ANSWER, at("2022-05-05")).ref == TABLE
    with pytest.raises(ForgedLinkError):
        theirs.read(token, Purpose.ANSWER, at("2022-05-05"))


# --- the same id, another document ---


@pytest.mark.parametrize("changed", [{"document": "渝考发〔2023〕9号"}, {"issued": date(2022, 4, 11)}])
def test_another_document_or_date_of_issue_waits_for_a_word(changed):
    with running(asked()) as engine:
        engine.pass_at("2022-04-28")
        engine.record("submit", TABLE)
        engine.engine.adopt(of(asked(), **changed))
        with pytest.raises(AnotherDocumentError) as raised:
            engine.pass_at("2022-04-29")
        for word in (
            "--accept-correction",
            "accept_correction: DATE",
            "accept_correction: 日期",
            "id: main-2",
        ):
            assert word in message.both(raised.value.message)
        # A correction: the history stays.
        engine.engine.accept_correction = True
        engine.pass_at("2022-04-29")
        assert on_5_may(engine, "2022-04-29")["wanzhou"] == "done"
        assert not engine.engine.accept_correction, "it holds for one edit"
        [known] = read(engine, known_campaigns).values()
        assert changed.items() <= {"document": known.document, "issued": known.issued}.items()
        assert known.began == date(2022, 4, 28)


def test_a_correction_in_the_files_is_good_through_its_day():
    with running(asked()) as engine:
        engine.pass_at("2022-04-28")
        corrected = {"document": "渝考发〔2022〕6号", "accept_correction": date(2022, 4, 28)}
        engine.engine.adopt(of(asked(), **corrected))
        with pytest.raises(AnotherDocumentError):
            engine.pass_at("2022-04-29")
        engine.pass_at("2022-04-28 10:00")
        assert read(engine, known_campaigns)["main"].document == "渝考发〔2022〕6号"


def test_another_campaign_asks_everybody_anew():
    with running(asked()) as engine:
        engine.pass_at("2022-05-05")
        engine.record("submit", TABLE)
        engine.engine.adopt(of(asked(), "main-2", document="渝考发〔2023〕9号"))
        told = engine.pass_at("2022-05-06")
        assert (TABLE, "overdue", -1) in told["wanzhou@unit.example"]
        assert on_5_may(engine, "2022-05-06")["wanzhou"] == "overdue"
        assert list(read(engine, known_campaigns)) == ["main", "main-2"]


@pytest.mark.parametrize("restarted", [True, False])
def test_another_campaign_under_a_running_service_begins_when_it_comes(tmp_path, restarted):
    """What was due before is neither chased nor late for it, whenever the first one began."""
    place = Place(tmp_path, tasks=CAMPAIGN.replace("  chase_from: 2022-04-08\n", ""))
    clock = VirtualClock(at("2022-04-10"))
    with ExitStack() as opened:

        def start():
            return opened.enter_context(closing(App(place.config, environ={}, clock=clock)))

        app = start()
        app.engine.run_pass()
        clock.set(at("2022-05-23"))
        place.tasks.write_text(
            place.tasks.read_text(encoding="utf-8").replace("campaign:\n", "campaign:\n  id: second\n"),
            encoding="utf-8",
        )
        if restarted:
            app = start()
        else:
            assert app.reload()
        app.engine.run_pass()
        assert app.snapshot.chase_from == date(2022, 5, 23)
        with app.database.reading() as session:
            began = {each.id: each.began for each in known_campaigns(session).values()}
            assert began == {"main": date(2022, 4, 10), "second": date(2022, 5, 23)}
            rows = ledger_rows(session, app.snapshot, clock.now(), latest=clock.now(), ref="2/first-list")
        assert {row.state.value for row in rows} == {"before"}


@pytest.mark.parametrize("at_a_new_host", [False, True])
def test_what_waits_of_a_campaign_that_the_files_leave_ends_and_is_told_of_once(at_a_new_host):
    settings = Settings(operator=Contact("值班员", "op@unit.example"))
    first = replace(asked(), settings=settings)
    second = replace(of(asked(), "second", issued=date(2022, 5, 5), chase_from=None), settings=settings)
    with running(first) as engine:
        engine.engine.place = "one:/srv/config"
        engine.clock.set(at("2022-05-05"))
        engine.engine.bring_up_to_date(at("2022-05-05"))
        with engine.database.writing() as session:
            assert plan(session, first, at("2022-05-05")) == len(UNITS)
        engine.engine.alert("x", "x", ["x"])
        if at_a_new_host:
            engine.engine.place = "two:/srv/config"
        for _ in range(2):
            engine.engine.adopt(second)
            engine.pass_at("2022-05-05 10:00")
        ours = {mail.state.value for mail in read(engine, stored_mails, "main")}
        assert ours == {"failed"}
        outcomes = {mail.outcome for mail in read(engine, stored_mails, "main")}
        assert outcomes == {"not sent: the service went over to campaign second"}
        assert said_in(outcomes.pop(), "zh") == "未发出：本服务已转办专项工作second"
        alerts = [mail for mail in read(engine, stored_mails, "second") if "/left/" in mail.mail.key]
        assert ["3封" in mail.mail.details["title"] for mail in alerts] == [True]
        # It was a slip: what the digests held is told with the next ones.
        engine.engine.adopt(first)
        told = engine.pass_at("2022-05-06")
        assert {ref for ref, _, _ in told["wanzhou@unit.example"]} == {"6", TABLE}


def test_a_restored_ledger_says_nothing_again_of_any_campaign(both):
    for each in both:
        each.pass_at("2022-05-05")
    first, _ = both
    with first.database.writing() as session:
        first.clock.set(at("2022-05-06 12:00"))
        go_on_from(session, first.engine.snapshot, first.clock.now())
    for each in both:
        assert each.pass_at("2022-05-06 13:00") == {}
        assert (TABLE, "overdue", -5) in each.pass_at("2022-05-10")["fuling@unit.example"]
