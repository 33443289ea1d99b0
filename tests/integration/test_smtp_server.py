"""Delivery to a real SMTP server: encryption, login, refusals, and what never gets there."""

import asyncio
import email
import email.policy
import socket
import ssl
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime

import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult

from tracker.mail.transport.message import Address, build, message_id
from tracker.mail.transport.opening import open_transport
from tracker.mail.transport.transport import DeliveryOutcome, Envelope

PASSWORD = "correct horse"


class Inbox:
    """Keeps what it is sent; addresses may have an answer of their own.  Offers PIPELINING if told to."""

    def __init__(self, answers=None, *, pipelining=False, sender_answer=None, data_answer=None):
        self.answers = answers or {}
        self.pipelining = pipelining
        self.sender_answer = sender_answer
        self.data_answer = data_answer
        self.mails, self.tried, self.connections, self.encrypted = [], [], 0, []

    async def handle_EHLO(self, server, session, envelope, hostname, responses):  # noqa: N802
        session.host_name = hostname
        self.connections += 1
        if self.pipelining:
            responses.insert(1, "250-PIPELINING")
        return responses

    async def handle_MAIL(self, server, session, envelope, address, options):  # noqa: N802
        if self.sender_answer:
            return self.sender_answer
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802
        self.tried.append(address)
        answer = self.answers.get(address)
        if answer:
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        if self.data_answer:
            return self.data_answer
        self.encrypted.append(session.ssl is not None)
        self.mails.append((envelope.mail_from, tuple(envelope.rcpt_tos), envelope.content))
        return "250 2.0.0 taken"

    def recipients(self):
        return sorted(to for _, [to], _ in self.mails)


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


def server_context(authority, name):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


@pytest.fixture
def trusted(authority, tmp_path, monkeypatch):
    """The authority's certificate in TRACKER_MAIL_CA."""
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(path)
    monkeypatch.setenv("TRACKER_MAIL_CA", str(path))


def authenticator(server, session, envelope, mechanism, data):
    good = (data.login, data.password) == (b"tracker@kaoshi.internal", PASSWORD.encode())
    return AuthResult(success=good, handled=good)


class Bound(Controller):
    """A controller that takes any free port; aiosmtpd wants to know it beforehand."""

    def __init__(self, handler, **more):
        super().__init__(handler, hostname="127.0.0.1", port=free_port(), **more)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def serving(handler, **more):
    controller = Bound(handler, **more)
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()


def envelope(number=1, to=None, text="正文\n"):
    to = to or f"u{number}@wanzhou.internal"
    id_ = message_id(f"digest/{number}", "kaoshi.internal")
    data = build(
        sender=Address("市考试中心", "tracker@kaoshi.internal"),
        to=Address("张敏", to),
        subject="渝考发〔2022〕5号：逾期3项",
        text=text,
        html="<p>正文</p>",
        id_=id_,
        at=datetime(2022, 5, 5, 1, tzinfo=UTC),
    )
    return Envelope(number, "tracker@kaoshi.internal", to, id_, data)


def deliver(url, tmp_path, envelopes, **more):
    """By the number of the envelope: what became of it."""

    async def collect():
        transport = open_transport(url, mailbox_dir=tmp_path / "local", timeout=5, **more)
        try:
            return [delivery async for delivery in transport.deliver(envelopes)]
        finally:
            await transport.close()

    found = asyncio.run(collect())
    assert len({delivery.id for delivery in found}) == len(found)
    return {delivery.id: delivery for delivery in found}


def checked(url, tmp_path, **more):
    return asyncio.run(open_transport(url, mailbox_dir=tmp_path, timeout=5, **more).check())


# --- encryption --------------------------------------------------------------------------------------------


def test_a_mail_goes_out_encrypted_by_starttls(tmp_path, authority, trusted):
    inbox = Inbox()
    with serving(inbox, tls_context=server_context(authority, "127.0.0.1"), require_starttls=True) as port:
        told = deliver(f"smtp://127.0.0.1:{port}", tmp_path, [envelope()])
        assert checked(f"smtp://127.0.0.1:{port}", tmp_path) is None
    assert told[1].outcome is DeliveryOutcome.SENT
    assert told[1].detail == "250 2.0.0 taken"
    assert inbox.encrypted == [True]
    [(sender, to, data)] = inbox.mails
    assert (sender, to) == ("tracker@kaoshi.internal", ("u1@wanzhou.internal",))
    assert (
        email.message_from_bytes(data, policy=email.policy.default)["Subject"] == "渝考发〔2022〕5号：逾期3项"
    )


