"""A mail server that does not want us, at whatever moment of the conversation: nothing fails for good, and it is told."""

from __future__ import annotations

import re
import threading
from collections import Counter
from contextlib import contextmanager
from datetime import timedelta
from itertools import count, pairwise

import pytest

from tests.integration.test_smtp_server import free_port
from tests.tools import Place
from tests.torture.bureau import CAMPAIGN, MOMENT, SETTINGS, units
from tests.torture.scripted import Server, takes_everything
from tests.web import browser
from tracker.clock import VirtualClock
from tracker.daemon.scheduler import Service, run_once
from tracker.outbox.queries import retry, stored_mails
from tracker.service.app import App
from tracker.service.heartbeat import PassRecord, remember
from tracker.usecases import mailing
from tracker.usecases.json_facts import instant

MINUTE = timedelta(minutes=1)
TWO_DOMAINS = [[f"u{number}@{'east' if number % 2 else 'west'}.internal"] for number in range(6)]
#: Those of one office mostly are of one domain: where nobody gets anything, it may be that domain's own fault.
ONE_DOMAIN = [[f"u{number}@east.internal"] for number in range(6)]
OPERATOR = "operator@kaoshi.internal"


class Office:
    """The product over a small campaign, one pass after the other; ``restart`` is another process on its database."""

    def __init__(self, folder, server, addresses=TWO_DOMAINS, *, user=False, **environ):
        settings = SETTINGS.format(port=server.port, connections=4)
        if user:
            settings = settings.replace("//127", "//tracker@127")
        self.place = Place(folder / "office", tasks=CAMPAIGN, units=units(addresses), settings=settings)
        self.url = f"sqlite:///{folder / 'tracker.db'}"
        self.clock = VirtualClock(MOMENT)
        self.environ = environ | ({"TRACKER_MAIL_PASSWORD": "wrong horse"} if user else {})
        self.app = self.process()

    def process(self):
        return App(self.place.config, database=self.url, environ=self.environ, clock=self.clock)

    def restart(self):
        self.app.close()
        self.app = self.process()

    def pass_(self, after=timedelta()):
        self.clock.set(self.clock.now() + after)
        report = self.app.engine.run_pass(at_once=True)
        with self.app.database.writing() as session:
            remember(session, PassRecord(self.clock.now(), 0.1, who="t"))
        return report

    def rows(self, columns="state, kind"):
        with self.app.database.engine.connect() as connection:
            return [
                tuple(row) for row in connection.exec_driver_sql(f"SELECT {columns} FROM mail ORDER BY id")
            ]

    def digests(self):
        return Counter(state for state, kind in self.rows() if kind == "digest")

    def health(self):
        return browser(self.app).get("/readyz").json()

    def metrics(self):
        return browser(self.app).get("/metrics").text


@contextmanager
def office(folder, server, addresses=TWO_DOMAINS, **more):
    made = Office(folder, server, addresses, **more)
    try:
        yield made
    finally:
        made.app.close()


def saying(stage, answer):
    return lambda said: answer if said.stage == stage else None


