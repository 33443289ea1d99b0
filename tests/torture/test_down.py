"""The service was down for days: one mail catches up with everything, and nothing is lost."""

from __future__ import annotations

import shutil
from datetime import date, timedelta

import pytest

from tests.acceptance.cells import Wall
from tests.tools import CAMPAIGN
from tests.torture.bureau import Bureau, bureau, each_alone
from tests.torture.scripted import Server
from tests.trust.score import score

pytestmark = [pytest.mark.torture, pytest.mark.fault("down")]

UNITS = 6
FIRST = date(2022, 6, 8)


def told(place: Bureau, first: date) -> dict[str, set[str]]:
    """What stood in the digests of ``first`` and later, by recipient."""
    found: dict[str, set[str]] = {}
    for recipient, ref in place.place.query(
        "SELECT recipient, json_extract(item.value, '$[0]') FROM mail, json_each(mail.content) item "
        f"WHERE kind = 'digest' AND state = 'sent' AND day >= '{first}'"
    ):
        found.setdefault(str(recipient), set()).add(str(ref))
    return found


@pytest.mark.parametrize("days", [1, 3, 10, 40, 120])
def test_down_for_days(days, figures):
    """Stopped on 8 June 2022, started again on the first workday after so many days."""
    tasks = CAMPAIGN.replace("kaoshi.example", "kaoshi.internal").replace("万州", "单位0")
    with Server() as server, bureau(each_alone(UNITS), server) as place:
        place.place.tasks.write_text(tasks, encoding="utf-8")
        place.run_once()
        place.later(24 * 60)
        steady = place.copy(place.folder.parent / "steady")
        server.forget()
        for _ in range(days):
            steady.run_once()
            steady.later(24 * 60)
        meant = told(steady, FIRST + timedelta(days=1))
        daily = len(server.taken)
        shutil.rmtree(steady.folder)

        server.forget()
        back = Wall().this_or_next(FIRST + timedelta(days=days))
        place.later(((back - FIRST).days - 1) * 24 * 60)
        place.run_once()
        rows = place.place.query(f"SELECT message_id, state FROM mail WHERE day > '{FIRST}'")
        found = score({str(id_): str(state) for id_, state in rows}, server.ids)
        caught_up = told(place, FIRST + timedelta(days=1))
        by_recipient = [server.ids.count(id_) for id_ in set(server.ids)]
    lost = {(to, ref) for to, refs in meant.items() for ref in refs - caught_up.get(to, set())}
    figures |= {
        "mails day by day": daily,
        "mails of the return": len(by_recipient),
        "score": found,
        "lost": len(lost),
    }
    assert set(by_recipient) <= {1}
    assert len(by_recipient) <= UNITS
    assert found.lost == found.unexpected == 0
    assert not lost, lost
