"""When a supervisor is killed, or stopped for longer than its session, another member goes on
where it had committed; what it had not settled comes again, nothing else.

In doubt because a dead process can't hand over, and a stopped one doesn't know that it is
dead to the group: when it wakes it holds records that are another's by now.
"""

import os
import time
from collections.abc import Callable
from signal import SIGCONT, SIGKILL, SIGSTOP, SIGTERM
from typing import Any

import psutil
import pytest

from tests.broker import Broker
from tests.faults.conftest import Start, Stream, keep_writing
from tests.faults.judge import await_settled, held, overlaps, pids_of, repetitions, runs
from tests.faults.kinds import KINDS, SESSION_SECONDS, Kind
from tests.run.journal import Journal
from tests.run.topics import tickets, write
from tests.support import Command, eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(150)]

Kept = Callable[..., None]
Prove = Callable[[], dict[str, Any]]
ALL = set(range(8))
NAMED = [
    pytest.param(kind, id=name, marks=[pytest.mark.slow] * (name != "cooperative-sticky-dynamic"))
    for name, kind in KINDS.items()
]
DYNAMIC = [pytest.param(kind, id=name) for name, kind in KINDS.items() if not kind.static]


def two(member: Start, kind: Kind, *options: str) -> tuple[Command, Command]:
    """Two members with four partitions each."""
    first = member("a", *options, kind=kind)
    first.await_event("ready")
    second = member("b", *options, kind=kind)
    eventually(lambda: len(held(first)) == len(held(second)) == 4, seconds=40)
    return first, second


@pytest.mark.parametrize("kind", NAMED)
def test_a_killed_supervisor(
    kafka: Broker, topic: str, group: str, journal: Journal, member: Start, stream: Stream,
    kept: Kept, kind: Kind, note: Callable[[str, object], None],
) -> None:  # fmt: skip
    first, second = two(member, kind)
    keep_writing(stream, lambda: journal.count() > 600)
    orphans, mine = [psutil.Process(pid) for pid in alive(first)], held(first)
    first.signal(SIGKILL)
    first.wait()
    _, left = psutil.wait_procs(orphans, timeout=2)
    assert left == []
    died = journal.entries()[-1].at_ns
    if kind.static and kind.protocol != "consumer":  # the new process goes on at once
        first = again = member("a", kind=kind)
        eventually(lambda: held(again) == mine, seconds=SESSION_SECONDS - 1)
    else:
        keep_writing(stream, lambda: held(second) == ALL, SESSION_SECONDS + 15)
    keep_writing(stream, lambda: gone_on(journal, died) == ALL)
    note("takeover_seconds", takeover_seconds(journal, mine, died))
    stream.end()
    await_settled(kafka, topic, group, journal)
    for service in (second, first) if first.running else (second,):
        service.signal(SIGTERM)
        service.expect(0)
    kept(twice=None)
    assert set(repetitions(journal)) <= {(topic, p) for p in mine}
    # at most what was done since the last commit, one a second: 100 a second at most
    assert max(repetitions(journal).values(), default=0) <= 300


def alive(service: Command) -> list[int]:
    return [child.pid for child in service.children()]


def gone_on(journal: Journal, since: int) -> set[int]:
    """The partitions of which records were finished after that time."""
    return {entry.partition for entry in journal.entries("end") if entry.at_ns > since + 10**9}


def takeover_seconds(journal: Journal, partitions: set[int], died: int) -> float:
    first = min(
        e.at_ns for e in journal.entries("begin") if e.partition in partitions and e.at_ns > died
    )
    return round((first - died) / 1e9, 2)


