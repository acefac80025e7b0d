"""The figures of a run: told in one plain line each, and all of them in one table."""

import os
import platform
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import pytest
from pytest_benchmark.fixture import BenchmarkFixture


class Figure(NamedTuple):
    """What was measured, what was seen, what issue 5 wants, and whether it was so."""

    what: str
    seen: str
    target: str
    met: bool

    def __str__(self) -> str:
        return f"{self.what}: {self.seen}; target {self.target}: {self.verdict}"

    @property
    def verdict(self) -> str:
        return "met" if self.met else "missed"


class Figures:
    """Takes the rounds of one benchmark and tells what came of them."""

    def __init__(
        self, benchmark: BenchmarkFixture, capsys: pytest.CaptureFixture[str], told: list[Figure]
    ) -> None:
        self._benchmark = benchmark
        self._capsys = capsys
        self._told = told

    def alternate(
        self, rounds: int, contenders: Mapping[str, Callable[[str], float]]
    ) -> dict[str, list[float]]:
        """What each contender gave in each round. They take turns, and take turns in going
        first; each call gets a suffix of its own for the names of groups."""
        found: dict[str, list[float]] = {name: [] for name in contenders}
        numbers = iter(range(rounds))

        def one_round() -> None:
            number = next(numbers)
            for name in list(contenders)[:: -1 if number % 2 else 1]:
                found[name].append(contenders[name](f"{name}-{number}".replace(" ", "-")))

        self._benchmark.pedantic(one_round, rounds=rounds)  # type: ignore[no-untyped-call]
        return found

    def once(self, measured: Callable[[], Any]) -> Any:
        """What a single measurement gave."""
        return self._benchmark.pedantic(measured, rounds=1)  # type: ignore[no-untyped-call]

    def tell(self, what: str, seen: str, target: str, met: bool, **extra: float) -> None:
        """Print it, keep it for the table, and give the numbers to pytest-benchmark."""
        figure = Figure(what, seen, target, met)
        self._told.append(figure)
        self._benchmark.extra_info |= extra
        with self._capsys.disabled():
            print(f"\n{figure}")


def table(figures: Iterable[Figure]) -> str:
    """Markdown, headed by what it was measured on."""
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}"
    head = [f"Measured on {machine}.", "", "| what | seen | target | |", "|---|---|---|---|"]
    rows = [f"| {f.what} | {f.seen} | {f.target} | {f.verdict} |" for f in figures]
    return "\n".join([*head, *rows, ""])
