"""Forgetting what is old, and a person; what the ledger says stays the same."""

import io
import json
import shutil
import time
import zipfile
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from email.message import EmailMessage

import pytest
from sqlalchemy import insert, select

from tests.tools import ROOT, Place, made_once
from tests.world import ZONE
from tracker.clock import VirtualClock
from tracker.config.events import read_events
from tracker.errors import UnknownNameError, UsageError
from tracker.filing.filings import OriginalFile, keep_document, read_document
from tracker.forms.read.sandboxed_reader import Reader
from tracker.service.app import App
from tracker.service.originals import Originals
from tracker.service.person import PersonTerms
from tracker.service.simulation import CollectingSender
from tracker.store.questions import QUESTION
from tracker.store.tables import ACCOUNT, DOCUMENT, FEED, FILING, MAIL, REQUEST, SESSION, Base
from tracker.usecases import ledger, mailing, maintenance
from tracker.usecases.json_facts import status_facts

EVENTS = ROOT / "tests" / "fixtures" / "events-2022.yaml"
NAME, EMAIL, PHONE = "欧阳小雨", "ouyang@wanzhou.example", "13800001234"
WORDS = "请联系欧阳 小雨（138 0000 1234，Ouyang@wanzhou.example）"
AT = datetime(2022, 6, 1, tzinfo=UTC)


def workbook(text):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as file:
        file.writestr("xl/sharedStrings.xml", f"<t>{text}</t>")
    return made.getvalue()


@pytest.fixture
def app(tmp_path, tmp_path_factory):
    """A year with a person in every place where people's data is kept."""
    file = tmp_path / "tracker.db"
    shutil.copyfile(made_once(tmp_path_factory, "year", a_year) / "tracker.db", file)
    clock = VirtualClock(datetime(2023, 1, 4, 11, tzinfo=ZONE))
    app = App(ROOT / "config", database=f"sqlite:///{file}", environ={}, clock=clock)
    yield app
    app.close()


def a_year(folder):
    clock = VirtualClock(datetime(2022, 4, 8, tzinfo=ZONE))
    app = App(ROOT / "config", database=f"sqlite:///{folder}/tracker.db", environ={}, clock=clock)
    app.engine.sender = CollectingSender(lambda mail: mail.key)
    app.engine.bring_up_to_date(clock.now())
    events = list(read_events(EVENTS, ZONE, app.snapshot.unit_id))
    for number, event in enumerate(events):
        clock.set(event.at)
        app.engine.record(replace(event, who=NAME, note=WORDS))
        if number % 10 == 0:
            app.engine.run_pass(at_once=True)
    assert app.engine.alert("test", "题目", [WORDS])
    clock.set(datetime(2023, 1, 4, 10, tzinfo=ZONE))
    app.engine.run_pass(at_once=True)
    with app.database.writing() as session:
        for table, row in rows(session):
            session.execute(insert(table).values(row))
    app.close()


def rows(session):
    kept = [
        keep_document(session, OriginalFile(f"{NAME}的表.xlsx", workbook(text)))
        for text in (NAME, f"{NAME}的旧表")
    ]
    filing = {
        "form": "f",
        "unit": "wanzhou",
        "at": AT,
        "recorded_at": AT,
        "who": NAME,
        "file": f"{NAME}.xlsx",
    }
    filing |= {"findings": json.dumps([WORDS]), "content": json.dumps({"header": {"filled_by": NAME}})}
    for number, (document, in_force) in enumerate(zip(kept, (True, False), strict=True)):
        facts = {"assignment_id": 1, "document_id": document, "digest": str(number), "in_force": in_force}
        yield FILING, {**filing, **facts}
    yield QUESTION, {
        "filing_id": 1, "digest": "1", "code": "c", "facts": json.dumps({"row": NAME}, ensure_ascii=False),
        "asked_at": AT, "answered_by": NAME, "note": WORDS,
    }  # fmt: skip
    yield REQUEST, {
        "assignment_id": 1, "ref": "5", "unit": "wanzhou", "at": AT, "who": NAME, "email": EMAIL, "kind": "say",
        "text": WORDS, "reply": WORDS, "answered_by": NAME,
    }  # fmt: skip
    yield FEED, {"digest": "1", "created_at": AT, "created_by": NAME}
    yield ACCOUNT, {"name": NAME, "role": "viewer", "hash": "h", "created_at": AT, "disabled_at": AT}
    for number, seen in enumerate((AT, AT + timedelta(days=200))):
        facts = {"token": str(number), "account": NAME, "role": "viewer", "via": "password", "csrf": "c"}
        ends = AT + timedelta(days=400)
        yield SESSION, {**facts, "created_at": AT, "seen_at": seen, "expires_at": ends}
    yield MAIL, {
        "key": f"receipt/{EMAIL}", "message_id": "<1@x.example>", "kind": "receipt", "recipient": EMAIL,
        "name": NAME, "language": "zh", "timezone": "Asia/Shanghai", "at": AT, "day": date(2022, 6, 1),
        "content": "[]", "details": json.dumps({"said": WORDS, "enclosed": [1]}), "seen_event": 0,
        "state": "sent", "not_before": AT, "subject": f"{NAME}：收到", "outcome": f"250 {EMAIL} taken",
    }  # fmt: skip