#: (moment, answer): all of them mean us, or the server as a whole.
OF_US = [
    ("connect", "554 5.7.1 no SMTP service for you here"),
    ("connect", "421 4.3.2 Service not active"),
    ("connect", "550 go away"),
    ("ehlo", "504 helo rejected"),
    ("ehlo", "550 5.7.1 invalid HELO"),
    ("ehlo", "421 closing down"),
    ("mail", "553 5.1.8 sender domain does not exist"),
    ("mail", "550 5.7.60 Client does not have permissions to send as this sender"),
    ("mail", "451 4.3.0 local error in processing"),
    ("mail", "530 5.7.0 Must issue a STARTTLS command first"),
    ("rcpt", "553 5.7.1 <tracker@kaoshi.internal>: Sender address rejected: not owned by user"),
    ("rcpt", "504 5.5.2 <tracker>: Helo command rejected: need fully-qualified hostname"),
    ("rcpt", "554 5.7.1 <u0@west.internal>: Relay access denied"),
    ("rcpt", "554 relay access denied"),
    ("rcpt", "554 client host [192.0.2.7] blocked"),
    ("rcpt", "550 5.7.1 Service unavailable; Client host [192.0.2.7] blocked using zen.spamhaus.org"),
    ("rcpt", "553 sorry, that domain isn't in my list of allowed rcpthosts"),
    ("rcpt", "550 5.7.26 unauthenticated mail is prohibited"),
    ("rcpt", "550 your IP has no reverse DNS (PTR) record"),
    ("rcpt", "550 authentication required"),
    ("rcpt", "450 4.7.1 Client host rejected: cannot find your hostname"),
    ("data", "503 5.5.1 bad sequence of commands"),
    ("data", "554 5.7.1 sender not authorized"),
    ("dot", "550 5.7.60 no permission to send as this sender"),
    ("dot", "550 SPF check failed"),
    ("dot", "550 5.7.1 DMARC policy of the sender's domain"),
    ("dot", "554 DT:SUM Envelope sender mismatch with header From"),
    ("dot", "554 5.3.0 mail system not accepting messages"),
    ("dot", "554 5.2.252 SendAsDenied; not allowed to send as this address"),
    ("dot", "554 5.2.0 STOREDRV.Submission.Exception:SendAsDeniedException.MapiExceptionSendAsDenied"),
    ("rcpt", "551 we do not relay mail"),
    ("rcpt", "521 does not accept mail from you"),
    ("dot", "541 This account isn't allowed to send email"),
    ("rcpt", "550 账户被禁止发信"),
    ("rcpt", "550 5.4.1 Relay access denied"),
    ("dot", "550 5.6.0 From header does not match authenticated sender"),
    ("rcpt", "550 本账号无权向外域发送邮件"),
]


@pytest.mark.parametrize(
    ("stage", "answer"), OF_US, ids=[f"{stage} {answer[:30]}" for stage, answer in OF_US]
)
def test_a_refusal_of_us_fails_nobody_is_told_and_ends_with_its_reason(tmp_path, stage, answer):
    with Server(saying(stage, answer)) as server, office(tmp_path, server, ONE_DOMAIN) as here:
        here.pass_()
        here.pass_(after=MINUTE / 2)
        assert here.digests() == {"deferred": len(ONE_DOMAIN)}
        health = here.health()
        assert not health["ready"]
        (reason,) = health["reasons"]
        assert "the mail server has taken nothing" in reason
        assert re.sub(r"<[^>]*>|\S+@\S+", "…", answer).partition(" ")[2][:20] in reason
        assert "@" not in reason, "nothing there names anybody"
        assert 'tracker_deliveries_total{cause="us",outcome="deferred"}' in here.metrics()
        assert "tracker_last_delivery_ok 0.0" in here.metrics()
        for _ in range(5):
            here.pass_(after=61 * MINUTE)
        assert here.digests() == {"deferred": len(ONE_DOMAIN)}
        assert {attempts for (attempts,) in here.rows("attempts")} == {0}
        server.script = takes_everything
        for _ in range(4):
            here.pass_(after=61 * MINUTE)
        assert here.digests() == {"sent": len(ONE_DOMAIN)}
        assert len(set(server.ids)) == len(server.ids) == len(here.rows()), (
            "the operator's alert is among them"
        )
        assert here.health() == {"ready": True, "reasons": [], "degraded": []}
        assert "tracker_last_delivery_ok 1.0" in here.metrics()


@pytest.mark.parametrize(
    "answer", ["550 no", "554 transaction failed", "550 5.1.1 user unknown", "450 not now"]
)
def test_a_refusal_that_everybody_gets_is_about_us_whatever_it_says(tmp_path, answer):
    with Server(saying("rcpt", answer)) as server, office(tmp_path, server) as here:
        here.pass_()
        assert here.digests() == {"deferred": len(TWO_DOMAINS)}
        assert {attempts for (attempts,) in here.rows("attempts")} == {0}
        server.script = takes_everything
        here.pass_(after=7 * MINUTE)
        assert here.digests() == {"sent": len(TWO_DOMAINS)}