def test_a_mail_goes_out_encrypted_from_the_start(tmp_path, authority, trusted):
    inbox = Inbox()
    with serving(inbox, ssl_context=server_context(authority, "127.0.0.1")) as port:
        told = deliver(f"smtps://127.0.0.1:{port}", tmp_path, [envelope(), envelope(2)])
    assert {delivery.outcome for delivery in told.values()} == {DeliveryOutcome.SENT}
    assert inbox.recipients() == ["u1@wanzhou.internal", "u2@wanzhou.internal"]


def test_without_starttls_nothing_is_sent(tmp_path):
    inbox = Inbox()
    with serving(inbox) as port:
        told = deliver(f"smtp://127.0.0.1:{port}", tmp_path, [envelope(), envelope(2)])
        assert "does not offer STARTTLS" in checked(f"smtp://127.0.0.1:{port}", tmp_path)
    assert [told[number].outcome for number in (1, 2)] == [DeliveryOutcome.DEFERRED] * 2
    assert "does not offer STARTTLS, and mail is not sent in plain text" in told[1].detail
    assert (inbox.mails, inbox.tried) == ([], [])


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_a_certificate_of_an_unknown_authority_is_refused(tmp_path, scheme, monkeypatch):
    monkeypatch.delenv("TRACKER_MAIL_CA", raising=False)
    inbox = Inbox()
    context = server_context(trustme.CA(), "127.0.0.1")
    more = {"ssl_context": context} if scheme == "smtps" else {"tls_context": context}
    with serving(inbox, **more) as port:
        told = deliver(f"{scheme}://127.0.0.1:{port}", tmp_path, [envelope()])
    assert told[1].outcome is DeliveryOutcome.DEFERRED
    assert "certificate" in told[1].detail
    assert "not to be trusted" in told[1].detail
    assert inbox.tried == []


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_a_certificate_for_another_host_is_refused(tmp_path, authority, trusted, scheme):
    inbox = Inbox()
    context = server_context(authority, "other.internal")
    more = {"ssl_context": context} if scheme == "smtps" else {"tls_context": context}
    with serving(inbox, **more) as port:
        told = deliver(f"{scheme}://127.0.0.1:{port}", tmp_path, [envelope()])
    assert told[1].outcome is DeliveryOutcome.DEFERRED
    assert "not to be trusted" in told[1].detail
    assert inbox.tried == []


# --- login -------------------------------------------------------------------------------------------------


@pytest.fixture
def guarded(authority):
    inbox = Inbox()
    with serving(
        inbox,
        tls_context=server_context(authority, "127.0.0.1"),
        require_starttls=True,
        auth_required=True,
        authenticator=authenticator,
    ) as port:
        yield inbox, f"smtp://tracker%40kaoshi.internal@127.0.0.1:{port}"


def test_it_logs_in(tmp_path, guarded, trusted):
    inbox, url = guarded
    assert checked(url, tmp_path, password=PASSWORD) is None
    assert deliver(url, tmp_path, [envelope()], password=PASSWORD)[1].outcome is DeliveryOutcome.SENT
    assert inbox.recipients() == ["u1@wanzhou.internal"]


def test_a_wrong_password_defers_everything_and_is_said_without_the_password(tmp_path, guarded, trusted):
    inbox, url = guarded
    told = deliver(url, tmp_path, [envelope(), envelope(2)], password="hunter2")
    assert {delivery.outcome for delivery in told.values()} == {DeliveryOutcome.DEFERRED}
    assert "refuses the login of tracker@kaoshi.internal: 535" in told[1].detail
    assert "hunter2" not in f"{told}{checked(url, tmp_path, password='hunter2')}"
    assert inbox.mails == []


