"""Ask the public lists of vulnerabilities about every version in the lock files.  Run by .ci/run.

Leaves with 1 where a locked version has a known vulnerability.  Where no list can be reached (a network of one's own,
a mirror without that part), it says plainly that nothing was looked up, and leaves with 0: a build is not to fail over
somebody else's outage, nor to look as if all were well.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]

#: In this order, until one answers: the package index itself, then the list that it is fed from.
SERVICES = ("pypi", "osv")

#: Seconds for all questions to one of them.
PATIENCE = 240


def main(locks: Sequence[str]) -> int:
    """Say what was found; the exit code."""
    files = [Path(lock) for lock in locks] or sorted(ROOT.glob("requirements*.lock"))
    asked = []
    for service in SERVICES:
        found = ask(service, files)
        asked.append(service)
        answered = [each for each in found if "vulns" in each]
        if answered:
            return tell(service, answered, [each for each in found if "vulns" not in each])
    sys.stdout.write(
        f"DEPENDENCIES NOT AUDITED: no list of vulnerabilities could be reached ({', '.join(asked)}). "
        "Nothing is known about the locked versions; run this again where they can be.\n"
    )
    return 0


def command(service: str, files: Iterable[Path]) -> list[str]:
    """How ``service`` is asked.  The locks have a hash for each file, so that nothing is resolved or downloaded."""
    asked = [sys.executable, "-m", "pip_audit", "--vulnerability-service", service, "--format", "json"]
    asked += ["--disable-pip", "--require-hashes", "--progress-spinner", "off", "--timeout", "15"]
    return asked + [word for file in files for word in ("--requirement", str(file))]


def ask(service: str, files: Iterable[Path]) -> list[dict[str, Any]]:
    """What ``service`` knows of each version: ``vulns``, or why it was skipped.  Nothing where it does not answer."""
    try:
        done = subprocess.run(  # noqa: S603 - our own arguments
            command(service, files), capture_output=True, text=True, timeout=PATIENCE, check=False
        )
        return list(json.loads(done.stdout)["dependencies"])
    except (subprocess.TimeoutExpired, ValueError, KeyError, TypeError):
        return []


def tell(service: str, answered: Sequence[dict[str, Any]], skipped: Sequence[dict[str, Any]]) -> int:
    """What is known, in lines for people; 1 if anything is wrong."""
    lines = sorted(set(_vulnerabilities(answered)))
    sys.stdout.writelines(f"{line}\n" for line in lines)
    names = ", ".join(sorted({each["name"] for each in skipped}))
    sys.stdout.write(
        f"{len(answered)} locked versions audited by {service}: {len(lines)} known vulnerabilities"
        + (f"; not known there: {names}\n" if names else "\n")
    )
    return 1 if lines else 0


def _vulnerabilities(answered: Iterable[dict[str, Any]]) -> Iterator[str]:
    for each in answered:
        for found in each["vulns"]:
            mended = ", ".join(found.get("fix_versions", ())) or "no release yet"
            also = " ".join(found.get("aliases", ()))
            yield f"{each['name']} {each['version']}: {found['id']} {also}; mended in {mended}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
