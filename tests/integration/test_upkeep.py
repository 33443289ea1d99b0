"""Backups, restoring and upgrades, on both databases: all or nothing, and nothing is said twice."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import event, inspect, select
from sqlalchemy.exc import OperationalError

from tests import postgres
from tests.tools import ROOT, Place
from tests.web import answer, office, turn
from tests.world import at
from tracker.access.links import Purpose
from tracker.core.model import EventKind
from tracker.errors import DatabaseError
from tracker.service.app import App
from tracker.service.heartbeat import PassRecord, remember
from tracker.store.backups import back_up
from tracker.store.database import SCHEMA, open_database, open_without_check, read_schema, write_meta
from tracker.store.tables import Base
from tracker.store.upgrades import upgrade
from tracker.usecases import ledger, mailing, maintenance

FIXTURES = Path(__file__).parents[1] / "fixtures"
SCHEMA_2 = FIXTURES / "schema-2.sql"
#: Each is what a service of that version left, with mails sent, an event and what a pass keeps.
EARLIER = pytest.mark.parametrize("earlier", ["2", "3"])

#: What schema 4 added, taken back on PostgreSQL.
BEFORE_CAMPAIGNS = """\
DROP TABLE campaign; DROP TABLE beat; ALTER TABLE assignment DROP COLUMN late_since;
ALTER TABLE mail DROP COLUMN cause; ALTER TABLE mail DROP COLUMN ours_since;
ALTER TABLE agenda DROP COLUMN campaign; ALTER TABLE assignment DROP COLUMN campaign;
ALTER TABLE event DROP COLUMN campaign; ALTER TABLE mail DROP COLUMN campaign;
ALTER TABLE definition DROP COLUMN campaign; ALTER TABLE definition ADD CONSTRAINT pk_definition PRIMARY KEY (key);
CREATE UNIQUE INDEX uq_agenda_key_slot ON agenda (key, slot);
CREATE UNIQUE INDEX uq_assignment_key_period_unit ON assignment (key, period, unit);
"""


def made(path, script=SCHEMA_2):
    """A database of an earlier version, as that version left it."""
    with closing(sqlite3.connect(path)) as file:
        file.executescript(script.read_text(encoding="utf-8"))
    return f"sqlite:///{path}"


def shape(url):
    """Every table with its columns (name, kind, may be empty) and its indexes."""
    database = open_without_check(url)
    try:
        looked = inspect(database.engine)
        return {
            table: (
                {(c["name"], str(c["type"]).split("(")[0], c["nullable"]) for c in looked.get_columns(table)},
                {(i["name"], tuple(i["column_names"]), bool(i["unique"])) for i in looked.get_indexes(table)},
            )
            for table in Base.metadata.tables
        }
    finally:
        database.close()


def earlier_one(path, earlier):
    return made(path, FIXTURES / f"schema-{earlier}.sql")


@EARLIER
def test_a_database_of_an_earlier_version_becomes_what_a_new_one_is(tmp_path, earlier):
    url = earlier_one(tmp_path / "old.db", earlier)
    with pytest.raises(DatabaseError, match="run tracker upgrade"):
        open_database(url)
    assert upgrade(url) == (earlier, SCHEMA)
    open_database(f"sqlite:///{tmp_path / 'new.db'}").close()
    assert shape(url) == shape(f"sqlite:///{tmp_path / 'new.db'}")
    assert upgrade(url) == (SCHEMA, SCHEMA)


@EARLIER
def test_what_was_known_before_an_upgrade_is_known_after_it_and_is_not_said_again(tmp_path, earlier):
    place = Place(tmp_path)
    (tmp_path / "var").mkdir()
    earlier_one(tmp_path / "var" / "tracker.db", earlier)
    with closing(sqlite3.connect(tmp_path / "var" / "tracker.db")) as file:
        mails = file.execute("SELECT count(*) FROM mail").fetchone()
    assert place.tracker("status").code == 1
    place.ok("upgrade")
    history = place.json("history")
    assert [each["event"] for each in history] == ["submit"]
    assert len(place.mails()) == mails[0]
    place.ok("backup", "copy.db")


def test_what_hangs_on_a_number_that_was_given_out_again_finds_its_own_or_none(tmp_path):
    with office(tmp_path) as app:
        app.engine.bring_up_to_date(app.clock.now())
        url = app.database_url
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as file:
        numbers = dict(
            file.execute(
                "SELECT unit, id FROM assignment WHERE key = 'table-2' AND period = '2022-06'"
            ).fetchall()
        )
        (mine, mine_id), (_, other_id), *_ = numbers.items()
        for number, ref, unit in (
            (mine_id, "table-2@2022-06", mine),
            (other_id, "table-2@2022-06", mine),
            (other_id, "gone", mine),
            (99_999, "gone", mine),
        ):
            file.execute(
                "INSERT INTO request (assignment_id, ref, unit, at, who, email, kind, text)"
                " VALUES (?, ?, ?, '2022-05-01', '', '', 'say', '')",
                (number, ref, unit),
            )
        for number, unit, its_event in ((mine_id, mine, None), (other_id, mine, None), (99_999, mine, None)):
            file.execute(
                "INSERT INTO filing (assignment_id, form, unit, at, recorded_at, file, document_id, digest, content,"
                " findings, questions, in_force, event_id)"
                " VALUES (?, '', ?, '2022-05-01', '2022-05-01', '', 1, '', '{}', '[]', 0, 0, ?)",
                (number, unit, its_event),
            )
        file.executescript("DROP TABLE question; ALTER TABLE filing DROP COLUMN seat;")
        file.execute("UPDATE meta SET value = '10' WHERE name = 'schema'")
        file.commit()
        upgrade(url)
        assert [number for (number,) in file.execute("SELECT assignment_id FROM request ORDER BY id")] == [
            *(mine_id, mine_id, 0, 0)
        ]
        assert [number for (number,) in file.execute("SELECT assignment_id FROM filing ORDER BY id")] == [
            *(mine_id, 0, 0)
        ]


@pytest.mark.fault("restore")
@EARLIER
def test_an_upgrade_that_dies_at_any_statement_has_changed_nothing(tmp_path, figures, earlier):
    """An upgrade that dies at its N-th statement, N = 1, 2, … until one ends by itself, has changed nothing."""
    before = None
    for number in range(1, 200):
        path = tmp_path / f"{number}.db"
        url = earlier_one(path, earlier)
        before = before or path.read_bytes()
        seen = 0

        def die(*_arguments, limit=number):
            nonlocal seen
            seen += 1
            if seen == limit:
                raise OperationalError("killed", {}, Exception("killed"))

        database = open_without_check(url)
        kind = type(database.engine)
        event.listen(kind, "before_cursor_execute", die)
        try:
            done = _tried(url)
        finally:
            event.remove(kind, "before_cursor_execute", die)
            database.close()
        if done:
            assert number > 15
            figures["statements"] = number - 1
            return
        with closing(sqlite3.connect(path)) as file:
            assert file.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            assert file.execute("SELECT value FROM meta WHERE name = 'schema'").fetchone() == (earlier,)
            tables = {name for (name,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        assert "campaign" not in tables
        assert upgrade(url) == (earlier, SCHEMA)
    pytest.fail("it never came to its end")


def _tried(url):
    try:
        upgrade(url)
    except DatabaseError:
        return False
    return True


@pytest.mark.parametrize("schema", ["1", str(int(SCHEMA) + 1), "x"])
def test_what_is_too_old_or_too_new_is_left_alone_with_a_sentence(tmp_path, schema):
    url = made(tmp_path / "a.db")
    with closing(sqlite3.connect(tmp_path / "a.db")) as file:
        file.execute("UPDATE meta SET value = ? WHERE name = 'schema'", (schema,))
        file.commit()
    with pytest.raises(DatabaseError, match="upgrades from 2 to"):
        upgrade(url)
    with pytest.raises(DatabaseError, match="nothing to upgrade"):
        upgrade(f"sqlite:///{tmp_path / 'nothing.db'}")


def test_postgresql_is_upgraded_as_well():
    postgres.shared()
    url = postgres.fresh()
    try:
        wanted = shape(url)
        new = (
            "question",
            "journey",
            "revision",
            "feed",
            "request",
            "account",
            "session",
            "filing",
            "document",
        )
        database = open_without_check(url)
        with database.engine.begin() as connection:
            for table in new:
                connection.exec_driver_sql(f"DROP TABLE {table}")
            connection.exec_driver_sql(BEFORE_CAMPAIGNS)
            connection.exec_driver_sql("UPDATE meta SET value = '2' WHERE name = 'schema'")
        database.close()
        assert upgrade(url) == ("2", SCHEMA)
        assert shape(url) == wanted
        database = open_without_check(url)
        with database.engine.begin() as connection:
            assert read_schema(connection) == SCHEMA
        database.close()
    finally:
        postgres.drop(url)


# --- backups ---


def rows_of(url):
    database = open_database(url)
    try:
        with database.reading() as session:
            return {
                name: sorted(map(repr, session.execute(select(table)).all()))
                for name, table in Base.metadata.tables.items()
            }
    finally:
        database.close()


def test_a_backup_is_the_whole_of_it_while_others_write(tmp_path):
    with office(tmp_path) as app:
        app.engine.run_pass(at_once=True)
        answer(app, "table-2@2022-06", "wanzhou")
        with app.database.writing() as session:
            remember(session, PassRecord(app.clock.now(), 0.1))
            session.flush()
            # In the middle of somebody's transaction: what is not committed is not in it.
            assert maintenance.backup(app, tmp_path / "copy.db")[0] > 100_000
        wanted = rows_of(app.database_url)
        found = rows_of(f"sqlite:///{tmp_path / 'copy.db'}")
        assert {name: rows for name, rows in found.items() if name != "meta"} == {
            name: rows for name, rows in wanted.items() if name != "meta"
        }
        assert not list(tmp_path.glob("copy.db?*"))


def test_a_backup_that_cannot_be_written_leaves_the_one_before(tmp_path):
    with office(tmp_path) as app:
        target = tmp_path / "copy.db"
        maintenance.backup(app, target)
        kept = target.read_bytes()
        (tmp_path / "copy.db.part").mkdir()
        with pytest.raises(DatabaseError, match="cannot be written"):
            maintenance.backup(app, target)
        assert target.read_bytes() == kept


def test_no_other_file_is_written_over_by_a_backup(tmp_path):
    config = tmp_path / "config"
    shutil.copytree(ROOT / "config", config)
    other = tmp_path / "other"
    other.mkdir()
    with office(tmp_path, config=config) as app, office(other):
        app.sign.write()
        (tmp_path / "list.xlsx").write_bytes(b"PK")
        (tmp_path / "copy.db.part").write_text("mine", encoding="utf-8")
        with closing(sqlite3.connect(tmp_path / "strange.db")) as strange:
            strange.execute("CREATE TABLE mine (id)")
        names = ["config/tasks.yaml", "config/units.yaml", ".tracker-ledger", "list.xlsx", "strange.db"]
        for name in (*names, "other/tracker.db", "copy.db"):
            path = tmp_path / name
            before = path.read_bytes() if path.exists() else None
            with pytest.raises(DatabaseError, match=f"{re.escape(name)}.* is no backup of the service"):
                maintenance.backup(app, path)
            assert (path.read_bytes() if path.exists() else None) == before
        # A backup takes the place of an earlier one, or of what was made to hold it.
        (tmp_path / "new.db").touch()
        for _ in range(2):
            assert maintenance.backup(app, tmp_path / "new.db")[0] > 100_000


def names_of_itself(folder):
    """Every way to name the file that the database lives in, or one that lies beside it."""
    (folder / "link.db").symlink_to(folder / "tracker.db")
    (folder / "hard.db").hardlink_to(folder / "tracker.db")
    (folder / "sub").mkdir()
    (folder / "other").symlink_to(folder, target_is_directory=True)
    names = ["tracker.db", "link.db", "hard.db", "sub/../tracker.db", "other/tracker.db"]
    return [folder / name for name in (*names, "tracker.db-wal", "tracker.db-shm", "tracker.db-journal")]


def test_the_database_itself_is_no_place_for_its_backup_and_no_backup(tmp_path, monkeypatch):
    with office(tmp_path) as app:
        answer(app, "table-2@2022-06", "wanzhou")
        monkeypatch.chdir(tmp_path)
        before = (tmp_path / "tracker.db").stat().st_ino
        for name in (*names_of_itself(tmp_path), Path("tracker.db"), Path("sub/../link.db")):
            with pytest.raises(DatabaseError, match="is the database itself"):
                maintenance.backup(app, name)
            with pytest.raises(DatabaseError, match="is the database itself"):
                maintenance.restore(app, name, forced=True)
            with pytest.raises(DatabaseError, match="is the database itself"):
                maintenance.rehearse(app, name)
        # What is written first is not it, either.
        (tmp_path / "tracker.db.part").hardlink_to(tmp_path / "tracker.db")
        maintenance.backup(app, tmp_path / "copy.db")
        (tmp_path / "copy.db.part").hardlink_to(tmp_path / "tracker.db")
        with pytest.raises(DatabaseError, match="is the database itself"):
            maintenance.backup(app, tmp_path / "copy.db")
        assert (tmp_path / "tracker.db").stat().st_ino == before
        assert len(ledger.history(app)) == 1


def test_restoring_leaves_the_backup_and_its_folder_as_they_are(tmp_path):
    kept = tmp_path / "kept"
    with office(tmp_path) as app:
        answer(app, "table-2@2022-06", "wanzhou")
        maintenance.backup(app, kept / "copy.db")
        content, state = (kept / "copy.db").read_bytes(), (kept / "copy.db").stat()
        answer(app, "table-2@2022-06", "fuling")
        (kept / "copy.db").chmod(0o400)
        kept.chmod(0o500)
        maintenance.restore(app, kept / "copy.db")
        assert [each["unit"] for each in ledger.history(app)] == ["wanzhou"]
        assert [each.name for each in kept.iterdir()] == ["copy.db"]
        assert (kept / "copy.db").read_bytes() == content
        assert (kept / "copy.db").stat().st_mtime_ns == state.st_mtime_ns
        kept.chmod(0o700)


def test_a_database_that_was_copied_with_its_log_is_restored_with_what_stands_there(tmp_path):
    kept = tmp_path / "kept"
    kept.mkdir()
    with office(tmp_path) as app:
        answer(app, "table-2@2022-06", "wanzhou")
        for ending in ("", "-wal"):
            (kept / f"copy.db{ending}").write_bytes((tmp_path / f"tracker.db{ending}").read_bytes())
        assert (kept / "copy.db-wal").stat().st_size > 0
        before = {each.name: each.read_bytes() for each in kept.iterdir()}
        answer(app, "table-2@2022-06", "fuling")
        maintenance.restore(app, kept / "copy.db")
        assert [each["unit"] for each in ledger.history(app)] == ["wanzhou"]
        assert {each.name: each.read_bytes() for each in kept.iterdir()} == before


@pytest.mark.fault("restore")
def test_a_restored_ledger_never_says_again_what_went_out_since(tmp_path, figures):
    """An older backup is restored after four days of mails."""
    with office(tmp_path, at=at("2022-06-01 08:00")) as app:
        app.engine.run_pass(at_once=True)
        maintenance.backup(app, tmp_path / "copy.db")
        answer(app, "table-2@2022-05", "wanzhou")
        for day in range(1, 5):
            turn(app, at("2022-06-01 09:00") + timedelta(days=day - 1))
            app.engine.run_pass()
        before = {mail["message_id"] for mail in mailing.mails(app)}
        told = {(m["to"][0], i["ref"], i["reason"]) for m in mailing.mails(app) for i in m["items"]}
        let_go = maintenance.restore(app, tmp_path / "copy.db").let_go
        assert let_go == 0
        assert ledger.history(app) == []
        turn(app, app.clock.now() + timedelta(hours=1))
        app.engine.run_pass()
        assert {mail["message_id"] for mail in mailing.mails(app)} <= before
        # The next day's digests say what comes up that day, and not the week before once more.
        turn(app, at("2022-06-06 09:00"))
        app.engine.run_pass()
        fresh = [mail for mail in mailing.mails(app) if mail["message_id"] not in before]
        again = {
            (m["to"][0], i["ref"], i["reason"]) for m in fresh for i in m["items"] if i["reason"] == "lead"
        }
        assert not again & told
        figures["said again"] = len(again & told)


@pytest.mark.fault("restore")
def test_mails_under_way_in_a_backup_are_let_go(tmp_path, figures):
    """Mails that were under way in the backup."""
    with office(tmp_path) as app:
        app.engine.alert("x/1", "title", ["problem"])
        maintenance.backup(app, tmp_path / "copy.db")
        app.engine.run_pass()
        restored = maintenance.restore(app, tmp_path / "copy.db")
        rows, let_go = sum(restored.rows.values()), restored.let_go
        assert rows > 1000
        assert let_go == 1
        app.engine.run_pass()
        states = {mail["state"] for mail in mailing.mails(app) if mail["kind"] == "alert"}
        assert states == {"dropped"}
        figures["let go"] = let_go


def test_a_service_at_work_is_not_restored_under_its_feet(tmp_path):
    with office(tmp_path) as app:
        maintenance.backup(app, tmp_path / "copy.db")
        with app.database.writing() as session:
            remember(session, PassRecord(app.clock.now(), 0.1))
        with pytest.raises(DatabaseError, match="stop it first"):
            maintenance.restore(app, tmp_path / "copy.db")
        maintenance.restore(app, tmp_path / "copy.db", forced=True)


@pytest.mark.parametrize("content", [b"", b"no database", b"SQLite format 3\0" + b"\0" * 4000])
def test_what_is_no_backup_changes_nothing(tmp_path, content):
    with office(tmp_path) as app:
        answer(app, "table-2@2022-06", "wanzhou")
        (tmp_path / "odd").write_bytes(content)
        with pytest.raises(DatabaseError):
            maintenance.restore(app, tmp_path / "odd")
        with pytest.raises(DatabaseError, match="no such file"):
            maintenance.restore(app, tmp_path / "nothing")
        assert len(ledger.history(app)) == 1


def places(tmp_path, **environ):
    """Two machines, and a backup of the first, which has signed a link."""
    old, new = Place(tmp_path / "old"), Place(tmp_path / "new")
    old.ok("status")
    with closing(App(old.config, database=f"sqlite:///{old.folder}/var/tracker.db", environ=environ)) as app:
        token = app.links.token(Purpose.ANSWER, "5", "wanzhou", "x", date(2099, 1, 1))
    done = old.ok("backup", tmp_path / "copy.db", LANG="en_GB.UTF-8", **environ)
    return new, token, tmp_path / "copy.db", done.err


def reads(place, token, **environ):
    with closing(
        App(place.config, database=f"sqlite:///{place.folder}/var/tracker.db", environ=environ)
    ) as app:
        return app.links.read(token, Purpose.ANSWER, at("2022-06-01")).unit == "wanzhou"


def test_links_in_mails_already_out_work_where_a_backup_is_restored(tmp_path):
    new, token, copy, said = places(tmp_path)
    assert "is not in it" not in said
    assert copy.stat().st_mode & 0o777 == 0o600
    # The new machine has signed links of its own, too.
    new.ok("status")
    with closing(App(new.config, database=f"sqlite:///{new.folder}/var/tracker.db", environ={})) as app:
        own = app.links.token(Purpose.ANSWER, "5", "wanzhou", "x", date(2099, 1, 1))
    assert new.json("restore", copy, "--force")["keys"] == "backup"
    assert reads(new, token)
    assert reads(new, own)
    secret = new.folder / "var" / "secret"
    assert (len(secret.read_text().split()), secret.stat().st_mode & 0o777) == (2, 0o600)
    assert new.query("SELECT value FROM meta WHERE name = 'backup'") == []
    assert new.json("restore", copy, "--force", "--rehearse")["keys"] == "here"


def test_a_key_from_outside_is_not_in_a_backup_and_that_is_said(tmp_path):
    key, other = {"TRACKER_SECRET": "k" * 32}, {"TRACKER_SECRET": "n" * 32}
    new, token, copy, said = places(tmp_path, **key)
    assert "save it as well" in said
    assert b"k" * 32 not in copy.read_bytes()
    done = new.tracker("restore", "--rehearse", copy, LANG="en_GB.UTF-8", **other)
    assert (done.code, "the key is missing" in done.err) == (1, True)
    assert new.tracker("restore", "--rehearse", copy).code == 1
    assert new.json("restore", "--rehearse", copy, **key)["keys"] == "here"
    assert new.json("restore", copy, TRACKER_SECRET=f"{'n' * 32} {'k' * 32}")["ok"]
    assert reads(new, token, TRACKER_SECRET=f"{'n' * 32} {'k' * 32}")


def test_a_rehearsal_touches_nothing_and_says_what_a_restore_would_bring(tmp_path):
    new, _, copy, _ = places(tmp_path)
    before, bytes_ = sorted(new.folder.rglob("*")), copy.read_bytes()
    found = new.json("restore", "--rehearse", copy)
    assert sorted(new.folder.rglob("*")) == before
    assert copy.read_bytes() == bytes_
    assert (found["ok"], found["rehearsed"], found["keys"], found["after"]) == (True, True, "backup", None)
    assert found["rows"]["assignment"] > 0
    assert found["campaigns"] == ["main"]
    old = Place(tmp_path / "old")
    old.ok("submit", "2", "--unit", "wanzhou", "--on", "2022-06-01")
    assert old.json("restore", "--rehearse", copy)["after"] == 1
    copy.write_bytes(bytes_[: len(bytes_) // 2])
    assert new.tracker("restore", "--rehearse", copy).code == 1


@pytest.mark.fault("restore")
def test_from_sqlite_to_postgresql_and_back(tmp_path, figures):
    """From SQLite to PostgreSQL and back."""
    postgres.shared()
    url = postgres.fresh()
    try:
        with office(tmp_path) as app:
            app.engine.run_pass(at_once=True)
            answer(app, "table-2@2022-06", "wanzhou")
            maintenance.backup(app, tmp_path / "copy.db")
        with office(tmp_path / "pg", database=url) as shared:
            maintenance.restore(shared, tmp_path / "copy.db")
            assert [each["event"] for each in ledger.history(shared)] == ["submit"]
            # Numbers go on where the copy ends.
            answer(shared, "table-3@2022-06", "wanzhou", EventKind.NIL)
            maintenance.backup(shared, tmp_path / "back.db")
        with office(tmp_path / "again") as app:
            maintenance.restore(app, tmp_path / "back.db")
            assert [each["event"] for each in ledger.history(app)] == ["submit", "nil"]
            figures["rows"] = sum(map(len, rows_of(app.database_url).values()))
    finally:
        postgres.drop(url)


def test_nobody_but_its_owner_reads_a_database_or_a_backup(tmp_path):
    before = os.umask(0o022)
    try:
        url = f"sqlite:///{tmp_path / 'var' / 'tracker.db'}"
        database = open_database(url)
        with database.writing() as session:
            write_meta(session, "a", "b")
        back_up(database, tmp_path / "copy.db")
        modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.rglob("*.db*")}
        database.close()
    finally:
        os.umask(before)
    assert {"tracker.db", "copy.db"} <= set(modes)
    assert set(modes.values()) == {0o600}, modes


def test_whatever_the_mask_nobody_else_gets_at_folders_mails_keys_and_backups(tmp_path):
    place = Place(tmp_path)
    before = os.umask(0)
    try:
        place.ok("run", "--once", "--send-now")
        place.ok("backup", "kept/copy.db")
    finally:
        os.umask(before)
    found = [
        *(tmp_path / "var").rglob("*"),
        tmp_path / "var",
        *(tmp_path / "kept").rglob("*"),
        tmp_path / "kept",
    ]
    assert {path.suffix for path in found} >= {".tracker", ".db"}
    assert [str(path) for path in found if path.stat().st_mode & 0o077] == []


@pytest.mark.parametrize("name", [".", "/", "", "folder", ".."])
def test_a_backup_that_is_to_be_a_folder_is_refused(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    with closing(open_database("sqlite://")) as database, pytest.raises(DatabaseError) as refused:
        back_up(database, Path(name))
    assert str(refused.value) == f"{Path(name)} cannot be written: Is a directory"
    assert [each.name for each in tmp_path.iterdir()] == ["folder"]
