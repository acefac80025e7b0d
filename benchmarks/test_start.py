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


def first(journal: Path, start: Callable[[Path], Waitable]) -> float:
    """Seconds from the start of a process to the first record that its handlers note."""
    journal.mkdir()
    began = time.monotonic_ns()
    assert start(journal).wait(60) == 0
    times = [int(at) for file in journal.iterdir() for at in file.read_text().split()]
    return (min(times) - began) / 1e9


@pytest.mark.timeout(300)
@pytest.mark.parametrize("rounds", [2, pytest.param(7, marks=pytest.mark.slow)])
def test_first_record(
    kafka: Broker, topic: str, group: str, contenders: Contenders, figures: Figures,
    listener: Listener, tmp_path: Path, rounds: int,
) -> None:  # fmt: skip
    write(kafka, topic, evenly(8, 1))

    options = ("--workers", "2", "--http", listener.address, "--until-caught-up")

    def ours(journal: Path) -> Waitable:
        name, where = f"{group}-{journal.name}", {"JOURNAL": str(journal)}
        return contenders.run("note_time", topic, name, *options, environment=where)

    def bare(journal: Path) -> Waitable:
        name, where = f"{group}-{journal.name}", {"JOURNAL": str(journal)}
        return contenders.loop(topic, name, 8, "note_time", environment=where)

    found = figures.alternate(
        rounds,
        {
            "ours": lambda turn: first(tmp_path / turn, ours),
            "bare": lambda turn: first(tmp_path / turn, bare),
        },
    )
    report_first(figures, found["ours"], found["bare"])


def report_first(figures: Figures, ours: list[float], bare: list[float]) -> None:
    soon, soonest = spread(ours), spread(bare)
    figures.tell(
        "from start to the first handled record, 2 workers",
        f"{soon:.2f} s; the bare loop {soonest:.2f} s",
        f"≤ {FIRST_SECONDS:g} s",
        soon.median <= FIRST_SECONDS,
        seconds=soon.median,
        bare_seconds=soonest.median,
    )
    assert soon.median <= FIRST_CEILING * soonest.median
