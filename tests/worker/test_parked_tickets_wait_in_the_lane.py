"""A lane keeps back the tickets of a key behind a dead one, and tells of each that was waited for.

In doubt because they may be in the same frame, and because the supervisor settles by the shared
words: it has to hear of a ticket that others waited for before these words pass it.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec
import pytest

from tests.support import eventually
from tests.worker.batches import batch
from tests.worker.port import INDEX, NUMBER, FakePort, new_cells
from tests.worker.test_lane import AT_ONCE
from ticketpool import Reject
from ticketpool.core.letter import FIRST_OFFSET, FOLLOWS
from ticketpool.core.parking import Fate, Parking, Waiting
from ticketpool.ipc.frames import Ack, Closed, Open
from ticketpool.worker import lane as lanes
from ticketpool.worker import words
from ticketpool.worker.handler import Handler
from ticketpool.worker.lane import Lane
from ticketpool.worker.outputs import LaneOutputs
from ticketpool.worker.parked import LaneKeys
from ticketpool.worker.where import Where

Headers = tuple[tuple[str, bytes | None], ...]


def again(first: int, follows: int | None = None) -> Headers:
    """The headers of a replayed ticket."""
    told = () if follows is None else ((FOLLOWS, b"%d" % follows),)
    return ((FIRST_OFFSET, b"%d" % first), *told)


class Bench:
    """A lane whose handler notes values, and rejects those that begin with ``!``."""

    def __init__(self, parked: Sequence[Waiting] = (), most: int = 9) -> None:
        self.handled: list[bytes] = []
        self.seen: list[int | None] = []
        self.cells = new_cells()
        self.port = FakePort(self.cells)
        outputs = LaneOutputs(self.cells, INDEX)
        opened = Open(NUMBER, "t", 0, INDEX, list(parked))
        call = Handler("h", self.handle).call_for(Where("t", 0, 0))
        guarded = LaneKeys(opened, most, outputs).guarded(call, is_async=False)
        self.lane = Lane(opened, guarded, AT_ONCE, self.port, self.cells, outputs=outputs)

    def handle(self, value: bytes) -> None:
        self.seen.append(words.settled(self.cells, INDEX, NUMBER))
        if value.startswith(b"!"):
            raise Reject("as told")
        self.handled.append(value)

    def put(
        self, *tickets: tuple[bytes | None, bytes], headers: Sequence[Headers] = (), first: int = 0,
        parked: Any = None,
    ) -> None:  # fmt: skip
        keys, values = zip(*tickets, strict=True)
        each = list(headers) or [()] * len(keys)
        columns = list(keys), each, [0] * len(keys)
        frame = batch(NUMBER, range(first, first + len(keys)), values, *columns)
        self.lane.put(msgspec.structs.replace(frame, parked=parked))

    def await_through(self, offset: int) -> None:
        eventually(lambda: self.port.acked == offset, every=0.001)

    @property
    def dead(self) -> list[tuple[int, int, str]]:
        return [(one.offset, one.attempts, one.error) for one in self.port.dead]


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Bench]]:
    monkeypatch.setattr(lanes, "ACK_EVERY_NS", 10**12)  # acks for other reasons only
    made: list[Bench] = []

    def make(*arguments: Any, **named: Any) -> Bench:
        made.append(Bench(*arguments, **named))
        return made[-1]

    yield make
    for one in made:
        one.lane.close()


Make = Callable[..., Bench]


def test_those_in_the_same_frame_wait_and_others_do_not(bench: Make) -> None:
    one = bench()
    one.put((b"a", b"!1"), (b"b", b"2"), (b"a", b"3"), (None, b"!4"), (None, b"5"), (b"a", b"6"))
    one.await_through(5)
    assert one.handled == [b"2", b"5"]
    assert one.dead == [(0, 1, "Reject"), (2, 0, "Parked"), (3, 1, "Reject"), (5, 0, "Parked")]
    messages = [dead.message.split(",")[0] for dead in one.port.dead if dead.error == "Parked"]
    assert messages == [
        "follows the dead letter of t[0] offset 0",
        "follows the dead letter of t[0] offset 2",
    ]


def test_one_that_was_waited_for_is_told_before_the_words_pass_it(bench: Make) -> None:
    parked = Parking()
    parked.note(b"a", 0, (), Fate.DIED)
    parked.note(b"a", 1, (), Fate.PARKED)
    one = bench(parked.waiting())
    tickets = (b"b", b"x"), (b"a", b"1"), (b"a", b"2"), (b"a", b"3"), (b"b", b"y")
    one.put(*tickets, headers=[(), again(0), again(1, 0), (), ()], first=10)
    one.await_through(14)
    assert one.handled == [b"x", b"1", b"2", b"3", b"y"]
    assert one.seen == [None, 10, 10, 10, 10]  # the words stand still from the first of them on
    (ack,) = one.port.of(Ack)
    assert ack.passed == [11, 12]
    assert words.settled(one.cells, INDEX, NUMBER) == 14


def test_what_the_supervisor_parks_meanwhile_is_believed(bench: Make) -> None:
    one = bench()
    one.put((b"a", b"1"))
    one.await_through(0)
    parked = Parking()
    parked.note(b"a", 1, (), Fate.DIED)
    one.put((b"a", b"2"), (b"b", b"3"), first=2, parked=parked.waiting())
    one.await_through(3)
    assert one.handled == [b"1", b"3"]


def test_with_one_key_too_many_the_lane_ends(bench: Make) -> None:
    one = bench(most=1)
    one.put((b"a", b"!1"), (b"a", b"2"), (b"b", b"!3"), (b"b", b"4"), (b"c", b"5"))
    one.put((b"c", b"6"), first=5)
    eventually(lambda: one.port.of(Closed), every=0.001)
    assert one.handled == []
    assert one.dead == [(0, 1, "Reject"), (1, 0, "Parked"), (2, 1, "Reject")]
