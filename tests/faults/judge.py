"""The verdict over a test's evidence: what the broker holds, what the handlers noted.

And, over what the processes themselves noted, that of ``ticketpool verify --trace``.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from tests.broker import Broker
from tests.run.journal import Entry, Journal, Place, assert_in_order
from tests.run.topics import committed, ends, places
from tests.support import Command, eventually


class Run(NamedTuple):
    """One call of a handler; ``ended`` is ``None`` when it never came to its end."""

    place: Place
    pid: int
    began: int
    ended: int | None


def runs(entries: Iterable[Entry]) -> list[Run]:
    """The handlers' calls, in order of their beginnings; attempts count one by one."""
    open_ones: dict[tuple[int, Place], int] = {}
    found = []
    for entry in entries:
        key = entry.pid, entry.place
        if entry.what == "begin":
            if key in open_ones:  # a failed attempt: it ended before this one began
                found.append(Run(entry.place, entry.pid, open_ones.pop(key), None))
            open_ones[key] = entry.at_ns
        elif entry.what == "end":
            found.append(Run(entry.place, entry.pid, open_ones.pop(key), entry.at_ns))
    found += [Run(place, pid, began, None) for (pid, place), began in open_ones.items()]
    return sorted(found, key=lambda run: run.began)


def overlaps(entries: Iterable[Entry]) -> Iterator[tuple[Run, Run]]:
    """Pairs of calls of one partition of which the later began before the other's end."""
    latest: dict[tuple[str, int], Run] = {}
    for run in runs(entries):
        partition = run.place[:2]
        before = latest.get(partition)
        if before is not None and before.ended is not None and run.began < before.ended:
            yield before, run
        if before is None or (run.ended or run.began) > (before.ended or before.began):
            latest[partition] = run


def repeated(journal: Journal) -> set[Place]:
    """The records that were handled to their end more than once."""
    return {place for place, times in journal.finished().items() if times > 1}


def repetitions(journal: Journal) -> Counter[tuple[str, int]]:
    """By partition, how many records were handled more than once."""
    return Counter(place[:2] for place in repeated(journal))


def longest_silence(entries: Iterable[Entry], since: int, until: int) -> float:
    """The longest time in seconds for which none of these entries came, between two moments."""
    times = [since, *(e.at_ns for e in entries if since < e.at_ns < until), until]
    return max(b - a for a, b in pairwise(times)) / 1e9


def await_settled(
    kafka: Broker, topic: str, group: str, journal: Journal, *, seconds: float = 60.0,
    without: Collection[Place] = (),
) -> None:  # fmt: skip
    """Wait until all that the topic holds is handled and committed; ``without`` are dead letters
    or deleted."""
    wanted = places(kafka, topic) - set(without)
    eventually(lambda: wanted <= set(journal.finished()), seconds=seconds, every=0.2)
    eventually(lambda: committed(kafka, group, topic) == ends(kafka, topic), seconds=seconds)


def assert_kept(
    kafka: Broker, topic: str, group: str, journal: Journal, *,
    twice: Collection[Place] | None = (), without: Collection[Place] = (), apart: bool = True,
) -> None:  # fmt: skip
    """Nothing lost, order kept, nothing beside one another, commits at the end of the log.

    Args:
        twice: the records that may have been handled more than once; ``None``: judged elsewhere.
        without: those that no handler finished: dead letters.
        apart: no two calls for one partition overlap.
    """
    assert set(journal.finished()) == places(kafka, topic) - set(without)
    entries = journal.entries()
    assert_in_order(entry for entry in entries if entry.what == "end")
    if twice is not None:
        assert repeated(journal) <= set(twice)
    if apart:
        assert list(overlaps(entries)) == []
    assert committed(kafka, group, topic) == ends(kafka, topic)


def running_when_killed(services: Iterable[Command]) -> set[Place]:
    """The records that the logs say a worker was running when it died."""
    found = set()
    for service in services:
        for event in service.events("worker exited"):
            found |= {(r["topic"], r["partition"], r["offset"]) for r in event["running"]}
    return found


def held(service: Command) -> set[int]:
    """The partitions that a supervisor holds, by its log."""
    found: set[int] = set()
    for event in service.events():
        match event.get("event"):
            case "assigned":
                found.add(event["partition"])
            case "revoked" | "lost":
                found.discard(event["partition"])
    return found


def pids_of(service: Command) -> set[int]:
    """All the worker processes that a supervisor has had."""
    return {event["pid"] for event in service.events("worker started")}


def by_partition(entries: Iterable[Entry]) -> dict[int, list[Entry]]:
    """The entries of each partition, in order of time."""
    found: dict[int, list[Entry]] = defaultdict(list)
    for entry in entries:
        found[entry.partition].append(entry)
    return found


def traces(folder: Path) -> list[str]:
    """The option that makes a supervisor note all that it does in ``folder``."""
    return ["--trace-log", str(folder)]


def noise(service: Command) -> list[dict[str, Any]]:
    """What a supervisor has logged at warning and above."""
    return [event for event in service.events() if event.get("level") in ("warning", "error")]
