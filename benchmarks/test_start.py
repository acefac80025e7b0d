"""How soon the command line answers, and how soon the first record is handled.

Imports make most of it. What it does not prove: the first start on a cold disk.
"""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.backlog import evenly, write
from benchmarks.contenders import Contenders
from benchmarks.figures import Figures
from benchmarks.measure import spread
from tests.broker import Broker
from tests.run.listener import Listener
from tests.support import Command

Waitable = Command | subprocess.Popen[str]

HELP_MS = 150
HELP_CEILING = 20.0  # times a bare interpreter
FIRST_SECONDS = 2.0
FIRST_CEILING = 6.0  # times the bare loop


def millis(*arguments: str) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
    return (time.perf_counter() - began) * 1000


def test_help(figures: Figures) -> None:
    found = figures.alternate(
        10,
        {
            "help": lambda _: millis("-m", "ticketpool", "--help"),
            "python": lambda _: millis("-c", "pass"),
        },
    )
    ours, bare = spread(found["help"]), spread(found["python"])
    figures.tell(
        "ticketpool --help",
        f"{ours:.0f} ms; an interpreter that does nothing {bare.median:.0f} ms",
        f"≤ {HELP_MS} ms",
        ours.median <= HELP_MS,
        help_ms=ours.median,
    )
    assert ours.low <= HELP_CEILING * bare.low


def earliest(journal: Path) -> int:
    return min(int(time) for file in journal.iterdir() for time in file.read_text().split())


@pytest.mark.timeout(300)
@pytest.mark.parametrize("rounds", [2, pytest.param(7, marks=pytest.mark.slow)])
def test_first_record(
    kafka: Broker, topic: str, group: str, contenders: Contenders, figures: Figures,
    listener: Listener, tmp_path: Path, rounds: int,
) -> None:  # fmt: skip
    write(kafka, topic, evenly(8, 1))

    def first(turn: str, start: Callable[[dict[str, str]], Waitable]) -> float:
        (journal := tmp_path / turn).mkdir()
        began = time.monotonic_ns()
        assert start({"JOURNAL": str(journal)}).wait(60) == 0
        return (earliest(journal) - began) / 1e9

    def ours(turn: str) -> float:
        options = ("--workers", "2", "--http", listener.address, "--until-caught-up")
        return first(
            turn,
            lambda where: contenders.run(
                "note_time", topic, f"{group}-{turn}", *options, environment=where
            ),
        )

    def bare(turn: str) -> float:
        return first(
            turn,
            lambda where: contenders.loop(
                topic, f"{group}-{turn}", 8, "note_time", environment=where
            ),
        )

    found = figures.alternate(rounds, {"ours": ours, "bare": bare})
    soon, soonest = spread(found["ours"]), spread(found["bare"])
    figures.tell(
        "from start to the first handled record, 2 workers",
        f"{soon:.2f} s; the bare loop {soonest:.2f} s",
        f"≤ {FIRST_SECONDS:g} s",
        soon.median <= FIRST_SECONDS,
        seconds=soon.median,
        bare_seconds=soonest.median,
    )
    assert soon.median <= FIRST_CEILING * soonest.median
