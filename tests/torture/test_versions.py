"""A service of the version before on one database with this version's, while the database is upgraded under it."""

import signal
import subprocess
import sys
import threading
import time

import pytest

from tests.tools import PATIENCE, ROOT, clean_environ, missing, quick_folder, wait_until
from tests.torture.bureau import bureau, each_alone
from tests.torture.scripted import Server
from tracker.store.database import SCHEMA

pytestmark = [pytest.mark.fault("restore"), pytest.mark.torture]

#: The last one whose tables were those of schema 2.
BEFORE = "6f57ac7^"

#: More than the one of the version before claims at once.
MAILS = 320

#: The key of links; that version did not make the folder for a file of its own.
SECRET = {"TRACKER_SECRET": "a-key-for-the-links-of-both-versions"}


@pytest.fixture(scope="module")
def old():
    """The version before, out of the history of this checkout."""
    with quick_folder() as folder:
        archive = subprocess.run(["git", "archive", BEFORE], cwd=ROOT, capture_output=True, check=False)
        if archive.returncode:
            missing("the version before is not in the history of this checkout")
        subprocess.run(["tar", "x"], cwd=folder, input=archive.stdout, check=True)
        yield folder


def test_old_and_new_side_by_side(old, figures):
    """One of the version before sends; the database is upgraded; two of this version come."""
    with Server() as server, bureau(each_alone(MAILS), server, connections=4) as here:
        here.ahead, here.environ = 0, SECRET
        # That version has no such key, and chases from the issue on; so does its ledger once it is upgraded.
        lines = here.place.tasks.read_text(encoding="utf-8").splitlines(keepends=True)
        here.place.tasks.write_text(
            "".join(line for line in lines if "chase_from" not in line), encoding="utf-8"
        )
        shared = threading.Event()

        def slow(_: object) -> None:
            time.sleep(0.1)
            # The one of the version before leaves half of them to the others, however long those take to begin.
            if len(server.ids) >= MAILS // 2:
                shared.wait(60 * PATIENCE)

        server.before_yes = slow
        log = here.folder / "old.log"
        with log.open("w") as file:
            before = subprocess.Popen(
                [sys.executable, "-m", "tracker", "run", "--no-web", "--send-now"],
                cwd=here.folder,
                env=clean_environ(SECRET) | {"PYTHONPATH": str(old)},
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
            )
        new = []
        try:
            wait_until(lambda: len(server.ids) >= 5, 60, log.read_text)
            assert here.found().schema == "2"
            upgrade = here.start("upgrade")
            assert upgrade.wait() == 0, upgrade.said()
            at_upgrade = len(server.ids)
            new = [here.start("run", "--no-web", "--send-now") for _ in range(2)]

            def told():
                return log.read_text() + "".join(each.said() for each in new)

            others = f"SELECT 1 FROM mail WHERE claimed_by NOT LIKE '%/{before.pid}'"
            wait_until(lambda: here.place.query(others), 60, told)
            shared.set()
            wait_until(lambda: here.states() == {"sent": MAILS}, 60, told)
            assert here.found().schema == SCHEMA
            time.sleep(1)
            result = here.score()
            assert result.holds, told()
            assert result.duplicates == 0
            assert before.poll() is None, "it goes on beside the others"
            shares = dict(here.place.query("SELECT claimed_by, count(*) FROM mail GROUP BY claimed_by"))
            of_before = sum(count for who, count in shares.items() if who.endswith(f"/{before.pid}"))
            assert 0 < of_before < MAILS, "they share the work"
            assert "Traceback" not in told()
            assert "pass failed" not in told()
        finally:
            shared.set()
            for each in new:
                each.end()
            before.send_signal(signal.SIGKILL)
            before.wait()
    figures["mails"] = MAILS
    figures["sent by the version before"] = of_before
    figures["sent when the upgrade was done"] = at_upgrade
    figures["score"] = result
