"""Look for secrets in every tracked file.  Run by .ci/run; leaves with 1 where there is one.

``.secrets.baseline`` holds the hashes of what was looked at and is none.  After adding such a one:
``python tools/secret_scan.py --accept``, and look at the difference before it is committed.  Tests are full of words
that are passwords there and nowhere else; of them only what looks like a real key counts.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from detect_secrets.core import baseline
from detect_secrets.core.secrets_collection import SecretsCollection

ROOT = Path(__file__).resolve().parents[1]
BASELINE = ".secrets.baseline"

#: What a test may hold that nothing else may: words called a password, and addresses with one.
MADE_UP = frozenset({"Secret Keyword", "Basic Auth Credentials"})


def main(arguments: Sequence[str]) -> int:
    """Look at the files named, or at all that are tracked; the exit code."""
    named = [each for each in arguments if each != "--accept"]
    files = named or tracked()
    known = baseline.load(baseline.load_from_file(str(ROOT / BASELINE)), BASELINE)
    found = SecretsCollection()
    # Names are taken down as they are given, and must be the same in every checkout.
    with contextlib.chdir(ROOT):
        if named:
            # Here, for the processes that look at all of them are forked, which a process with threads had better not.
            for name in named:
                found.scan_file(name)
        else:
            found.scan_files(*files)
    for name in list(found.files):
        if name.startswith("tests/"):
            found.data[name] = {each for each in found.data[name] if each.type not in MADE_UP}
    if "--accept" in arguments:
        baseline.save_to_file(found, str(ROOT / BASELINE))
        return 0
    new = list(found - known)
    sys.stdout.writelines(f"{file}:{secret.line_number}: {secret.type}\n" for file, secret in new)
    sys.stdout.write(f"{len(files)} files looked at, {len(new)} secrets that are not known to be none\n")
    return 1 if new else 0


def tracked() -> list[str]:
    """Every file that goes along with the source, but for the list of what is known."""
    command = ["git", "ls-files", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout  # noqa: S603
    return [name for name in listed.split("\0") if name and name != BASELINE]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