def everything(app):
    """Every value of every column, bytes unpacked."""
    found: dict[str, list[object]] = {}
    with app.database.reading() as session:
        for table in Base.metadata.sorted_tables:
            for row in session.execute(select(table).order_by(*table.primary_key.columns)).mappings():
                for column, value in row.items():
                    found.setdefault(f"{table.name}.{column}", []).append(plain(value))
    return found


def plain(value):
    if isinstance(value, bytes) and value.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(value)) as file:
            return "".join(file.read(name).decode() for name in file.namelist())
    if isinstance(value, str) and r"\u" in value:
        return value.encode().decode("unicode_escape")
    return value


def standing(app):
    return status_facts(app.snapshot, *ledger.status(app, None))


def test_a_person_is_nowhere_any_more_and_a_years_ledger_says_the_same(app):
    before, was, person = standing(app), everything(app), PersonTerms([NAME, EMAIL, PHONE])
    seen = {place for place, values in was.items() if any(person.stands_in(str(each)) for each in values)}
    assert {
        "event.who",
        "event.note",
        "mail.details",
        "mail.key",
        "filing.content",
        "document.content",
    } <= seen
    shown = maintenance.prune_person(app, [NAME, EMAIL, PHONE], dry_run=True)
    assert everything(app) == was
    done = maintenance.prune_person(app, [NAME, EMAIL, PHONE])
    assert (done, done.pseudonym, done.left) == (shown, "人员1", [])
    now = everything(app)
    assert [
        place for place, values in now.items() if any(person.stands_in(str(each)) for each in values)
    ] == []
    assert {place for place in was if was[place] != now[place]} - {"meta.value", "meta.name"} == seen
    assert set(now["event.note"]) == {"请联系人员1（人员1，person-1@pseudonym.example）"}
    assert "receipt/person-1@pseudonym.example" in now["mail.key"]
    assert standing(app) == before
    assert maintenance.prune_person(app, [NAME]).pseudonym is None
    with app.database.reading() as session:
        assert session.execute(select(ACCOUNT.c.name)).scalar_one() == "人员1"


def test_another_person_has_another_number(app):
    maintenance.prune_person(app, [NAME])
    assert maintenance.prune_person(app, [EMAIL]).pseudonym == "人员2"


