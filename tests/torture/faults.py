"""The faults that are made on purpose: the rows of docs/reliability.md, in its order."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """One row: what is done to it, how, and what is expected; ``name`` is what ``make torture ONLY=`` takes."""

    name: str
    title: str
    how: str
    expected: str


FAULTS = (
    Fault(
        "kill",
        "kill -9 anywhere",
        "`strace` kills at the N-th `pwrite64`, `fdatasync`, `sendto`, N = 1, 2, … until a run ends by itself",
        "the database is whole; a copy only where the server had said 250",
    ),
    Fault(
        "commit",
        "killed between 250 and commit",
        "the server signals, the test kills",
        "at most one copy a kill",
    ),
    Fault(
        "answer",
        "the answer is lost",
        "the server drops, falls silent or drips after the final dot",
        "*uncertain*, tried again a bounded number of times with the same Message-ID; copies ≤ answers lost",
    ),
    Fault(
        "refusals",
        "4xx, 5xx, greylisting, limits",
        "a scripted server with the texts of QQ, 163 and Exchange; `smtp-sink`",
        "each refusal is read rightly: later, slower, or never, and the operator is told once",
    ),
    Fault(
        "recipients",
        "some recipients refused",
        "550 and 451 for the second recipient",
        "a mail and a row for each recipient; nothing is sent again to those that took it",
    ),
    Fault("replicas", "replicas race", "2 to 5 processes on one PostgreSQL, started at a barrier", "no copy"),
    Fault(
        "frozen",
        "a frozen worker",
        "SIGSTOP past its lease, then SIGCONT",
        "another takes over; its late commit is fenced off",
    ),
    Fault(
        "disk",
        "disk full, I/O errors, read-only, locked",
        "a small tmpfs; `ulimit -f`; `strace` with ENOSPC and EIO; `BEGIN IMMEDIATE` held",
        "nothing is sent unclaimed; health goes red; it heals by itself",
    ),
    Fault(
        "postgres",
        "PostgreSQL goes away",
        "`pg_terminate_backend`, `-m immediate`, SIGSTOP, restart",
        "unknown commits are resolved by key",
    ),
    Fault(
        "clock",
        "clock +2 h, +40 d, −1 h, −30 d, summer time",
        "libfaketime",
        "each milestone once; caught up within 60 s",
    ),
    Fault("down", "down for N days", "stop, move the clock, start", "one catch-up mail a recipient"),
    Fault(
        "edits",
        "tasks.yaml cut at every byte, bits flipped, half-written",
        "generated",
        "the last good one is kept; the operator is told; wrongly accepted = 0",
    ),
    Fault(
        "spreadsheets",
        "spreadsheets: corpora, bombs, a million rows",
        "generated",
        "a typed refusal; the service lives",
    ),
    Fault(
        "restore",
        "an older backup restored; an upgrade killed; old and new side by side",
        "killed at every statement",
        "no storm of mails sent again; the database is the old one or the new one",
    ),
    Fault(
        "doors",
        "a crowd at the doors",
        "1,150 half-open connections, 200 slow ones, 120 sign-ins, 16 writers who wait, with 1,024 descriptors",
        "mails go on; pages answer whoever comes from elsewhere within a second",
    ),
    Fault("scanners", "link scanners", "HEAD, ten GETs, a headless browser", "nothing changes"),
    Fault(
        "load",
        "load",
        "41 uploads at once; the month-end burst of 3,000 units on a slow, a flaky and a dead server",
        "L = D = 0, bounded memory, the page answers",
    ),
    Fault(
        "model", "the outbox as a model", "hypothesis beside a reference, crashes at every step", "L = U = 0"
    ),
    Fault(
        "ledger",
        "the ledger under edits",
        "events by every door, the files edited in between, beside a plain reading of the events",
        "each row as its events say",
    ),
    Fault(
        "simulation",
        "years under a virtual clock",
        "a mail server and a store that fail by a seeded plan",
        "L = U = 0; copies only for answers that never came",
    ),
    Fault("fuzz", "fuzzing", "deadline language, YAML, spreadsheets, tokens, API", "typed refusals only"),
    Fault(
        "sabotage", "bugs put back", "the lease, the fence, the unique key … taken out", "a check finds each"
    ),
)
