"""confluent_kafka's Consumer on the simulated cluster.

They behave as librdkafka does where it hurts: callbacks run inside ``poll`` and
``consume``; what they raise destroys the batch in flight; a pause throws away
what was prefetched; a loss may be told as a revocation (librdkafka PR #5604);
a commit may be applied though its answer is lost.
"""

from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from confluent_kafka import (
    OFFSET_BEGINNING,
    OFFSET_END,
    OFFSET_INVALID,
    KafkaError,
    KafkaException,
    Message,
    TopicPartition,
)

from tests.simulation.broker import Log
from tests.simulation.commits import Commits
from tests.simulation.fetching import Fetch, Prefetch
from tests.simulation.kernel import TICK, Actor
from ticketpool.core.model import Partition

LOSS_CALLBACKS = ("on_lost", "on_lost", "on_revoke")  # librdkafka PR #5604


class Consumer:
    """``confluent_kafka.Consumer``: one member of the group."""

    def __init__(self, world: Any, process: Any, properties: dict[str, Any]) -> None:
        self.world, self.process, self.properties = world, process, properties
        self.name = f"{process.name}"
        self.instance = str(properties.get("group.instance.id", ""))
        self.generation = 0
        self.incarnation = 0  # its member id: new with each joining
        self._marked: set[Partition] = set()  # paused; it outlives an assignment
        self._prefetch = Prefetch(world, lambda what, *where: world.note(what, self.name, *where))
        self.fetches = self._prefetch.fetches
        self.unclean: set[Partition] = set()  # the last commit of these was not confirmed
        self.expelled = self.closed = self.losing = False
        self.last_poll = world.kernel.now
        self.expelled_at = float("-inf")
        self._callbacks: dict[str, Callable[..., None]] = {}
        self._due: deque[tuple[str, list[Partition]]] = deque()
        self._commits = Commits(world, self)
        self._waiting: Actor | None = None
        self._serving = False
        self.cut_off: set[Partition] = set()  # a drain of these ended at its deadline

    # -- what the group wants of it ---------------------------------------------------------

    @property
    def busy(self) -> bool:
        """Whether it has not answered the last round yet."""
        return bool(self._due) or self._serving

    @property
    def alive(self) -> bool:
        return not self.closed and not self.process.killed

    def enqueue(self, kind: str, partitions: list[Partition]) -> None:
        self._due.append((kind, partitions))
        self.poke()

    def expel(self) -> None:
        """The group has given up on it; it will hear of that when it next looks."""
        if self.expelled or self.closed:
            return
        self.world.note("expelled", self.name)
        self.expelled, self.expelled_at = True, self.world.kernel.now
        self.world.broker.leave(self)
        self._due = deque([("lost", [])])
        self.poke()

    def poke(self) -> None:
        if self._waiting is not None:
            self.world.kernel.wake(self._waiting)

    # -- as in confluent_kafka: group -------------------------------------------------------

    def subscribe(self, topics: list[str], **callbacks: Callable[..., None]) -> None:
        self.world.kernel.check()
        self._callbacks = callbacks
        self.world.broker.join(self)

    def poll(self, timeout: float) -> Message | None:
        """As librdkafka: serves callbacks, then returns a message, or waits for one."""
        kernel = self.world.kernel
        kernel.sleep(self.world.rng.choice([2e-5, 2e-4, 2e-3]))
        self.last_poll = kernel.now
        self.world.oracle.look_at(self)
        until = kernel.now + timeout
        while True:
            self._serve()
            self._prefetch.fill()
            if (message := self._prefetch.take()) is not None:
                return message
            if kernel.now >= until - TICK:
                return None
            self._wait(until)

    def consume(self, count: int, timeout: float) -> list[Message]:
        assert not timeout, "it would wait for all of them"
        self._serve()
        taken: list[Message] = []
        while len(taken) < count and (message := self._prefetch.take()) is not None:
            taken.append(message)
        return taken

    def _wait(self, until: float) -> None:
        self._waiting = self.world.kernel.current
        self.world.kernel.wait(min(until - self.world.kernel.now, 0.05))
        self._waiting = None

    def _serve(self) -> None:
        while self._commits.answers:
            self.properties["on_commit"](*self._commits.answers.popleft())
        while self._due and self._may_serve():
            self._serving = True
            self._rebalance(*self._due.popleft())
            self._serving = False
        self.world.kernel.check()

    def _may_serve(self) -> bool:
        """An expelled member may get at a message that was read before, first."""
        return not (self.expelled and self._prefetch and self.world.rng.random() < 0.5)

    def _rebalance(self, kind: str, partitions: list[Partition]) -> None:
        self.world.note(kind, self.name, *map(str, partitions))
        if kind == "assign":
            self._callbacks["on_assign"](self, _named(partitions))
        elif kind == "revoke":
            self._give_up("on_revoke", partitions)
            self.world.broker.released(self, partitions)
        else:
            told = self.world.told_of_losses or self.world.rng.choice(LOSS_CALLBACKS)
            self._give_up(told, list(self.fetches))
            self.expelled = False
            self.incarnation += 1
            self.world.broker.join(self)

    def _give_up(self, callback: str, partitions: list[Partition]) -> None:
        held = [p for p in partitions if p in self.fetches]
        self.losing = callback == "on_lost"
        self._callbacks[callback](self, _named(held))
        self.losing = False
        self.world.kernel.check()
        self.unclean |= self.cut_off.intersection(held)
        self.world.oracle.given_up(self, held)
        for partition in held:
            self._prefetch.drop(partition)

    def assign(self, partitions: list[TopicPartition]) -> None:
        assert not self.fetches, "an eager member gives all up first"
        self.incremental_assign(partitions)

    def incremental_assign(self, partitions: list[TopicPartition]) -> None:
        self.world.kernel.check()
        for at in partitions:
            partition = Partition(at.topic, at.partition)
            assert partition not in self.fetches, f"{partition} assigned twice"
            log = self.world.broker.logs.get(partition)
            fetch = self.fetches[partition] = Fetch(log, self._resolve(at.offset, log))
            fetch.paused = partition in self._marked
            self.unclean.discard(partition)
            self.cut_off.discard(partition)
            self.world.oracle.taken_over(self, partition, fetch.first)

    def incremental_unassign(self, partitions: list[TopicPartition]) -> None:
        self.world.kernel.check()
        for at in partitions:
            self._prefetch.drop(Partition(at.topic, at.partition))

    def assignment(self) -> list[TopicPartition]:
        return _named(self.fetches)

    def position(self, partitions: list[TopicPartition]) -> list[TopicPartition]:
        found = [(p, self.fetches[Partition(p.topic, p.partition)]) for p in partitions]
        return [TopicPartition(p.topic, p.partition, fetch.position) for p, fetch in found]

    def _resolve(self, offset: int, log: Log | None) -> int:
        if offset == OFFSET_BEGINNING or log is None:
            return 0
        return log.end if offset == OFFSET_END else offset

    def close(self) -> None:
        """Give everything up, leave the group."""
        self.world.kernel.check()
        if self.expelled:
            self._give_up("on_lost", list(self.fetches))
        elif self._callbacks:
            self._give_up("on_revoke", list(self.fetches))
        self.closed = True
        self.world.broker.leave(self)

    # -- flow ---------------------------------------------------------------------------------

    def pause(self, partitions: Iterable[TopicPartition]) -> None:
        """What was prefetched is thrown away; fetching will begin where the application is."""
        for partition, fetch in self._fetches(partitions, "pause"):
            fetch.start_anew(paused=True)
            self._marked.add(partition)

    def resume(self, partitions: Iterable[TopicPartition]) -> None:
        for partition, fetch in self._fetches(partitions, "resume"):
            fetch.start_anew(paused=False)
            self._marked.discard(partition)

    def _fetches(
        self, partitions: Iterable[TopicPartition], what: str
    ) -> list[tuple[Partition, Fetch]]:
        self.world.kernel.check()
        found = [Partition(p.topic, p.partition) for p in partitions]
        self.world.note(what, self.name, *map(str, found))
        missing = [p for p in found if p not in self.fetches]
        assert not missing, f"{what} of {missing}, which are not assigned"
        return [(p, self.fetches[p]) for p in found]

    def get_watermark_offsets(
        self, at: TopicPartition, timeout: float = 0.0, cached: bool = False
    ) -> tuple[int, int]:
        log = self.world.broker.logs.get(Partition(at.topic, at.partition))
        return (log.start, log.end) if log is not None else (-1, -1)

    # -- offsets ------------------------------------------------------------------------------

    def committed(self, partitions: list[TopicPartition], timeout: float) -> list[TopicPartition]:
        self._await_broker(timeout)
        found = []
        for p in partitions:
            kept = self.world.broker.committed.get(Partition(p.topic, p.partition))
            offset, memo = kept or (OFFSET_INVALID, "")
            found.append(TopicPartition(p.topic, p.partition, offset, memo))
        return found

    def _await_broker(self, timeout: float) -> None:
        kernel = self.world.kernel
        kernel.sleep(self.world.rng.uniform(1e-4, 0.01))
        until = kernel.now + timeout
        while not self.world.broker.up:
            if kernel.now >= until:
                raise KafkaException(KafkaError(KafkaError._TIMED_OUT, "timed out"))
            kernel.sleep(0.1)

    def commit(self, *, offsets: list[TopicPartition], asynchronous: bool) -> Any:
        """Asynchronous ones are answered through ``on_commit``; the order of all is kept."""
        self.world.kernel.check()
        for at in offsets:
            where = Partition(at.topic, at.partition)
            self.world.oracle.commit_sent(self, where, at.offset)
            self.unclean.add(where)
        result: list[Any] = []
        self._commits.send(offsets, result.append if not asynchronous else None)
        if asynchronous:
            return None
        while not result:
            self._waiting = self.world.kernel.current
            self.world.kernel.wait(0.1)
            self._waiting = None
        error, answers = result[0]
        if error is not None:
            raise KafkaException(error)
        return answers


def _named(partitions: Iterable[Partition]) -> list[TopicPartition]:
    return [TopicPartition(p.topic, p.number) for p in partitions]
