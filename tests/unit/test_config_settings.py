"""``settings.yaml`` and the environment: what is taken over, which policy holds, and where secrets stay."""

import os
from datetime import time, timedelta

import pytest
from pydantic_core import PydanticCustomError

from tests.unit.test_config_bad_input import FILES, SETTINGS, S, load_edited, told, write
from tracker.config import field_types
from tracker.config.environment import apply_environment, secret
from tracker.config.loader import load
from tracker.core.model import Contact
from tracker.core.policy import Interval, Oidc, Policies, Policy, Proxy, Rate, Settings, Web
from tracker.core.roles import Role
from tracker.errors import UsageError
from tracker.shipped import shipped
from tracker.web.base.access_policy import host_of, is_loopback


def test_settings_that_are_silent_are_as_shipped(tmp_path):
    (tmp_path / "settings.yaml").write_text("{}\n")
    assert load(tmp_path).settings == Settings()


def test_sections_with_nothing_in_them_are_silent(tmp_path):
    write(tmp_path, FILES | {"settings.yaml": "mail:\npolicies:\n  default:\n"})
    loaded = load(tmp_path)
    assert told(loaded, tmp_path) == []
    assert loaded.settings == Settings()


@pytest.mark.parametrize(
    ("line", "place"),
    [
        ("ledger_sign: pipe", "1:14"),
        ("ledger_sign: folder", "1:14"),
        ("templates: file", "1:12"),
        ("templates: pipe", "1:12"),
        ("holidays: ../file", "1:11"),
        ("holidays: /dev", "1:11"),
        ("templates: file/below", "1:12"),
        ("database: sqlite:///pipe", "1:11"),
        ("database: sqlite:////dev", "1:11"),
        ("mail: {mailbox: file}", "1:17"),
        ("mail: {transport: 'mailbox:pipe'}", "1:19"),
    ],
)
def test_a_path_at_which_something_else_stands_is_told_with_its_place(tmp_path, line, place):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    write(tmp_path / "config", FILES | {"settings.yaml": f"{line}\n"})
    (found,) = load(tmp_path / "config").errors
    assert f"{found.line}:{found.column}" == place
    assert "no ordinary file" in str(found.message) or "no folder of files" in str(found.message)
    # Where files are kept with a ledger, they are another machine's.
    assert load(tmp_path / "config", FILES | {"settings.yaml": f"{line}\n"}).errors == ()


def test_a_path_at_which_nothing_stands_yet_is_no_mistake(tmp_path):
    text = "ledger_sign: a/b\ntemplates: c\nholidays: d\ndatabase: sqlite:///e/f.db\nmail: {mailbox: g}\n"
    write(tmp_path / "config", FILES | {"settings.yaml": text})
    assert load(tmp_path / "config").errors == ()


def test_every_setting_is_taken_over(tmp_path):
    text = """\
mail:
  from: {name: 督办, email: t@x.example}
  transport: smtp://u@x.cn@smtp.x.cn:587
  send_at: 8:30
  link_base: https://t.example/
  mailbox: var/mails
  connections: 2
  refusals: {temporary: [frequency], permanent: [no such user]}
  pace: {QQ.com: 20/min, "@163.com": 500 / h}
operator: {name: 管, email: op@x.example, language: en}
web: "[::1]:8080"
database: postgresql+psycopg://u:secret@h/d
templates: own
holidays: days
"""
    write(tmp_path, FILES | {"settings.yaml": text})
    loaded = load(tmp_path)
    assert told(loaded, tmp_path) == []
    assert loaded.settings == Settings(
        mail_from=Contact("督办", "t@x.example"),
        transport="smtp://u@x.cn@smtp.x.cn:587",
        send_at=time(8, 30),
        link_base="https://t.example",
        mailbox="var/mails",
        connections=2,
        temporary_refusals=("frequency",),
        permanent_refusals=("no such user",),
        pace={"qq.com": Rate(20, timedelta(minutes=1)), "163.com": Rate(500, timedelta(hours=1))},
        operator=Contact("管", "op@x.example", "en"),
        web=Web("[::1]:8080"),
        database="postgresql+psycopg://u:secret@h/d",
        templates="own",
        holidays="days",
    )
    assert "secret" not in repr(loaded.settings)


@pytest.mark.parametrize(
    ("pace", "why"),
    [
        ("{qq.com: 20}", "expected how many mails in how long"),
        ("{qq.com: 0/min}", "expected how many mails in how long"),
        ("{qq.com: 20/week}", "expected how many mails in how long"),
        ("{u@x.example: 20/min}", "expected a mail domain"),
    ],
)
def test_a_pace_that_is_none_is_refused(tmp_path, pace, why):
    write(tmp_path, FILES | {"settings.yaml": f"mail:\n  pace: {pace}\n"})
    assert why in str(told(load(tmp_path), tmp_path))