def test_what_is_old_is_forgotten_and_the_ledger_keeps_what_it_needs(app):
    before, was = standing(app), everything(app)
    explained = ledger.explanation(app, "5", "wanzhou")
    day = date(2022, 12, 1)
    shown = maintenance.prune_before(app, day, dry_run=True)
    assert everything(app) == was
    done = maintenance.prune_before(app, day)
    assert done == shown
    assert done.mails > 50
    assert (done.uploads, done.sign_ins) == (1, 1)
    now = everything(app)
    changed = {place for place in was if was[place] != now.get(place)}
    assert changed == {
        "mail.details", "mail.subject", "document.content", "document.digest",
        *(f"session.{column.name}" for column in SESSION.columns),
    }  # fmt: skip
    assert standing(app) == before
    assert ledger.explanation(app, "5", "wanzhou") == explained
    with app.database.reading() as session:
        assert read_document(session, 1) is not None, "in force"
        assert read_document(session, 2) is None
        number = session.execute(select(MAIL.c.id).where(MAIL.c.kind == "receipt")).scalar_one()
    with pytest.raises(UnknownNameError, match="kept no longer"):
        mailing.show_mail(app, number, "en")
    assert mailing.mails(app)
    again = maintenance.prune_before(app, day)
    assert (again.mails, again.uploads, again.sign_ins) == (0, 0, 0)
    with app.database.writing() as session:
        anew = keep_document(session, OriginalFile("b.xlsx", workbook(f"{NAME}的旧表")))
        assert read_document(session, anew) is not None


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (["万州区"], "units.yaml:"),
        (["王"], "expected two letters"),
        (["1234"], "five digits"),
        (["市应急管理局"], ".yaml:"),
    ],
)
def test_who_still_stands_in_the_files_is_refused_with_the_line(app, texts, said):
    with pytest.raises(UsageError, match=said):
        maintenance.prune_person(app, texts)


def test_who_may_still_sign_in_is_refused(app):
    with app.database.writing() as session:
        session.execute(ACCOUNT.update().values(disabled_at=None))
    with pytest.raises(UsageError, match="may still sign in"):
        maintenance.prune_person(app, [NAME])


@pytest.mark.parametrize(
    ("text", "is_there"),
    [
        ("+86 138-0000-1234", True),
        ("113800001234", False),
        ("OUYANG@wanzhou.example.", True),
        ("xouyang@wanzhou.example", False),
        ("ouyang@wanzhou.example.org", False),
        ("欧阳　小雨", True),
        ("Ann Lee said", True),
        ("Joann Lee", False),
    ],
)
def test_a_person_is_found_as_people_write(text, is_there):
    assert PersonTerms([NAME, EMAIL, PHONE, "Ann Lee"]).stands_in(text) is is_there


@pytest.mark.parametrize(
    "text",
    [
        "电话13800001234", "+8613800001234", "0086 138 0000 1234", "(+86)138-0000-1234", "１３８００００１２３４",
        "138.0000.1234", "138\u200b0000\u20111234", "+８６１３８００００１２３４", "欧\u200b阳小雨", "欧\u00a0阳\n小　雨",
        "ｏuyang＠wanzhou．example",
        "Ａnn\u00a0lee", "买买提•艾力", "买买提·艾 力", "023-63671234", "（023）63671234", "+86 23 63671234", "8623-6367 1234",
    ],
)  # fmt: skip
def test_a_person_is_found_however_machines_and_people_write(text):
    person = PersonTerms([NAME, EMAIL, PHONE, "Ann Lee", "买买提・艾力", "023 63671234"])
    assert person.stands_in(text)
    person.call(7, "zh")
    assert not person.stands_in(person.replaced(text))
    assert "7" in person.replaced(text)


def test_a_number_is_found_without_its_area_and_with_it():
    person = PersonTerms(["63671234"])
    assert all(map(person.stands_in, ("02363671234", "023-63671234", "+86 023 63671234", "6367 1234")))
    assert not any(map(person.stands_in, ("636712345", "163671234")))


def test_a_longer_name_is_somebody_elses():
    person = PersonTerms(["李四", "Ann Lee"], ["李四光", "Ann Lee-Smith"])
    person.call(3, "zh")
    assert person.replaced("李四、李四光、李 四 光、Ann Lee-Smith、Ann Lee、李四") == (
        "人员3、李四光、李 四 光、Ann Lee-Smith、人员3、人员3"
    )
    assert not person.stands_in("李四光")


def test_in_json_numbers_and_texts_go():
    person = PersonTerms([PHONE, NAME])
    person.call(1, "zh")
    text = json.dumps({"a": 13800001234, "b": [13800001234.0, True, 1], NAME: f'{{"n": "{NAME}"}}'})
    assert json.loads(person.replaced(text)) == {"a": 0, "b": [0, True, 1], "人员1": '{"n": "人员1"}'}


# --- originals ---

CELL = '<c r="A1" t="inlineStr"><is>{}</is></c>'


