"""A mail server that does not want us, at whatever moment of the conversation: nothing fails for good, and it is told."""

from __future__ import annotations

import re
from collections import Counter
from contextlib import contextmanager
from datetime import timedelta
from itertools import pairwise

import pytest

from tests.integration.test_smtp_server import free_port
from tests.tools import Place
from tests.torture.bureau import CAMPAIGN, MOMENT, SETTINGS, units
from tests.torture.scripted import Server, takes_everything
from tests.web import browser
from tracker.app import App
from tracker.clock import VirtualClock
from tracker.engine.mails import retry
from tracker.engine.pulse import Beat, remember

MINUTE = timedelta(minutes=1)
TWO_DOMAINS = [[f"u{number}@{'east' if number % 2 else 'west'}.internal"] for number in range(6)]
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
            remember(session, Beat(self.clock.now(), 0.1, who="t"))
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
]


@pytest.mark.parametrize(
    ("stage", "answer"), OF_US, ids=[f"{stage} {answer[:30]}" for stage, answer in OF_US]
)
def test_a_refusal_of_us_fails_nobody_is_told_and_ends_with_its_reason(tmp_path, stage, answer):
    with Server(saying(stage, answer)) as server, office(tmp_path, server) as here:
        here.pass_()
        here.pass_(after=MINUTE / 2)
        assert here.digests() == {"deferred": len(TWO_DOMAINS)}
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
        assert here.digests() == {"deferred": len(TWO_DOMAINS)}
        assert {attempts for (attempts,) in here.rows("attempts")} == {0}
        server.script = takes_everything
        for _ in range(4):
            here.pass_(after=61 * MINUTE)
        assert here.digests() == {"sent": len(TWO_DOMAINS)}
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
        monkeypatch.setattr("tracker.engine.post.Post._is_shut", lambda *_, **__: None)
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
                retry(session, here.app.force.campaign.id, None, here.clock.now())
        else:
            from tracker import desk

            assert desk.send_test_mail(here.app, "somebody@unit.internal")[1]
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