#: (moment, answer): of themselves about one recipient or one mail, with what differs from one to the next.
OF_ONE = [
    ("rcpt", "550 5.1.1 <{to}>: user unknown"),
    ("rcpt", "550 User not found: {name}"),
    ("rcpt", "550 no ({n})"),
    ("rcpt", "550 5.4.0 [id {n}] not here"),
    ("dot", "550 5.6.0 no, {n}"),
    ("dot", "554 transaction {n} failed"),
]


def of_one(stage, answer):
    """``answer`` at ``stage``, said to each in turn."""
    numbers = count(17)

    def script(said):
        name = said.to.partition("@")[0]
        return answer.format(to=said.to, name=name, n=next(numbers)) if said.stage == stage else None

    return script


@pytest.mark.parametrize(("stage", "answer"), OF_ONE, ids=[answer for _, answer in OF_ONE])
def test_the_same_words_to_all_of_one_domain_are_about_us_until_somebody_gets_a_mail(tmp_path, stage, answer):
    with Server(of_one(stage, answer)) as server, office(tmp_path, server, ONE_DOMAIN) as here:
        # They come back one by one, and the operator's alert by itself.
        for after in (0, 4.5, *[0.5] * 8, *[7.5] * 12):
            here.pass_(after=after * MINUTE)
            assert here.digests() == {"deferred": len(ONE_DOMAIN)}
        assert {attempts for (attempts,) in here.rows("attempts")} == {0}
        assert not here.health()["ready"]
        server.script = takes_everything
        for _ in range(2):
            here.pass_(after=61 * MINUTE)
        assert {state for state, _ in here.rows()} == {"sent"}
        assert ("sent", "alert") in here.rows()
        assert here.health()["ready"]


def test_what_only_some_are_refused_fails_once_the_server_takes_others_again(tmp_path):
    with Server(of_one("rcpt", "550 no")) as server, office(tmp_path, server, ONE_DOMAIN) as here:
        here.pass_()
        assert here.digests() == {"deferred": len(ONE_DOMAIN)}
        gone = {"u0@east.internal", "u1@east.internal", "u2@east.internal"}
        server.script = lambda said: "550 no" if said.stage == "rcpt" and said.to in gone else None
        for _ in range(4):
            here.pass_(after=61 * MINUTE)
        assert here.digests() == {"sent": 3, "failed": 3}
        assert here.health()["ready"]


def test_words_that_differ_in_one_domain_are_each_ones_own(tmp_path):
    answers = iter(["user unknown", "mailbox disabled", "no such user here", "invalid mailbox"] * 2)
    script = lambda said: f"550 {next(answers)}" if said.stage == "rcpt" else None  # noqa: E731
    with Server(script) as server, office(tmp_path, server, ONE_DOMAIN[:4]) as here:
        here.pass_()
        assert here.digests() == {"failed": 4}


#: What one recipient is told at RCPT while the same server takes the others: the first three may be about us as well.
OF_ONE_AMONG_OTHERS = [
    "550 5.7.133 RESOLVER.RST.SenderNotAuthenticatedForGroup; authentication required; the sender was not authenticated",
    "550 5.7.1 <{to}>: Recipient address rejected: Access denied",
    "553 5.3.0 Rejected",
    "553 5.3.0 <{to}>... No such user here",
    "550 5.7.1 该用户仅接收授权发件人的邮件",
]


@pytest.mark.parametrize("answer", OF_ONE_AMONG_OTHERS, ids=[each[:24] for each in OF_ONE_AMONG_OTHERS])
@pytest.mark.parametrize("refused", ["u0", "u5"])
def test_what_one_is_refused_while_the_domain_is_served_is_that_ones_and_is_told(tmp_path, answer, refused):
    stuck = f"{refused}@east.internal"
    script = lambda said: answer.format(to=said.to) if (said.stage, said.to) == ("rcpt", stuck) else None  # noqa: E731
    with Server(script) as server, office(tmp_path, server, ONE_DOMAIN) as here:
        report = here.pass_()
        assert here.digests() == {"failed": 1, "sent": 5}
        assert ("failed", "recipient") in here.rows("state, cause")
        assert report.put_off is None, "nothing is said to wait"
        for _ in range(4):
            here.pass_(after=61 * MINUTE)
        (told,) = (stored(here, "alert"),)
        assert stuck in str(told.details)
        assert [kind for (kind,) in here.rows("kind")].count("alert") == 1, "no outage, and no end of one"
        assert here.health()["ready"]


