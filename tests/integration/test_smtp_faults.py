"""Delivery to servers that break off, fall silent or talk nonsense: is it known what became of each mail?"""

import asyncio
import re
import time
from contextlib import asynccontextmanager

import pytest

from tests.integration.test_smtp_server import deliver, envelope, free_port
from tests.tools import SOON
from tracker.mail.transport.opening import open_transport
from tracker.mail.transport.smtp import UNTAKEN
from tracker.mail.transport.transport import DeliveryOutcome


class Wire:
    """One connection, as a scripted server has it."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer

    async def line(self):
        return (await self.reader.readuntil(b"\r\n")).decode().rstrip()

    async def content(self):
        return await self.reader.readuntil(b"\r\n.\r\n")

    def say(self, *lines):
        self.writer.write("".join(f"{line}\r\n" for line in lines).encode())

    async def hello(self, *extensions):
        self.say("220 ready")
        await self.line()
        offered = ["mail.internal", *extensions]
        self.say(*(f"250-{each}" for each in offered[:-1]), f"250 {offered[-1]}")


class Server:
    """Plays ``script(wire, number, server)`` for the n-th connection.  ``taken`` is what it said 250 to."""

    def __init__(self, script, *, pipelining):
        self.script = script
        self.extensions = ("PIPELINING",) if pipelining else ()
        self.connections, self.taken, self.failure = 0, [], None

    async def serve(self, reader, writer):
        self.connections += 1
        try:
            await self.script(Wire(reader, writer), self.connections, self)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        except AssertionError as error:
            self.failure = error
        finally:
            writer.close()

    async def mail(self, wire, *, before=None):
        """Take one whole mail; ``before(command)`` may answer in the server's place.  False after QUIT."""
        to = ""
        while True:
            command = await wire.line()
            if command == "QUIT":
                wire.say("221 bye")
                return False
            if before is not None and before(command):
                continue
            if command == "DATA":
                wire.say("354 go on")
                await wire.content()
                self.taken.append(to)
                wire.say("250 taken")
                return True
            if found := re.match(r"RCPT TO:<(.*)>", command):
                to = found[1]
            wire.say("250 ok")


async def normal(wire, _, server):
    await wire.hello(*server.extensions)
    while await server.mail(wire):
        pass


@pytest.fixture(params=[False, True], ids=["lock-step", "pipelining"])
def pipelining(request):
    return request.param


@asynccontextmanager
async def playing(script, *, pipelining=False):
    server = Server(script, pipelining=pipelining)
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    try:
        yield server, listening.sockets[0].getsockname()[1]
    finally:
        listening.close()
        if server.failure is not None:
            raise server.failure


def outcomes(script, tmp_path, count=3, *, pipelining=False, connections=1, timeout=5.0):
    """Deliver ``count`` mails to the script: what became of each, the server, and the seconds it took."""

    async def run():
        async with playing(script, pipelining=pipelining) as (server, port):
            url = f"smtp+plain://127.0.0.1:{port}"
            transport = open_transport(
                url, mailbox_dir=tmp_path, connections=connections, timeout=timeout, last_answer=timeout
            )
            mails = [envelope(number) for number in range(1, count + 1)]
            start = time.perf_counter()
            told = [each async for each in transport.deliver(mails)]
            took = time.perf_counter() - start
            await transport.close()
            assert sorted(each.id for each in told) == list(range(1, count + 1))
            return {each.id: each for each in told}, server, took

    return asyncio.run(run())


def after_the_dot(what):
    """A server that takes the second mail's content on the first connection and then does ``what``."""

    async def script(wire, number, server):
        await wire.hello(*server.extensions)
        while True:
            if number == 1 and len(server.taken) == 1:
                for _ in range(2):
                    await wire.line()
                    wire.say("250 ok")
                await wire.line()
                wire.say("354 go on")
                await wire.content()
                await what(wire)
                return
            if not await server.mail(wire):
                return

    return script


async def hang_up(_):
    return


async def fall_silent(wire):
    await wire.reader.read()


async def drip(wire):
    for sign in "250-so" + "-o" * 100:
        wire.writer.write(sign.encode())
        await asyncio.sleep(0.1)