def test_a_server_that_repeats_the_password_does_not_get_it_into_our_log(tmp_path, caplog):
    secret = "hunter2"

    class Parrot(SMTP):
        async def smtp_AUTH(self, arg):  # noqa: N802
            await self.push(f"535 I do not like {secret} nor {arg}")

    class ParrotController(Bound):
        def factory(self):
            return Parrot(self.handler, auth_require_tls=False, authenticator=authenticator)

    controller = ParrotController(Inbox())
    controller.start()
    try:
        url = f"smtp+plain://tracker@127.0.0.1:{controller.port}"
        told = deliver(url, tmp_path, [envelope()], password=secret)
    finally:
        controller.stop()
    assert told[1].outcome is DeliveryOutcome.DEFERRED
    assert "535 I do not like … nor" in told[1].detail
    for hidden in (secret, "AHRyYWNrZXIAaHVudGVyMg==", "aHVudGVyMg=="):
        assert hidden not in told[1].detail
        assert hidden not in caplog.text


# --- refusals ----------------------------------------------------------------------------------------------


@pytest.fixture(params=[False, True], ids=["lock-step", "pipelining"])
def pipelining(request):
    return request.param


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ("450 4.2.0 busy", DeliveryOutcome.DEFERRED),
        ("451 4.7.1 Greylisted", DeliveryOutcome.DEFERRED),
        ("550 5.1.1 No such user", DeliveryOutcome.FAILED),
        ("550 Ip frequency limited", DeliveryOutcome.DEFERRED),
        ("553 Invalid mailbox", DeliveryOutcome.FAILED),
    ],
)
def test_a_refused_recipient_gets_none_and_the_others_get_theirs(tmp_path, pipelining, answer, outcome):
    inbox = Inbox({"u2@fuling.internal": answer}, pipelining=pipelining)
    envelopes = [envelope(1), envelope(2, "u2@fuling.internal"), envelope(3), envelope(4)]
    with serving(inbox) as port:
        told = deliver(f"smtp+plain://127.0.0.1:{port}", tmp_path, envelopes, connections=1)
    assert told[2].outcome is outcome
    assert told[2].detail == answer
    assert [told[number].outcome for number in (1, 3, 4)] == [DeliveryOutcome.SENT] * 3
    assert inbox.recipients() == [f"u{number}@wanzhou.internal" for number in (1, 3, 4)]
    assert inbox.connections == 1


def test_a_refused_content_fails_only_if_it_is_final(tmp_path, pipelining):
    for answer, outcome in (
        ("554 5.7.1 looks like spam", DeliveryOutcome.FAILED),
        ("552 Message size exceeds limit", DeliveryOutcome.FAILED),
        ("451 try later", DeliveryOutcome.DEFERRED),
        ("550 Mail content denied, Sender frequency limited", DeliveryOutcome.DEFERRED),
    ):
        inbox = Inbox(pipelining=pipelining, data_answer=answer)
        with serving(inbox) as port:
            told = deliver(f"smtp+plain://127.0.0.1:{port}", tmp_path, [envelope()])
        assert (told[1].outcome, told[1].detail) == (outcome, answer)


def test_a_refused_sender_waits_because_no_recipient_is_to_blame(tmp_path, pipelining):
    inbox = Inbox(pipelining=pipelining, sender_answer="553 mail from must equal authorized user")
    with serving(inbox) as port:
        told = deliver(f"smtp+plain://127.0.0.1:{port}", tmp_path, [envelope(), envelope(2)])
    assert {delivery.outcome for delivery in told.values()} == {DeliveryOutcome.DEFERRED}
    assert "553 mail from must equal" in told[1].detail


def test_once_mails_come_too_fast_the_rest_for_that_domain_is_held_back(tmp_path, pipelining):
    slow = [f"u{number}@fuling.internal" for number in range(2, 20)]
    inbox = Inbox(dict.fromkeys(slow, "550 Domain frequency limited"), pipelining=pipelining)
    envelopes = [envelope(number, to) for number, to in enumerate(slow, 2)]
    with serving(inbox) as port:
        url = f"smtp+plain://127.0.0.1:{port}"
        told = deliver(url, tmp_path, [*envelopes, envelope(1), envelope(99)], connections=1)
    assert all(told[number].outcome is DeliveryOutcome.DEFERRED for number in range(2, 20))
    assert "held back" in told[19].detail
    assert "550 Domain frequency limited" in told[19].detail
    assert (told[1].outcome, told[99].outcome) == (DeliveryOutcome.SENT, DeliveryOutcome.SENT)
    assert len([to for to in inbox.tried if to.endswith("fuling.internal")]) <= 2


