"""The pure part: what a contender told, and what several rounds say together."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, NamedTuple


class Void(Exception):
    """This run counts for nothing; the message says why."""


@dataclass(frozen=True)
class Run:
    """One run of one contender.

    Attributes:
        round: the same for all runs that are compared with each other; 0 is the warm-up.
        void: why it counts for nothing; ``None`` where it counts.
    """

    contender: str
    round: int
    tickets: int
    seconds: float
    void: str | None = None

    @property
    def rate(self) -> float:
        """Tickets a second."""
        return self.tickets / self.seconds


class Spread(NamedTuple):
    """The middle of several figures, and how far apart they are."""

    median: float
    least: float
    most: float


def parse(output: str, expected: int) -> float:
    """The seconds, from a contender's standard output: one line of JSON, the last.

    Raises:
        Void: no such line, or not as many tickets as expected, or no time at all.
    """
    told = _object(output)
    tickets, seconds = told.get("tickets", told.get("processed")), told.get("seconds")
    if tickets != expected:
        raise Void(f"{tickets} tickets handled, {expected} were there")
    if not isinstance(seconds, int | float) or seconds <= 0:
        raise Void(f"it took {seconds} seconds")
    return float(seconds)


def _object(output: str) -> dict[str, Any]:
    lines = output.strip().splitlines()
    try:
        told = json.loads(lines[-1]) if lines else None
    except json.JSONDecodeError:
        told = None
    if not isinstance(told, dict):
        raise Void(f"no line of JSON: {output.strip()[-200:]!r}")
    return told


def order(names: Sequence[str], turn: int) -> list[str]:
    """The order of a round: each round begins with another one."""
    start = turn % len(names)
    return [*names[start:], *names[:start]]


def counted(runs: Iterable[Run]) -> list[Run]:
    """Those that count: no warm-up, nothing void."""
    return [run for run in runs if run.round > 0 and run.void is None]


def rates(runs: Iterable[Run], name: str) -> Spread | None:
    """Tickets a second of a contender; ``None`` without a run that counts."""
    return spread([run.rate for run in counted(runs) if run.contender == name])


def ratios(runs: Iterable[Run], name: str, base: str) -> Spread | None:
    """A contender's rate by that of another in the same round, over the rounds that have both."""
    by_round: dict[int, dict[str, float]] = {}
    for run in counted(runs):
        by_round.setdefault(run.round, {})[run.contender] = run.rate
    pairs = [found for found in by_round.values() if {name, base} <= found.keys()]
    return spread([found[name] / found[base] for found in pairs])


def spread(values: Sequence[float]) -> Spread | None:
    """``None`` of nothing."""
    return Spread(median(values), min(values), max(values)) if values else None
