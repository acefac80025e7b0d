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
def test_a_hundred(topic: str, member: Start) -> None:
    service = member("a", "--workers", "2")
    service.await_event("ready")
    kill_and_await(service, 2)  # whatever is made once has been made by then
    before = belongings(service.pid)
    kill_and_await(service, 100)
    eventually(lambda: belongings(service.pid) == before, seconds=10)
    assert zombies(service.pid) == []
    assert service.events("dead-lettered") == []
    service.signal(SIGTERM)
    service.expect(0)


def kill_and_await(service: Command, times: int) -> None:
    """SIGKILL workers so many times, both as soon as both are warm."""
    for _ in range(times // 2):
        for worker in eventually(lambda: two_warm(service), seconds=30, every=0.02):
            worker.kill()
            worker.wait(10)  # until its supervisor has buried it
    eventually(lambda: two_warm(service), seconds=30)


def two_warm(service: Command) -> list[psutil.Process]:
    """The workers, eldest first, if both have loaded their handler: those have lane threads."""
    workers = sorted(service.children(), key=lambda one: one.create_time())
    warm = [one for one in workers if one.num_threads() >= 5]  # four lanes and the reader
    return warm if len(warm) == 2 else []


def test_a_killed_workers_partitions_go_on_within_a_second(
    kafka: Broker, topic: str, group: str, journal: Journal, member: Start, stream: Stream,
    kept: Kept, record_property: Callable[[str, object], None],
) -> None:  # fmt: skip
    service = member("a", "--workers", "2")
    keep_writing(stream, lambda: journal.count() > 400)
    seconds = [kill_one(service, journal, stream) for _ in range(KILLS)]
    stream.end()
    await_settled(kafka, topic, group, journal)
    service.signal(SIGTERM)
    service.expect(0)
    record_property("resumed_seconds_median", round(median(seconds), 3))
    record_property("resumed_seconds_max", round(max(seconds), 3))
    kept(twice=running_when_killed([service]))
    assert median(seconds) < 1, seconds


def keep_writing(stream: Stream, until: Callable[[], Any]) -> Any:
    def written_and_done() -> Any:
        stream.write(2)
        return until()

    return eventually(written_and_done, seconds=30, every=0.05)


def kill_one(service: Command, journal: Journal, stream: Stream) -> float:
    """SIGKILL the worker that was busy last; seconds until a record of its partitions begins."""
    at_work = keep_writing(stream, lambda: two_at_work(journal, service))
    pid = at_work[-1].pid
    partitions = {entry.partition for entry in at_work if entry.pid == pid}
    killed = time.monotonic_ns()
    os.kill(pid, SIGKILL)

    def resumed() -> list[Entry]:
        begun = (e for e in journal.entries("begin") if e.partition in partitions)
        return [e for e in begun if e.pid != pid and e.at_ns > killed]

    return float(keep_writing(stream, resumed)[0].at_ns - killed) / 1e9


def two_at_work(journal: Journal, service: Command) -> list[Entry]:
    """What was begun in the last half second, once both workers that live have a part in it."""
    since = time.monotonic_ns() - 500_000_000
    recent = [entry for entry in journal.entries("begin") if entry.at_ns > since]
    living = {worker.pid for worker in service.children()}
    recent = [entry for entry in recent if entry.pid in living]
    return recent if len({entry.pid for entry in recent}) == 2 else []
