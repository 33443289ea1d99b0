"""How large and how often, what a measurement is, and how rounds take turns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench.child import Ran
from bench.report import Row


@dataclass(frozen=True, slots=True)
class Sizes:
    """The sizes of a run.

    ``digests`` are (mails, rows in each), of which the loop sends at most ``loop``.  ``group_wait`` is how many
    seconds Alertmanager waits for the rest of a group.
    """

    rounds: int
    few_rounds: int
    digests: tuple[tuple[int, int], ...]
    loop: int
    group_wait: int
    rendered: int
    passes: int
    ledgers: tuple[int, ...]
    tasks: tuple[int, ...]
    import_tasks: int
    due_at_once: tuple[int, ...]
    year: tuple[tuple[int, int], ...]
    table_rows: int
    board: tuple[int, int]
    requests: int
    simulations: tuple[tuple[str, str, str], ...]


FULL = Sizes(
    rounds=3,
    few_rounds=2,
    digests=((500, 20), (10_000, 1)),
    loop=2_500,
    group_wait=6,
    rendered=20_000,
    passes=200,
    ledgers=(1_000, 100_000, 1_000_000),
    tasks=(31, 1_000, 10_000),
    import_tasks=10_000,
    due_at_once=(100_000, 1_000_000),
    year=((300, 40), (3_000, 40)),
    table_rows=20,
    board=(3_000, 25),
    requests=60,
    simulations=(("a year", "2022-04-08", "2023-04-07"), ("21 months", "2022-04-08", "2023-12-31")),
)
QUICK = Sizes(
    rounds=1,
    few_rounds=1,
    digests=((100, 20), (500, 1)),
    loop=100,
    group_wait=3,
    rendered=2_000,
    passes=20,
    ledgers=(1_000, 10_000),
    tasks=(31, 200),
    import_tasks=200,
    due_at_once=(2_000, 20_000),
    year=((30, 10), (300, 10)),
    table_rows=5,
    board=(60, 12),
    requests=10,
    simulations=(("a month", "2022-04-08", "2022-05-07"),),
)


@dataclass(frozen=True, slots=True)
class Bench:
    """What a measurement is given: sizes, and a folder of its own on a real disk."""

    sizes: Sizes
    folder: Path


@dataclass(frozen=True, slots=True)
class Measurement:
    """``take`` yields rows as they are known; its docstring says what exactly is measured."""

    name: str
    title: str
    take: Callable[[Bench], Iterator[Row]]

    @property
    def text(self) -> str:
        """The docstring as one paragraph."""
        return " ".join((self.take.__doc__ or "").split())


def turns(rounds: int, works: Mapping[str, Callable[[], Ran]]) -> dict[str, Ran]:
    """Let ``works`` take turns, A B A B; the medians of each, and its highest peak."""
    taken: dict[str, list[Ran]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, run in works.items():
            taken[name].append(run())
    return {name: middle(runs) for name, runs in taken.items()}


def middle(runs: list[Ran]) -> Ran:
    """The median of every figure."""
    return Ran(
        figures={name: median(run.figures[name] for run in runs) for name in runs[0].figures},
        seconds=median(run.seconds for run in runs),
        cpu=median(run.cpu for run in runs),
        peak=max(run.peak for run in runs),
    )


def figure(value: float) -> Ran:
    """A single figure, ``rate``, where there is no process of ours to look at."""
    return Ran({"rate": value}, 0.0, 0.0, 0.0)