def parts(**named):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as file:
        for name, part in named.items():
            file.writestr(name.replace("_", "/") + ".xml", part)
    return made.getvalue()


def as_references(text):
    return "".join(f"&#{ord(sign)};" for sign in text)


def mail_of(text):
    found = EmailMessage()
    found["From"], found["To"], found["Subject"] = "a@b.example", "c@d.example", "表"
    found.set_content(f"<table><tr><td>{text}</td></tr></table>", subtype="html", cte="quoted-printable")
    return found.as_bytes()


@pytest.mark.parametrize(
    "data",
    [
        parts(sheet=CELL.format(f"<t>{as_references(NAME)}</t>")),
        parts(sheet=f'<?xml version="1.0" encoding="UTF-16"?><t>{NAME}</t>'.encode("utf-16")),
        parts(sheet="<c><v>13800001234</v></c>"),
        parts(sheet="<c><v>1.3800001234E10</v></c>"),
        parts(sheet="<t>+8613800001234</t>"),
        parts(sheet="<t>１３８００００１２３４</t>"),
        parts(docProps_core=f"<dc:creator>{NAME}</dc:creator>"),
        f"<html><td>{as_references(NAME)}</td></html>".encode(),
        f"单位,{NAME}\n".encode("utf-16"),
        f"单位,{NAME}\n".encode("gb18030"),
        f"\ufeff单位,{NAME}\n".encode(),
    ],
    ids=["references", "utf-16", "number", "powers", "+86", "full-width", "properties", "page", "csv-16", "csv-gb", "csv-8"],
)  # fmt: skip
def test_an_original_is_written_anew_however_they_stand_in_it(data):
    person = PersonTerms([NAME, PHONE])
    person.call(1, "zh")
    with Reader() as reader:
        new, is_left = Originals(person, reader).cleaned(data)
        assert (new != data, is_left) == (True, False)
        assert Originals(person, reader).cleaned(new) == (new, False)


@pytest.mark.parametrize(
    "data",
    [
        parts(sheet=CELL.format("<r><t>欧</t></r><r><rPr><b/></rPr><t>阳小雨</t></r>")),
        parts(word=f"<w:p><w:r><w:t>{NAME[:2]}</w:t></w:r><w:r><w:t>{NAME[2:]}</w:t></w:r></w:p>"),
        mail_of(NAME),
        b"\xd0\xcf\x11\xe0\0" + NAME.encode("utf-16-le"),
        b"\xd0\xcf\x11\xe0\0\0" + NAME.encode("utf-16-le"),
    ],
    ids=["two-formats", "word", "mail", "xls", "xls-odd"],
)
def test_an_original_in_which_they_are_left_is_told_from_one_without_them(data):
    other = PersonTerms(["司马大雪", "13900001234"])
    person = PersonTerms([NAME, PHONE])
    with Reader() as reader:
        for one, is_left in ((person, True), (other, False)):
            one.call(1, "zh")
            assert Originals(one, reader).cleaned(data)[1] is is_left


def test_numbers_in_an_old_workbook_are_seen():
    """As .xls keeps them, in four or eight bytes without a digit."""
    data = (ROOT / "tests" / "cases" / "forms" / "e01_xls.xls").read_bytes()
    with Reader() as reader:
        for number, is_left in (("400", True), ("40077", False)):
            person = PersonTerms([number])
            person.call(1, "zh")
            assert Originals(person, reader).cleaned(data)[1] is is_left