def test_a_server_that_wants_nobody_any_more_in_the_middle_of_a_pass_fails_nobody(tmp_path):
    taken = []

    def script(said):
        if said.stage == "dot":
            taken.append(said.to)
        return "550 5.7.1 Rejected" if said.stage == "rcpt" and taken else None

    many = [[f"u{number}@east.internal"] for number in range(20)]
    with Server(script) as server, office(tmp_path, server, many) as here:
        here.pass_()
        assert set(here.digests()) == {"sent", "deferred"}
        server.script = takes_everything
        here.pass_(after=61 * MINUTE)
        assert here.digests() == {"sent": 20}


def test_where_somebody_got_theirs_a_refusal_is_the_recipients_own(tmp_path):
    def script(said):
        return "550 5.1.1 user unknown" if said.stage == "rcpt" and said.to != "u5@east.internal" else None

    with Server(script) as server, office(tmp_path, server) as here:
        here.pass_()
        assert here.digests() == {"failed": 5, "sent": 1}


def test_the_size_of_one_mail_is_that_mails_own(tmp_path):
    def script(said):
        return "552 5.3.4 message too big" if said.stage == "dot" and said.to == "u0@west.internal" else None

    with Server(script) as server, office(tmp_path, server) as here:
        here.pass_()
        assert here.digests() == {"failed": 1, "sent": 5}
        assert here.health()["ready"]


def test_a_server_that_is_not_there_is_told_after_two_passes(tmp_path):
    class Nowhere:
        port = free_port()

    with office(tmp_path, Nowhere) as here:
        here.pass_()
        here.pass_(after=MINUTE / 2)
        (reason,) = here.health()["reasons"]
        assert "cannot connect" in reason
        kinds = Counter(here.rows("kind"))
        assert kinds[("alert",)] == 1, "the operator hears of it once it is there again"
        here.pass_(after=7 * MINUTE)
        assert Counter(here.rows("kind")) == kinds


def test_a_conversation_that_the_server_ends_after_some_mails_goes_on_in_another(tmp_path):
    sixty = [[f"u{number}@unit.internal"] for number in range(60)]
    for words in (
        "421 too many messages in this connection",
        "421 4.7.0 limit exceeded",
        "452 4.5.3 too many messages this session",
    ):
        folder = tmp_path / words[:9]
        with Server() as server, office(folder, server, sixty) as here:
            talks: Counter[str] = Counter()

            def script(said, server=server, talks=talks, words=words):
                if said.stage == "connect":
                    talks.clear()
                if said.stage == "mail":
                    talks[said.stage] += 1
                    return words if talks[said.stage] > 5 else None
                return None

            server.script = script
            settings = here.place.config / "settings.yaml"
            settings.write_text(
                settings.read_text("utf-8").replace("connections: 4", "connections: 1"), "utf-8"
            )
            here.restart()
            here.pass_()
            assert here.digests() == {"sent": 60}, words
            assert server.asked["connect", ""] >= 12
            assert len(server.ids) == 60


# The login.


def logins(server):
    return server.asked["auth", ""]


def refuses_login(said):
    return "535 5.7.8 authentication failed" if said.stage == "auth" else None


