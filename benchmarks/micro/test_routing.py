"""From a polled batch into the ledgers."""

import pytest

from benchmarks.micro.steps import BATCH, Measure, messages, per, supervisor
from ticketpool.core.grouping import group
from ticketpool.core.lane import Lane
from ticketpool.supervisor.intake import Intake

POLLED = 2000


@per(POLLED)
@pytest.mark.parametrize("run", [POLLED, 1000, 100, 10, 1])
@pytest.mark.parametrize("topic", [None, "tickets"], ids=["topics", "one-topic"])
def test_group(measure: Measure, run: int, topic: str | None) -> None:
    """Long runs and short ones, from several topics and from the only one."""
    records = messages(POLLED, run)
    found = measure(lambda: list(group(records, topic)))
    assert [len(part) for _, part in found] == [run] * (POLLED // run)


@per(BATCH)
def test_receive(measure: Measure) -> None:
    """Offsets, the ledger's check, and its buffer; the trace log is off."""
    records = messages(BATCH, BATCH)

    def prepare() -> tuple[Intake, Lane]:
        parts = supervisor()
        (lane,) = parts.router.lanes.values()
        return Intake(parts.consumer, parts.config.topics, parts.router, parts.totals), lane

    def step(intake: Intake, lane: Lane) -> int:
        intake._receive(lane.partition, records)
        return lane.ledger.buffered

    assert measure(step, prepare) == BATCH