def test_the_web_page_is_for_this_machine_unless_it_says_otherwise(tmp_path):
    (tmp_path / "settings.yaml").write_text("{}\n")
    for settings in (Settings(), load(tmp_path).settings, load(shipped("config")).settings):
        assert settings.web is not None
        assert is_loopback(host_of(settings.web.listen) or "")


def test_the_web_page_can_be_off(tmp_path):
    assert load_edited(tmp_path).settings.web is None


WEB = """\
web:
  listen: 0.0.0.0:0
  proxy: {from: [10.0.0.5, 10.1.0.0/16, "::1"], header: X-Remote-User}
  forwarded_from: [10.0.0.6, 10.2.0.0/16]
  oidc: {issuer: https://login.example/realm/, client: tracker, claim: upn}
  people: {王: Supervisor, '*': viewer}
  certificate: cert.pem
  key: key.pem
"""


def test_people_are_known_by_what_never_changes_where_nothing_else_is_said(tmp_path):
    web = "web: {oidc: {issuer: https://login.example, client: t}, people: {'*': viewer}}\n"
    found = load_edited(tmp_path, (S, "web: off\n", web)).settings.web
    assert found is not None
    assert found.oidc is not None
    assert found.oidc.claim == "sub"


def test_the_web_page_at_length(tmp_path):
    loaded = load_edited(tmp_path, (S, "web: off\n", WEB))
    assert told(loaded, tmp_path) == []
    assert loaded.settings.web == Web(
        listen="0.0.0.0:0",
        proxy=Proxy(("10.0.0.5", "10.1.0.0/16", "::1"), "x-remote-user"),
        forwarded_from=("10.0.0.6", "10.2.0.0/16"),
        oidc=Oidc("https://login.example/realm", "tracker", "upn"),
        people={"王": Role.SUPERVISOR, "*": Role.VIEWER},
        certificate="cert.pem",
        key="key.pem",
    )
    assert loaded.settings.web.role_of("王") is Role.SUPERVISOR
    assert loaded.settings.web.role_of("李") is Role.VIEWER
    assert Web().role_of("李") is None


def test_the_web_page_at_length_has_the_usual_address_where_it_names_none(tmp_path):
    assert load_edited(tmp_path, (S, "web: off", "web: {certificate: c.pem}")).settings.web == Web(
        certificate="c.pem"
    )
    assert load_edited(tmp_path, (S, "web: off", "web: {listen: off}")).settings.web is None


@pytest.mark.parametrize(
    ("wrong", "place", "words"),
    [
        ("web: 8080", "4:6", "expected an address and a port"),
        ("web: [a]", "4:6", "found a list"),
        ("web: {listen: 8080}", "4:15", "expected an address and a port"),
        ("web: {port: 8080}", "4:7", "web has no key “port”"),
        ("web: {proxy: {from: [10.0.0.300], header: X}, people: {'*': viewer}}", "4:22", "10.0.0.300"),
        ("web: {forwarded_from: [10.0.0.6, nginx]}", "4:34", "or a network"),
        ("web: {proxy: {from: [10.0.0.5/24], header: X}, people: {'*': viewer}}", "4:22", "or a network"),
        (
            "web: {proxy: {from: [10.0.0.5], header: 'X: y'}, people: {'*': viewer}}",
            "4:41",
            "the name of a header",
        ),
        ("web: {proxy: {from: [10.0.0.5]}}", "4:14", "the proxy has no “header”"),
        ("web: {oidc: {issuer: http://login.example, client: t}}", "4:22", "beginning with https://"),
        ("web: {people: {wang: boss}}", "4:22", "expected viewer, supervisor or operator"),
        ("web: {oidc: {issuer: https://login.example, client: t}}", "4:6", "give roles under people"),
        (
            "web: {oidc: {issuer: https://login.example, client: t}, people: {wang: viewer, li: operator, '*': viewer}}",
            "4:6",
            "'SUB-wang': viewer; 'SUB-li': operator (",
        ),
        (
            "web: {oidc: {issuer: https://login.example, client: t, secret: x}}",
            "4:56",
            "oidc has no key “secret”",
        ),
    ],
)
def test_what_is_wrong_with_the_web_page_is_told_with_its_place(wrong, place, words, tmp_path):
    (found,) = told(load_edited(tmp_path, (S, "web: off", wrong)), tmp_path)
    assert found.startswith(f"settings.yaml:{place}: ")
    assert words in found


