"""A failed key is held back, and the rest sent again in order, however the reports come.

In doubt because librdkafka gives a queue back in pieces, the newest before the oldest.
"""

from array import array
from collections.abc import Callable
from itertools import permutations

import msgspec
import pytest

from ticketpool.config import ProduceConfig
from ticketpool.kafka.deliveries import Deliveries
from ticketpool.kafka.returning import Record, Returned
from ticketpool.produce import frames
from ticketpool.produce.frames import Hello
from ticketpool.produce.returns import BEHIND_A_FAILED_ONE, GIVEN_UP, ReturningOutlet
from ticketpool.produce.tally import DELIVERED, FAILED, GIVE_UP, WORDS


class _Producer:
    """Sends nothing, and reports what it is told to."""

    waited_seconds = 0.0

    def __init__(self) -> None:
        self.deliveries = Deliveries()
        self.sent: list[Record] = []
        self.returned: list[Returned] = []
        self.waiting = 0
        self.calls: list[str] = []

    def send(self, topic: str, records: list[Record]) -> None:
        self.sent += records

    def poll(self, seconds: float) -> int:
        return 0

    def room(self, record_bytes: int) -> int:
        return 1000

    def take_returned(self) -> list[Returned]:
        returned, self.returned = self.returned, []
        return returned

    def recall(self) -> None:
        self.calls.append("recall")

    def abandon(self) -> None:
        self.calls.append("abandon")

    def renew(self) -> None:
        self.calls.append("renew")

    def __len__(self) -> int:
        return self.waiting


class _Port:
    def __init__(self) -> None:
        self.frames: list[msgspec.Struct] = []

    def send(self, frame: msgspec.Struct) -> None:
        self.frames.append(frame)

    @property
    def kept(self) -> list[tuple[str, bytes | None, bytes]]:
        found = [frame for frame in self.frames if isinstance(frame, frames.Returned)]
        return [row for f in found for row in zip(f.reasons, f.keys, f.values, strict=True)]


Made = tuple[ReturningOutlet, _Producer, _Port, memoryview]


@pytest.fixture
def made() -> Callable[..., Made]:
    def make(failed: str | None = "failed.jsonl") -> Made:
        cells, port, producer = memoryview(array("q", bytes(8 * WORDS))), _Port(), _Producer()
        hello = Hello(0, 1, "0", ProduceConfig(failed=failed))
        outlet = ReturningOutlet(hello, port, cells)  # type: ignore[arg-type]
        outlet._producer = producer  # type: ignore[assignment]
        return outlet, producer, port, cells

    return make


A1, B1, A2, B2 = ({"key": key, "value": value} for key, value in
                  ((b"a", b"1"), (b"b", b"1"), (b"a", b"2"), (b"b", b"2")))  # fmt: skip
REPORTS = [
    Returned(0, A1, "late", False),
    Returned(1, B1, "purged", True),
    Returned(2, A2, "purged", True),
    Returned(3, B2, "purged", True),
]


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_any_order(made: Callable[..., Made], order: tuple[int, ...]) -> None:
    outlet, producer, port, cells = made()
    outlet.write([A1, B1, A2, B2])
    producer.sent.clear()
    producer.waiting = 4
    for place in order:
        producer.returned = [REPORTS[place]]
        producer.waiting -= 1
        outlet.poll(0)
    assert producer.sent == [B1, B2]
    assert port.kept == [("late", b"a", b"1"), (BEHIND_A_FAILED_ONE, b"a", b"2")]
    assert (cells[DELIVERED], cells[FAILED]) == (0, 2)
    assert not outlet.busy


def test_nothing_new_goes_out_until_all_is_reported(made: Callable[..., Made]) -> None:
    outlet, producer, _, _ = made()
    producer.waiting = 2
    producer.returned = [REPORTS[0]]
    outlet.poll(0)
    assert (producer.calls, outlet.room(10), outlet.busy) == (["recall"], 0, True)
    producer.waiting = 0
    outlet.poll(0)
    assert (producer.calls, outlet.room(10), outlet.busy) == (["recall", "renew"], 1000, False)


def test_without_a_file_for_it_nothing_is_held_back(made: Callable[..., Made]) -> None:
    outlet, producer, port, cells = made(failed=None)
    producer.returned = [REPORTS[0]]
    outlet.poll(0)
    outlet.write([A2])
    assert (producer.calls, producer.sent, port.kept) == ([], [A2], [])
    assert cells[FAILED] == 1


def test_what_is_given_up_comes_back_in_order(made: Callable[..., Made]) -> None:
    outlet, producer, port, cells = made()
    cells[GIVE_UP] = 1
    producer.waiting = 4
    outlet.poll(0)
    producer.returned = [REPORTS[2], REPORTS[1], REPORTS[3], REPORTS[0]]
    producer.waiting = 0
    outlet.poll(0)
    outlet.write([{"key": None, "value": b"3"}])
    assert producer.calls == ["abandon"]
    assert [value for _, _, value in port.kept] == [b"1", b"1", b"2", b"2", b"3"]
    assert port.kept[-1][0] == GIVEN_UP
    assert (producer.sent, outlet.busy) == ([], False)


def test_what_waits_too_long_is_called_back_before_a_later_one_can_pass(
    made: Callable[..., Made],
) -> None:
    outlet, producer, port, _ = made()  # 120 s
    outlet.write([A1, B1, A2, B2])
    producer.sent.clear()
    producer.waiting, producer.waited_seconds = 4, 119.9
    outlet.poll(0)
    assert producer.calls == []
    producer.waited_seconds = 120.0
    outlet.poll(0)
    assert (producer.calls, outlet.room(10)) == (["recall"], 0)
    producer.waited_seconds = 121.0  # A1 is on its way, and nobody answers
    outlet.poll(0)
    assert producer.calls == ["recall", "abandon"]
    producer.returned = [
        Returned(0, A1, "under way", False, 121.0), Returned(1, B1, "purged", True, 120.0),
        Returned(2, A2, "purged", True, 60.0), Returned(3, B2, "purged", True, 60.0),
    ]  # fmt: skip
    producer.waiting, producer.waited_seconds = 0, 0.0
    outlet.poll(0)
    late = "not sent within 120 s, --delivery-timeout"
    assert port.kept == [
        ("under way", b"a", b"1"), (late, b"b", b"1"),
        (BEHIND_A_FAILED_ONE, b"a", b"2"), (BEHIND_A_FAILED_ONE, b"b", b"2"),
    ]  # fmt: skip
    assert producer.sent == []