def test_what_an_operator_knows_of_a_server_comes_first(tmp_path):
    inbox = Inbox({"u1@wanzhou.internal": "550 come back on Monday"})
    with serving(inbox) as port:
        url = f"smtp+plain://127.0.0.1:{port}"
        assert deliver(url, tmp_path, [envelope()])[1].outcome is DeliveryOutcome.FAILED
        told = deliver(url, tmp_path, [envelope()], temporary=["come back on"])
        assert told[1].outcome is DeliveryOutcome.DEFERRED


# --- content and connections -------------------------------------------------------------------------------


def test_a_line_with_a_single_dot_arrives_and_ends_nothing(tmp_path, pipelining):
    smuggled = b"Subject: x\r\n\r\nbefore\r\n.\r\nMAIL FROM:<evil@x.internal>\r\n..\r\n\n.\n\r.\rafter\r\n"
    inbox = Inbox(pipelining=pipelining)
    plain = Envelope(1, "tracker@kaoshi.internal", "u1@wanzhou.internal", "<x@kaoshi.internal>", smuggled)
    with serving(inbox) as port:
        told = deliver(f"smtp+plain://127.0.0.1:{port}", tmp_path, [plain, envelope(2, text=".\n..\n.\nend")])
    assert [told[number].outcome for number in (1, 2)] == [DeliveryOutcome.SENT] * 2
    assert len(inbox.mails) == 2
    bodies = {to: data for _, (to,), data in inbox.mails}
    assert bodies["u1@wanzhou.internal"] == smuggled.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(
        b"\n", b"\r\n"
    )
    parsed = email.message_from_bytes(bodies["u2@wanzhou.internal"], policy=email.policy.default)
    text = parsed.get_body(["plain"])
    assert text is not None
    assert text.get_content().splitlines() == [".", "..", ".", "end"]


def test_many_mails_share_a_few_connections(tmp_path, pipelining):
    inbox = Inbox(pipelining=pipelining)
    with serving(inbox) as port:
        url = f"smtp+plain://127.0.0.1:{port}"
        told = deliver(url, tmp_path, (envelope(number) for number in range(150)), connections=3)
    assert {delivery.outcome for delivery in told.values()} == {DeliveryOutcome.SENT}
    assert len(inbox.mails) == len(told) == 150
    assert inbox.connections == 3


def test_connections_stay_open_between_deliveries_and_after_a_hundred_mails_there_is_a_new_one(tmp_path):
    inbox = Inbox(pipelining=True)

    async def twice(port):
        url = f"smtp+plain://127.0.0.1:{port}"
        transport = open_transport(url, mailbox_dir=tmp_path, connections=1, timeout=5)
        for start in (0, 50):
            mails = [envelope(number) for number in range(start, start + 50)]
            assert [told.outcome async for told in transport.deliver(mails)] == [DeliveryOutcome.SENT] * 50
        assert inbox.connections == 1
        assert [told.outcome async for told in transport.deliver([envelope(200)])] == [DeliveryOutcome.SENT]
        await transport.close()

    with serving(inbox) as port:
        asyncio.run(twice(port))
    assert inbox.connections == 2


def test_no_connection_carries_more_than_a_hundred_mails(tmp_path, pipelining):
    inbox = Inbox(pipelining=pipelining)
    with serving(inbox) as port:
        url = f"smtp+plain://127.0.0.1:{port}"
        told = deliver(url, tmp_path, (envelope(number) for number in range(201)), connections=1)
    assert {delivery.outcome for delivery in told.values()} == {DeliveryOutcome.SENT}
    assert len(inbox.mails) == 201
    assert inbox.connections == 3


def test_a_transport_may_be_used_from_one_event_loop_after_another(tmp_path):
    inbox = Inbox()
    with serving(inbox) as port:
        transport = open_transport(f"smtp+plain://127.0.0.1:{port}", mailbox_dir=tmp_path, timeout=5)

        async def one(number):
            found = [told.outcome async for told in transport.deliver([envelope(number)])]
            await transport.close()
            return found

        assert asyncio.run(one(1)) == asyncio.run(one(2)) == [DeliveryOutcome.SENT]


