"""Forty-one districts file at once, and files that want to bring the service down, through its real pages."""

from __future__ import annotations

import contextlib
import re
import shutil
import threading
import time
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import httpx2 as httpx
import pytest

from tests.integration.test_web_answer import filled
from tests.tools import ROOT, Place, letters, quick_folder, wait_until
from tests.torture import ready
from tracker.clock import SystemClock

pytestmark = pytest.mark.torture

#: 10:00 in Chongqing, two days before May's tables are due.
MOMENT = datetime(2022, 5, 3, 2, 0, tzinfo=UTC)
LINK = re.compile(r"附件2｜(?:.|\n)*?2022年5月应报(?:.|\n)*?(http://\S+/answer/[^\s/]+)")
#: What a file may cost the process of the pages beyond what it has, in MB.
MEMORY_MB = 150


@dataclass
class Open:
    """The service with its pages, and the address to file May's training table at, by unit."""

    place: Place
    process: ready.Process
    addresses: dict[str, str]

    def memory(self) -> int:
        """MB that it ever had in memory."""
        found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{self.process.pid}/status").read_text())
        assert found is not None
        return int(found[1]) // 1024

    def filed(self) -> int:
        return int(
            self.place.query(
                "SELECT count(DISTINCT unit) FROM event WHERE event = 'submit' AND ref LIKE 'table-2@%'"
            )[0][0]
        )


@contextlib.contextmanager
def open_office() -> Iterator[Open]:
    with quick_folder() as folder:
        shutil.copytree(ROOT / "config", folder / "config")
        place = Place.__new__(Place)
        place.folder, place.config = folder, folder / "config"
        running = ready.start(
            folder,
            "run",
            "--send-now",
            facts={"clock": (MOMENT - SystemClock().now()).total_seconds(), "is_restless": 1},
            TRACKER_WEB="127.0.0.1:0",
            TRACKER_MAIL="mailbox:var/mailbox",
        )
        try:
            wait_until(lambda: " sent" in running.said(), 60, running.said)
            yield Open(place, running, _addresses(place))
        finally:
            running.end()


def _addresses(place: Place) -> dict[str, str]:
    found = {}
    for letter in letters(place.mailbox):
        body = letter.get_body(("plain",))
        assert body is not None
        if link := LINK.search(body.get_content()):
            found[str(letter["To"])] = f"{link[1]}/file"
    return found


@pytest.mark.fault("load")
def test_every_district_files_at_once(figures):
    """41 uploads at the same moment, over HTTP; each answered with what was found in it."""
    with open_office() as office:
        assert len(office.addresses) == 41, office.addresses
        before = office.memory()
        with httpx.Client(timeout=120) as client:
            files = {
                to: filled(client.get(address.removesuffix("/file") + "/blank.xlsx").content)
                for to, address in office.addresses.items()
            }
        barrier = threading.Barrier(len(files))

        # Each from a place of its own: one address gets no more than 32 connections.
        places = {to: f"127.0.0.{number}" for number, to in enumerate(files, start=2)}

        def file(to: str) -> tuple[float, int]:
            way = httpx.HTTPTransport(local_address=places[to])
            with httpx.Client(follow_redirects=True, timeout=120, transport=way) as client:
                barrier.wait()
                start = time.monotonic()
                answer = client.post(office.addresses[to], files={"file": ("表.xlsx", files[to])})
                return time.monotonic() - start, answer.status_code

        start = time.monotonic()
        with ThreadPoolExecutor(len(files)) as pool:
            told = list(pool.map(file, files))
        taken = time.monotonic() - start
        wait_until(lambda: office.filed() == len(files), 30, lambda: f"{office.filed()} of {len(files)}")
        receipts = "SELECT count(*) FROM mail WHERE kind = 'receipt' AND state = 'sent'"
        wait_until(
            lambda: office.place.query(receipts) == [(len(files),)], 60, lambda: office.place.query(receipts)
        )
        figures |= {
            "filed": office.filed(),
            "receipts": office.place.query(receipts)[0][0],
            "s in all": taken,
            "slowest answer, s": max(seconds for seconds, _ in told),
            "MB before": before,
            "MB at most": office.memory(),
        }
        assert {code for _, code in told} == {200}
        assert "Traceback" not in office.process.said()
        assert office.memory() - before < MEMORY_MB


