"""Puts small bugs back, one at a time, and tells which check finds which.

    python -m tests.torture.sabotage            the table, as Markdown
    python -m tests.torture.sabotage BUG CHECK  one of them, in this process

Each bug is the absence of one line of the product.  A check that finds none of them is worth nothing, and a bug
that no check finds shows where one is missing.
"""

# Bugs are put where types say that nothing may be put.
# mypy: disable-error-code="assignment,method-assign,attr-defined,return-value,union-attr"

from __future__ import annotations

import contextlib
import io
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from sqlalchemy import event, true, update
from sqlalchemy.dialects import sqlite

from tests.tools import ROOT, clean_environ
from tests.trust.machine import OutboxMachine
from tests.trust.simulation import World, simulate
from tracker.outbox import queries, queue, rate_limit, results
from tracker.planning import claim, daily_digests, plan, second_look, superseded
from tracker.service import engine
from tracker.store.database import Engine as AnyEngine
from tracker.store.tables import MAIL, MailState

#: Seconds for one check of one bug, on a machine that has more to do; a service that never comes to rest has been found, too.
PATIENCE = 900
HISTORIES, SEEDS, DAYS = 200, 8, 90

TESTS = ("test_outbox.py", "test_engine.py", "test_pace.py", "test_failures.py")


# --- the bugs ---


def no_lease() -> None:
    """A claim does not look whether somebody else has the mail in hand."""
    queue.IS_FREE = true()
    queue._claiming.cache_clear()


def no_unique_key() -> None:
    """The same mail may stand in the outbox twice."""
    MAIL.indexes -= {index for index in MAIL.indexes if index.name == "uq_mail_key"}
    sqlite.Insert.on_conflict_do_nothing = lambda self, **_: self


def no_fence() -> None:
    """Whoever comes late writes down a result over that of whoever took over."""
    whereclause = MAIL.c.id == results._RECORD.whereclause.clauses[0].right
    statement = results._RECORD._clone()
    statement._where_criteria = (whereclause,)
    results._RECORD = statement


def sent_before_sending() -> None:
    """A mail is marked as sent when it is taken, and not when the server took it."""

    def changed(session: Any, claimed: list[queue.Claimed]) -> list[queue.Claimed]:
        ids = [each.id for each in claimed]
        session.execute(update(MAIL).where(MAIL.c.id.in_(ids)).values(state="sent", lease_until=None))
        return claimed

    _after_claim(changed)


def claim_not_committed() -> None:
    """Bytes go out before the claim stands in the database."""

    def changed(session: Any, claimed: list[queue.Claimed]) -> list[queue.Claimed]:
        session.rollback()
        return claimed

    no_fence()
    _after_claim(changed)


def new_message_id() -> None:
    """Another attempt goes out under another Message-ID."""

    def changed(_session: Any, claimed: list[queue.Claimed]) -> list[queue.Claimed]:
        return [
            replace(each, message_id=f"<{each.fence}.{each.message_id[1:]}") if each.fence > 1 else each
            for each in claimed
        ]

    _after_claim(changed)


def no_second_look() -> None:
    """What was answered between planning and sending goes out all the same."""
    second_look.as_they_stand = lambda _session, _snapshot, _mails, contents, *_: contents