async def talk_nonsense(wire):
    wire.say("HTTP/1.1 200 OK")


async def never_end(wire):
    while True:
        wire.say("250-and " + "so on " * 100)
        await wire.writer.drain()


@pytest.mark.parametrize(
    ("what", "timeout"),
    # Only silence is waited for; what cannot become an answer any more is known at once.
    [(hang_up, 30), (fall_silent, 0.5), (drip, 0.5), (talk_nonsense, 30), (never_end, 30)],
)
def test_an_answer_that_never_came_is_uncertain_and_the_other_mails_arrive(
    tmp_path, pipelining, what, timeout
):
    told, server, took = outcomes(after_the_dot(what), tmp_path, 4, pipelining=pipelining, timeout=timeout)
    assert told[2].outcome is DeliveryOutcome.UNCERTAIN
    assert "had the whole mail and did not say whether it took it" in told[2].detail
    assert [told[number].outcome for number in (1, 3, 4)] == [DeliveryOutcome.SENT] * 3
    assert server.taken == ["u1@wanzhou.internal", "u3@wanzhou.internal", "u4@wanzhou.internal"]
    assert took < 3


@pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA"])
def test_a_connection_lost_before_the_content_is_tried_again_and_doubles_nothing(
    tmp_path, pipelining, command
):
    async def script(wire, number, server):
        def before(said):
            if number == 1 and said.startswith(command) and len(server.taken) == 1:
                raise ConnectionError
            return False

        await wire.hello(*server.extensions)
        while await server.mail(wire, before=before):
            pass

    told, server, _ = outcomes(script, tmp_path, pipelining=pipelining)
    assert {each.outcome for each in told.values()} == {DeliveryOutcome.SENT}
    assert sorted(server.taken) == [f"u{number}@wanzhou.internal" for number in (1, 2, 3)]
    assert server.connections == 2


@pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA"])
def test_a_server_that_always_breaks_off_defers_and_is_not_asked_for_ever(tmp_path, pipelining, command):
    async def script(wire, _, server):
        def before(said):
            if said.startswith(command):
                raise ConnectionError
            return False

        await wire.hello(*server.extensions)
        await server.mail(wire, before=before)

    told, server, _ = outcomes(script, tmp_path, pipelining=pipelining)
    assert {each.outcome for each in told.values()} == {DeliveryOutcome.DEFERRED}
    assert "broke off" in told[1].detail
    assert server.connections <= 7
    assert server.taken == []


def test_a_server_that_closes_with_421_is_connected_to_again(tmp_path, pipelining):
    async def script(wire, number, server):
        await wire.hello(*server.extensions)
        for _ in range(2):
            if not await server.mail(wire):
                return
        await wire.line()
        wire.say("421 enough for now")

    told, server, _ = outcomes(script, tmp_path, 7, pipelining=pipelining)
    assert {each.outcome for each in told.values()} == {DeliveryOutcome.SENT}
    assert len(server.taken) == 7
    assert server.connections == 4


def test_a_421_that_speaks_of_limits_is_heeded(tmp_path, pipelining):
    async def script(wire, _, server):
        await wire.hello(*server.extensions)
        await server.mail(wire)
        await wire.line()
        wire.say("421 HL:IFC too many mails")

    told, server, _ = outcomes(script, tmp_path, 5, pipelining=pipelining)
    assert told[1].outcome is DeliveryOutcome.SENT
    assert [told[number].outcome for number in range(2, 6)] == [DeliveryOutcome.DEFERRED] * 4
    assert "HL:IFC" in told[5].detail
    assert server.connections <= 2


def test_a_refused_recipient_whose_content_is_asked_for_all_the_same_gets_nothing(tmp_path):
    contents = []

    async def script(wire, _, server):
        await wire.hello(*server.extensions)
        assert (await wire.line()).startswith("MAIL")
        assert (await wire.line()).startswith("RCPT")
        assert await wire.line() == "DATA"
        wire.say("250 ok", "550 No such user", "354 go on")
        contents.append(await wire.line())
        wire.say("554 no valid recipients")
        assert await wire.line() == "RSET"
        wire.say("250 forgotten")
        while await server.mail(wire):
            pass

    told, server, _ = outcomes(script, tmp_path, 2, pipelining=True)
    assert (told[1].outcome, told[1].detail) == (DeliveryOutcome.FAILED, "550 No such user")
    assert told[2].outcome is DeliveryOutcome.SENT
    assert contents == ["."]
    assert server.taken == ["u2@wanzhou.internal"]