def million_rows() -> bytes:
    """A sheet of a million rows of five cells, streamed; some megabytes in the file."""
    book = BytesIO()
    head = b'<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
    with zipfile.ZipFile(book, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as parts:
        parts.writestr(
            "[Content_Types].xml",
            '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
            '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            '<Override PartName="/xl/workbook.xml" '
            'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>'
            '<Override PartName="/xl/worksheets/sheet1.xml" '
            'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>',
        )
        relation = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
        listed = '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        parts.writestr(
            "_rels/.rels",
            f'{listed}<Relationship Id="r1" Type="{relation}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        )
        parts.writestr(
            "xl/_rels/workbook.xml.rels",
            f'{listed}<Relationship Id="r1" Type="{relation}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        )
        parts.writestr(
            "xl/workbook.xml",
            '<?xml version="1.0"?><workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" '
            f'xmlns:r="{relation}"><sheets><sheet name="a" sheetId="1" r:id="r1"/></sheets></workbook>',
        )
        with parts.open("xl/worksheets/sheet1.xml", "w") as sheet:
            sheet.write(head)
            for number in range(1, 1_000_001, 1000):
                sheet.write(
                    b"".join(
                        b'<row r="%d">' % row + b"<c><v>%d</v></c>" % row * 5 + b"</row>"
                        for row in range(number, number + 1000)
                    )
                )
            sheet.write(b"</sheetData></worksheet>")
    return book.getvalue()


def bomb() -> bytes:
    """A sheet that unpacks to 300 MB of nothing."""
    book = BytesIO()
    with (
        zipfile.ZipFile(book, "w", zipfile.ZIP_DEFLATED) as parts,
        parts.open("xl/worksheets/sheet1.xml", "w") as part,
    ):
        for _ in range(300):
            part.write(b" " * (1 << 20))
    return book.getvalue()


@pytest.mark.fault("spreadsheets")
def test_files_that_want_to_bring_the_service_down(figures):
    """Through the upload page: a million rows, a bomb, a picture, and a good workbook cut at a hundred places."""
    with open_office() as office, httpx.Client(follow_redirects=True, timeout=120) as client:
        address = next(iter(office.addresses.values()))
        good = filled(client.get(address.removesuffix("/file") + "/blank.xlsx").content)
        step = max(1, len(good) // 100)
        bad = [million_rows(), bomb(), b"\x89PNG\r\n\x1a\n" + b"\0" * 1000, b"", b"PK\x03\x04" * 1000]
        bad += [good[:place] for place in range(step, len(good) - 1, step)]
        before, slowest, codes = office.memory(), 0.0, set()
        for each in bad:
            start = time.monotonic()
            answer = client.post(address, files={"file": ("表.xlsx", each)})
            slowest = max(slowest, time.monotonic() - start)
            codes.add(answer.status_code)
            assert answer.status_code < 500, answer.text[:500]
            assert "Traceback" not in answer.text
        assert office.filed() == 0, "nothing is taken from a broken file"
        assert client.post(address, files={"file": ("表.xlsx", good)}).status_code == 200
        wait_until(lambda: office.filed() == 1, 20)
        figures |= {
            "files": len(bad),
            "wrongly taken": 0,
            "crashes": office.process.said().count("Traceback"),
            "slowest answer, s": slowest,
            "MB before": before,
            "MB of the service at most": office.memory(),
        }
        assert "Traceback" not in office.process.said()
        assert office.memory() - before < MEMORY_MB
