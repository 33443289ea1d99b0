"""An older backup put back, and the commands that change the whole database killed at each write."""

import sqlite3
from contextlib import closing
from pathlib import Path
from signal import SIGKILL

import pytest

from tests.tools import quick_folder
from tests.torture.bureau import bureau, each_alone
from tests.torture.scripted import Server
from tests.torture.tracer import killing, required_tracer
from tracker.store.database import SCHEMA

pytestmark = [pytest.mark.fault("restore"), pytest.mark.torture]

MAILS = 8

#: Minutes after which what is overdue is told again.
WEEK = 7 * 24 * 60

SCHEMA_2 = Path(__file__).parents[1] / "fixtures" / "schema-2.sql"

CALLS = pytest.mark.parametrize("call", ["pwrite64", "fdatasync"])


def did(here, *arguments):
    """A command to its good end."""
    process = here.start(*arguments)
    assert process.wait() == 0, process.said()


def killed(here, call, number, *arguments):
    """Whether a command died instead of that call."""
    process = here.start(*arguments, waits=True)
    with killing(process, call, number):
        process.let_go()
        code = process.wait()
    assert code in {0, -SIGKILL}, process.said()
    assert "Traceback" not in process.said(), process.said()
    return code != 0


def two_weeks_on(here):
    """A backup, and two weeks of reminders after it."""
    here.run_once()
    did(here, "backup", "copy.db")
    for _ in range(2):
        here.later(WEEK)
        here.run_once()
    assert len(here.server.ids) == len(set(here.server.ids)) == 3 * MAILS


def test_older_backup(figures):
    """Put back after two more weeks of reminders: nothing of them goes out again, and the next ones do."""
    with Server() as server, bureau(each_alone(MAILS), server) as here:
        two_weeks_on(here)
        before = set(server.ids)
        did(here, "restore", "copy.db")
        for minutes in (1, 60, 24 * 60):
            here.later(minutes)
            here.run_once()
        assert len(server.ids) == len(before)
        here.later(WEEK - 25 * 60)
        here.run_once()
        fresh = server.ids[len(before) :]
        assert len(fresh) == MAILS
        assert not set(fresh) & before
    figures["mails since the backup"] = 2 * MAILS
    figures["sent again"] = len(server.ids) - len(set(server.ids))
    figures["told the week after"] = len(fresh)


@CALLS
def test_restore_killed(call, figures):
    """`restore` killed at the N-th call, N = 1, 2, … until one ends by itself: before, or after, and never between."""
    required_tracer()
    kinds: dict[str, int] = {"before": 0, "after": 0}
    with Server() as server, bureau(each_alone(MAILS), server) as template:
        two_weeks_on(template)
        before = template.enqueued()
        for number in range(1, 1000):
            with quick_folder() as folder:
                here = template.copy(folder)
                is_killed = killed(here, call, number, "restore", "copy.db")
                left = here.found()
                assert left.is_whole
                kind = {3 * MAILS: "before", MAILS: "after"}[len(left.mails)]
                assert kind == "after" or left.mails == before
                kinds[kind] += is_killed
                did(here, "restore", "copy.db")
                here.later(60)
                here.run_once()
                assert len(server.ids) == 3 * MAILS, "nothing goes out again"
                if not is_killed:
                    assert kind == "after"
                    break
        else:
            pytest.fail("no command ended by itself")
    assert kinds["before"]
    figures["kills"] = sum(kinds.values())
    figures |= {f"left as {kind}": count for kind, count in kinds.items()}


@CALLS
def test_upgrade_killed(call, figures):
    """`upgrade` killed at the N-th call, N = 1, 2, … until one ends by itself: the version before, or this one."""
    required_tracer()
    kinds = {"2": 0, SCHEMA: 0}
    with Server() as server, bureau(each_alone(MAILS), server) as template:
        (template.folder / "var").mkdir()
        with closing(sqlite3.connect(template.folder / "var" / "tracker.db")) as file:
            file.executescript(SCHEMA_2.read_text(encoding="utf-8"))
        mails = template.enqueued()
        assert mails
        for number in range(1, 1000):
            with quick_folder() as folder:
                here = template.copy(folder)
                is_killed = killed(here, call, number, "upgrade")
                left = here.found()
                assert left.is_whole
                assert left.mails == mails
                did(here, "upgrade")
                [(schema,)] = here.place.query("SELECT value FROM meta WHERE name = 'schema'")
                assert schema == SCHEMA
                assert here.enqueued() == mails
                kinds[left.schema] += is_killed
                if not is_killed:
                    assert left.schema == SCHEMA
                    break
        else:
            pytest.fail("no command ended by itself")
    assert kinds["2"]
    figures["kills"] = sum(kinds.values())
    figures |= {f"left at schema {schema}": count for schema, count in kinds.items()}