@pytest.mark.parametrize(
    "sign", [" ", "<", "&", "1", "-", "(", "0", "+", "<t>", "8 ", ".", "\u200b", "e", "<v>", "&#1;"]
)
def test_a_file_of_one_sign_is_looked_through_in_one_go(sign):
    """Twice as much of it takes twice as long, not four times."""
    person = PersonTerms(
        [NAME, PHONE, EMAIL, "023-63671234", "63671234", "+49 30 1234567", "Ann Lee"], ["Ann Lee-Smith"]
    )
    person.call(1, "zh")
    data = (sign * (200_000 // len(sign))).encode()
    begin = time.process_time()
    with Reader() as reader:
        assert Originals(person, reader).cleaned(data) == (data, False)
    assert time.process_time() - begin < 20, "squared it would be many minutes"


def test_cells_beside_each_other_are_not_read_as_one():
    person = PersonTerms([NAME, PHONE])
    person.call(1, "zh")
    data = parts(sheet="<si><t>欧阳</t></si><si><t>小雨</t></si><c><v>138</v></c><c><v>00001234</v></c>")
    with Reader() as reader:
        assert Originals(person, reader).cleaned(data) == (data, False)


def test_who_stands_in_the_files_in_force_is_not_forgotten_while_an_edit_waits(tmp_path):
    """Their mails would go to nobody: the unit would be silenced."""
    place = Place(tmp_path)
    place.ok("run", "--once", "--send-now")
    units = place.config / "units.yaml"
    text = units.read_text(encoding="utf-8")
    name, email = "万州联络员", "wanzhou@unit.example"
    units.write_text(text.replace(name, "新来的人").replace(email, "new@kaoshi.example"), encoding="utf-8")
    tasks = place.config / "tasks.yaml"
    good = tasks.read_text(encoding="utf-8")
    tasks.write_text(good + "\n  - nonsense: [", encoding="utf-8")
    before = place.mails()
    refused = place.tracker("prune", "--person", name, "--person", email)
    assert (refused.code, "units.yaml" in refused.err) == (2, True), refused.err
    assert place.mails() == before
    tasks.write_text(good, encoding="utf-8")
    place.ok("run", "--once")
    place.ok("prune", "--person", name, "--person", email)


def test_a_person_whose_name_stands_within_a_colleagues_can_be_forgotten(tmp_path):
    place = Place(tmp_path)
    units = place.config / "units.yaml"
    text = units.read_text(encoding="utf-8")
    units.write_text(text.replace("万州联络员", "李四光"), encoding="utf-8")
    place.ok("run", "--once", "--send-now")
    place.ok("submit", "2/first-list", "--unit", "万州", "--who", "李四", "--note", "李四、李四光、李四光明")
    done = place.ok("prune", "--person", "李四", "--keep", "李四光明", "--format", "json")
    assert json.loads(done.out)["pseudonym"]
    [event] = place.json("history")
    assert "李四" not in (event["who"], event["note"].partition("、")[0])
    assert event["note"].partition("、")[2] == "李四光、李四光明"


def test_an_original_that_cannot_be_written_anew_is_named_where_it_is_in_force(app):
    with app.database.writing() as session:
        old = b"\xd0\xcf\x11\xe0\0" + NAME.encode("utf-16-le")
        session.execute(DOCUMENT.update().where(DOCUMENT.c.id.in_([1])).values(content=old, name="旧表.xls"))
        session.execute(DOCUMENT.update().where(DOCUMENT.c.id.in_([2])).values(content=old + b"\0"))
    done = maintenance.prune_person(app, [NAME])
    assert (done.left, done.uploads) == (["旧表.xls"], 1)


def test_the_command_says_what_it_did_or_what_was_wrong(tmp_path):
    place = Place(tmp_path)
    assert place.json("prune", "--before", "2022-06-01", "--dry-run") == {
        "dry_run": True, "mails": 0, "uploads": 0, "sign_ins": 0, "pseudonym": None, "places": {}, "left": [],
    }  # fmt: skip
    assert "0 mail bodies" in place.ok("prune", "--before", "2022-06-01", LANG="en_GB.UTF-8").out
    assert "没有找到此人" in place.ok("prune", "--person", NAME, LANG="zh_CN.UTF-8").out
    for wrong in ((), ("--before", "2022-06-01", "--person", NAME)):
        done = place.tracker("prune", *wrong)
        assert (done.code, len(done.err.splitlines())) == (2, 1)


def test_a_day_to_come_is_no_day_before_which_to_forget(tmp_path):
    """A slip of the year would forget what mails of today said, and sign everybody out."""
    place = Place(tmp_path)
    place.ok("run", "--once", "--send-now")
    for more in ((), ("--dry-run",)):
        done = place.tracker("prune", "--before", "2099-01-01", *more, LC_ALL="zh_CN.UTF-8")
        assert (done.code, done.out) == (2, "")
        assert "此日尚未到来" in done.err
    assert place.ok("mail", "show", "1").out
