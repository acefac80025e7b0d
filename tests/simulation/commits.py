"""A consumer's commits on their way to the coordinator and back: in order, and sometimes lost."""

from collections import deque
from collections.abc import Callable
from typing import Any

from confluent_kafka import KafkaError, TopicPartition

from ticketpool.core.model import Partition

ANSWER_SECONDS = 8.0  # after so long without one a commit has failed


class Answer:
    """The outcome of a commit for one partition; as a ``TopicPartition`` with its error."""

    def __init__(self, at: TopicPartition, error: KafkaError | None) -> None:
        self.topic, self.partition, self.offset = at.topic, at.partition, at.offset
        self.metadata, self.error = at.metadata, error


class Commits:
    """The commits of one consumer.

    Attributes:
        answers: of the asynchronous ones, to be told in ``poll``.
    """

    def __init__(self, world: Any, consumer: Any) -> None:
        self._world, self._consumer = world, consumer
        self.answers: deque[tuple[KafkaError | None, list[Answer]]] = deque()
        self._requests: deque[tuple[float, list[TopicPartition], tuple[int, int], Any]] = deque()

    def send(self, offsets: list[TopicPartition], done: Callable[[Any], None] | None) -> None:
        """One connection: commits arrive in the order in which they were sent."""
        now = self._world.kernel.now
        self._requests.append(
            (now, offsets, (self._consumer.incarnation, self._consumer.generation), done)
        )
        if len(self._requests) == 1:
            self._transmit()

    def _transmit(self) -> None:
        self._world.kernel.later(self._world.rng.choice([0.0, 1e-3, 0.03]), self._arrive)

    def _arrive(self) -> None:
        kernel = self._world.kernel
        sent, offsets, identity, done = self._requests[0]
        if not self._world.broker.up and kernel.now < sent + ANSWER_SECONDS:
            kernel.later(0.2, self._arrive)
            return
        self._requests.popleft()
        self._arrived(offsets, identity, done)
        if self._requests:
            self._transmit()

    def _arrived(
        self,
        offsets: list[TopicPartition],
        identity: tuple[int, int],
        done: Callable[[Any], None] | None,
    ) -> None:
        if self._consumer.process.killed and self._world.rng.random() < 0.5:
            return  # it had not left yet
        self._answer(offsets, self._refusals(offsets, *identity), done)

    def _refusals(
        self, offsets: list[TopicPartition], incarnation: int, generation: int
    ) -> list[str | None]:
        if not self._world.broker.up:
            return ["_TIMED_OUT"] * len(offsets)
        if incarnation != self._consumer.incarnation:
            return ["UNKNOWN_MEMBER_ID"] * len(offsets)
        wanted = [(Partition(p.topic, p.partition), p.offset, p.metadata or "") for p in offsets]
        refusals: list[str | None] = self._world.broker.commit(self._consumer, generation, wanted)
        return refusals

    def _answer(
        self,
        offsets: list[TopicPartition],
        refusals: list[str | None],
        done: Callable[[Any], None] | None,
    ) -> None:
        if self._world.answer_is_lost():
            refusals = ["_TIMED_OUT"] * len(offsets)
        unclean = self._consumer.unclean
        answers = [Answer(at, _error(why)) for at, why in zip(offsets, refusals, strict=True)]
        for at, why in zip(offsets, refusals, strict=True):
            where = Partition(at.topic, at.partition)
            (unclean.discard if why is None else unclean.add)(where)
        everywhere = _error(refusals[0]) if all(refusals) else None
        if done is not None:
            done((everywhere, answers))
        else:
            self.answers.append((everywhere, answers))
        self._consumer.poke()


def _error(why: str | None) -> KafkaError | None:
    return None if why is None else KafkaError(getattr(KafkaError, why), why)
