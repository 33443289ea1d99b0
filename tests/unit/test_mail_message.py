"""MIME bytes: whatever is put in comes out again at the other side, and nothing else."""

import email
import email.policy
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from email.header import decode_header, make_header
from email.utils import parseaddr

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from tracker.errors import MailError
from tracker.mail.transport.message import (
    Address,
    Attachment,
    ThreadHeaders,
    build,
    format_address,
    message_id,
    validated_email,
)

AT = datetime(2022, 5, 5, 9, tzinfo=timezone(timedelta(hours=8)))
SENDER = Address("市考试中心", "tracker@kaoshi.example")
ID = message_id("digest/2022-05-05/zhang", "kaoshi.example")
THREAD = message_id("thread/zhang", "kaoshi.example")
BELONGS = ThreadHeaders("digest.kaoshi.example", THREAD, "reply@kaoshi.example")

#: Whatever a text can hold.
characters = st.characters(codec="utf-8")

#: Chinese, ASCII, emoji, spaces and the signs that headers are made of, mixed; nothing that is refused.
mixed = st.text(
    st.one_of(
        st.sampled_from(
            "重庆市安全生产培训〔2022〕5号：，。“”（） abcXYZ019 =?_\"\\<>@,;:()[]!#%&'*+-./|~😀👩‍🏫é"
        ),
        st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")),
    ),
    max_size=120,
)


def mail(**changed):
    given = {
        "sender": SENDER,
        "to": Address("张敏", "zhangmin@wanzhou.example"),
        "subject": "渝考发〔2022〕5号：逾期3项（5月5日）",
        "text": "正文\n第二行\n",
        "html": "<p>正文</p>\n",
        "id_": ID,
        "at": AT,
    }
    return build(**{**given, **changed})


def read(data):
    return email.message_from_bytes(data, policy=email.policy.default)


def header(data, name):
    """As a mail program shows it: RFC 2047 decoded, by the older and less forgiving of the two decoders."""
    raw = email.message_from_bytes(data, policy=email.policy.compat32)[name]
    return str(make_header(decode_header(raw.replace("\r\n", ""))))


@given(mixed)
@example(" a")
@example("a ")
@example("a  b")
@example("=?utf-8?b?QQ==?=")
def test_a_subject_comes_out_as_it_went_in(subject):
    data = mail(subject=subject)
    assert header(data, "Subject") == subject
    assert read(data)["Subject"] == subject


@given(mixed)
@example("=?utf-8?b?QQ==?=")
def test_a_name_comes_out_as_it_went_in(name):
    data = mail(to=Address(name, "zhangmin@wanzhou.example"))
    raw = email.message_from_bytes(data, policy=email.policy.compat32)["To"]
    encoded, address = parseaddr(raw.replace("\r\n", ""))
    assert (str(make_header(decode_header(encoded))), address) == (name, "zhangmin@wanzhou.example")
    # The newer parser agrees but for white space, which it squeezes, and puts between encoded words.
    [to] = read(data)["To"].addresses
    assert ("".join(to.display_name.split()), to.addr_spec) == ("".join(name.split()), address)


@given(mixed, mixed, st.text(characters, max_size=300))
def test_no_header_line_is_too_long_and_nothing_breaks_the_lines_of_smtp(subject, name, text):
    data = mail(subject=subject, to=Address(name, f"{'z' * 60}@{'w' * 60}.example"), text=text)
    head, _, _ = data.partition(b"\r\n\r\n")
    assert all(len(line) <= 998 for line in data.split(b"\r\n"))
    assert all(len(line) <= 78 or b"@" in line for line in head.split(b"\r\n"))
    assert data.count(b"\n") == data.count(b"\r") == data.count(b"\r\n")
    assert b"\r\n." not in data
    assert not data.startswith(b".")
    assert data.endswith(b"\r\n")
    assert data.isascii()


@given(st.text(characters, max_size=3000))
def test_a_text_comes_out_as_it_went_in_but_for_its_line_ends(text):
    body = read(mail(text=text)).get_body(["plain"])
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    assert body.get_payload(decode=True).decode("utf-8").replace("\r\n", "\n") == lines


def test_the_headers_say_what_it_is_and_that_a_machine_wrote_it():
    message = read(mail(belongs=BELONGS))
    assert message["From"] == "市考试中心 <tracker@kaoshi.example>"
    assert message["Message-ID"] == ID
    assert message["Date"].datetime == AT
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["X-Auto-Response-Suppress"] == "All"
    assert message["List-Id"] == "<digest.kaoshi.example>"
    assert (message["References"], message["Reply-To"]) == (THREAD, "reply@kaoshi.example")
    assert read(mail())["Reply-To"] is None
    assert message.defects == []


