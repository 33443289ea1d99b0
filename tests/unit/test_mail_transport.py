"""Which transport an address means, what a server's answers mean, and the mailbox in a directory."""

import asyncio
import email
import mailbox
import socket
import ssl
from datetime import UTC, datetime

import pytest

from tests.torture.refusals import REFUSALS
from tracker.errors import MailError
from tracker.mail.transport.mailbox import LOT, MailboxTransport
from tracker.mail.transport.message import Address, build, message_id
from tracker.mail.transport.opening import open_transport
from tracker.mail.transport.replies import FINAL, RefusalRules, RefusalScope, Reply
from tracker.mail.transport.session import content
from tracker.mail.transport.smtp import SmtpTransport
from tracker.mail.transport.transport import DeliveryOutcome, Envelope, is_reserved


def envelope(number=1, *, to="zhang@wanzhou.example", subject="主题", text="正文\n"):
    id_ = message_id(f"digest/{number}", "kaoshi.example")
    data = build(
        sender=Address("市考试中心", "tracker@kaoshi.example"),
        to=Address("张敏", to),
        subject=subject,
        text=text,
        html=None,
        id_=id_,
        at=datetime(2022, 5, 5, 1, tzinfo=UTC),
    )
    return Envelope(number, "tracker@kaoshi.example", to, id_, data)


def deliver(transport, envelopes):
    async def collect():
        return [delivery async for delivery in transport.deliver(envelopes)]

    return asyncio.run(collect())


def opened(url, tmp_path, **more):
    return open_transport(url, mailbox_dir=tmp_path / "local", **more)


# --- the address -------------------------------------------------------------------------------------------


def test_a_mailbox_is_a_directory(tmp_path):
    transport = opened(f"mailbox:{tmp_path / 'box'}", tmp_path)
    assert isinstance(transport, MailboxTransport)
    assert transport.directory == tmp_path / "box"


@pytest.mark.parametrize(
    ("url", "host", "port", "security", "user"),
    [
        ("smtp://tracker@mail.internal:2587", "mail.internal", 2587, "starttls", "tracker"),
        (
            "smtp://tracker%40kaoshi.example@mail.internal",
            "mail.internal",
            587,
            "starttls",
            "tracker@kaoshi.example",
        ),
        (
            "smtp://tracker@kaoshi.example@mail.internal",
            "mail.internal",
            587,
            "starttls",
            "tracker@kaoshi.example",
        ),
        ("smtps://tracker@mail.internal/", "mail.internal", 465, "tls", "tracker"),
        ("smtp+plain://mail.internal", "mail.internal", 25, "plain", None),
        ("smtp+plain://[::1]:2525", "::1", 2525, "plain", None),
        ("smtp+plain://tracker@127.0.0.1:2525", "127.0.0.1", 2525, "plain", "tracker"),
    ],
)
def test_a_server_is_host_port_security_and_user(tmp_path, url, host, port, security, user):
    transport = opened(url, tmp_path, password="a secret")
    assert isinstance(transport, SmtpTransport)
    server = transport.server
    assert (server.host, server.port, server.security, server.user) == (host, port, security, user)
    assert server.password == (None if user is None else "a secret")


def test_certificates_are_verified(tmp_path):
    tls = opened("smtp://mail.internal", tmp_path).server.tls
    assert tls.verify_mode is ssl.CERT_REQUIRED
    assert tls.check_hostname
    assert tls.minimum_version >= ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("", "no way to send mail; expected mailbox:DIR"),
        ("mail.internal:25", "no way to send mail"),
        ("mailbox:", "names no directory"),
        ("mailbox://host/dir", "names no directory"),
        ("http://mail.internal", "no way to send mail"),
        ("smtp://", "no way to send mail"),
        ("smtp://mail.internal:many", "cannot be read"),
        ("smtp://mail.internal:99999", "cannot be read"),
        ("smtp://mail.internal/inbox", "no way to send mail"),
        ("smtp://mail.internal?tls=no", "no way to send mail"),
        ("smtp://mail internal", "no way to send mail"),
        ("smtp://mail.internal\r\nX", "no way to send mail"),
        ("smtp://tracker@mail.internal", "needs a password: set TRACKER_MAIL_PASSWORD"),
        ("smtp://tracker:hunter2@mail.internal", "has a password in it"),
        ("smtp://tracker:hunter2@mail.internal:many", "cannot be read"),
        ("smpt://tracker:hunter2@mail.internal", "no way to send mail"),
    ],
)
def test_an_address_that_is_none_is_refused_in_one_sentence(tmp_path, url, message):
    with pytest.raises(MailError, match=message) as refused:
        opened(url, tmp_path)
    assert "hunter2" not in str(refused.value)


