"""What a consumer has assigned and what it has prefetched of it."""

import itertools
from collections import deque
from collections.abc import Callable
from typing import Any

from confluent_kafka import KafkaError, Message

from tests.simulation.broker import Entry, Log
from ticketpool.core.model import Partition

PREFETCHED = 60  # records in librdkafka's own queue


class Fetch:
    """An assigned partition in the client: where the application is, where fetching is."""

    _numbers = itertools.count()

    def __init__(self, log: Log | None, start: int) -> None:
        self.epoch = next(self._numbers)
        self.log = log
        self.first = self.position = self.next = start
        self.kept = start  # committed last
        self.paused = self.broken = False
        self.version = 0

    def start_anew(self, *, paused: bool) -> None:
        """Where the application is; what was prefetched is of an older version."""
        self.paused = paused
        self.version += 1
        self.next = self.position


class Prefetch:
    """librdkafka's queue of a consumer: all its partitions share it."""

    def __init__(self, world: Any, note: Callable[..., None]) -> None:
        self._world, self._note = world, note
        self.fetches: dict[Partition, Fetch] = {}
        self._queue: deque[tuple[Fetch, int, Entry]] = deque()
        self._errors: deque[Message] = deque()
        self._again_at = 0.0

    def __bool__(self) -> bool:
        return bool(self._queue)

    def drop(self, partition: Partition) -> None:
        """It is assigned no more."""
        self.fetches.pop(partition).version = -1

    def fill(self) -> None:
        """Prefetch: partition by partition, a random one first."""
        now, rng = self._world.kernel.now, self._world.rng
        if now < self._again_at or not self._world.broker.up or len(self._queue) >= PREFETCHED:
            return
        self._again_at = now + rng.choice([0.0, 0.001, 0.02])
        partitions = list(self.fetches)
        rng.shuffle(partitions)
        for partition in partitions:
            self._fetch(partition, self.fetches[partition])

    def _fetch(self, partition: Partition, fetch: Fetch) -> None:
        log = self._world.broker.logs.get(partition)
        if fetch.paused or fetch.broken:
            return
        if log is not fetch.log or log is None:
            self._fails(partition, fetch, KafkaError.UNKNOWN_TOPIC_OR_PART, "unknown topic")
        elif not log.start <= fetch.next <= log.end:
            self._fails(partition, fetch, KafkaError._AUTO_OFFSET_RESET, "offset out of range")
        else:
            self._read(log, fetch)

    def _read(self, log: Log, fetch: Fetch) -> None:
        at = log.since(fetch.next)
        for entry in log.entries[at : at + self._world.rng.choice([1, 5, 30])]:
            self._queue.append((fetch, fetch.version, entry))
            fetch.next = entry.offset + 1
        if at == len(log.entries):
            fetch.next = log.end

    def _fails(self, partition: Partition, fetch: Fetch, code: int, text: str) -> None:
        fetch.broken = True
        topic, number = partition
        error = KafkaError(code, text)
        self._errors.append(Message(topic=topic, partition=number, offset=fetch.next, error=error))

    def take(self) -> Message | None:
        """The next message for the application."""
        if self._errors:
            return self._errors.popleft()
        while self._queue:
            fetch, version, entry = self._queue.popleft()
            if version == fetch.version and not fetch.paused:
                fetch.position = entry.offset + 1
                return self._message(entry)
        return None

    def _message(self, entry: Entry) -> Message:
        topic, number = entry.log.partition
        self._note("read", str(entry.log.partition), entry.offset)
        return Message(
            topic=topic,
            partition=number,
            offset=entry.offset,
            key=b"key",
            value=entry.value,
            timestamp=(1, 1),
        )
