"""The thread that commits transactions: records and offsets, all of them or none."""

import threading
import time
from collections.abc import Iterable, Sequence
from queue import SimpleQueue
from typing import Any, NamedTuple

from confluent_kafka import (
    ConsumerGroupTopicPartitions,
    KafkaError,
    KafkaException,
    Producer,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient

from ticketpool import crash, log
from ticketpool.config import KafkaConfig
from ticketpool.core.model import Partition
from ticketpool.core.trouble import Position
from ticketpool.kafka.cluster import DENIED, make_client
from ticketpool.kafka.listener import commits_of
from ticketpool.kafka.outlet import Outgoing
from ticketpool.kafka.quiet import BrokerWatch, quiet_logger
from ticketpool.kafka.settings import admin_properties, transactional_properties

RPC_SECONDS = 10.0  # of each request that takes a limit
STUCK_SECONDS = 25.0
"""A call of the client that lasts so long never ends: ``send_offsets_to_transaction`` was seen
to hang, whatever its limit, when the broker was restarted meanwhile."""

RETRY_SECONDS = 0.2

_DENIED = DENIED | {KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED}

_log = log.get("ticketpool.transactions")

Positions = Sequence[tuple[Partition, Position]]


class Batch(NamedTuple):
    """What is to happen at once.

    Attributes:
        member: who of the group commits (KIP-447).
        doubted: it may have happened: its outcome is to be looked up, and nothing else done.
    """

    records: Sequence[Outgoing]
    positions: Positions
    member: Any
    doubted: bool = False


class Result(NamedTuple):
    """What became of a batch.

    Attributes:
        error: why it was not committed, or may not have been; ``None`` when it was.
        failed: records that were not taken, each with its error.
        found: where the outcome is unknown: the group's offsets afterwards.
        denied: we may not do this, now or later.
    """

    batch: Batch
    error: str | None = None
    failed: Sequence[tuple[Outgoing, KafkaError]] = ()
    found: dict[Partition, int] | None = None
    denied: bool = False


class Committer(threading.Thread):
    """*Supervisor side.* Commits batches one by one.

    Nobody else touches its producer, which is made anew after everything that leaves a
    transaction's state in doubt, under the same transactional.id: its first request ends
    what the one before had begun (KIP-98, InitProducerId).

    Args:
        name: the transactional.id.

    Attributes:
        seen: the time of its last sign of life while it works on a batch.
        abandoned: another has taken its place: it begins nothing any more.
    """

    def __init__(self, kafka: KafkaConfig, group: str, name: str) -> None:
        super().__init__(name="transactions", daemon=True)
        self._kafka, self._group, self._id = kafka, group, name
        self.seen = time.monotonic()
        self.abandoned = False
        self._watch = BrokerWatch(kafka.bootstrap_servers)
        self._producer: Producer | None = None
        self._failed: list[tuple[Outgoing, KafkaError]] = []
        self.singly = self.made_singly = False  # one record in each request
        self.todo: SimpleQueue[Batch] = SimpleQueue()
        self.done: SimpleQueue[Result] = SimpleQueue()

    def run(self) -> None:
        """Until the process ends."""
        self._connect_early()
        while not self.abandoned:
            batch = self.todo.get()
            self.done.put(self._find_out(batch) if batch.doubted else self._commit(batch))

    def _commit(self, batch: Batch) -> Result:
        self._failed, ending = [], False
        try:
            producer = self._ready()
            producer.begin_transaction()
            self._write(producer, batch.records)
            if self._failed:
                return self._abort(batch, self._failed[0][1].str())
            offsets = commits_of(batch.positions)
            producer.send_offsets_to_transaction(offsets, batch.member, RPC_SECONDS)
            crash.point("supervisor:before-commit")
            self.seen, ending = time.monotonic(), True
            producer.commit_transaction(RPC_SECONDS)
            crash.point("supervisor:after-commit")
            return Result(batch)
        except KafkaException as raised:
            error: KafkaError = raised.args[0]
        if error.txn_requires_abort():
            return self._abort(batch, error.str())
        self._producer = None
        found = self._look(batch) if ending else None
        return Result(batch, error.str(), found=found, denied=error.code() in _DENIED)

    def _find_out(self, batch: Batch) -> Result:
        return Result(batch, "no answer", found=self._look(batch))

    def _connect_early(self) -> None:
        """So that what a predecessor has left open is ended before it is waited for."""
        try:
            self._ready()
        except KafkaException:  # told again by the first batch
            return

    def _write(self, producer: Producer, records: Iterable[Outgoing]) -> None:
        for record in records:
            while not self._accepted(producer, record):
                self.seen = time.monotonic()
                producer.poll(0.05)
            if self._failed:
                return
        while len(producer) and not self._failed:
            self.seen = time.monotonic()
            producer.poll(0.05)

    def _accepted(self, producer: Producer, record: Outgoing) -> bool:
        failed = self._failed

        def note(error: KafkaError | None, _: object) -> None:
            if error is not None:
                failed.append((record, error))

        try:
            producer.produce(
                record.topic,
                value=record.value,
                key=record.key,
                headers=list(record.headers),
                on_delivery=note,
            )
        except BufferError:
            return False
        except KafkaException as error:
            failed.append((record, error.args[0]))
        return True

    def _abort(self, batch: Batch, why: str) -> Result:
        failed, self.seen = list(self._failed), time.monotonic()
        try:
            if self._producer is not None:
                self._producer.abort_transaction(RPC_SECONDS)
        except KafkaException:
            self._producer = None  # the next one aborts it
        return Result(batch, why, failed)

    def _look(self, batch: Batch) -> dict[Partition, int]:
        """The group's offsets, once the transaction in doubt has ended; as long as it takes."""
        places = [TopicPartition(*place) for place, _ in batch.positions]
        asked = ConsumerGroupTopicPartitions(self._group, places)
        while not self.abandoned:
            try:
                self._ready()
                admin = make_client(AdminClient, admin_properties(self._kafka))
                answer = admin.list_consumer_group_offsets([asked], require_stable=True)
                found = answer[self._group].result(timeout=RPC_SECONDS).topic_partitions
                if not any(one.error for one in found):
                    return {Partition(one.topic, one.partition): one.offset for one in found}
            except (KafkaException, TimeoutError) as error:
                _log.warning("the outcome of a transaction is not known yet", error=str(error))
            time.sleep(RETRY_SECONDS)
        return {}

    def _ready(self) -> Producer:
        """A producer that has no transaction open; waits for the broker as long as it takes.

        Raises:
            KafkaException: it refuses us.
        """
        if self.singly and not self.made_singly:
            self._producer = None
        while self._producer is None:
            self.seen = time.monotonic()
            if self.abandoned:
                raise KafkaException(KafkaError(KafkaError._FENCED))
            producer = self._connect()
            try:
                producer.init_transactions(RPC_SECONDS)
                self._producer = producer
            except KafkaException as error:
                if error.args[0].code() in _DENIED:
                    raise
                time.sleep(RETRY_SECONDS)
        return self._producer

    def _connect(self) -> Producer:
        self.made_singly = self.singly
        properties = transactional_properties(self._kafka, self._id)
        single = {"batch.num.messages": 1} if self.singly else {}
        callbacks = {"error_cb": self._watch.error, "logger": quiet_logger()}
        return make_client(Producer, {**properties, **single, **callbacks})