@pytest.mark.slow
@pytest.mark.parametrize("kind", DYNAMIC)
def test_a_stopped_supervisor_that_wakes(
    kafka: Broker, topic: str, group: str, journal: Journal, member: Start, stream: Stream,
    kept: Kept, prove: Prove, kind: Kind, note: Callable[[str, object], None],
) -> None:  # fmt: skip
    options = [*("-X", f"max.poll.interval.ms={SESSION_SECONDS}000"), "--drain-timeout", "3"]
    first, second = two(member, kind, *options)
    keep_writing(stream, lambda: journal.count() > 600)
    goal = journal.count() + 1000
    stream.write(1200)  # more than its workers could do in a session
    eventually(lambda: journal.count() > goal, seconds=30)
    mine, stopped = held(first), time.monotonic_ns()
    first.signal(SIGSTOP)
    keep_writing(stream, lambda: held(second) == ALL, SESSION_SECONDS + 20)
    keep_writing(stream, lambda: gone_on(journal, stopped + 3 * 10**9) == ALL)
    first.signal(SIGCONT)
    woke = time.monotonic_ns()
    keep_writing(stream, lambda: len(held(first)) == len(held(second)) == 4)
    stream.end()
    await_settled(kafka, topic, group, journal)
    for service in (first, second):
        service.signal(SIGTERM)
        service.expect(0)
    kept(twice=None, apart=False)
    assert set(repetitions(journal)) <= {(topic, p) for p in mine}
    # The new protocol's session is the broker's to set, and ours here is shorter than any
    # that a broker grants by default: 10 s of silence are too long for it.
    short = kind.protocol == "consumer"
    assert_stale_work_bounded(journal, first, stopped, woke, mine, note, short)
    assert short or prove()["zombie_ms"] < 1000


def assert_stale_work_bounded(
    journal: Journal, first: Command, stopped: int, woke: int, mine: set[int],
    note: Callable[[str, object], None], short_session: bool,
) -> None:  # fmt: skip
    """Workers of a silent supervisor stop beginning records before its session is over."""
    own, found = pids_of(first), runs(journal.entries())
    stale = [run for run in found if run.pid in own and stopped < run.began < woke]
    last = max((run.began - stopped for run in stale), default=0) / 1e9
    beside = [(a, b) for a, b in overlaps(journal.entries())]
    note("stale_work_seconds", round(last, 2))
    note("overlaps", len(beside))
    assert {run.place[1] for run in stale} <= mine
    if not short_session:
        assert last < SESSION_SECONDS
        assert beside == []


def test_what_runs_when_its_partition_is_lost_is_killed(
    kafka: Broker, make_topic: Callable[..., str], group: str, journal: Journal, member: Start,
    kept: Kept,
) -> None:  # fmt: skip
    topic = make_topic(2)
    write(kafka, topic, [*tickets(0, ["", "once sleep 90"]), *tickets(1, ["", "once sleep 90"])])
    first = member("a", of=topic)
    eventually(lambda: len(journal.entries("begin")) == 4, seconds=30)
    first.signal(SIGSTOP)
    second = member("b", of=topic)
    eventually(lambda: len(held(second)) == 2, seconds=SESSION_SECONDS + 20)
    await_settled(kafka, topic, group, journal)
    busy = [psutil.Process(pid) for pid in alive(first)]
    first.signal(SIGCONT)
    _, left = psutil.wait_procs(busy, timeout=5)
    assert left == []
    for service in (first, second):
        service.signal(SIGTERM)
        service.expect(0)
    before = {(topic, 0, 0), (topic, 1, 0)}  # done a moment before: not acknowledged yet
    kept(topic, twice=before, apart=False)


@pytest.mark.slow
@pytest.mark.parametrize("kind", [KINDS["cooperative-sticky-static"]], ids=["static"])
def test_a_static_member_that_wakes_in_its_session_has_lost_nothing(
    kafka: Broker, topic: str, group: str, journal: Journal, member: Start, stream: Stream,
    kept: Kept, kind: Kind,
) -> None:  # fmt: skip
    first, second = two(member, kind)
    keep_writing(stream, lambda: journal.count() > 400)
    os.kill(first.pid, SIGSTOP)
    at = time.monotonic()
    keep_writing(stream, lambda: time.monotonic() - at > SESSION_SECONDS / 2)
    os.kill(first.pid, SIGCONT)
    count = journal.count()
    keep_writing(stream, lambda: journal.count() > count + 400)
    stream.end()
    await_settled(kafka, topic, group, journal)
    assert first.events("lost") == []
    for service in (first, second):
        service.signal(SIGTERM)
        service.expect(0)
    kept(twice=())