def test_a_wrong_password_is_tried_at_growing_distances_by_all_processes_together(tmp_path):
    with Server(refuses_login, knows_users=True) as server, office(tmp_path, server, user=True) as here:
        server.extensions = ["AUTH PLAIN LOGIN"]
        others = [here.process() for _ in range(2)]
        asked = []
        for minute in range(160):
            before = logins(server)
            if minute % 7 == 0:
                here.restart()
            here.pass_(after=MINUTE)
            others[minute % 2].engine.run_pass(at_once=True)
            asked += [minute] * (logins(server) - before)
        distances = [later - earlier for earlier, later in pairwise(asked)]
        assert distances[0] in range(5, 9), asked
        assert distances[1] in range(15, 19), asked
        assert {each >= 60 for each in distances[2:]} == {True}, asked
        (reason,) = here.health()["reasons"]
        assert "refuses the login" in reason
        assert "horse" not in f"{reason}{here.rows('outcome')}"
        for other in others:
            other.close()
        server.script = takes_everything
        here.environ["TRACKER_MAIL_PASSWORD"] = "right horse"
        here.restart()
        here.pass_(after=MINUTE)
        here.pass_(after=MINUTE)
        assert here.digests() == {"sent": len(TWO_DOMAINS)}, "another password is another door"


def test_whoever_dies_with_a_login_under_way_has_tried(tmp_path, monkeypatch):
    with Server(refuses_login, knows_users=True) as server, office(tmp_path, server, user=True) as here:
        monkeypatch.setattr("tracker.outbox.mail_server.MailServer._is_shut", lambda *_, **__: None)
        for _ in range(4):
            here.restart()
            here.pass_(after=MINUTE)
        assert logins(server) == 1


@pytest.mark.parametrize("word", ["retry", "test"])
def test_a_persons_word_opens_the_door(tmp_path, word):
    with Server(refuses_login, knows_users=True) as server, office(tmp_path, server, user=True) as here:
        here.pass_()
        here.pass_(after=MINUTE)
        assert logins(server) == 1
        server.script = takes_everything
        if word == "retry":
            with here.app.database.writing() as session:
                retry(session, here.app.snapshot.campaign.id, None, here.clock.now())
        else:
            assert mailing.send_test_mail(here.app, "somebody@unit.internal")[1]
        here.pass_()
        assert here.digests() == {"sent": len(TWO_DOMAINS)}


# One mail that cannot be made.


@pytest.mark.parametrize("error", [KeyError("amount"), RecursionError(), ValueError("no figure")])
def test_a_mail_that_cannot_be_made_stops_no_other_and_the_operator_hears_of_it(tmp_path, monkeypatch, error):
    with Server() as server, office(tmp_path, server) as here:
        render = type(here.app.renderer).render

        def breaks(self, mail, *more):
            if mail.to == "u0@west.internal":
                raise error
            return render(self, mail, *more)

        monkeypatch.setattr(type(here.app.renderer), "render", breaks)
        here.pass_()
        assert here.digests() == {"failed": 1, "sent": 5}
        here.pass_(after=2 * MINUTE)
        (alert,) = [taken for taken in server.taken if taken.to == OPERATOR]
        assert here.rows("kind, state")[-1] == ("alert", "sent")
        assert alert.id_


def test_what_a_mail_needs_and_is_not_there_now_is_waited_for(tmp_path, monkeypatch):
    with Server() as server, office(tmp_path, server) as here:
        monkeypatch.setattr(
            type(here.app.renderer), "render", lambda *_: (_ for _ in ()).throw(OSError("gone"))
        )
        here.pass_()
        assert here.digests() == {"deferred": len(TWO_DOMAINS)}
        monkeypatch.undo()
        here.pass_(after=7 * MINUTE)
        assert here.digests() == {"sent": len(TWO_DOMAINS)}


def test_what_was_sent_is_counted(tmp_path):
    with Server() as server, office(tmp_path, server) as here:
        here.pass_()
        assert 'tracker_deliveries_total{cause="",outcome="sent"} 6.0' in here.metrics()


# What the operator is told of it.


@pytest.mark.parametrize(
    ("stage", "answer"),
    [
        ("dot", "550 发信频率过高"),
        ("rcpt", "452 4.5.3 Too many recipients"),
        ("mail", "451 4.7.1 slow down"),
        ("dot", "554 MI:STC 10.0.0.1"),
    ],
)
def test_too_fast_said_to_everybody_is_told_with_the_servers_words(tmp_path, stage, answer):
    with Server(saying(stage, answer)) as server, office(tmp_path, server) as here:
        first = here.pass_()
        here.restart()
        here.pass_(after=MINUTE)
        (reason,) = here.health()["reasons"]
        assert answer.partition(" ")[2] in reason
        assert answer in first.put_off.why
        assert ("alert",) in here.rows("kind")