def test_with_pipelining_the_next_envelope_comes_with_the_end_of_a_mail(tmp_path):
    """Were it sent after the answer, this server, which answers only when it has seen it, would wait for ever."""

    async def script(wire, _, server):
        await wire.hello(*server.extensions)
        for _ in range(3):
            await wire.line()
        wire.say("250 ok", "250 ok", "354 go on")
        await wire.content()
        following = [await wire.line() for _ in range(3)]
        assert [line[:4] for line in following] == ["MAIL", "RCPT", "DATA"]
        wire.say("250 taken", "250 ok", "250 ok", "354 go on")
        await wire.content()
        wire.say("250 taken")
        await wire.line()

    told, _, _ = outcomes(script, tmp_path, 2, pipelining=True)
    assert {each.outcome for each in told.values()} == {DeliveryOutcome.SENT}


def test_without_pipelining_nothing_is_said_before_the_answer(tmp_path):
    async def script(wire, _, server):
        await wire.hello()
        for _ in range(2):
            for answer in ("250 ok", "250 ok", "354 go on"):
                await wire.line()
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(wire.reader.read(1), 0.05)
                wire.say(answer)
            await wire.content()
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(wire.reader.read(1), 0.05)
            wire.say("250 taken")
        await wire.line()

    told, _, _ = outcomes(script, tmp_path, 2)
    assert {each.outcome for each in told.values()} == {DeliveryOutcome.SENT}


def test_nobody_there_defers_everything_at_once(tmp_path):
    start = time.perf_counter()
    url = f"smtp+plain://127.0.0.1:{free_port()}"
    told = deliver(url, tmp_path, [envelope(number) for number in range(500)])
    assert {each.outcome for each in told.values()} == {DeliveryOutcome.DEFERRED}
    assert "cannot connect" in told[0].detail
    assert time.perf_counter() - start < SOON


@pytest.mark.parametrize(
    ("greeting", "detail"),
    [
        ("554 go away", "turns us away: 554 go away"),
        ("421 too busy", "turns us away: 421 too busy"),
        ("HTTP/1.1 400 Bad Request", "turns us away"),
        ("", "does not answer"),
    ],
)
def test_a_server_that_does_not_let_us_in_defers_everything(tmp_path, greeting, detail):
    async def script(wire, _number, _server):
        if greeting:
            wire.say(greeting)
        await wire.reader.read()

    told, _, took = outcomes(script, tmp_path, 20, connections=4, timeout=0.5)
    assert {each.outcome for each in told.values()} == {DeliveryOutcome.DEFERRED}
    assert detail in told[1].detail
    assert "\n" not in told[1].detail
    assert took < 3


def test_a_server_that_allows_two_connections_gets_two(tmp_path, pipelining):
    now = 0

    async def script(wire, _, server):
        nonlocal now
        if now == 2:
            wire.say("421 too many connections")
            return
        now += 1
        try:
            await asyncio.sleep(0.05)
            await normal(wire, 0, server)
        finally:
            now -= 1

    told, server, _ = outcomes(script, tmp_path, 40, pipelining=pipelining, connections=6)
    assert {each.outcome for each in told.values()} == {DeliveryOutcome.SENT}
    assert len(server.taken) == 40


def test_a_connection_that_died_while_idle_costs_nothing(tmp_path, pipelining):
    async def run():
        async def script(wire, _, server):
            await wire.hello(*server.extensions)
            await server.mail(wire)
            # It hangs up as soon as it has taken one.

        async with playing(script, pipelining=pipelining) as (server, port):
            url = f"smtp+plain://127.0.0.1:{port}"
            transport = open_transport(url, mailbox_dir=tmp_path, connections=1, timeout=5)
            for number in range(1, 4):
                found = [told.outcome async for told in transport.deliver([envelope(number)])]
                assert found == [DeliveryOutcome.SENT]
                await asyncio.sleep(0.05)
            await transport.close()
            assert server.connections == 3

    asyncio.run(run())


