"""Refusals in the words of real servers, each read as it is meant; and Postfix's smtp-sink, which we did not write."""

import contextlib
import os
import re
import socket
import subprocess
from collections import Counter

import pytest

from tests.integration.test_smtp_server import free_port
from tests.tools import quick_folder, required, wait_until
from tests.torture.bureau import bureau, each_alone, total
from tests.torture.refusals import REFUSALS
from tests.torture.scripted import Server, takes_everything
from tracker.outbox.failed_mails import NAMED

pytestmark = [pytest.mark.fault("refusals"), pytest.mark.torture]

#: These belong to one recipient, who is known when they are said.
OF_A_RECIPIENT = ("rcpt", "data", "dot")

PIPELINING = pytest.mark.parametrize("pipelining", [True, False], ids=["pipelining", "lock-step"])

PASSWORD = {"TRACKER_MAIL_PASSWORD": "correct horse"}


#: How an answer is read that one recipient gets while others of the domain are served.
AMONG_OTHERS = {"ours": "later", "either": "never"}


def reading(states, asked):
    """How it was read, by what became of three mails to one domain of which the first was refused."""
    first, _, last = states
    if first == "failed":
        return "never"
    if first == "sent":
        return "not at all"
    return "later" if last == "sent" else "slower" if not asked else f"{states}"


def told_of(here):
    """The addresses that mails to the operator name as failed, as they arrived at the server."""
    mails = here.place.query("SELECT details FROM mail WHERE kind = 'alert' AND state = 'sent'")
    return Counter(re.findall(r"[\w.]+@\w+\.internal(?= （)", " ".join(str(mail) for (mail,) in mails)))


@PIPELINING
def test_refusal_of_a_recipient(pipelining, figures):
    """The texts of QQ, 163, Exchange and greylisting for a recipient, their content or the final dot."""
    cases = [each for each in REFUSALS if each.stage in OF_A_RECIPIENT]

    def script(said):
        found = re.match(r"u0@d(\d+)\.", said.to)
        case = cases[int(found[1])] if found else None
        return case.answer if case is not None and said.stage == case.stage else None

    groups = [[f"u{number}@d{case}.internal" for number in range(3)] for case in range(len(cases))]
    with (
        Server(script, pipelining=pipelining) as server,
        bureau(groups, server, connections=1) as here,
    ):
        here.run_once()
        states = dict(here.place.query("SELECT recipient, state FROM mail"))
        wrong = []
        for case, group in zip(cases, groups, strict=True):
            found = reading([states[address] for address in group], server.asked["rcpt", group[2]])
            if found != AMONG_OTHERS.get(case.reading, case.reading):
                wrong.append(f"{case.whose} {case.stage}: {case.answer} read as {found}, is {case.reading}")
        assert not wrong, "\n".join(wrong)
        server.script = takes_everything
        never = Counter(
            group[0]
            for case, group in zip(cases, groups, strict=True)
            if AMONG_OTHERS.get(case.reading, case.reading) == "never"
        )
        here.come_to_rest()
        result = here.score()
        assert result.holds, result
        assert result.duplicates == 0
        rows = here.place.query("SELECT recipient, state FROM mail WHERE kind = 'digest' AND state != 'sent'")
        assert dict(rows) == dict.fromkeys(never, "failed")
        told = told_of(here)
        assert told <= never, "the operator hears of each once"
        assert told.total() == min(never.total(), NAMED)
    figures["read rightly"] = f"{len(cases) - len(wrong)} of {len(cases)}"
    figures["failed and told"] = never.total()
    figures["score"] = result


