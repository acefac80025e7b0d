"""The ledger of one partition: read, sent, finished."""

import pytest

from benchmarks.micro.steps import BATCH, VALUE, Measure, messages, per
from ticketpool.core.ledger import Ledger
from ticketpool.core.model import Partition

RECORDS = messages(BATCH, BATCH)
OFFSETS = list(range(BATCH))


def read() -> tuple[Ledger]:
    ledger = Ledger(Partition("tickets", 0), 0)
    ledger.receive(RECORDS, OFFSETS)
    return (ledger,)


def sent() -> tuple[Ledger]:
    (ledger,) = read()
    ledger.take(BATCH, 1 << 20)
    return (ledger,)


@per(BATCH)
@pytest.mark.parametrize("offsets", [OFFSETS, [2 * n for n in OFFSETS]], ids=["dense", "gaps"])
def test_receive(measure: Measure, offsets: list[int]) -> None:
    def step(ledger: Ledger) -> Ledger:
        ledger.receive(RECORDS, offsets)
        return ledger

    ledger = measure(step, lambda: (Ledger(Partition("tickets", 0), 0),))
    assert ledger.buffered_bytes == BATCH * len(VALUE)


@per(BATCH)
@pytest.mark.parametrize("records", [BATCH, 300])
def test_take(measure: Measure, records: int) -> None:
    """The whole chunk, and cut into frames."""

    def step(ledger: Ledger) -> Ledger:
        while ledger.take(records, 1 << 20):
            pass
        return ledger

    assert measure(step, read).in_flight == BATCH


@per(BATCH)
@pytest.mark.parametrize("acks", [1, 10])
def test_settle(measure: Measure, acks: int) -> None:
    """By one ack for the chunk, and by several."""
    ends = [(n + 1) * BATCH // acks - 1 for n in range(acks)]

    def step(ledger: Ledger) -> int | None:
        for through in ends:
            ledger.settle(through)
        return ledger.committable

    assert measure(step, sent) == BATCH