@pytest.mark.parametrize(
    "value",
    [
        "mailbox:var/mails",
        "smtp://host",
        "smtps://u@host:465",
        "smtp+plain://127.0.0.1:25",
        "smtp://u@q.com@smtp.q.com",
    ],
)
def test_transports_that_are_some(value, tmp_path):
    assert told(load_edited(tmp_path, (S, "  send_at", f"  transport: {value}\n  send_at")), tmp_path) == []


@pytest.mark.parametrize(
    "value",
    [
        "mailbox:",
        "smtp:host",
        "imap://host",
        "smtp://",
        "smtp://host:0",
        "smtp://host:99999",
        "smtp://a b@host",
        "smtp://h/x",
    ],
)
def test_transports_that_are_none(value, tmp_path):
    assert (
        len(told(load_edited(tmp_path, (S, "  send_at", f"  transport: {value!r}\n  send_at")), tmp_path))
        == 1
    )


# --- policies ---


def policies_of(tmp_path, text):
    write(tmp_path, FILES | {"settings.yaml": f"policies:\n{text}" if text else SETTINGS})
    loaded = load(tmp_path)
    assert told(loaded, tmp_path) == []
    return loaded.settings.policies


def test_the_built_in_policies_are_those_of_the_contract():
    named = Policies().named
    assert named["default"] == Policy(
        "default", (30, 7, 3, 1), Interval(7, "d"), Interval(3, "wd"), announce=True
    )
    assert named["monthly"] == Policy("monthly", (5, 1), Interval(2, "wd"), Interval(3, "wd"), announce=False)


def test_the_shipped_policies_are_the_built_in_ones():
    assert load(shipped("config")).settings.policies.named == Policies().named


def test_a_policy_takes_from_default_what_it_does_not_say(tmp_path):
    named = policies_of(
        tmp_path,
        "  default: {lead: [10, 2, 10], escalate: never, review: year}\n  close: {overdue: 1wd, max_repeats: 5}\n",
    ).named
    assert named["default"].lead == (10, 2)
    assert named["close"] == Policy("close", (10, 2), Interval(1, "wd"), None, review="year", max_repeats=5)
    # What makes it monthly stays.
    assert named["monthly"] == Policy(
        "monthly", (5, 1), Interval(2, "wd"), None, announce=False, review="year"
    )


def test_never_is_said_apart_from_nothing(tmp_path):
    named = policies_of(tmp_path, "  quiet: {lead: [], overdue: never, escalate: off, review: never}\n").named
    assert named["quiet"] == Policy("quiet", (), None, None, review=None)


@pytest.mark.parametrize(
    ("deadline", "policy", "name", "announce"),
    [
        ("2022年底前", None, "default", True),
        ("每月5日前", None, "monthly", False),
        # What comes back is not announced every time, unless its own policy says so.
        ("每季度", None, "default", False),
        ("每季度", "default", "default", False),
        ("每季度", "loud", "loud", True),
        ("每月5日前", "loud", "loud", True),
        ("每季度", "plain", "plain", False),
        ("2022年底前", "plain", "plain", True),
        ("2022年底前", "monthly", "monthly", False),
    ],
)
def test_which_policy_a_definition_has_and_whether_it_is_announced(
    deadline, policy, name, announce, tmp_path
):
    said = f"{deadline}\n    policy: {policy}" if policy else deadline
    loaded = load_edited(
        tmp_path,
        ("2022年底前", said),
        (S, "policies:\n", "policies:\n  loud: {announce: true}\n  plain: {lead: [3]}\n"),
    )
    found = loaded.settings.policies.for_definition(loaded.campaign.definitions["1"])
    assert (found.name, found.announce) == (name, announce)


@pytest.mark.parametrize("text", ["7d", "2wd", " 3WD "])
def test_an_interval_is_read_back_as_it_is_written(text):
    assert str(Interval.parse(text)) == text.strip().lower()


@pytest.mark.parametrize("text", ["", "7", "d", "0d", "-1d", "1.5d", "7 days", "７d", "1000d", "wd"])
def test_other_intervals_are_none(text):
    with pytest.raises(ValueError, match="is no interval"):
        Interval.parse(text)


# --- the environment ---


def test_an_empty_environment_changes_nothing():
    assert apply_environment(Settings(), {}) == Settings()
    assert apply_environment(Settings(), {"TRACKER_WEB": "", "TRACKER_MAIL": " "}) == Settings()


