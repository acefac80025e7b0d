"""The ends of logs come from the brokers, for the assignment that asked, and never hold up.

In doubt because the thread that asks and the loop that looks share nothing but references,
and because a request that timed out is told by the client as an offset of -1.
"""

from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

from confluent_kafka import IsolationLevel, KafkaError, KafkaException, TopicPartition

from tests.support import eventually
from ticketpool.config import KafkaConfig
from ticketpool.core.model import Partition
from ticketpool.kafka.watermarks import SILENT_SECONDS, Answer, Want, Watermarks

A, B = Partition("tickets", 0), Partition("tickets", 1)


class Admin:
    """An ``AdminClient``; ``ends`` and ``starts``: offsets or errors, by partition."""

    def __init__(self, **ends: Any) -> None:
        self.ends: dict[Partition, Any] = {}
        self.starts: dict[Partition, Any] = {}
        self.alive = True
        self.asked: list[tuple[str, list[Partition], Any]] = []

    def list_offsets(
        self, asked: dict[TopicPartition, Any], *, isolation_level: Any, request_timeout: float
    ) -> dict[TopicPartition, "Future[Any]"]:
        kind = {-1: "latest", -2: "earliest"}[next(iter(asked.values()))._value]
        where = [Partition(at.topic, at.partition) for at in asked]
        self.asked.append((kind, where, isolation_level))
        known = self.ends if kind == "latest" else self.starts
        return {at: _future(known[Partition(at.topic, at.partition)]) for at in asked}

    def describe_cluster(self, request_timeout: float) -> "Future[Any]":
        down = KafkaException(KafkaError(KafkaError._TIMED_OUT))
        return _done(SimpleNamespace(nodes=["one"]) if self.alive else down)


def _future(what: Any) -> "Future[Any]":
    return _done(what if isinstance(what, Exception) else SimpleNamespace(offset=what))


def _done(what: Any) -> "Future[Any]":
    future: Future[Any] = Future()
    if isinstance(what, Exception):
        future.set_exception(what)
    else:
        future.set_result(what)
    return future


class World:
    """Watermarks with a clock and an admin of ours."""

    def __init__(self, **properties: str) -> None:
        self.now = 100.0
        self.admin = Admin()
        kafka = KafkaConfig(properties={k.replace("_", "."): v for k, v in properties.items()})
        self.marks = Watermarks(kafka, lambda: self.now, lambda: self.admin)

    def ask(self, *wanted: Want) -> None:
        self.marks.want(wanted)
        self.marks.ask(self.admin)

    def silent(self) -> Any:
        return self.marks.silent_seconds


def test_an_answer_is_for_the_assignment_that_asked() -> None:
    world = World()
    world.admin.ends = {A: 7}
    world.ask(Want(A, 1, False))
    assert world.marks.of(A, 1) == Answer(1, 7, None)
    assert world.marks.of(A, 2) is None  # assigned anew: what was asked before is not believed
    assert world.marks.of(B, 1) is None


def test_an_answer_that_comes_late_brings_nothing_back() -> None:
    world = World()
    world.admin.ends = {A: 7}
    world.marks.want([Want(A, 1, False)])
    asked = world.admin.list_offsets

    def revoked_meanwhile(*args: Any, **named: Any) -> Any:
        world.marks.want([])
        return asked(*args, **named)

    world.admin.list_offsets = revoked_meanwhile  # type: ignore[method-assign]
    world.marks.ask(world.admin)
    assert world.marks.of(A, 2) is None
    world.marks.ask(world.admin)
    assert world.marks.of(A, 1) is None


def test_the_beginning_is_asked_for_where_it_is_wanted() -> None:
    world = World()
    world.admin.ends, world.admin.starts = {A: 7, B: 9}, {A: 3}
    world.ask(Want(A, 1, True), Want(B, 2, False))
    assert world.marks.of(A, 1) == Answer(1, 7, 3)
    assert world.marks.of(B, 2) == Answer(2, 9, None)
    assert [(kind, where) for kind, where, _ in world.admin.asked] == [
        ("latest", [A, B]),
        ("earliest", [A]),
    ]


def test_the_end_is_that_of_what_may_be_read() -> None:
    for level, asked in (
        ("", IsolationLevel.READ_COMMITTED),
        ("read_committed", IsolationLevel.READ_COMMITTED),
        ("read_uncommitted", IsolationLevel.READ_UNCOMMITTED),
    ):
        world = World(**{"isolation_level": level} if level else {})
        world.admin.ends = {A: 7}
        world.ask(Want(A, 1, False))
        assert world.admin.asked[0][2] is asked


def test_without_an_answer_the_last_end_stays_and_the_error_is_told() -> None:
    world = World()
    world.admin.ends = {A: 7, B: 9}
    world.ask(Want(A, 1, False), Want(B, 2, False))
    gone = KafkaException(KafkaError(KafkaError.LEADER_NOT_AVAILABLE, "no leader"))
    world.admin.ends = {A: -1, B: gone}
    world.ask(Want(A, 1, False), Want(B, 2, False))
    assert world.marks.of(A, 1) == Answer(1, 7, None, "no answer")
    assert world.marks.of(B, 2) == Answer(2, 9, None, "no leader")
    world.admin.ends = {A: 8, B: 9}
    world.ask(Want(A, 1, False), Want(B, 2, False))
    assert world.marks.of(A, 1) == Answer(1, 8, None)


def test_nobody_answers_when_nothing_does_for_some_seconds() -> None:
    world = World()
    world.admin.ends = {A: 7}
    world.now += 60  # before anything was asked nobody is blamed
    assert world.silent() is None
    world.ask(Want(A, 1, False))
    world.admin.ends, world.admin.alive = {A: -1}, False
    world.now += 1
    world.ask(Want(A, 1, False))
    assert world.silent() is None
    world.now += SILENT_SECONDS
    assert world.silent() == SILENT_SECONDS + 1
    world.admin.alive = True  # another broker than the partition's leader
    world.ask(Want(A, 1, False))
    assert world.silent() is None
    assert world.marks.of(A, 1) == Answer(1, 7, None, "no answer")


def test_the_thread_asks_at_once_for_what_is_new_and_ends_when_told() -> None:
    world = World()
    world.admin.ends = {A: 7}
    world.marks.start()
    world.marks.want([Want(A, 1, False)])
    eventually(lambda: world.marks.of(A, 1))
    world.marks.close()
    eventually(lambda: not world.marks._thread.is_alive())


def test_a_thread_that_fails_takes_nobody_along() -> None:
    world = World()
    world.admin.ends = {}  # a KeyError
    world.marks.want([Want(A, 1, False)])
    world.marks.start()
    eventually(lambda: not world.marks._thread.is_alive())
    world.now += 60
    assert (world.marks.of(A, 1), world.marks.silent_seconds) == (None, None)