def test_the_page_says_what_is_said_to_machines_that_watch_and_when_the_server_is_asked_again(tmp_path):
    refused = "535 5.7.8 authentication failed: ask the postmaster"
    with Server(saying("connect", refused)) as server, office(tmp_path, server) as here:
        client = browser(here.app)
        here.pass_()
        here.pass_(after=MINUTE)
        (reason,) = here.health()["reasons"]
        zh, en = (client.get(f"/health?language={language}").text for language in ("zh", "en"))
        following = mailing.mails(here.app)[0]["next_attempt"]
        assert reason in en
        since = reason.removeprefix("since ").partition(" the mail server")[0]
        assert f"自{since}起邮件服务器一直没有收信" in zh
        assert "ask the postmaster" in zh
        assert f"下次联系邮件服务器 {following[:16].replace('T', ' ')}" in zh
        server.script = takes_everything
        here.pass_(after=90 * MINUTE)
        assert here.health()["reasons"] == []
        assert '<span class="light red">' not in client.get("/health").text


def test_the_alert_says_how_it_is_and_once_it_leaves_how_it_was(tmp_path):
    with Server(saying("rcpt", "550 5.7.1 relaying denied")) as server, office(tmp_path, server) as here:
        here.pass_()
        here.pass_(after=MINUTE)
        here.pass_(after=30 * MINUTE)
        waiting = stored(here, "alert")
        assert waiting.details["title"] == "邮件暂时发不出去"
        assert f"现有{len(TWO_DOMAINS)}封等待发送" in waiting.details["problems"][0]
        assert "relaying denied" in waiting.details["problems"][1]
        assert "tracker mail test" in waiting.details["problems"][2]
        [listed] = [mail for mail in mailing.mails(here.app) if mail["kind"] == "alert"]
        assert "邮件暂时发不出去" in listed["subject"]
        assert "邮件暂时发不出去" in browser(here.app).get("/mails?kind=alert").text
        server.script = takes_everything
        here.pass_(after=90 * MINUTE)
        told = stored(here, "alert")
        assert told.details["title"] == "邮件曾一度发不出去，现已恢复"
        assert told.details["problems"][0].startswith(
            "2022年6月8日10:00至2022年6月8日12:01，邮件服务器没有收下邮件"
        )
        assert f"其间有{len(TWO_DOMAINS)}封等待" in told.details["problems"][0]
        assert "当日不提醒的，待可提醒之日补发" in told.details["problems"][0]
        assert not any("mail test" in line for line in told.details["problems"])


def stored(here, kind):
    with here.app.database.reading() as session:
        found = stored_mails(session, here.app.snapshot.campaign.id)
    (mail,) = (each.mail for each in found if each.mail.kind == kind)
    return mail


def test_whatever_is_mended_is_tried_at_once_and_until_then_the_list_says_when(tmp_path):
    with Server(refuses_login, knows_users=True) as server, office(tmp_path, server, user=True) as here:
        here.pass_()
        here.pass_(after=7 * MINUTE)
        here.pass_(after=20 * MINUTE)
        listed = mailing.mails(here.app, state="deferred")
        assert logins(server) == 3
        shut = here.clock.now() + 60 * MINUTE
        assert {fact["next_attempt"] for fact in listed} == {instant(shut, here.app.snapshot.zone)}
        here.pass_(after=10 * MINUTE)
        (reason,) = here.health()["reasons"]
        assert f"not asked again before {shut.astimezone(here.app.snapshot.zone):%Y-%m-%d %H:%M}" in reason
        assert "UTC" not in reason
        assert "+08:00" not in reason
        server.script = takes_everything
        here.environ["TRACKER_MAIL_PASSWORD"] = "right horse"
        here.restart()
        assert here.pass_(after=MINUTE).delivered["sent"] == len(here.rows())


