"""Drives the product from outside and writes what it says into a folder, so that two checkouts can be compared.

    python tools/snapshot.py DIR      # with the checkout's own Python, from its root
    diff -r BEFORE AFTER

JSON stands there byte for byte. Mails, pages, workbooks and reports stand with their sentences masked: structure, references,
figures, dates, addresses and links remain, so that another wording is no difference and another figure is one.
Needs ``faketime``.
"""

from __future__ import annotations

import email
import email.parser
import email.policy
import io
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

ROOT = Path(__file__).resolve().parents[1]
#: The days on which a pass is made and everything is looked at, and what units do before that.
DAYS: dict[str, tuple[tuple[str, ...], ...]] = {
    "2022-04-08 10:00": (),
    "2022-04-15 10:00": (
        ("submit", "table-2-self-check", "--unit", "wanzhou"),
        ("submit", "table-3-self-check", "--unit", "banan", "--nil"),
        ("extend", "table-2-self-check", "--unit", "beibei", "--until", "2022-04-29", "--reason", "疫情"),
    ),
    "2022-05-06 10:00": (
        ("return", "table-2-self-check", "--unit", "wanzhou", "--reason", "合计不符"),
        ("submit", "5", "--unit", "wanzhou", "--count", "1"),
        ("waive", "26/experience@2022-05", "--unit", "wansheng", "--reason", "当月没有活动"),
        ("pause", "24", "--unit", "wansheng", "--reason", "机构调整"),
        ("forms", "import", "tests/cases/forms/b02_total_02_汇总.xlsx"),
        ("forms", "import", "tests/cases/forms/e25_ticks.xlsx"),
        ("forms", "import", "tests/cases/forms/p04_fines.xlsx"),
    ),
    "2022-06-08 10:00": (
        ("resume", "24", "--unit", "wansheng"),
        ("undo", "5", "--unit", "wanzhou"),
        ("submit", "table-2@2022-06", "--unit", "fuling"),
    ),
}
LISTINGS: tuple[tuple[str, ...], ...] = (
    ("status",), ("history",), ("tasks",), ("tasks", "--reports"), ("units",), ("mail", "list"), ("before",),
    ("calendar", "--from", "2022-01-01", "--to", "2023-12-31"), ("forms", "missing", "--month", "2022-05"),
    ("forms", "questions"), ("explain", "table-2-self-check", "--unit", "wanzhou"), ("explain", "5", "--unit", "wanzhou"),
)  # fmt: skip
PAGES = (
    "/",
    "/timeline",
    "/month/2022-05",
    "/month/2022-06",
    "/mails",
    "/health",
    "/requests",
    "/before",
    "/questions",
)
DEPTH = 60
#: Whose mails of the year are kept: one who is always in time, one who never answers, the supervisor.
READERS = ("wanzhou@", "chengkou@", "shi-kaoshi@")

_KEPT = re.compile(
    r"https?://[^\s\"'<>]+|[\w.+-]+@[\w-]+\.example|[a-z0-9][a-z0-9/-]*@\d{4}(?:-[\w]+)?|[a-z]+-\d+(?:-[a-z-]+)?|\d+(?:[.,:]\d+)*%?"
)
_SECRET = re.compile(r"(?<=/)[A-Za-z0-9_.-]{40,}")
_UNFIT = re.compile(r"[^\w@.-]+")
_PORT = re.compile(r"(?<=127\.0\.0\.1:)\d+")


def masked(text: str) -> str:
    """What is no sentence: references, figures, dates, addresses, links, in order; tokens and ports left out."""
    return " ".join(_PORT.sub("PORT", _SECRET.sub("TOKEN", each)) for each in _KEPT.findall(text))


class _Page(HTMLParser):
    """A page's tags with the masked text between them."""

    KEPT = ("href", "action", "name", "type", "id", "colspan", "rowspan", "scope", "value", "datetime")

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        kept = [
            f"{name}={masked(value or '') or '~'}"
            for name, value in attrs
            if name in self.KEPT and name != "value"
        ]
        self.lines.append(f"<{tag} {' '.join(sorted(kept))}".rstrip())

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.lines.append(f"  {masked(data)}".rstrip() or "  ~")


def page(text: str) -> str:
    """HTML, line by line."""
    parser = _Page()
    parser.feed(re.sub(r"(?s)<(style|script)\b.*?</\1>", "", text))
    return "\n".join(parser.lines) + "\n"