def test_the_environment_comes_first():
    changed = apply_environment(
        Settings(),
        {
            "TRACKER_DATABASE": "sqlite:///x.db",
            "TRACKER_MAIL": "smtps://u@h",
            "TRACKER_WEB": "off",
            "TRACKER_MAIL_PASSWORD": "geheim",
            "TRACKER_SECRET": "schluessel",
            "TRACKER_OIDC_SECRET": "verschlossen",
            "OTHER": "x",
        },
    )
    assert (changed.database, changed.transport, changed.web) == ("sqlite:///x.db", "smtps://u@h", None)
    assert (changed.mail_password, changed.signing_key) == ("geheim", "schluessel")
    assert changed.oidc_secret == "verschlossen"
    assert "verschlossen" not in repr(changed)
    assert "geheim" not in repr(changed)
    assert "schluessel" not in repr(changed)


def test_the_environment_moves_the_page_and_leaves_who_may_see_it():
    settings = Settings(web=Web(people={"*": Role.VIEWER}))
    moved = apply_environment(settings, {"TRACKER_WEB": "127.0.0.1:0"}).web
    assert moved == Web("127.0.0.1:0", people={"*": Role.VIEWER})
    assert apply_environment(Settings(web=None), {"TRACKER_WEB": "127.0.0.1:0"}).web == Web("127.0.0.1:0")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TRACKER_WEB", "8080"),
        ("TRACKER_MAIL", "smtp://u:geheim@h"),
        ("TRACKER_DATABASE", "mysql://u:geheim@h"),
    ],
)
def test_a_wrong_variable_is_named_and_no_secret_is_shown(name, value):
    with pytest.raises(UsageError, match=f"^{name}: ") as raised:
        apply_environment(Settings(), {name: value})
    assert "geheim" not in str(raised.value)
    assert raised.value.exit_code == 2


def test_a_secret_may_stand_in_a_file(tmp_path):
    file = tmp_path / "password"
    file.write_text("ge heim \n")
    assert secret({"X_FILE": str(file)}, "X") == "ge heim "
    assert secret({"X": "nearer", "X_FILE": str(file)}, "X") == "nearer"
    assert secret({}, "X") is None


@pytest.mark.parametrize("content", [None, b"", b"\n", b"\xff\xfe"])
def test_a_secret_file_that_holds_none_is_told_of(content, tmp_path):
    file = tmp_path / "password"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(UsageError, match=f"^X_FILE={file} "):
        secret({"X_FILE": str(file)}, "X")


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("https://office.example/tracker/", "https://office.example/tracker"),
        ("https://office.example/a/b.c~d", "https://office.example/a/b.c~d"),
        ("https://office.example/督办", "https://office.example/%E7%9D%A3%E5%8A%9E"),
        ("https://应急.中国/tracker", "https://xn--extu8a.xn--fiqs8s/tracker"),
        ("https://应急。中国:8443", "https://xn--extu8a.xn--fiqs8s:8443"),
    ],
)
def test_the_address_of_links_may_have_a_path_and_a_name_in_any_script(text, read):
    assert field_types.link_base(text) == read


@pytest.mark.parametrize(
    ("path", "says"),
    [("tracker?a=b", "expected"), ("a#b", "expected"), ("a//b", "expected"), ("a b", "expected"),
     ("mails", "of their own"), ("api/x", "of their own")],
)  # fmt: skip
def test_a_path_that_links_could_not_have_is_refused(path, says):
    with pytest.raises(PydanticCustomError, match=says):
        field_types.link_base(f"https://office.example/{path}")


@pytest.mark.parametrize(
    ("read", "text", "found"),
    [
        (field_types.address, "zhang@应急.中国", "zhang@xn--extu8a.xn--fiqs8s"),
        (field_types.domain, "@应急.中国", "xn--extu8a.xn--fiqs8s"),
        (
            field_types.transport,
            "smtp://tracker@mail.应急.中国:587",
            "smtp://tracker@mail.xn--extu8a.xn--fiqs8s:587",
        ),
        (field_types.transport, "smtps://a@a.example", "smtps://a@a.example"),
        (
            field_types.issuer,
            "https://login.应急.中国/realms/a",
            "https://login.xn--extu8a.xn--fiqs8s/realms/a",
        ),
        (field_types.web, "应急.中国:8080", "xn--extu8a.xn--fiqs8s:8080"),
    ],
)
def test_names_in_chinese_are_taken_as_programs_know_them(read, text, found):
    assert read(text) == found


@pytest.mark.parametrize("text", ["zhang@-应急.中国", "zhang@应 急.中国", "zhang@应急", "zhang@中‑国.cn"])
def test_what_is_no_name_in_any_script_is_refused(text):
    with pytest.raises(PydanticCustomError):
        field_types.address(text)
