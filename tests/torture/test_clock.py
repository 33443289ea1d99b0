"""The clock of a running service is set, and summer time comes and goes: each milestone is told once, and soon."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.tools import CAMPAIGN, Place, Service, quick_folder, service, wait_until
from tests.torture.clocks import Clock, at
from tests.torture.scripted import Server
from tests.trust.score import score

pytestmark = [pytest.mark.torture, pytest.mark.fault("clock")]

SETTINGS = """\
mail:
  from: {{name: 督办提醒, email: tracker@kaoshi.internal}}
  transport: smtp+plain://127.0.0.1:{port}
  send_at: "{hour}"
"""
#: By when a service must have caught up, in seconds.
SOON = 60.0
#: Two people, and everything of theirs; Tehran changes its clocks on weekdays, at midnight.
UNITS = """\
units:
  - {id: wanzhou, name: 万州区应急管理局, aliases: [万州], contacts: [{name: 甲, email: wanzhou@unit.internal}]}
  - {id: fuling, name: 涪陵区应急管理局, aliases: [涪陵], contacts: [{name: 乙, email: fuling@unit.internal}]}
groups:
  - {id: districts, name: 各区, members: [wanzhou, fuling]}
"""


class Days:
    """A service whose clock is set; how long it takes to do what is due then."""

    def __init__(self, place: Place, server: Server, clock: Clock, running: Service) -> None:
        self.place, self.server, self.clock, self.running = place, server, clock, running
        self.lateness: list[float] = []

    def told(self) -> list[str]:
        """The days of one unit's digests."""
        rows = self.place.query(
            "SELECT day FROM mail WHERE kind = 'digest' AND recipient = 'wanzhou@unit.internal' ORDER BY day"
        )
        return [str(day) for (day,) in rows]

    def set(self, moment: datetime, days: list[str], *, jumps: bool = True) -> None:
        """At ``moment`` these days have been told, all of them taken by the server, and that stays so."""
        before = self.running.said().count("the clock was set")
        self.clock.set(moment)
        if jumps:
            self.running.wait_for("the clock was set", 20, times=before + 1)
        self.lateness.append(
            wait_until(
                lambda: self.told() == days and len(self.server.taken) == 2 * len(days),
                SOON,
                lambda: f"{self.told()}, not {days}\n{self.running.said()}",
            )
        )

    def figures(self) -> dict[str, object]:
        enqueued = {
            str(id_): str(state) for id_, state in self.place.query("SELECT message_id, state FROM mail")
        }
        found = score(enqueued, self.server.ids)
        assert found.holds, found
        assert found.duplicates == 0
        assert "Traceback" not in self.running.said()
        return {"score": found, "late by at most, s": max(self.lateness)}


def place_of(folder: Path, server: Server, *, zone: str = "Asia/Shanghai", hour: str = "09:00") -> Place:
    tasks = CAMPAIGN.replace("Asia/Shanghai", zone).replace("kaoshi.example", "kaoshi.internal")
    settings = SETTINGS.format(port=server.port, hour=hour)
    return Place(folder / "place", tasks=tasks, units=UNITS, settings=settings)


def test_a_clock_that_is_set_forth_and_back(figures):
    """+2 h, −1 h, +40 d, −30 d, +6 years and back while it runs."""
    with Server() as server, quick_folder() as folder:
        clock = Clock(folder)
        place = place_of(folder, server)
        clock.set(at("2022-05-05 00:58"))
        with service(place, **clock.environ) as running:
            days = Days(place, server, clock, running)
            running.wait_for("ledger: ")
            days.set(at("2022-05-05 02:58"), ["2022-05-05"])
            days.set(at("2022-05-05 01:58"), ["2022-05-05"])
            days.set(at("2022-06-14 02:00"), ["2022-05-05", "2022-06-14"])
            days.set(at("2022-05-15 02:00"), ["2022-05-05", "2022-06-14"])
            days.set(at("2022-06-14 03:00"), ["2022-05-05", "2022-06-14"])
            days.set(at("2022-07-06 02:00"), ["2022-05-05", "2022-06-14", "2022-07-06"])
            # Years ahead, and set right: what was told there is void, and the days go on.
            years = ["2022-05-05", "2022-06-14", "2022-07-06", "2029-01-04"]
            days.set(at("2029-01-04 02:00"), years)
            days.set(at("2022-07-08 02:00"), [*years[:3], "2022-07-08", years[3]])
            figures |= {"jumps": 8, **days.figures()}


def test_the_hour_that_is_left_out_and_the_hour_that_comes_twice(figures):
    """Digests at 00:30 on the night on which that does not exist, at 23:30 where it comes twice."""
    found: dict[str, object] = {}
    for hour, night, evening, local in (
        # Midnight becomes 01:00 on 22 March, and 24:00 becomes 23:00 on 21 September.
        ("00:30", "2022-03-22", "2022-03-21 12:00", "2022-03-21 20:29:50"),
        ("23:30", "2022-09-21", "2022-09-20 16:00", "2022-09-21 18:59:50"),
    ):
        with Server() as server, quick_folder() as folder:
            clock = Clock(folder)
            place = place_of(folder, server, zone="Asia/Tehran", hour=hour)
            # Issued, and chased, from before that night.
            tasks = place.tasks.read_text(encoding="utf-8").replace("2022-04-08", "2022-03-01")
            place.tasks.write_text(tasks.replace("2022年6月底前", f"{_in_words(night)}前"), encoding="utf-8")
            # The day before has been told.
            clock.set(at(evening))
            with service(place, "--send-now", **clock.environ) as running:
                running.wait_for(" sent")
                days = Days(place, server, clock, running)
                before = days.told()
                days.set(at(local), before)
                days.set(at(local), [*before, night], jumps=False)
                # The hour after it, in which the clocks show the same time again.
                days.set(at(local) + timedelta(hours=1, minutes=1), [*before, night])
                found |= {f"{hour} on {night}": f"once, {days.figures()['score']}"}
                found["late by at most, s"] = max(days.lateness)
    figures |= found


def _in_words(day: str) -> str:
    year, month, number = (int(part) for part in day.split("-"))
    return f"{year}年{month}月{number}日"
