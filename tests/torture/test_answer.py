"""The answer after the final dot never comes: a third state, bounded retries, one Message-ID."""

import time
from collections import Counter

import pytest

from tests.torture.bureau import bureau, each_alone
from tests.torture.scripted import Lost, Server
from tracker.outbox.queue import UNCERTAIN_ATTEMPTS

pytestmark = [pytest.mark.fault("answer"), pytest.mark.torture]

MAILS = 8

#: Seconds that a server may be silent here, instead of a minute.
PATIENCE = 0.7

HOW = pytest.mark.parametrize("how", ["close", "silence", "drip"])


@HOW
@pytest.mark.parametrize("pipelining", [True, False], ids=["pipelining", "lock-step"])
def test_answer_lost_once_or_twice(how, pipelining, figures):
    """Lost for every mail once, for every other one twice; every second mail was taken all the same."""

    def script(said):
        number = int(said.to.removeprefix("u").partition("@")[0]) if said.to else 0
        if said.stage == "dot" and said.times <= 1 + number % 2:
            return Lost(how, took=number % 4 < 2)
        return None

    with (
        Server(script, pipelining=pipelining) as server,
        bureau(each_alone(MAILS), server, timeout=PATIENCE) as here,
    ):
        here.run_once()
        assert here.states() == {"uncertain": MAILS}
        outcomes = {str(told) for (told,) in here.place.query("SELECT outcome FROM mail")}
        assert all("did not say whether it took it" in told for told in outcomes), outcomes
        assert here.run_once(), "nothing is tried again at once"
        assert len(server.lost) == MAILS
        begin = time.monotonic()
        passes = here.come_to_rest()
        result = here.score(server.lost)
        assert result.holds, result
        assert result.uncertain == MAILS + MAILS // 2
        assert here.states() == {"sent": MAILS}
        assert len(set(server.ids)) == len({each.content for each in server.taken}) == MAILS
    figures["score"] = result
    figures["passes to settle"] = passes
    figures["seconds"] = time.monotonic() - begin


@HOW
def test_answer_always_lost(how, figures):
    """Lost for ever: given up, and never more copies than answers that were lost."""

    def script(said):
        return Lost(how, took=True) if said.stage == "dot" and said.to.startswith("u") else None

    with Server(script) as server, bureau(each_alone(MAILS), server, timeout=PATIENCE) as here:
        here.plan()
        here.come_to_rest()
        mine = [id_ for id_, to in _recipients(here).items() if to.startswith("u")]
        states = here.enqueued()
        assert Counter(states[id_] for id_ in mine) == {"failed": MAILS}
        assert Counter(server.lost) == dict.fromkeys(mine, UNCERTAIN_ATTEMPTS)
        result = here.score(server.lost)
        assert result.holds, result
        assert result.duplicates == MAILS * (UNCERTAIN_ATTEMPTS - 1) < result.uncertain
    figures["score"] = result
    figures["attempts a mail"] = UNCERTAIN_ATTEMPTS


def _recipients(here):
    return {str(id_): str(to) for id_, to in here.place.query("SELECT message_id, recipient FROM mail")}
