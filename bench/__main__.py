"""``python -m bench``: every measurement, as a table on the screen and in docs/benchmarks.md."""

from __future__ import annotations

import argparse
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench import digests, files, ledgers, pages, replicas, starting, tables
from bench.child import FailedError
from bench.plan import FULL, QUICK, Bench, Measurement
from bench.report import HEADINGS, KEPT, Row, Section, line, machine, markdown, write
from bench.sink import MissingError

MEASUREMENTS = (
    Measurement("end-to-end", "Digests, end to end", digests.end_to_end),
    Measurement("delivery", "Delivery alone", digests.delivery),
    Measurement("render", "Rendering alone", digests.render),
    Measurement("idle", "A pass with nothing due", ledgers.idle),
    Measurement("due-at-once", "Everything due at once", ledgers.due_at_once),
    Measurement("year", "A year of a large campaign", ledgers.a_year),
    Measurement("loading", "Reading the files", files.loading),
    Measurement("importing", "Many tasks of one unit each", files.importing),
    Measurement("tables", "The spreadsheets of a month", tables.a_month),
    Measurement("pages", "The pages of a large campaign", pages.the_board),
    Measurement("next-date", "The next date of a rule", files.next_date),
    Measurement("simulate", "Simulation", starting.simulation),
    Measurement("first-mail", "Start to the first mail", starting.first_mail),
    Measurement("postgres", "Several services on one PostgreSQL", replicas.together),
    Measurement("help", "The help", starting.help_),
)


def main() -> int:
    """0, also where a goal is missed, for figures are for reading; 1 where something could not be measured."""
    given = _arguments()
    # The servers are stopped on the way out.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    # Thousands of connections at once are thousands of open files.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    start = time.perf_counter()
    sections: list[Section] = []
    failed: list[str] = []
    with tempfile.TemporaryDirectory(prefix="tracker-bench-", dir=given.dir or _disk()) as folder:
        bench = Bench(QUICK if given.quick else FULL, Path(folder))
        for each in MEASUREMENTS:
            if given.only is None or each.name in given.only:
                print(f"\n{each.title} (--only {each.name})\n{line(HEADINGS)}", flush=True)
                sections.append(Section(each.title, each.text, _rows(each, bench, failed)))
        facts = machine(bench.folder)
    seconds = time.perf_counter() - start
    print(f"\n{seconds / 60:.1f} minutes")
    if failed:
        print(f"not measured: {', '.join(failed)}")
        return 1
    if not given.quick and given.only is None:
        write(KEPT, markdown(facts, sections, seconds))
        print(f"written: {KEPT}")
    return 0


def _arguments() -> argparse.Namespace:
    names = [each.name for each in MEASUREMENTS]
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes, under a minute; writes no file")
    parser.add_argument("--only", action="append", choices=names, metavar="NAME", help=", ".join(names))
    parser.add_argument(
        "--dir", type=Path, help="where the databases go; a real disk (default: /var/tmp or /tmp)"
    )
    return parser.parse_args()


def _rows(measurement: Measurement, bench: Bench, failed: list[str]) -> list[Row]:
    rows = []
    try:
        for row in measurement.take(bench):
            print(line(row.cells()), flush=True)
            rows.append(row)
    except MissingError as missing:
        print(f"left out: {missing}", flush=True)
    except (FailedError, OSError, subprocess.SubprocessError) as error:
        print(f"failed: {error}", flush=True)
        failed.append(measurement.name)
    return rows


def _disk() -> str | None:
    """A folder that is on a disk more often than /tmp is."""
    return "/var/tmp" if Path("/var/tmp").is_dir() else None


if __name__ == "__main__":
    sys.exit(main())
