"""What a round of the loop costs with few and with many lanes, whatever they do.

Times are those of one call, not of a record.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from benchmarks.micro.steps import BATCH, Measure, Supervisor, messages, per, receive, supervisor
from ticketpool.core.lane import Lane
from ticketpool.core.lifecycle import Lifecycle
from ticketpool.kafka.delays import Delays
from ticketpool.kafka.watermarks import Watermarks
from ticketpool.pool import SlotState
from ticketpool.supervisor.intake import Intake
from ticketpool.supervisor.lookout import Lookout
from ticketpool.supervisor.report import Reporter

RECORDS = messages(BATCH, BATCH)
ONE = RECORDS[:1]

pytestmark = per(1)


@pytest.fixture(params=[8, 512], ids="{}-lanes".format)
def parts(request: pytest.FixtureRequest) -> Iterator[Supervisor]:
    made = supervisor(request.param)
    for lane in made.router.lanes.values():
        step_on(lane)
    made.assignment.commit_soon()
    yield made
    made.crew.pool.close()


def step_on(lane: Lane) -> None:
    """One more record is finished."""
    receive(lane, ONE)
    lane.ledger.take(1, 1)
    lane.ledger.settle((lane.ledger.next or 0) - 1)
    for bucket in range(40 + lane.index % 8, 100, 4):  # some 15 are in use
        lane.counts.durations.add([(bucket, 1)], 500)
    lane.counts.queue_wait.note(0.0001 * lane.index, 1)
    lane.counts.end_to_end.note(0.001 * lane.index, 1)


def test_commit(measure: Measure, parts: Supervisor) -> None:
    """All lanes have moved."""

    def prepare() -> tuple[()]:
        for lane in parts.router.lanes.values():
            step_on(lane)
        return ()

    measure(parts.assignment.commit_soon, prepare, rounds=50)
    assert all(lane.requested == lane.position() for lane in parts.router.lanes.values())


def test_commit_nothing(measure: Measure, parts: Supervisor) -> None:
    measure(parts.assignment.commit_soon)
    assert list(parts.router.to_commit()) == []


def test_announce(measure: Measure, parts: Supervisor) -> None:
    assert measure(lambda: list(parts.router.to_announce())) == []


def test_sendable_idle(measure: Measure, parts: Supervisor) -> None:
    assert measure(lambda: list(parts.router.sendable(0))) == []


def test_sendable_busy(measure: Measure, parts: Supervisor) -> None:
    """One lane has a batch."""
    lane = parts.router.of_slot(0)[0]

    def prepare() -> tuple[()]:
        if lane.ledger.in_flight:
            lane.ledger.settle((lane.ledger.next or 0) - 1)
        receive(lane, RECORDS)
        return ()

    ((sent, chunk),) = measure(lambda: list(parts.router.sendable(0)), prepare)
    assert (sent, len(chunk.offsets)) == (lane, BATCH)


def test_feed_idle(measure: Measure, parts: Supervisor) -> None:
    """What ``feed`` asks of the router for each slot, and whether anything waits."""

    def step() -> tuple[Any, ...]:
        router = parts.router
        asked = [(router.hopeless(slot), list(router.sendable(slot))) for slot in (0, 1)]
        return asked, router.starved()

    assert measure(step) == ([([], []), ([], [])], False)


def test_tend(measure: Measure, parts: Supervisor) -> None:
    measure(Intake(parts.consumer, parts.config.topics, parts.router, parts.totals).tend)
    assert not any(lane.paused for lane in parts.router.lanes.values())


@pytest.mark.parametrize("busy", [False, True], ids=["idle", "busy"])
def test_refresh(measure: Measure, parts: Supervisor, busy: bool) -> None:
    """Nothing has happened since the last one, or a record of each lane was settled."""
    for slot in parts.crew.pool.slots:
        slot.state = SlotState.READY  # else every lane is blocked, and blamed in words
    marks, high = Watermarks(parts.config.kafka), parts.consumer.high_watermark
    lookout = Lookout(parts.config, parts.router, parts.crew.pool, Delays(), marks, high)
    reporter = Reporter(
        parts.config, Lifecycle(), parts.router, parts.crew, parts.assignment, lookout
    )

    def prepare() -> tuple[()]:
        for lane in parts.router.lanes.values() if busy else ():
            step_on(lane)
        return ()

    measure(reporter.refresh, prepare, rounds=30)
    assert reporter.latest is not None
    assert len(reporter.latest.partitions) == len(parts.router.lanes)