def test_a_password_that_is_put_back_is_tried_at_once_as_well(tmp_path):
    with Server(refuses_login, knows_users=True) as server, office(tmp_path, server, user=True) as here:
        for password in ("one", "two", "one"):
            here.environ["TRACKER_MAIL_PASSWORD"] = password
            here.restart()
            here.pass_(after=MINUTE)
            here.restart()
            here.pass_(after=MINUTE)
        assert logins(server) == 3
        settings = here.place.config / "settings.yaml"
        settings.write_text(
            re.sub(r"transport: .*", "transport: mailbox:var/mail", settings.read_text("utf-8")), "utf-8"
        )
        here.restart()
        here.pass_(after=MINUTE)
        assert here.digests() == {"sent": len(TWO_DOMAINS)}


def test_machines_with_keys_of_their_own_are_warned_of(tmp_path, caplog):
    key = "TRACKER_SECRET"
    with Server() as server, office(tmp_path, server, **{key: "a" * 32}) as here:
        here.pass_()
        other = App(here.place.config, database=here.url, environ={key: "b" * 32}, clock=here.clock)
        for process, is_warned in ((here.process(), False), (other, True)):
            caplog.clear()
            process.engine.place = "elsewhere"
            process.engine.post._place = "elsewhere:/config"
            process.engine.run_pass()
            assert ("TRACKER_SECRET" in caplog.text) is is_warned
            process.close()


def test_a_pass_for_cron_says_why_nothing_went(tmp_path, monkeypatch, caplog):
    with (
        Server(saying("mail", "553 5.1.8 <x@y.z> sender unknown")) as server,
        office(tmp_path, server) as here,
    ):
        monkeypatch.setattr("tracker.daemon.scheduler.refuse_root", lambda *_, **__: None)
        caplog.set_level("INFO")
        report = run_once(here.app, at_once=True)
        assert report.is_refused
        (line,) = (
            each.message for each in caplog.records if (each.name, each.levelname) == ("tracker", "WARNING")
        )
        assert "553 5.1.8 … sender unknown" in line
        assert "tracker mail test" in line
        assert f"next try at {MOMENT:%Y-%m-%d}" in line
        assert report.put_off is not None
        assert report.put_off.untried == len(TWO_DOMAINS) - report.delivered.total()
        caplog.clear()
        # Nothing is tried so soon: nothing is said, and it is no better.
        assert run_once(here.app, at_once=True).is_refused
        assert not [each for each in caplog.records if each.name == "tracker"]
        server.script = takes_everything
        here.clock.set(here.clock.now() + 30 * MINUTE)
        assert not run_once(here.app, at_once=True).is_refused


def test_a_long_pass_that_comes_further_is_alive_and_one_that_does_not_is_told(tmp_path):
    with Server() as server, office(tmp_path, server) as here:
        answers = []
        service = Service(here.app, threading.Event())
        goes_on = here.app.engine.on_progress
        assert goes_on is not None

        def watched(written, gone):
            goes_on(written, gone)
            for wait in (MINUTE, 2 * MINUTE):
                here.clock.set(here.clock.now() + wait)
                answers.append(here.health()["reasons"])

        here.app.engine.on_progress = watched
        began = here.clock.now()
        service.pass_(at_once=True)
        assert here.clock.now() - began > 15 * MINUTE
        assert answers[::2] == [[]] * (len(answers) // 2)
        assert answers[1] == ["no pass was made lately"], "the first pass never ended before"
        assert here.health()["ready"]


def test_a_server_that_refuses_all_of_one_domain_is_told_in_its_words(tmp_path):
    alike = [[f"u{number}@qq.internal"] for number in range(3)]
    with Server(saying("dot", "550 发信频率过高")) as server, office(tmp_path, server, alike) as here:
        for _ in range(12):
            here.pass_(after=61 * MINUTE)
        (reason,) = here.health()["reasons"]
        assert reason.startswith(
            "no mail has gone out since 2022-06-08 11:01 (Asia/Shanghai), and some were put off:"
        )
        assert "550 发信频率过高" in reason
