"""The outlet writes until all is acknowledged, in order for each origin and topic.

In doubt because the client reports records one by one, fails them one by one, and takes no
more when its queue is full: whatever comes later must not overtake what has to wait.
"""

import time
from collections.abc import Callable
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from ticketpool.config import KafkaConfig
from ticketpool.core.model import Partition
from ticketpool.kafka import outlet as outlets
from ticketpool.kafka.outlet import STUCK_SECONDS, Outgoing, Outlet

Report = Callable[[KafkaError | None, None], None]

HERE, THERE = Partition("in", 0), Partition("in", 1)
UNKNOWN = KafkaError(KafkaError._UNKNOWN_TOPIC, "no such topic")
TOO_LARGE = KafkaError(KafkaError.MSG_SIZE_TOO_LARGE, "too large")
FATAL = KafkaError(KafkaError._FATAL, "fenced", fatal=True)


class Client:
    """As ``confluent_kafka.Producer``; ``report`` and ``poll`` tell what became of records."""

    def __init__(self, properties: dict[str, Any]) -> None:
        self.properties = properties
        self.queue: list[tuple[str, bytes, Report]] = []
        self.taken: list[bytes] = []
        self.refusal: Exception | None = None
        self.purged = False
        self._reports: list[tuple[Report, KafkaError | None]] = []

    def __len__(self) -> int:
        return len(self.queue) + len(self._reports)

    def produce(self, topic: str, *, value: bytes, on_delivery: Report, **_: Any) -> None:
        if self.refusal is not None:
            raise self.refusal
        self.queue.append((topic, value, on_delivery))
        self.taken.append(value)

    def report(self, *errors: KafkaError | None) -> None:
        """Outcomes of the first records of the queue; without any, all are acknowledged."""
        for error in errors or [None] * len(self.queue):
            self._reports.append((self.queue.pop(0)[2], error))

    def poll(self, seconds: float) -> int:
        reports, self._reports = self._reports, []
        for report, error in reports:
            report(error, None)
        return len(reports)

    def purge(self) -> None:
        self.purged = True
        self.report(*[KafkaError(KafkaError._PURGE_QUEUE, "purged")] * len(self.queue))


class Sent(Outgoing):
    """Notes what becomes of it."""

    def __init__(self, bench: "Bench", origin: Partition, topic: str, value: bytes) -> None:
        super().__init__(origin, 0, topic, None, value, ())
        self._bench = bench

    def written(self) -> None:
        self._bench.written.append(self.value)

    def refused(self, why: str) -> bool:
        self._bench.refused.append(self.value)
        return self._bench.has_a_way_out

    def delayed(self, why: str, failures: int, seconds: float) -> None:
        self._bench.delays.append((self.value, failures, seconds))


