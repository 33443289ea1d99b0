"""A unit with several addresses, some of which are refused: those that took the mail never get it again."""

from collections import Counter

import pytest

from tests.torture.bureau import bureau
from tests.torture.scripted import Server

pytestmark = [pytest.mark.fault("recipients"), pytest.mark.torture]

UNITS = 10


@pytest.mark.parametrize("pipelining", [True, False], ids=["pipelining", "lock-step"])
@pytest.mark.parametrize("stage", ["rcpt", "data", "dot"])
def test_recipients_that_are_refused(stage, pipelining, figures):
    """Of three addresses of a unit the second is refused with 550, or with 451 three times."""

    def script(said):
        if said.stage != stage or not said.to.startswith("b"):
            return None
        if said.to.endswith("@gone.internal"):
            return "550 5.1.1 User unknown"
        return "451 4.3.2 Please try again later" if said.times <= 3 else None

    groups = [
        [f"a{number}@unit.internal", f"b{number}@{where}.internal", f"c{number}@unit.internal"]
        for number in range(UNITS)
        for where in [("gone", "busy")[number % 2]]
    ]
    with Server(script, pipelining=pipelining) as server, bureau(groups, server) as here:
        here.run_once()
        rows = dict(
            here.place.query("SELECT recipient, state FROM mail WHERE recipient NOT LIKE 'operator@%'")
        )
        assert set(rows) == {address for group in groups for address in group}, "a row for each recipient"
        assert Counter(rows.values()) == {"sent": 2 * UNITS, "deferred": UNITS // 2, "failed": UNITS // 2}
        assert all(state == "sent" for address, state in rows.items() if address[0] in "ac")
        here.come_to_rest()
        rows = dict(
            here.place.query("SELECT recipient, state FROM mail WHERE recipient NOT LIKE 'operator@%'")
        )
        assert Counter(rows.values()) == {"sent": 2 * UNITS + UNITS // 2, "failed": UNITS // 2}
        took = Counter(each.to for each in server.taken)
        again = sum(count - 1 for count in took.values())
        assert again == 0
        assert not [address for address in took if address.endswith("@gone.internal")]
        result = here.score()
        assert result.holds, result
    figures["recipients"] = len(rows)
    figures["sent again to those that took it"] = again
    figures["score"] = result
