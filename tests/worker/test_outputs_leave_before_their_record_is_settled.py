"""What a record has sent is on its way before the words call it settled; what failed sends nothing.

In doubt because the supervisor settles by the shared words what a dead worker had finished
without an ack: a record settled so is never run again, and its outputs would be lost.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support import eventually
from tests.worker.batches import batch
from tests.worker.port import INDEX, NUMBER, FakePort
from tests.worker.test_lane import AT_ONCE
from ticketpool import Context
from ticketpool.ipc.frames import Ack, Open
from ticketpool.worker import lane as lanes
from ticketpool.worker import words
from ticketpool.worker.handler import Handler
from ticketpool.worker.lane import Lane
from ticketpool.worker.outputs import ACK_BYTES, LaneOutputs
from ticketpool.worker.where import Where

Handle = Callable[[bytes, Context], None]


def forward(value: bytes, context: Context) -> None:
    context.send("out", value)


class Bench:
    """A lane at work on a handler that gets values and a context."""

    def __init__(self, handle: Handle) -> None:
        self.cells = memoryview(bytearray(8 * words.COUNT)).cast("q")
        self.port = FakePort(self.cells)
        outputs = LaneOutputs(self.cells, INDEX)
        call = Handler("h", handle).call_for(Where("t", 0, 0, collect=outputs.collect))
        opened = Open(NUMBER, "t", 0, INDEX)
        self.lane = Lane(opened, call, AT_ONCE, self.port, self.cells, outputs=outputs)

    def put(self, *values: bytes, first: int = 0) -> None:
        size = len(values)
        columns: tuple[Any, ...] = [None] * size, [()] * size, [0] * size
        self.lane.put(batch(NUMBER, range(first, first + size), values, *columns))

    @property
    def acks(self) -> list[Ack]:
        return self.port.of(Ack)

    @property
    def settled(self) -> int | None:
        return words.settled(self.cells, INDEX, NUMBER)

    def await_through(self, offset: int) -> None:
        eventually(lambda: self.settled == offset and self.acks[-1].through == offset, every=0.001)


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Handle], Bench]]:
    monkeypatch.setattr(lanes, "ACK_EVERY_NS", 10**12)  # acks for other reasons only
    made: list[Bench] = []

    def make(handle: Handle) -> Bench:
        made.append(Bench(handle))
        return made[-1]

    yield make
    for one in made:
        one.lane.close()


Make = Callable[[Handle], Bench]


def test_a_record_that_sent_is_not_settled_by_the_words_before_its_ack(bench: Make) -> None:
    seen: list[tuple[int, int | None]] = []

    def handle(value: bytes, context: Context) -> None:
        seen.append((context.offset, one.settled))
        if value == b"send":
            context.send("out", b"%d" % context.offset)

    one = bench(handle)
    one.put(b"", b"send", b"", b"send", b"")
    one.await_through(4)
    assert seen == [(0, None), (1, 0), (2, 0), (3, 0), (4, 0)]
    (ack,) = one.acks
    assert [(sent.offset, sent.value) for sent in ack.sent] == [(1, b"1"), (3, b"3")]
    assert one.port.settled[-1] == 0  # as the ack was written
    one.put(b"", b"", first=5)
    one.await_through(6)
    assert seen[-1] == (6, 5)
    assert one.acks[-1].sent == []


def test_nothing_is_settled_by_the_words_when_the_first_record_sent(bench: Make) -> None:
    seen: list[int | None] = []

    def handle(value: bytes, context: Context) -> None:
        seen.append(one.settled)
        context.send("out", value)

    one = bench(handle)
    one.put(b"a", b"b")
    one.await_through(1)
    assert seen == [None, None]


def test_what_a_failed_attempt_has_sent_is_discarded(bench: Make) -> None:
    def handle(value: bytes, context: Context) -> None:
        context.send("out", b"%d.%d" % (context.offset, context.attempt))
        if value == b"bad" or (value == b"once" and context.attempt == 1):
            raise LookupError

    one = bench(handle)
    one.put(b"", b"once", b"bad", b"")
    one.await_through(3)
    assert [sent.value for ack in one.acks for sent in ack.sent] == [b"0.1", b"1.2", b"3.1"]
    assert [dead.offset for ack in one.acks for dead in ack.dead] == [2]


def test_an_ack_covers_the_records_of_its_outputs_and_comes_before_they_grow_large(
    bench: Make,
) -> None:
    one = bench(forward)
    part = bytes(ACK_BYTES // 3)
    one.put(*[part] * 6, bytes(2 * ACK_BYTES), part)
    one.await_through(7)
    told = [[sent.offset for sent in ack.sent] for ack in one.acks]
    assert told == [[0, 1], [2, 3], [4, 5], [6], [7]]
    assert [ack.through for ack in one.acks] == [1, 3, 5, 6, 7]


def test_a_lane_at_the_same_place_begins_with_nothing_held(bench: Make) -> None:
    one = bench(forward)
    one.cells[INDEX * words.STRIDE + words.HELD] = 7  # left by a lane whose process was killed
    later = Lane(Open(8, "t", 0, INDEX), lambda *_: None, AT_ONCE, one.port, one.cells)
    later.put(batch(8, [0], [b""]))
    eventually(lambda: words.settled(one.cells, INDEX, 8) == 0, every=0.001)
    later.close()