class Bench:
    """An outlet on clients and a clock of the test's own."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.clients: list[Client] = []
        self.written: list[bytes | None] = []
        self.refused: list[bytes | None] = []
        self.delays: list[tuple[bytes | None, int, float]] = []
        self.has_a_way_out = True
        self.outlet = Outlet(KafkaConfig())

    def connect(self, kind: Any, properties: dict[str, Any]) -> Client:
        self.clients.append(Client(properties))
        return self.clients[-1]

    @property
    def client(self) -> Client:
        return self.clients[-1]

    def send(self, values: str, origin: Partition = HERE, topic: str = "out") -> None:
        for value in values:
            self.outlet.send(Sent(self, origin, topic, value.encode()))

    def tend(self, after: float = 0.0) -> None:
        self.now += after
        self.outlet.tend()

    @property
    def taken(self) -> str:
        """What the present client was given, in order."""
        return b"".join(self.client.taken).decode()


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    made = Bench()
    monkeypatch.setattr(outlets, "make_client", made.connect)
    monkeypatch.setattr(time, "monotonic", lambda: made.now)
    return made


def test_no_client_is_made_before_there_is_something_to_write(bench: Bench) -> None:
    bench.tend()
    assert not bench.clients
    bench.send("a")
    bench.client.report()
    bench.tend()
    assert bench.written == [b"a"]


def test_behind_a_record_that_failed_its_stream_waits_and_no_other(bench: Bench) -> None:
    bench.send("abc")
    bench.client.report(None, UNKNOWN)  # c is still under way
    bench.tend()
    bench.send("d")
    bench.send("x", THERE)
    bench.send("y", topic="other")
    assert bench.taken == "abcxy"
    bench.tend(after=STUCK_SECONDS / 2)
    assert bench.taken == "abcxy"  # not before it is known what became of c
    bench.client.report(UNKNOWN, None, None)
    bench.tend()
    bench.tend(after=1.01)
    assert bench.taken == "abcxybcd"
    bench.client.report()
    bench.tend()
    assert bench.written == [b"a", b"x", b"y", b"b", b"c", b"d"]


def test_failures_at_the_same_time_are_told_once_and_again_ever_later(bench: Bench) -> None:
    bench.send("abc")
    bench.client.report(UNKNOWN, UNKNOWN, UNKNOWN)
    bench.tend()
    bench.tend(after=0.49)
    assert bench.taken == "abc"
    bench.tend(after=0.02)
    bench.client.report(UNKNOWN, UNKNOWN, UNKNOWN)
    bench.tend()
    assert bench.delays == [(b"a", 1, 0.5), (b"a", 2, 1.0)]
    bench.tend(after=1.01)
    bench.client.report()
    bench.send("d")
    bench.client.report()
    bench.tend()
    assert bench.written == [b"a", b"b", b"c", b"d"]


def test_a_full_queue_loses_and_reorders_nothing(bench: Bench) -> None:
    bench.send("a")
    bench.client.refusal = BufferError("full")
    bench.send("bc")
    bench.client.refusal = None
    bench.send("d")
    assert bench.taken == "a"
    bench.client.report()
    bench.tend()
    assert bench.taken == "abcd"
    assert bench.delays == []


def test_what_is_refused_at_once_waits_as_what_is_refused_later(bench: Bench) -> None:
    bench.send("a")
    bench.client.refusal = KafkaException(UNKNOWN)
    bench.send("bc")
    bench.client.refusal = None
    bench.client.report()
    bench.tend(after=0.51)
    assert bench.taken == "abc"
    assert bench.delays == [(b"b", 1, 0.5)]


def test_what_can_never_be_written_is_handed_back(bench: Bench) -> None:
    big = Sent(bench, HERE, "out", bytes(1_000_000))
    bench.outlet.send(big)
    bench.send("b")
    bench.client.report(TOO_LARGE, None)
    bench.tend()
    assert (bench.refused, bench.written) == ([big.value], [b"b"])
    bench.tend(after=60)
    assert len(bench.client.taken) == 2


def test_what_has_no_other_way_is_tried_for_ever(bench: Bench) -> None:
    bench.has_a_way_out = False
    bench.outlet.send(Sent(bench, HERE, "out", bytes(1_000_000)))
    for _ in range(3):
        bench.client.report(TOO_LARGE)
        bench.tend()
        bench.tend(after=60)
    assert len(bench.client.taken) == 4
    assert len(bench.delays) == 3


def test_of_a_batch_that_is_too_large_only_the_record_that_is_pays(bench: Bench) -> None:
    bench.send("abc")
    bench.client.report(TOO_LARGE, TOO_LARGE)
    bench.tend()
    bench.client.report(TOO_LARGE)  # still of the client that writes in batches
    bench.tend()
    assert bench.refused == []
    bench.tend(after=0.51)
    assert len(bench.clients) == 2
    assert bench.client.properties["batch.num.messages"] == 1
    assert bench.taken == "abc"
    bench.client.report(None, TOO_LARGE, None)
    bench.tend()
    assert (bench.written, bench.refused) == ([b"a", b"c"], [b"b"])


@pytest.mark.parametrize("fatal", [False, True])
def test_a_client_that_is_stuck_or_broken_is_replaced_and_all_is_written_again(
    bench: Bench, fatal: bool
) -> None:
    bench.send("abc")
    bench.client.report(None)
    bench.tend(after=1)
    if fatal:
        bench.client.report(FATAL)
        bench.tend()
    else:
        bench.tend(after=STUCK_SECONDS - 0.1)
        assert not bench.client.purged
        bench.tend(after=0.2)
    stuck = bench.client
    assert stuck.purged
    bench.send("d")
    assert stuck.taken == [b"a", b"b", b"c"]
    for _ in range(3):
        bench.tend(after=0.51)
    assert bench.client is not stuck
    assert bench.taken == "bcd"
    bench.client.report()
    bench.tend()
    assert bench.written == [b"a", b"b", b"c", b"d"]


def test_a_quiet_time_does_not_make_a_client_seem_stuck(bench: Bench) -> None:
    bench.send("a")
    bench.client.report()
    bench.tend()
    bench.tend(after=10 * STUCK_SECONDS)
    bench.send("b")
    bench.tend(after=1)
    assert not bench.client.purged


def test_what_goes_back_to_a_partition_that_was_given_up_is_not_tried_again(bench: Bench) -> None:
    bench.send("ab")
    bench.client.report(UNKNOWN)  # b is still under way
    bench.tend()
    bench.outlet.forget(HERE)
    bench.client.report(UNKNOWN)
    bench.tend()
    bench.send("c")
    bench.tend(after=STUCK_SECONDS / 2)
    assert bench.taken == "abc"
