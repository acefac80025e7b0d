"""The group's member: reads records, passes rebalances on, commits offsets.

All of it runs on one thread, the supervisor's. Nothing may raise inside a
callback of librdkafka: the batch in flight would be destroyed and later commits
would pass it (confluent_kafka ``Consumer_consume``, ``CallState_end``). So
callbacks keep what went wrong, and ``poll`` raises it after it has returned.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import cast

from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    TopicPartition,
)

from ticketpool import crash, log
from ticketpool.config import KafkaConfig, OffsetReset
from ticketpool.core.model import Partition, RawRecord
from ticketpool.core.trouble import Position
from ticketpool.errors import NotAuthorised
from ticketpool.kafka.beginnings import Beginnings
from ticketpool.kafka.cluster import DENIED, fatal, make_client
from ticketpool.kafka.insist import insist
from ticketpool.kafka.listener import (
    Listener,
    Outcome,
    commits_of,
    member_of,
    named,
    outcomes_of,
    starts_of,
)
from ticketpool.kafka.quiet import BrokerWatch
from ticketpool.kafka.settings import consumer_properties, new_protocol

BATCH = 2000
"""Most records that one poll returns: 1,000 and up read at full speed, and 2,000
keep the loop quick to come round."""

_log = log.get("ticketpool.kafka")


class GroupConsumer:
    """*Supervisor side.* One member of the consumer group.

    Args:
        find_end: ask for end offsets at assignment.

    Attributes:
        known: partitions of each topic at start; one that was added later is read
            from its beginning.
        watch: whether brokers answer.

    Raises:
        ConfigError: a property is wrong.
    """

    def __init__(
        self,
        kafka: KafkaConfig,
        *,
        group: str,
        assignor: str,
        offset_reset: OffsetReset,
        find_end: bool,
        listener: Listener,
    ) -> None:
        self._listener = listener
        self._group = group
        self._incremental = assignor == "cooperative-sticky" or new_protocol(kafka)
        self._failure: BaseException | None = None
        self.known: Mapping[str, int] = {}
        self._ends: list[tuple[Partition, int]] = []
        self._out_of_range: list[tuple[Partition, str]] = []
        properties = consumer_properties(kafka, group=group, assignor=assignor)
        self.watch = BrokerWatch(kafka.bootstrap_servers)
        callbacks = {"on_commit": self._on_commit, **self.watch.callbacks}
        self._consumer = make_client(Consumer, {**properties, **callbacks})
        self._beginnings = Beginnings(
            self._consumer, group, offset_reset, find_end=find_end, waiting=listener.waiting
        )

    def subscribe(self, topics: Iterable[str]) -> None:
        """Join the group; partitions arrive through ``poll``."""
        self._consumer.subscribe(
            list(topics),
            on_assign=self._guarded(self._on_assign),
            on_revoke=self._guarded(self._on_revoke),
            on_lost=self._guarded(self._on_lost),
        )

    def poll(self, seconds: float, *, one: bool = False) -> Sequence[RawRecord]:
        """Records that have arrived, after waiting at most ``seconds`` for the first.

        ``one``: that record only, for the sake of the callbacks.

        Runs the listener on the calling thread before it returns. ``consume(n,
        t)`` would wait its whole time for n records: 50 ms more at 100 a second.

        Raises:
            TicketpoolError: the group refuses us, or a listener failed; do not
                commit past records that were not returned.
        """
        while self._ends:  # of the poll before: the records ahead of them are taken in by now
            self._listener.reached_end(*self._ends.pop(0))
        while self._out_of_range:
            self._listener.out_of_range(*self._out_of_range.pop(0))
        first = self._first(seconds)
        if first is None:
            self._raise_failure()
            return ()
        self.watch.answered()
        records = [first] if one else [first, *self._consumer.consume(BATCH - 1, 0)]
        self._raise_failure()
        if any(map(Message.error, records)):
            records = [one for one in records if one.error() is None or self._is_record(one)]
        return cast("list[RawRecord]", records)

    def _first(self, seconds: float) -> Message | None:
        """The first record, or error, by then. Ends of logs are noted and not returned: with
        many partitions nearly every record has one behind it, not worth a turn of the loop."""
        deadline = time.monotonic() + seconds
        first = self._consumer.poll(seconds)
        while first is not None and self._is_end(first):
            first = self._consumer.poll(max(deadline - time.monotonic(), 0.0))
        return first

    def _is_end(self, message: Message) -> bool:
        error = message.error()
        if error is None or error.code() != KafkaError._PARTITION_EOF:
            return False
        self._ends.append((_where(message), message.offset() or 0))
        return True

    def _raise_failure(self) -> None:
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure

    def _is_record(self, message: Message) -> bool:
        """Whether it is a record; events and errors are dealt with here."""
        if (error := message.error()) is None or self._is_end(message):
            return error is None
        where = _where(message)
        if error.code() in DENIED:
            raise NotAuthorised(f"group {self._group!r}: {error.str()}; check the ACLs")
        elif error.code() == KafkaError._AUTO_OFFSET_RESET:
            self._out_of_range.append((where, error.str()))
        # .fatal() is False for a fenced static member, so the code decides.
        elif error.fatal() or error.code() == KafkaError._FATAL:
            raise fatal(error)
        else:
            _log.warning("kafka error", topic=where.topic, partition=where[1], error=error.str())
        return False

    # -- rebalances

    def _guarded(self, callback: Callable[[list[TopicPartition]], None]) -> Callable[..., None]:
        def guarded(_: Consumer, partitions: list[TopicPartition]) -> None:
            try:
                callback(partitions)
            except BaseException as error:  # see the module's docstring
                self._failure = error

        return guarded

    def _on_assign(self, partitions: list[TopicPartition]) -> None:
        starts = self._beginnings.of(partitions, self.known)
        resolved = starts_of(starts)
        if self._incremental:
            self._consumer.incremental_assign(resolved)
        else:
            self._consumer.assign(resolved)
        self._listener.assigned(starts)

    def _on_revoke(self, partitions: list[TopicPartition]) -> None:
        self._listener.revoked(named(partitions))

    def _on_lost(self, partitions: list[TopicPartition]) -> None:
        self._listener.lost(named(partitions))

    # -- offsets ----------------------------------------------------------------------

    def commit_soon(self, positions: Iterable[tuple[Partition, Position]]) -> bool:
        """Send a commit, and say whether it has left. Never raises; its outcome comes
        through ``Listener.committed``."""
        crash.point("supervisor:before-commit")
        try:
            self._consumer.commit(offsets=commits_of(positions), asynchronous=True)
        except KafkaException as error:
            _log.warning("commit not sent", error=error.args[0].str())
            return False
        return True

    def commit_now(self, positions: Iterable[tuple[Partition, Position]]) -> list[Outcome]:
        """Commit and wait, also for a coordinator that moves; all outcomes. Never raises."""
        wanted = commits_of(positions)
        if not wanted:
            return []
        try:
            answer = insist(lambda: self._consumer.commit(offsets=wanted, asynchronous=False))
            return outcomes_of(None, answer or ())
        except KafkaException as error:
            return outcomes_of(error.args[0], wanted)

    def membership(self) -> object | None:
        """Who we are in the group by now, for a transaction (KIP-447); see ``member_of``."""
        return member_of(self._consumer.consumer_group_metadata())

    def _on_commit(self, error: KafkaError | None, partitions: list[TopicPartition]) -> None:
        try:
            crash.point("supervisor:after-commit")
            self._listener.committed(outcomes_of(error, partitions))
        except BaseException as failure:  # see the module's docstring
            self._failure = failure

    def high_watermark(self, partition: Partition) -> int | None:
        """The end of the log as of the last fetch, without asking the broker."""
        try:
            _, high = self._consumer.get_watermark_offsets(
                TopicPartition(partition.topic, partition.number), cached=True
            )
        except KafkaException:
            return None
        return high if high >= 0 else None

    def restart(self, partition: Partition, at_end: bool) -> int | None:
        """Read a partition from where its log begins, or ends, whatever was committed.

        Returns:
            The end, so that it can be committed: what comes next must not be passed over
            when we are started again. ``None`` for the beginning, which still moves.
        """
        start = self._beginnings.end(partition) if at_end else None
        offset = OFFSET_BEGINNING if start is None else start
        anew = TopicPartition(partition.topic, partition.number, offset)
        # seek() answers _STATE here: without an offset to reset to, fetching has ended.
        if self._incremental:
            self._consumer.incremental_unassign([anew])
            self._consumer.incremental_assign([anew])
            return start
        assigned = self._consumer.position(self._consumer.assignment())
        others = [p for p in assigned if (p.topic, p.partition) != partition]
        self._consumer.assign([*others, anew])
        return start

    # -- flow ---------------------------------------------------------------------------

    def pause(self, partitions: Iterable[Partition]) -> None:
        """Stop fetching; what librdkafka had prefetched for them is thrown away."""
        self._consumer.pause([TopicPartition(p.topic, p.number) for p in partitions])

    def resume(self, partitions: Iterable[Partition]) -> None:
        """Fetch again, from where ``poll`` left off."""
        self._consumer.resume([TopicPartition(p.topic, p.number) for p in partitions])

    def close(self) -> None:
        """Leave the group. Calls ``Listener.revoked`` for what is still assigned."""
        self._consumer.close()


def _where(message: Message) -> Partition:
    return Partition(message.topic() or "", message.partition() or 0)