def test_results_come_while_later_mails_are_still_being_made(tmp_path):
    inbox = Inbox()
    drawn = []

    def mails():
        for number in range(20):
            drawn.append(number)
            yield envelope(number)

    async def watch(port):
        url = f"smtp+plain://127.0.0.1:{port}"
        transport = open_transport(url, mailbox_dir=tmp_path, connections=1, timeout=5)
        seen = [len(drawn) async for _ in transport.deliver(mails())]
        await transport.close()
        return seen

    with serving(inbox) as port:
        seen = asyncio.run(watch(port))
    assert seen[0] < 10


def test_a_source_that_fails_does_not_lose_what_is_under_way(tmp_path):
    inbox = Inbox()

    def mails():
        yield envelope(1)
        yield envelope(2)
        raise KeyError("a bug")

    async def watch(port, seen):
        url = f"smtp+plain://127.0.0.1:{port}"
        transport = open_transport(url, mailbox_dir=tmp_path, connections=2, timeout=5)
        try:
            async for told in transport.deliver(mails()):
                seen.append(told.outcome)
        finally:
            await transport.close()

    seen: list[DeliveryOutcome] = []
    with serving(inbox) as port, pytest.raises(KeyError):
        asyncio.run(watch(port, seen))
    assert seen == [DeliveryOutcome.SENT] * 2
    assert len(inbox.mails) == 2


@pytest.mark.parametrize("pipelining", [True, False])
def test_a_mail_whose_time_runs_out_while_the_server_listens_is_not_sent_and_the_others_are(
    tmp_path, pipelining
):
    inbox = Inbox(pipelining=pipelining)

    class Late:
        """The time is up once the server has heard of the mail, and before it has its content."""

        def __call__(self):
            return "u2@wanzhou.internal" not in inbox.tried

    mails = [envelope(1), replace(envelope(2), may_go=Late()), envelope(3)]
    with serving(inbox) as port:
        told = deliver(f"smtp+plain://127.0.0.1:{port}", tmp_path, mails, connections=1)
    assert inbox.tried.count("u2@wanzhou.internal") == 1
    assert inbox.recipients() == ["u1@wanzhou.internal", "u3@wanzhou.internal"]
    assert {number: each.outcome for number, each in told.items()} == {
        1: DeliveryOutcome.SENT,
        3: DeliveryOutcome.SENT,
    }


# --- what never leaves the machine -------------------------------------------------------------------------


def test_mail_for_reserved_domains_stays_here(tmp_path):
    inbox = Inbox()
    reserved = ["a@wanzhou.example", "b@host.test", "c@x.invalid", "d@localhost", "e@example.com"]
    envelopes = [envelope(number, to) for number, to in enumerate(reserved, 10)]
    with serving(inbox) as port:
        told = deliver(f"smtp+plain://127.0.0.1:{port}", tmp_path, [*envelopes, envelope(1)])
    assert all(told[number].kept_local for number in range(10, 15))
    assert {delivery.outcome for delivery in told.values()} == {DeliveryOutcome.SENT}
    assert not told[1].kept_local
    assert inbox.recipients() == ["u1@wanzhou.internal"]
    assert inbox.tried == ["u1@wanzhou.internal"]
    assert len(list((tmp_path / "local" / "new").iterdir())) == 5


def test_only_local_mail_needs_no_server_at_all(tmp_path):
    told = deliver(f"smtp://127.0.0.1:{free_port()}", tmp_path, [envelope(1, "a@wanzhou.example")])
    assert told[1].outcome is DeliveryOutcome.SENT
    assert told[1].kept_local


def test_an_address_that_would_end_the_command_is_not_spoken(tmp_path):
    inbox = Inbox()
    bad = [
        "a@b.internal>\r\nRCPT TO:<evil@x.internal",
        "a b@c.internal",
        "张@c.internal",
        "nobody",
        "<a@b.internal>",
    ]
    envelopes = [
        Envelope(number, "tracker@kaoshi.internal", to, "<x@y.internal>", b"x\r\n")
        for number, to in enumerate(bad)
    ]
    with serving(inbox) as port:
        told = deliver(f"smtp+plain://127.0.0.1:{port}", tmp_path, envelopes)
    assert {delivery.outcome for delivery in told.values()} == {DeliveryOutcome.FAILED}
    assert inbox.tried == []