def mail(path: Path) -> str:
    """Headers and parts of a mail."""
    message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    lines = [
        f"{name}: {masked(message[name] or '')}"
        for name in ("From", "To", "Cc", "Subject", "Date", "Message-ID")
    ]
    for part in message.walk():
        kind = part.get_content_type()
        lines.append(f"== {kind} {masked(part.get_filename() or '')}")
        if kind == "text/html":
            lines.append(page(part.get_content()))
        elif kind.startswith("text/"):
            lines += [masked(line) for line in part.get_content().splitlines()]
        elif kind.endswith("sheet"):
            lines += workbook(part.get_content())
    return "\n".join(lines) + "\n"


def _id(path: Path) -> str:
    """A mail's name, the same in every run."""
    with path.open("rb") as file:
        return email.parser.BytesHeaderParser().parse(file)["Message-ID"].strip("<>").partition("@")[0]


def _kept_mail(path: Path) -> str | None:
    """A mail of the year to one of a few readers; 4,000 say no more than theirs."""
    with path.open("rb") as file:
        to = email.parser.BytesHeaderParser(policy=email.policy.default).parse(file)["To"] or ""
    return mail(path) if any(reader in to for reader in READERS) else None


def workbook(data: bytes | Path) -> list[str]:
    """Each part of a workbook: cells with their figures, texts masked."""
    lines = []
    with zipfile.ZipFile(io.BytesIO(data) if isinstance(data, bytes) else data) as archive:
        strings: list[str] = []
        if "xl/sharedStrings.xml" in archive.namelist():
            root = ET.fromstring(archive.read("xl/sharedStrings.xml"))
            strings = ["".join(t.text or "" for t in si.iter() if t.tag.endswith("}t")) for si in root]
        for name in sorted(archive.namelist()):
            lines.append(f"== {name}")
            if name.startswith("xl/worksheets/sheet"):
                for cell in ET.fromstring(archive.read(name)).iter():
                    if cell.tag.endswith("}c"):
                        value = "".join(v.text or "" for v in cell if not v.tag.endswith("}f"))
                        said = masked(strings[int(value)]) if cell.get("t") == "s" else value
                        lines.append(f"{cell.get('r')} s{cell.get('s')} {said}")
                    elif cell.tag.endswith(("}mergeCell", "}dataValidation")):
                        lines.append(f"{cell.tag.rpartition('}')[2]} {cell.get('ref') or cell.get('sqref')}")
    return lines