@PIPELINING
def test_refusal_of_everybody(pipelining, figures):
    """The same at the greeting, EHLO, the login and MAIL, where no recipient is known yet: nobody fails for it."""
    cases = [each for each in REFUSALS if each.stage not in OF_A_RECIPIENT]
    for case in cases:
        answer = case.answer

        def script(said, stage=case.stage, answer=answer):
            return answer if said.stage == stage else None

        with (
            Server(script, pipelining=pipelining, knows_users=case.stage == "auth") as server,
            bureau(each_alone(3), server, connections=1) as here,
        ):
            if case.stage == "auth":
                settings = here.place.config / "settings.yaml"
                text = settings.read_text("utf-8").replace("//127", "//tracker@127")
                settings.write_text(text, encoding="utf-8")
            here.environ |= PASSWORD
            here.run_once()
            assert here.states() == {"deferred": 3}, case
            outcomes = " ".join(str(told) for (told,) in here.place.query("SELECT outcome FROM mail"))
            assert answer.partition(" ")[2][:20] in outcomes, "the operator can read why"
            assert "horse" not in outcomes
            asked = server.asked["mail", ""]
            if case.stage == "mail":
                assert asked == 3 if case.reading in {"later", "ours"} else asked < 3, case
            else:
                assert not asked
                assert server.asked["connect", ""] <= 3, "it does not knock again and again"
            server.script = takes_everything
            here.come_to_rest()
            assert here.states() == {"sent": 3}, case
            result = here.score()
            assert result.holds
            assert result.duplicates == 0
    figures["read rightly"] = f"{len(cases)} of {len(cases)}"


# smtp-sink.


class Sink:
    """Postfix's ``smtp-sink``, started anew with other faults on the same port; it writes down what it took."""

    #: Nobody talks to it any more when the process that did has ended.
    open = 0

    def __init__(self, folder):
        self.program = required("smtp-sink")
        self.folder = folder
        self.port = free_port()
        self.process = None

    def start(self, *options):
        who = ["-u", "nobody"] if os.geteuid() == 0 else []
        command = [self.program, *who, "-d", f"{self.folder}/%s.", *options, f"127.0.0.1:{self.port}", "100"]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(self._answers, 10)

    def _answers(self):
        with contextlib.suppress(ConnectionError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False

    def stop(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def forget(self):
        for path in self.folder.iterdir():
            path.unlink()

    @property
    def ids(self):
        texts = [path.read_text("utf-8", errors="replace") for path in self.folder.iterdir()]
        return [
            found[1] for text in texts if (found := re.search(r"^Message-ID: (<.*>)", text, re.MULTILINE))
        ]


REFUSES = ("-Q", "-r", "-f")
COMMANDS = ("CONNECT", "EHLO", "MAIL", "RCPT", "DATA", ".")
SINKS = [
    *((option, command) for option in ("-q", "-Q", "-r") for command in COMMANDS),
    *(("-f", command) for command in ("CONNECT", "EHLO", "MAIL")),
    ("-W", "DATA:1:30"),
]


@pytest.fixture
def sink():
    with quick_folder() as folder:
        if os.geteuid() == 0:
            folder.chmod(0o777)
        made = Sink(folder)
        try:
            yield made
        finally:
            made.stop()


def test_smtp_sink(sink, figures):
    """smtp-sink hangs up (-q), says 421 (-Q), 4xx (-r), 5xx (-f) or is slow (-W), then does well: all mails get out."""
    scores, retried = [], 0
    for option, command in SINKS:
        sink.forget()
        with bureau(each_alone(8), sink) as here:
            sink.start(option, command)
            here.run_once()
            sink.stop()
            states = here.enqueued()
            unanswered = [id_ for id_, state in states.items() if state == "uncertain"]
            assert len(states) == 8, (option, command, states)
            assert "failed" not in states.values(), (option, command, states)
            assert bool(unanswered) == ((option, command) == ("-q", ".")), (option, command, states)
            retried += sum(1 for state in states.values() if state != "sent")
            if option in REFUSES and command == ".":
                # It keeps what it refuses after the final dot, too.
                sink.forget()
            sink.start()
            here.come_to_rest()
            sink.stop()
            assert here.states() == {"sent": 8}, (option, command)
            result = here.score(unanswered)
            assert result.holds, (option, command, result)
            scores.append(result)
    figures["ways of failing"] = len(scores)
    figures["mails that had to wait"] = retried
    figures["score"] = total(scores)


def test_smtp_sink_refuses_for_good(sink, figures):
    """smtp-sink refuses every recipient with the same 5xx: nobody fails, and everything goes once it takes mails."""
    with bureau(each_alone(8), sink) as here:
        sink.start("-B", "550 5.1.1 User unknown", "-f", "RCPT")
        here.run_once()
        sink.stop()
        assert here.states() == {"deferred": 8}
        sink.start()
        here.come_to_rest()
        result = here.score()
        assert result.holds
        assert here.states() == {"sent": 8}
    figures["mails that had to wait"] = 8
    figures["score"] = result
