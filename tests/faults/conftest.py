"""Supervisors of one group, handlers that note when they begin and end, and two judges."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer

from tests.broker import Broker
from tests.faults import judge
from tests.faults.kinds import USUAL, Kind
from tests.run.conftest import Run, journal, listener, produce, run
from tests.run.journal import Journal
from tests.run.topics import ticket
from tests.support import Command, eventually

__all__ = ["journal", "listener", "produce", "run"]

Start = Callable[..., Command]


@pytest.fixture
def member(run: Run, topic: str, tmp_path: Path) -> Start:
    """``member("a", *OPTIONS, kind=..., handler="obey", of=TOPIC)``: a supervisor of the group.

    All of them note what they do for ``verify --trace``.
    """

    def start(
        name: str, *options: str, kind: Kind = USUAL, handler: str = "obey", of: str = topic,
        environment: Mapping[str, str] | None = None, by: Sequence[str] = (),
    ) -> Command:  # fmt: skip
        workers = () if "--workers" in options else ("--workers", "2")
        return run(
            handler, of, *kind.options(name), *judge.traces(tmp_path / "traces"), *workers,
            *options, environment=environment, by=by,
        )  # fmt: skip

    return start


@pytest.fixture
def prove(command: Start, tmp_path: Path) -> Callable[[], dict[str, Any]]:
    """``prove()``: the second judge, over what all processes of the group noted themselves."""

    def verdict() -> dict[str, Any]:
        return command("verify", "--trace", str(tmp_path / "traces"), "--json").expect(0).json()

    return verdict


@pytest.fixture
def note() -> Callable[[str, object], None]:
    """``note(NAME, VALUE)``: a measurement, shown by ``pytest -rA``."""
    return lambda name, value: print(f"{name}: {value}")


class Stream:
    """Writes tickets to all partitions of a topic in turn, a few whenever it is asked to."""

    def __init__(self, kafka: Broker, topic: str, partitions: int, deed: str) -> None:
        self._producer = Producer(
            {"bootstrap.servers": kafka.bootstrap, "enable.idempotence": True, "log_level": 0}
        )
        self._topic, self._partitions, self._deed = topic, partitions, deed
        self.written = 0

    def write(self, count: int) -> None:
        """So many more tickets for each partition; does not wait for the broker."""
        for _ in range(count):
            for partition in range(self._partitions):
                self.written += 1
                value = ticket(self._deed, self.written)
                self._producer.produce(self._topic, value, partition=partition)
        self._producer.poll(0)

    def end(self) -> None:
        """Wait until all are acknowledged."""
        assert self._producer.flush(60) == 0


def keep_writing(stream: Stream, until: Callable[[], object], seconds: float = 40) -> None:
    """Write a ticket to each partition now and then until the condition holds."""

    def written_and_done() -> object:
        stream.write(1)
        return until()

    eventually(written_and_done, seconds=seconds, every=0.05)


def go_on(journal: Journal, stream: Stream) -> None:
    """Wait until records that are written from now on are handled, in each of 8 partitions."""
    since, order_id = time.monotonic_ns(), stream.written

    def done() -> bool:
        late = [entry for entry in journal.entries("end") if entry.at_ns > since]
        return len({entry.partition for entry in late if entry.order_id > order_id}) == 8

    keep_writing(stream, done, 60)


@pytest.fixture
def stream(kafka: Broker, topic: str) -> Iterator[Stream]:
    """Tickets of 10 ms for the 8 partitions of this test's topic."""
    made = Stream(kafka, topic, 8, "sleep 0.01")
    yield made
    made.end()


@pytest.fixture
def kept(
    kafka: Broker, topic: str, group: str, journal: Journal, prove: Callable[[], dict[str, Any]]
) -> Callable[..., None]:
    """``kept(**...)``: wait for the end of the log, then let both judges say that the promise
    was kept. To be called when the supervisors have stopped; arguments as ``assert_kept``."""

    def assert_it(of: str = topic, **allowed: Any) -> None:
        judge.assert_kept(kafka, of, group, journal, **allowed)
        prove()

    return assert_it