def planning_in_pieces() -> None:
    """Each statement of a planning is a transaction of its own."""
    real = plan.plan
    is_planning: list[bool] = []

    def after(_connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        if is_planning and statement.startswith(("INSERT", "UPDATE")):
            cursor.connection.execute("COMMIT")
            cursor.connection.execute("BEGIN IMMEDIATE")

    def piecewise(*given: Any, **more: Any) -> int:
        is_planning.append(True)
        try:
            return real(*given, **more)
        finally:
            is_planning.pop()

    event.listen(AnyEngine, "after_cursor_execute", after)
    plan.plan = engine.plan = piecewise


def lost_answer_is_sent() -> None:
    """An answer that never came is taken for a yes."""
    real = results._recorded

    def recorded(result: results.Result, now: Any) -> dict[str, object]:
        if result.state is MailState.UNCERTAIN:
            result = replace(result, state=MailState.SENT)
        return real(result, now)

    results._recorded = recorded


def too_fast_is_forgotten() -> None:
    """What a server said about frequency, and what the settings say, is forgotten with the pass."""
    rate_limit.RateLimits.room = lambda _self: {}


def stale_digests_go() -> None:
    """A digest of yesterday goes out as it was."""
    queue.ZoneInfo = lambda _name: timezone(timedelta(hours=-23))


def superseded_is_silent() -> None:
    """What stood in a digest that could not go is not told in the next one."""
    real = superseded.supersede

    def silent(*given: Any) -> superseded.ToldAgain:
        real(*given)
        return superseded.ToldAgain()

    daily_digests.supersede = silent


def leases_of_wrong_clocks() -> None:
    """A lease that a wrong clock wrote is believed, however far off it ends."""
    queue.NO_LEASE = queue.NO_WAIT = timedelta(days=3650)


def retry_drops_the_record() -> None:
    """A person's word puts back what is sent or under way, too."""
    queries.RETRIABLE = tuple(MailState)


BUGS: dict[str, Callable[[], None]] = {
    bug.__name__.replace("_", "-"): bug
    for bug in (
        no_lease,
        no_unique_key,
        no_fence,
        sent_before_sending,
        claim_not_committed,
        new_message_id,
        no_second_look,
        planning_in_pieces,
        lost_answer_is_sent,
        too_fast_is_forgotten,
        stale_digests_go,
        superseded_is_silent,
        leases_of_wrong_clocks,
        retry_drops_the_record,
    )
}


def _after_claim(changed: Callable[[Any, list[queue.Claimed]], list[queue.Claimed]]) -> None:
    real = claim.claim

    def claimed(session: Any, *given: Any, **more: Any) -> list[queue.Claimed]:
        return changed(session, real(session, *given, **more))

    claim.claim = engine.claim = claimed


# --- the checks ---


def model() -> str | None:
    """The outbox against its reference."""
    quick = settings(
        max_examples=HISTORIES,
        stateful_step_count=40,
        deadline=None,
        derandomize=True,
        database=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    try:
        run_state_machine_as_test(OutboxMachine, settings=quick)
    except Exception as error:  # noqa: BLE001 - whatever breaks has been found
        return _why(error)
    return None


def simulation() -> str | None:
    """Some seeds of the simulation."""
    with tempfile.TemporaryDirectory() as folder:
        world = World.of(Path(folder))
        for seed in range(1, SEEDS + 1):
            try:
                run = simulate(world, seed, DAYS)
            except Exception as error:  # noqa: BLE001 - whatever breaks has been found
                return f"seed {seed}: {_why(error)}"
            if run.problems:
                return f"seed {seed}: {run.problems[0]}"
    return None


def tests() -> str | None:
    """The plain tests of outbox and engine."""
    found = _Failures()
    files = [str(ROOT / "tests" / "integration" / name) for name in TESTS]
    with contextlib.redirect_stdout(io.StringIO()) as out:
        code = pytest.main(["-x", "-p", "no:cacheprovider", *files], plugins=[found])
    if code not in {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED}:
        return out.getvalue().strip().splitlines()[-1]
    return found.first


CHECKS: dict[str, Callable[[], str | None]] = {check.__name__: check for check in (model, simulation, tests)}


class _Failures:
    """Remembers the first test that failed."""

    first: str | None = None

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and self.first is None:
            self.first = report.nodeid.rpartition("::")[2]


def _why(error: BaseException) -> str:
    return f"{type(error).__name__}: {str(error).splitlines()[0]}" if str(error) else type(error).__name__


# --- the table ---


@dataclass(frozen=True)
class Finding:
    """What one check said of one bug; None where it found nothing."""

    bug: str
    check: str
    said: str | None


def look_for(bug: str, check: str) -> Finding:
    """In a process of its own, for a bug once put back does not go away."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", "tests.torture.sabotage", bug, check],
            cwd=ROOT, env=clean_environ({}), capture_output=True, text=True, timeout=PATIENCE, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return Finding(bug, check, "it never came to rest")
    if done.returncode not in {0, 1}:
        raise RuntimeError(done.stderr[-2000:])
    lines = done.stdout.strip().splitlines()
    return Finding(bug, check, (lines[-1] if lines else "it fell over") if done.returncode else None)


def table(findings: list[Finding]) -> str:
    """Bugs by checks, as Markdown."""
    said = {(each.bug, each.check): each.said for each in findings}
    lines = [f"| bug | {' | '.join(CHECKS)} |", "| --- " * (len(CHECKS) + 1) + "|"]
    for name, bug in BUGS.items():
        if any((name, check) in said for check in CHECKS):
            cells = (_cell(said.get((name, check))) for check in CHECKS)
            lines.append(f"| {' '.join(str(bug.__doc__).split())} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(said: str | None) -> str:
    if said is None:
        return "—"
    text = re.sub(r"<[0-9a-f.]+@[^>]+>", "<…>", said.replace("|", "/"))
    return text if len(text) <= 100 else text[:99] + "…"


def main() -> int:
    if len(sys.argv) == 3:
        bug, check = sys.argv[1:]
        if bug != "none":
            BUGS[bug]()
        said = CHECKS[check]()
        if said is not None:
            sys.stdout.write(said.replace("\n", " ") + "\n")
        return int(said is not None)
    findings = [look_for(bug, check) for bug in BUGS for check in CHECKS]
    sys.stdout.write(table(findings) + "\n")
    unseen = set(BUGS) - {each.bug for each in findings if each.said is not None}
    for bug in sorted(unseen):
        sys.stderr.write(f"nobody saw {bug}\n")
    return int(bool(unseen))


if __name__ == "__main__":
    sys.exit(main())
