"""A hundred killed workers leave no descriptor, thread, child, zombie or shared memory behind,
and the partitions of each go on within a second.

In doubt because each worker comes with a pipe, a pidfd, two pieces of shared memory and a
lane for every partition; whoever forgets one of them runs out after some weeks.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path
from signal import SIGKILL, SIGTERM
from statistics import median
from typing import Any, NamedTuple

import psutil
import pytest

from tests.broker import Broker
from tests.faults.conftest import Start, Stream
from tests.faults.judge import await_settled, running_when_killed
from tests.run.journal import Entry, Journal
from tests.run.listener import Listener
from tests.support import Command, eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

Kept = Callable[..., None]
KILLS = 20


class Belongings(NamedTuple):
    """What a process has of each kind."""

    descriptors: dict[str, int]
    threads: int
    children: int
    mappings: int


def belongings(pid: int) -> Belongings:
    process = psutil.Process(pid)
    return Belongings(
        descriptors(pid), process.num_threads(), len(process.children()), shared_memory(pid)
    )


def at_rest(pid: int) -> Belongings:
    """What it has when that does not change: the connection of a status request takes a moment
    to be closed."""
    seen = [belongings(pid)]

    def unchanged() -> Belongings | None:
        seen.append(belongings(pid))
        return seen[-1] if len(seen) > 20 and len({*map(str, seen[-20:])}) == 1 else None

    return eventually(unchanged, seconds=20)  # type: ignore[return-value]  # it is true by then


def descriptors(pid: int) -> dict[str, int]:
    """How many of each kind: sockets, memfds, pidfds, files."""
    found: dict[str, int] = {}
    for link in Path(f"/proc/{pid}/fd").iterdir():
        kind = os.readlink(link).split(":[")[0]
        kind = kind if not kind.startswith("socket") else "socket"
        found[kind] = found.get(kind, 0) + 1
    return found


def shared_memory(pid: int) -> int:
    return Path(f"/proc/{pid}/maps").read_text().count("memfd:")


def zombies(pid: int) -> list[int]:
    children = psutil.Process(pid).children()
    return [one.pid for one in children if one.status() == psutil.STATUS_ZOMBIE]


@pytest.mark.slow
def test_a_hundred(member: Start, listener: Listener) -> None:
    """Twenty at a time: one that dies again soon after its start is held back for a while."""
    service = member("a", "--workers", "20", "--http", listener.address)
    service.await_event("ready", seconds=60)
    kill_all(listener)  # whatever is made once has been made by then
    before = at_rest(service.pid)
    for _ in range(5):
        kill_all(listener)
    assert at_rest(service.pid) == before
    assert zombies(service.pid) == []
    assert len(service.events("worker exited")) == 120
    assert service.events("dead-lettered") == []
    service.signal(SIGTERM)
    service.expect(0)


def kill_all(listener: Listener) -> None:
    """SIGKILL all workers, and wait until as many others have loaded their handler."""
    victims = eventually(lambda: all_ready(listener), seconds=60)
    for pid in victims:
        os.kill(pid, SIGKILL)
    eventually(lambda: set(all_ready(listener)) - set(victims) and all_ready(listener), seconds=60)


def all_ready(listener: Listener) -> list[int]:
    """The workers' pids once all are ready, until then none."""
    workers = listener.status()["workers"]
    return [one["pid"] for one in workers if all(w["state"] == "ready" for w in workers)]


def test_a_killed_workers_partitions_go_on_within_a_second(
    kafka: Broker, topic: str, group: str, journal: Journal, member: Start, stream: Stream,
    kept: Kept, note: Callable[[str, object], None],
) -> None:  # fmt: skip
    service = member("a", "--workers", "8")  # each with one partition; killed by turns
    keep_writing(stream, lambda: journal.count() > 400)
    seconds = [kill_one(service, journal, stream, number % 8) for number in range(KILLS)]
    stream.end()
    await_settled(kafka, topic, group, journal)
    service.signal(SIGTERM)
    service.expect(0)
    note("resumed_seconds_median", round(median(seconds), 3))
    note("resumed_seconds_max", round(max(seconds), 3))
    kept(twice=running_when_killed([service]))
    assert median(seconds) < 1, seconds


def keep_writing(stream: Stream, until: Callable[[], Any]) -> Any:
    def written_and_done() -> Any:
        stream.write(2)
        return until()

    return eventually(written_and_done, seconds=30, every=0.05)


def kill_one(service: Command, journal: Journal, stream: Stream, partition: int) -> float:
    """SIGKILL the worker of a partition at work; seconds until the partition's next record."""
    pid = keep_writing(stream, lambda: at_work(service, journal, partition))
    killed = time.monotonic_ns()
    os.kill(pid, SIGKILL)

    def resumed() -> list[Entry]:
        begun = journal.of(partition, "begin")
        return [e for e in begun if e.pid != pid and e.at_ns > killed]

    return float(keep_writing(stream, resumed)[0].at_ns - killed) / 1e9


def at_work(service: Command, journal: Journal, partition: int) -> int | None:
    """The living worker that has begun a record of the partition in the last half second."""
    last = journal.of(partition, "begin")[-1]
    recent = time.monotonic_ns() - last.at_ns < 500_000_000
    return last.pid if recent and last.pid in {one.pid for one in service.children()} else None
