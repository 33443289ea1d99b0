"""Rounds of chance for a bounded time: each has a number that replays it, and none may be slow or large."""

from __future__ import annotations

import os
import random
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass, field

#: Seconds of one short look, and of one long one.
SHORT = 0.5
LONG = float(os.environ.get("TRACKER_FUZZ_SECONDS", "60"))

#: The number of the first round; another one looks elsewhere.
FIRST = int(os.environ.get("TRACKER_FUZZ_SEED", "20220408"))

#: So many rounds there are in any case, on the slowest machine.
LEAST = 60

#: What this process may grow by over all rounds, in MB.
GROWTH = 400


#: Where the test that runs now wants to have it told how many rounds there were.
FIGURES: list[dict[str, object]] = []


@dataclass
class Tally:
    """How often each thing was seen, so that a look which sees only one thing is noticed."""

    seen: dict[str, int] = field(default_factory=dict)

    def count(self, what: str) -> None:
        self.seen[what] = self.seen.get(what, 0) + 1


def rounds(attack: Callable[[random.Random], str], seconds: float, *, slowest: float) -> Tally:
    """``attack`` by numbers until the time is over; it says what came of it.

    ``slowest`` are the seconds of the longest round that is borne.
    """
    tally, number, end = Tally(), FIRST, time.monotonic() + seconds
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    while number < FIRST + LEAST or time.monotonic() < end:
        begun = time.process_time()
        try:
            tally.count(attack(random.Random(number)))
        except BaseException as error:
            error.add_note(f"TRACKER_FUZZ_SEED={number} replays this")
            raise
        taken = time.process_time() - begun
        assert taken < slowest, f"round {number} took {taken:.1f} s"
        number += 1
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert grown < GROWTH, f"{grown:.0f} MB more after {number - FIRST} rounds"
    for figures in FIGURES:
        figures |= {"rounds": number - FIRST, **tally.seen, "grown, MB": round(grown)}
    return tally


def mutated(chance: random.Random, data: bytes, words: tuple[bytes, ...], most: int = 6) -> bytes:
    """``data`` with a few changes of the kinds that break readers."""
    changed = bytearray(data)
    for _ in range(chance.randint(1, most)):
        place = chance.randrange(len(changed) + 1)
        length = min(chance.choice([1, 1, 2, 4, 16, 200]), len(changed) - place)
        match chance.randrange(8):
            case 0 if place < len(changed):
                changed[place] ^= 1 << chance.randrange(8)
            case 1 if place < len(changed):
                changed[place] = chance.randrange(256)
            case 2:
                del changed[place : place + length]
            case 3:
                changed[place:place] = chance.choice(words)
            case 4:
                changed[place : place + length] = chance.choice(words)
            case 5:
                source = chance.randrange(len(changed) + 1)
                changed[place:place] = changed[source : source + length]
            case 6:
                changed[place:place] = bytes([chance.randrange(256)]) * chance.choice([1, 3, 300])
            case _ if chance.random() < 0.2:
                del changed[place:]
            case _:
                changed[place : place + 2] = changed[place : place + 2][::-1]
    return bytes(changed)


def mutated_text(chance: random.Random, text: str, words: tuple[str, ...], most: int = 4) -> str:
    """The same for a text, character by character."""
    signs = list(text)
    for _ in range(chance.randint(1, most)):
        place = chance.randrange(len(signs) + 1)
        match chance.randrange(6):
            case 0:
                del signs[place : place + chance.choice([1, 1, 2, 5])]
            case 1:
                signs[place:place] = chance.choice(words)
            case 2:
                signs[place : place + chance.choice([1, 2, 4])] = chance.choice(words)
            case 3:
                signs[place:place] = [chr(chance.choice([chance.randrange(0x300), chance.randrange(0xD800)]))]
            case 4 if place < len(signs):
                signs[place] = chance.choice(signs)
            case _:
                source = chance.randrange(len(signs) + 1)
                signs[place:place] = signs[source : source + chance.choice([1, 3, 9])]
    return "".join(signs)