class Drive:
    """One campaign in a folder of its own, at days of its own."""

    def __init__(self, work: Path, out: Path) -> None:
        self.work, self.out = work, out
        self.day = next(iter(DAYS))
        self.env = {
            **{k: v for k, v in os.environ.items() if not k.startswith("TRACKER_")},
            "TRACKER_CONFIG": str(work / "config"), "TRACKER_DATABASE": f"sqlite:///{work}/tracker.db",
            "TRACKER_MAIL": f"mailbox:{work}/mailbox", "TRACKER_SECRET": "s" * 64, "TZ": "Asia/Shanghai",
            "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "0", "NO_COLOR": "1", "LANG": "zh_CN.UTF-8", "COLUMNS": "120",
        }  # fmt: skip

    def command(self, *words: str) -> list[str]:
        """The command at the day's hour."""
        return ["faketime", "-f", f"@{self.day}:00", sys.executable, "-m", "tracker", *words]

    def run(self, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
        """What it said; no exit code is an error here."""
        return subprocess.run(
            self.command(*words),
            env={**self.env, **more},
            cwd=ROOT,
            text=True,
            capture_output=True,
            check=False,
        )

    def keep(self, name: str, text: str) -> None:
        """Write it down."""
        path = self.out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace(str(self.work), "WORK").replace(str(ROOT), "ROOT"), encoding="utf-8")

    def listings(self, folder: str) -> None:
        """Every listing, as JSON."""
        for words in LISTINGS:
            done = self.run(*words, "--format", "json")
            name = re.sub(r"[^\w.-]+", "_", " ".join(words))
            self.keep(f"{folder}/{name}.json", f"exit {done.returncode}\n{done.stdout}")

    def reports(self, folder: str, month: str) -> None:
        """The month in each format, the city's workbook, the blanks."""
        there = self.work / "out"
        shutil.rmtree(there, ignore_errors=True)
        there.mkdir()
        for ending in ("html", "md", "xlsx", "pdf"):
            self.run("report", "--month", month, "-o", str(there / f"report.{ending}"))
        self.run("forms", "summary", "--month", month, "-o", str(there / "summary.xlsx"))
        self.run("forms", "blank", "--month", month, "--unit", "wanzhou", "-o", str(there / "blanks"))
        for path in sorted(there.rglob("*")):
            if path.suffix == ".xlsx":
                self.keep(f"{folder}/{path.relative_to(there)}.txt", "\n".join(workbook(path)))
            elif path.suffix in {".html", ".md"}:
                text = path.read_text(encoding="utf-8")
                self.keep(f"{folder}/{path.name}.txt", page(text) if path.suffix == ".html" else masked(text))
            elif path.suffix == ".pdf":
                self.keep(
                    f"{folder}/{path.name}.txt", f"pages {path.read_bytes().count(b'/Type /Page') - 1}\n"
                )

    def pages(self, folder: str) -> None:
        """The pages and the API, as a person on this machine sees them, each language followed from its first page."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            address = f"127.0.0.1:{free.getsockname()[1]}"
        process = subprocess.Popen(
            self.command("run"), env={**self.env, "TRACKER_WEB": address}, cwd=ROOT,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        try:
            _until(lambda: _get(f"http://{address}/healthz", "zh")[0] == 200)
            for language in ("zh", "en"):
                for where, (status, text) in _crawl(f"http://{address}", language):
                    name = f"{folder}/{language}/{_UNFIT.sub('_', where)[:120]}"
                    is_json = text.startswith(("{", "["))
                    self.keep(name, f"{status}\n" + (_pretty(text) if is_json else page(text)))
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(30)


def _pretty(text: str) -> str:
    return _PORT.sub("PORT", _SECRET.sub("TOKEN", json.dumps(json.loads(text), ensure_ascii=False, indent=1)))


def _until(holds: Callable[[], bool], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if holds():
            return
        time.sleep(0.2)
    raise SystemExit("the service did not come up")


def _get(url: str, language: str) -> tuple[int, str]:
    request = urllib.request.Request(url, headers={"Accept-Language": language})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.read().decode("utf-8", "replace")
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode("utf-8", "replace")
    except OSError:
        return 0, ""


def _crawl(base: str, language: str) -> Iterator[tuple[str, tuple[int, str]]]:
    todo = [
        *PAGES,
        "/api/status",
        "/api/calendar?from=2022-01-01&to=2022-12-31",
        "/api/history",
        "/api/mails",
    ]
    seen = set(todo)
    kinds: dict[str, int] = {}
    while todo:
        where = todo.pop(0)
        found = _get(base + where, language)
        yield where, found
        for link in re.findall(r'href="(/[^"#]*)"', found[1]):
            kind = re.sub(r"[^/?=&]*\d[^/?=&]*|(?<=/)[a-z]+(?=/?$)", "*", link)
            if (
                link not in seen
                and not link.startswith(("/static", "/api"))
                and kinds.get(kind, 0) < 4
                and len(seen) < DEPTH
            ):
                kinds[kind] = kinds.get(kind, 0) + 1
                seen.add(link)
                todo.append(link)


def main(out: Path) -> None:
    """Everything, into ``out``."""
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        drive = Drive(work, out)
        shutil.copytree(ROOT / "config", work / "config")
        shutil.copytree(ROOT / "templates", work / "templates")
        year = (
            "simulate",
            "--from",
            "2022-04-08",
            "--to",
            "2022-12-31",
            "--events",
            "tests/fixtures/events-2022.yaml",
        )
        drive.keep("year.json", drive.run(*year, "--mailbox", str(work / "year")).stdout)
        for path in sorted((work / "year").rglob("*")):
            if path.is_file() and (kept := _kept_mail(path)):
                drive.keep(f"year/{path.name}.txt", kept)
        for drive.day, acts in DAYS.items():
            day = drive.day[:10]
            said = [
                drive.run(*words, "--who", "王五") if words[0] != "forms" else drive.run(*words)
                for words in acts
            ]
            drive.keep(
                f"{day}/acts.txt", "\n".join(f"{each.returncode} {masked(each.stdout)}" for each in said)
            )
            drive.run("run", "--once", "--send-now")
            drive.listings(day)
        drive.reports("reports", "2022-05")
        drive.pages("pages")
        for path in sorted((work / "mailbox").rglob("*")):
            if path.is_file():
                drive.keep(f"mailbox/{_id(path)}.txt", mail(path))


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute())
