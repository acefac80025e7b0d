"""The ends of logs come from the brokers, for the assignment that asked, and never hold up.

In doubt because the thread that asks and the loop that looks share nothing but references,
and because one broker that is silent spoils the answer of all.
"""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from confluent_kafka import KafkaError, KafkaException, TopicPartition

from tests.support import eventually
from ticketpool.config import KafkaConfig
from ticketpool.core.model import Partition
from ticketpool.kafka.watermarks import SILENT_SECONDS, Answer, Want, Watermarks

A, B = Partition("tickets", 0), Partition("tickets", 1)
TIMED_OUT = KafkaError(KafkaError._TIMED_OUT)


class Client:
    """A consumer; ``ends`` and ``starts``: offsets or errors, by partition.

    Attributes:
        down: brokers that do not answer; partition n is led by broker n.
        alive: some broker answers.
    """

    def __init__(self) -> None:
        self.ends: dict[Partition, Any] = {}
        self.starts: dict[Partition, Any] = {}
        self.alive = True
        self.down: set[int] = set()
        self.asked: list[tuple[str, list[Partition]]] = []

    def offsets_for_times(
        self, asked: Sequence[TopicPartition], timeout: float
    ) -> list[SimpleNamespace]:
        kind = {-1: "latest", -2: "earliest"}[asked[0].offset]
        where = [Partition(at.topic, at.partition) for at in asked]
        self.asked.append((kind, where))
        if not self.alive or self.down & {at.number for at in where}:
            raise KafkaException(TIMED_OUT)
        known = self.ends if kind == "latest" else self.starts
        return [_told(at, known[at]) for at in where]

    def list_topics(self, topic: str = "", timeout: float = -1) -> SimpleNamespace:
        if not self.alive:
            raise KafkaException(TIMED_OUT)
        led = {number: SimpleNamespace(leader=number) for number in (0, 1)}
        return SimpleNamespace(topics={topic: SimpleNamespace(partitions=led)})


def _told(at: Partition, what: Any) -> SimpleNamespace:
    error = what if isinstance(what, KafkaError) else None
    offset = -1 if error is not None else what
    return SimpleNamespace(topic=at.topic, partition=at.number, offset=offset, error=error)


class World:
    """Watermarks with a clock and a client of ours."""

    def __init__(self, **properties: str) -> None:
        self.now = 100.0
        self.client = Client()
        kafka = KafkaConfig(properties={k.replace("_", "."): v for k, v in properties.items()})
        self.marks = Watermarks(kafka, lambda: self.now, lambda: self.client)

    def ask(self, *wanted: Want) -> None:
        self.marks.want(wanted)
        self.marks.ask(self.client)

    def silent(self) -> Any:
        return self.marks.silent_seconds


def test_an_answer_is_for_the_assignment_that_asked() -> None:
    world = World()
    world.client.ends = {A: 7}
    world.ask(Want(A, 1, False))
    assert world.marks.of(A, 1) == Answer(1, 7, None)
    assert world.marks.of(A, 2) is None  # assigned anew: what was asked before is not believed
    assert world.marks.of(B, 1) is None


def test_an_answer_that_comes_late_brings_nothing_back() -> None:
    world = World()
    world.client.ends = {A: 7}
    world.marks.want([Want(A, 1, False)])
    asked = world.client.offsets_for_times

    def revoked_meanwhile(*args: Any, **named: Any) -> Any:
        world.marks.want([])
        return asked(*args, **named)

    world.client.offsets_for_times = revoked_meanwhile  # type: ignore[method-assign]
    world.marks.ask(world.client)
    assert world.marks.of(A, 2) is None
    world.marks.ask(world.client)
    assert world.marks.of(A, 1) is None


def test_the_beginning_is_asked_for_where_it_is_wanted() -> None:
    world = World()
    world.client.ends, world.client.starts = {A: 7, B: 9}, {A: 3}
    world.ask(Want(A, 1, True), Want(B, 2, False))
    assert world.marks.of(A, 1) == Answer(1, 7, 3)
    assert world.marks.of(B, 2) == Answer(2, 9, None)
    assert world.client.asked == [
        ("latest", [A, B]),
        ("earliest", [A]),
    ]


def test_without_an_answer_the_last_end_stays_and_the_error_is_told() -> None:
    world = World()
    world.client.ends = {A: 7, B: 9}
    world.ask(Want(A, 1, False), Want(B, 2, False))
    gone = KafkaError(KafkaError.LEADER_NOT_AVAILABLE, "an election")
    world.client.ends = {A: -1, B: gone}
    world.ask(Want(A, 1, False), Want(B, 2, False))
    assert world.marks.of(A, 1) == Answer(1, 7, None, "no answer")
    assert world.marks.of(B, 2) == Answer(2, 9, None, "an election")
    world.client.ends = {A: 8, B: 9}
    world.ask(Want(A, 1, False), Want(B, 2, False))
    assert world.marks.of(A, 1) == Answer(1, 8, None)


def test_a_broker_that_is_silent_hides_nothing_of_the_others() -> None:
    world = World()
    world.client.ends = {A: 7, B: 9}
    world.ask(Want(A, 1, False), Want(B, 2, False))
    world.client.ends, world.client.down = {A: 8, B: 10}, {1}
    world.ask(Want(A, 1, False), Want(B, 2, False))
    assert world.marks.of(A, 1) == Answer(1, 8, None)
    assert world.marks.of(B, 2) == Answer(2, 9, None, "no answer")
    assert world.silent() is None


def test_nobody_answers_when_nothing_does_for_some_seconds() -> None:
    world = World()
    world.client.ends = {A: 7}
    world.now += 60  # before anything was asked nobody is blamed
    assert world.silent() is None
    world.ask(Want(A, 1, False))
    world.client.ends, world.client.alive = {A: -1}, False
    world.now += 1
    world.ask(Want(A, 1, False))
    assert world.silent() is None
    world.now += SILENT_SECONDS
    assert world.silent() == SILENT_SECONDS + 1
    world.client.alive = True  # another broker than the partition's leader
    world.ask(Want(A, 1, False))
    assert world.silent() is None
    assert world.marks.of(A, 1) == Answer(1, 7, None, "no answer")


def test_the_thread_asks_at_once_for_what_is_new_and_ends_when_told() -> None:
    world = World()
    world.client.ends = {A: 7}
    world.marks.start()
    world.marks.want([Want(A, 1, False)])
    eventually(lambda: world.marks.of(A, 1))
    world.marks.close()
    eventually(lambda: not world.marks._thread.is_alive())


def test_a_thread_that_fails_takes_nobody_along() -> None:
    world = World()
    world.client.ends = {}  # a KeyError
    world.marks.want([Want(A, 1, False)])
    world.marks.start()
    eventually(lambda: not world.marks._thread.is_alive())
    world.now += 60
    assert (world.marks.of(A, 1), world.marks.silent_seconds) == (None, None)