def test_what_a_server_says_unasked_is_not_taken_for_an_answer(tmp_path, pipelining):
    """Every answer would be taken for the one before it, and a refusal for a success."""

    async def script(wire, number, server):
        await wire.hello(*server.extensions)
        if number > 1:
            while await server.mail(wire):
                pass
            return
        await server.mail(wire)
        wire.say("421 idle for too long")
        await wire.reader.read()

    async def run():
        async with playing(script, pipelining=pipelining) as (server, port):
            url = f"smtp+plain://127.0.0.1:{port}"
            transport = open_transport(url, mailbox_dir=tmp_path, connections=1, timeout=5)
            for number in range(1, 4):
                found = [told.outcome async for told in transport.deliver([envelope(number)])]
                assert found == [DeliveryOutcome.SENT]
                await asyncio.sleep(0.05)
            await transport.close()
            assert server.taken == [f"u{number}@wanzhou.internal" for number in (1, 2, 3)]

    asyncio.run(run())


def test_an_answer_too_many_in_mid_conversation_costs_the_connection_and_no_mail(tmp_path, pipelining):
    async def script(wire, number, server):
        await wire.hello(*server.extensions)
        if number == 1:
            for answer in ("250 ok", "250 ok", "354 go on\r\n250 and on"):
                await wire.line()
                wire.say(answer)
            await wire.reader.read()
            return
        while await server.mail(wire):
            pass

    told, server, _ = outcomes(script, tmp_path, pipelining=pipelining)
    assert {each.outcome for each in told.values()} == {DeliveryOutcome.SENT}
    assert sorted(server.taken) == [f"u{number}@wanzhou.internal" for number in (1, 2, 3)]


def test_whoever_stops_listening_leaves_nothing_running(tmp_path):
    async def run():
        async with playing(normal) as (_, port):
            url = f"smtp+plain://127.0.0.1:{port}"
            transport = open_transport(url, mailbox_dir=tmp_path, connections=2, timeout=5)
            results = transport.deliver(envelope(number) for number in range(100))
            await anext(results)
            await results.aclose()
            await transport.close()
            await asyncio.sleep(0.05)
            return [task for task in asyncio.all_tasks() if "serve" not in repr(task)]

    assert len(asyncio.run(run())) == 1


def test_no_more_goes_out_than_somebody_takes_note_of(tmp_path, pipelining):
    """Whoever cannot write down what became of mails, for its database is away, must not learn of ever more."""

    async def run():
        async with playing(normal, pipelining=pipelining) as (server, port):
            url = f"smtp+plain://127.0.0.1:{port}"
            transport = open_transport(url, mailbox_dir=tmp_path, connections=4, timeout=5)
            results = transport.deliver(envelope(number) for number in range(200))
            told = [await anext(results)]
            await asyncio.sleep(1)
            assert len(server.taken) <= UNTAKEN + 2 * 4
            told += [each async for each in results]
            await transport.close()
            assert len(server.taken) == len(told) == 200

    asyncio.run(run())


def test_a_large_mail_to_a_slow_reader_arrives(tmp_path, pipelining):
    from tracker.mail.transport.transport import Envelope

    large = b"Subject: x\r\n\r\n" + (b"y" * 76 + b"\r\n") * 50_000

    async def run():
        async def script(wire, _, server):
            await wire.hello(*server.extensions)
            for answer in ("250 ok", "250 ok", "354 go on"):
                await wire.line()
                wire.say(answer)
            received = b""
            while not received.endswith(b"\r\n.\r\n"):
                received += await wire.reader.read(65536)
                await asyncio.sleep(0.001)
            assert received == large + b".\r\n"
            wire.say("250 taken")
            await wire.line()

        async with playing(script, pipelining=pipelining) as (_, port):
            url = f"smtp+plain://127.0.0.1:{port}"
            transport = open_transport(url, mailbox_dir=tmp_path, timeout=5)
            mail = Envelope(1, "a@kaoshi.internal", "b@wanzhou.internal", "<x@y.internal>", large)
            found = [told async for told in transport.deliver([mail])]
            await transport.close()
            return found

    [told] = asyncio.run(run())
    assert told.outcome is DeliveryOutcome.SENT