def test_the_text_comes_before_the_html_so_that_programs_show_the_html():
    message = read(mail())
    assert message.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    assert message.get_body(["html"]).get_content().strip() == "<p>正文</p>"
    assert all(part.get_content_charset() == "utf-8" for part in message.iter_parts())


def test_without_html_it_is_plain_text():
    message = read(mail(html=None))
    assert message.get_content_type() == "text/plain"
    assert message.get_content().splitlines() == ["正文", "第二行"]


# The reader takes the angle brackets off "<…>"; no file of ours is called that.
@given(mixed.filter(lambda name: name.strip() == name and not {*"/<"} & {*name}), st.binary(max_size=20_000))
def test_an_attachment_comes_out_as_it_went_in(name, data):
    assume(name)
    sheet = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    message = read(mail(attachments=[Attachment(name, sheet, data)]))
    assert message.get_content_type() == "multipart/mixed"
    assert message.get_body(["html"]).get_content().strip() == "<p>正文</p>"
    [attached] = message.iter_attachments()
    assert attached.get_content_type() == sheet
    assert attached.get_filename() == name
    assert attached.get_content() == data


def test_the_same_mail_makes_the_same_bytes():
    assert mail() == mail()
    assert mail() != mail(id_=message_id("digest/2022-05-06/zhang", "kaoshi.example"))


def test_a_message_id_follows_from_the_key_alone():
    assert message_id("a", "kaoshi.example") == message_id("a", "kaoshi.example")
    assert message_id("a", "kaoshi.example") != message_id("b", "kaoshi.example")
    assert message_id("a", "重庆.example").isascii()


@pytest.mark.parametrize(
    "sign", ["\r", "\n", "\0", "\x0b", "\x0c", "\x1b", "\x7f", "\x85", "\x9f", "\u2028", "\u2029"]
)
@pytest.mark.parametrize(
    "place",
    [
        lambda text: {"subject": text},
        lambda text: {"to": Address(text, "zhangmin@wanzhou.example")},
        lambda text: {"sender": Address(text, "tracker@kaoshi.example")},
        lambda text: {"to": Address("张敏", f"zhang{text}@wanzhou.example")},
        lambda text: {"to": Address("张敏", f"zhangmin@wanzhou.example{text}")},
        lambda text: {"id_": f"<{text}@kaoshi.example>"},
        lambda text: {"belongs": replace(BELONGS, list_id=f"digest.{text}.example")},
        lambda text: {"belongs": replace(BELONGS, thread=f"<{text}@kaoshi.example>")},
        lambda text: {"belongs": replace(BELONGS, reply_to=f"reply@{text}.example")},
        lambda text: {"attachments": [Attachment(text, "text/csv", b"")]},
        lambda text: {"attachments": [Attachment("a", "text/csv", b"", (("charset", text),))]},
        lambda text: {"attachments": [Attachment("a", f"text/csv{text}", b"")]},
    ],
)
def test_a_control_character_in_a_header_is_refused(sign, place):
    with pytest.raises(MailError):
        mail(**place(f"a{sign}Bcc: x@y.example"))


@pytest.mark.parametrize(
    "address",
    [
        "",
        "zhang",
        "@wanzhou.example",
        "zhang@",
        "zhang min@wanzhou.example",
        "zhang@wan zhou.example",
        "zhang@@wanzhou.example",
        ".zhang@wanzhou.example",
        "zhang..min@wanzhou.example",
        "zhang@-wanzhou.example",
        "zhang@wanzhou..example",
        "zhang<x>@wanzhou.example",
        "张敏@wanzhou.example",
        "zhang@wanzhou.example>",
        f"{'z' * 65}@wanzhou.example",
    ],
)
def test_what_is_no_address_is_refused(address):
    with pytest.raises(MailError, match=r"no e-mail address|no domain"):
        validated_email(address)


def test_a_chinese_domain_goes_out_in_ascii():
    assert validated_email("zhang@重庆.example") == "zhang@xn--zwt745i.example"


@pytest.mark.parametrize("changed", [{"subject": "\ud83d"}, {"text": "\ud83d"}, {"html": "\ud83d"}])
def test_half_a_character_is_refused_and_not_sent_as_something_else(changed):
    with pytest.raises(MailError, match="half a character"):
        mail(**changed)


def test_a_date_without_its_zone_is_refused():
    with pytest.raises(MailError, match="time zone"):
        mail(at=datetime(2022, 5, 5, 9, tzinfo=UTC).replace(tzinfo=None))


def test_an_ascii_name_stays_readable_in_the_source():
    assert format_address(Address("Zhang Min", "z@wanzhou.example")) == '"Zhang Min" <z@wanzhou.example>'
    assert format_address(Address('"Z" \\', "z@wanzhou.example")) == '"\\"Z\\" \\\\" <z@wanzhou.example>'
    assert format_address(Address("", "z@wanzhou.example")) == "z@wanzhou.example"