def test_a_password_does_not_travel_in_plain_text(tmp_path):
    with pytest.raises(MailError, match="in plain text"):
        opened("smtp+plain://tracker@mail.internal", tmp_path, password="hunter2")


def test_plain_text_is_said_once_in_the_log(tmp_path, caplog):
    """With the first mail that goes: an edit is tried before it is in force, and says nothing then."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    transport = opened(f"smtp+plain://127.0.0.1:{port}", tmp_path)
    assert caplog.text == ""
    for number in range(2):
        deliver(transport, [envelope(number, to="li@bureau.cn")])
    assert [record.levelname for record in caplog.records if "plain text" in record.message] == ["WARNING"]
    caplog.clear()
    deliver(opened(f"smtp://127.0.0.1:{port}", tmp_path), [envelope(to="li@bureau.cn")])
    assert "plain text" not in caplog.text


def test_certificates_that_cannot_be_read_are_named(tmp_path, monkeypatch):
    monkeypatch.setenv("TRACKER_MAIL_CA", str(tmp_path / "missing.pem"))
    with pytest.raises(MailError, match=r"missing\.pem"):
        opened("smtp://mail.internal", tmp_path)


def test_the_password_shows_in_no_repr(tmp_path):
    transport = opened("smtp://tracker@mail.internal", tmp_path, password="hunter2")
    assert "hunter2" not in repr(transport.server)
    assert "hunter2" not in repr(transport)
    assert "hunter2" not in transport.server.without_secrets("535 hunter2 is wrong")
    assert "AHRyYWNrZXIAaHVudGVyMg==" not in transport.server.without_secrets("no AHRyYWNrZXIAaHVudGVyMg==")


@pytest.mark.parametrize(
    ("address", "reserved"),
    [
        ("z@wanzhou.example", True),
        ("z@WANZHOU.EXAMPLE", True),
        ("z@wanzhou.example.", True),
        ("z@example", True),
        ("z@example.com", True),
        ("z@mail.example.org", True),
        ("z@a.b.example.net", True),
        ("z@host.test", True),
        ("z@host.invalid", True),
        ("z@localhost", True),
        ("z@my.localhost", True),
        ("example@wanzhou.internal", False),
        ("z@example.internal", False),
        ("z@notexample.com", False),
        ("z@myexample", False),
        ("z@example.com.internal", False),
    ],
)
def test_domains_for_examples_and_tests_are_known(address, reserved):
    assert is_reserved(address) is reserved


# --- answers -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "text", "verdict"),
    [
        (450, "4.2.0 Greylisted, see later", RefusalScope.LATER),
        (451, "Requested action aborted", RefusalScope.LATER),
        (550, "5.1.1 No such user here", RefusalScope.RECIPIENT),
        (550, "Mailbox not found", RefusalScope.RECIPIENT),
        (554, "5.7.1 Message rejected as spam", RefusalScope.MAIL),
        (552, "5.3.4 Message size exceeds fixed limit", RefusalScope.MAIL),
        (552, "邮件大小超过限制", RefusalScope.MAIL),
        (554, "5.4.6 too many hops", RefusalScope.MAIL),
        (550, "Ip frequency limited. http://service.mail.example/cgi-bin/help", RefusalScope.TOO_FAST),
        (550, "Domain frequency limited", RefusalScope.TOO_FAST),
        (550, "Sender frequency limited", RefusalScope.TOO_FAST),
        (421, "HL:ICC too frequent connections", RefusalScope.TOO_FAST),
        (451, "MI:SFQ 163 smtp10", RefusalScope.TOO_FAST),
        (554, "MI:STC 163 smtp10", RefusalScope.TOO_FAST),
        (550, "RP:QRC 163 smtp10", RefusalScope.TOO_FAST),
        (554, "DT:SPM 163 smtp10", RefusalScope.MAIL),
        (
            550,
            "5.1.90 Your message can't be sent because you've reached your daily limit",
            RefusalScope.TOO_FAST,
        ),
        (550, "5.7.705 Access denied, tenant has exceeded threshold", RefusalScope.TOO_FAST),
        (
            432,
            "4.3.2 Concurrent connections limit exceeded. Visit https://help.internal",
            RefusalScope.TOO_FAST,
        ),
        (
            451,
            "4.7.652 The mail server [192.0.2.7] has exceeded the maximum number of connections.",
            RefusalScope.TOO_FAST,
        ),
        (552, "5.3.4 Message size limit exceeded", RefusalScope.MAIL),
        (550, "5.7.708 Access denied, traffic not accepted from this IP", RefusalScope.US),
        (554, "5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException", RefusalScope.TOO_FAST),
        (550, "发信频率过高", RefusalScope.TOO_FAST),
        (550, "您今天的发信量已超过限制", RefusalScope.TOO_FAST),
        (550, "Mailbox unavailable or access denied", RefusalScope.LATER),
        (552, "5.2.2 Mailbox full", RefusalScope.LATER),
        (550, "4.7.1 Try a little later", RefusalScope.LATER),
        (554, "Please try again later", RefusalScope.LATER),
        (550, "系统繁忙，请稍后再试", RefusalScope.LATER),
    ],
)
def test_a_refusal_is_judged_by_its_text_as_well_as_its_code(code, text, verdict):
    assert (
        RefusalRules().verdict(Reply(code, text), "dot" if verdict is RefusalScope.MAIL else "rcpt")
        == verdict
    )


READINGS = {
    "later": {RefusalScope.LATER, RefusalScope.US, RefusalScope.TOO_FAST},
    "ours": {RefusalScope.US},
    "slower": {RefusalScope.TOO_FAST},
    "never": FINAL,
    "either": {RefusalScope.EITHER},
}


@pytest.mark.parametrize(
    "case", [case for case in REFUSALS if case.stage in {"mail", "rcpt", "data", "dot"}], ids=str
)
def test_the_answers_of_real_servers_are_read_as_they_are_meant(case):
    code, _, text = case.answer.partition(" ")
    assert RefusalRules().verdict(Reply(int(code), text), case.stage) in READINGS[case.reading]


def test_an_operator_may_know_an_answer_better():
    judge = RefusalRules(
        temporary=["No such user (yet)"], permanent=["451 Account closed", "frequency limited by law"]
    )
    assert judge.verdict(Reply(550, "no such USER (yet) here"), "rcpt") == RefusalScope.LATER
    assert judge.verdict(Reply(550, "no such user"), "rcpt") == RefusalScope.RECIPIENT
    assert judge.verdict(Reply(451, "account closed"), "rcpt") == RefusalScope.MAIL
    assert judge.verdict(Reply(550, "Frequency limited by law"), "rcpt") == RefusalScope.MAIL


@pytest.mark.parametrize(
    ("data", "wire"),
    [
        (b"a\r\nb\r\n", b"a\r\nb\r\n.\r\n"),
        (b"a\r\n.\r\nb", b"a\r\n..\r\nb\r\n.\r\n"),
        (b".\r\n", b"..\r\n.\r\n"),
        (b"a\n.\nQUIT\n", b"a\r\n..\r\nQUIT\r\n.\r\n"),
        (b"a\r.\rQUIT\r", b"a\r\n..\r\nQUIT\r\n.\r\n"),
        (b"a\n.\r\nMAIL FROM:<x@y>\r\n", b"a\r\n..\r\nMAIL FROM:<x@y>\r\n.\r\n"),
        (b"..a\r\n", b"...a\r\n.\r\n"),
        (b"", b"\r\n.\r\n"),
    ],
)
def test_nothing_in_a_mail_ends_it_early(data, wire):
    assert content(data) == wire


def test_what_we_have_built_goes_out_as_it_is():
    data = envelope().data
    assert content(data) == content(bytes(data)) == data + b".\r\n"


# --- the mailbox -------------------------------------------------------------------------------------------


def test_any_mail_program_finds_the_mail_in_the_mailbox(tmp_path):
    [delivery] = deliver(MailboxTransport(tmp_path / "box"), [envelope()])
    assert (delivery.id, delivery.outcome, delivery.kept_local) == (1, DeliveryOutcome.SENT, True)
    [(_, found)] = mailbox.Maildir(tmp_path / "box", create=False).items()
    assert found["Message-ID"] == envelope().message_id
    assert found.get_payload(decode=True) == "正文\r\n".encode()


def test_a_second_copy_of_a_mail_takes_the_place_of_the_first(tmp_path):
    box = MailboxTransport(tmp_path)
    deliver(box, [envelope(1), envelope(2)])
    deliver(box, [envelope(1, text="again\n"), envelope(1, text="and again\n")])
    assert len(list((tmp_path / "new").iterdir())) == 2
    assert list((tmp_path / "tmp").iterdir()) == []
    bodies = {message.get_payload(decode=True) for message in mailbox.Maildir(tmp_path, create=False)}
    assert bodies == {b"and again\r\n", "正文\r\n".encode()}


def test_a_second_copy_of_a_mail_that_was_read_keeps_the_marks_of_the_first(tmp_path):
    box = MailboxTransport(tmp_path)
    deliver(box, [envelope(1)])
    [first] = (tmp_path / "new").iterdir()
    first.rename(tmp_path / "cur" / f"{first.name}:2,S")
    deliver(box, [envelope(1, text="again\n")])
    assert list((tmp_path / "new").iterdir()) == []
    [read] = (tmp_path / "cur").iterdir()
    assert read.name.endswith(":2,S")
    assert email.message_from_bytes(read.read_bytes()).get_payload(decode=True) == b"again\r\n"


def test_more_mails_than_one_lot_all_arrive(tmp_path):
    deliveries = deliver(MailboxTransport(tmp_path), (envelope(n) for n in range(2 * LOT + 1)))
    assert [delivery.id for delivery in deliveries] == list(range(2 * LOT + 1))
    assert len(list((tmp_path / "new").iterdir())) == 2 * LOT + 1


def test_a_mailbox_that_cannot_be_written_to_defers_and_says_why(tmp_path):
    (tmp_path / "file").write_text("")
    box = MailboxTransport(tmp_path / "file" / "box")
    [delivery] = deliver(box, [envelope()])
    assert delivery.outcome is DeliveryOutcome.DEFERRED
    assert "Not a directory" in delivery.detail
    assert "Not a directory" in str(asyncio.run(box.check()))


def test_a_full_disk_defers_and_leaves_nothing_half_written(tmp_path, monkeypatch):
    box = MailboxTransport(tmp_path)
    deliver(box, [envelope(1)])

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tracker.mail.transport.mailbox.os.fsync", full)
    [delivery] = deliver(box, [envelope(2)])
    assert delivery.outcome is DeliveryOutcome.DEFERRED
    assert "No space left" in delivery.detail
    assert len(list((tmp_path / "new").iterdir())) == 1
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_mailbox_that_can_be_written_to_is_able_to_send(tmp_path):
    assert asyncio.run(MailboxTransport(tmp_path / "box").check()) is None
    assert list((tmp_path / "box" / "tmp").iterdir()) == []
