"""Outputs, dead letters and offsets in one transaction: all of it happens, or none.

A transaction is a *batch*: the records that wait to be written and the positions of their
partitions. A thread of its own writes and commits one at a time, which takes some tens of
milliseconds, while the supervisor's loop goes on and the next batch grows. A batch that was
aborted goes back to what waits and is formed anew, without what was given up meanwhile: no
handler has to run again.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from queue import Empty
from typing import Protocol
from uuid import uuid4

from confluent_kafka import KafkaError

from ticketpool import log
from ticketpool.config import KafkaConfig
from ticketpool.core.model import Partition
from ticketpool.core.trouble import Position
from ticketpool.errors import NotAuthorised
from ticketpool.kafka.committer import (
    RETRY_SECONDS,
    STUCK_SECONDS,
    Batch,
    Committer,
    Positions,
    Result,
)
from ticketpool.kafka.delays import Delays
from ticketpool.kafka.listener import Outcome
from ticketpool.kafka.outlet import (
    BACKOFF,
    BATCH_BYTES,
    HOPELESS,
    NO_JITTER,
    TOO_LARGE,
    Outgoing,
)

EVERY_SECONDS = 0.1
"""A record waits so long for others to share a transaction with."""

COMMIT_SECONDS = 10.0  # that a revocation or a stop waits for a transaction

_SHUT = frozenset(
    {
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError._UNKNOWN_TOPIC,
        KafkaError._UNKNOWN_PARTITION,
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
    }
)
"""What lies in the topic, and others can mend."""


_log = log.get("ticketpool.transactions")


class Owner(Protocol):
    """Who commits."""

    def commit_soon(self) -> None:
        """Call ``Transactions.commit_soon`` with the positions that have moved."""

    def committed(self, outcomes: Sequence[Outcome]) -> None:
        """What became of them."""


class Transactions:
    """*Supervisor side.* Takes records as ``Outlet`` does and positions as the consumer does,
    and has both happen at once.

    A record is written in the transaction that commits its ticket's offset, never in an
    earlier one: so its ticket is not delivered again after it.

    """

    def __init__(
        self, kafka: KafkaConfig, group: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._owner: Owner
        self._member: Callable[[], object | None]
        self._clock = clock
        self._batch_bytes = int(kafka.properties.get("batch.size", BATCH_BYTES))
        # One id for each process; that of a static member is its predecessor's: which need not
        # wait then for the time-out of what that one may have left open.
        name = f"{group}-{kafka.properties.get('group.instance.id') or uuid4().hex}"
        self._recruit: Callable[[], Committer] = partial(Committer, kafka, group, name)
        self._committer = self._recruit()
        self._waiting: list[Outgoing] = []
        self._batch: Batch | None = None  # that is under way
        self._gone: set[Partition] = set()  # given up since it was formed
        self._blocked: dict[str, _Blocked] = {}
        self._due = self._retry_due = 0.0
        self._failures = 0
        self._denied = ""
        self.delays = Delays()

    def open(self, owner: "Owner", member: Callable[[], object | None]) -> None:
        """Begin. ``member``: who we are in the group, by now; ``None``: nobody."""
        self._owner, self._member = owner, member
        self._committer.start()

    # -- as an outlet ---------------------------------------------------------------------

    def send(self, outgoing: Outgoing) -> None:
        """Write a record with its ticket's offset; ``outgoing.written`` is called from ``tend``."""
        self._waiting.append(outgoing)

    def forget(self, origin: Partition) -> None:
        """The partition is not ours any more; what was not committed is another's to do."""
        self._waiting = [one for one in self._waiting if one.origin != origin]
        self._gone.add(origin)
        self.delays.forget(origin)

    def tend(self) -> None:
        """Take the outcome of a batch; have the next one formed when it is time.

        Raises:
            NotAuthorised: there will be no transactions; told once.
        """
        self._take(0.0)
        self._replace_stuck()
        if self._denied:
            denied, self._denied = self._denied, ""
            raise NotAuthorised(
                f"--exactly-once: {denied}; allow this user to write under transactional ids that "
                "begin with the group's name"
            )
        now = self._clock()
        if self._waiting and now >= self._due and not self.busy:
            self._due = now + EVERY_SECONDS
            self._owner.commit_soon()

    # -- as a consumer --------------------------------------------------------------------

    @property
    def busy(self) -> bool:
        """Whether a batch is under way, or waits to be tried again."""
        return self._batch is not None or self._clock() < self._retry_due

    def may_commit(self, partition: Partition) -> bool:
        """Whether nothing of the partition waits for a topic that can't be written."""
        if not self._blocked:
            return True
        now = self._clock()
        shut = {topic for topic, blocked in self._blocked.items() if blocked.due > now}
        return not any(one.origin == partition and one.topic in shut for one in self._waiting)

    def commit_soon(self, positions: Iterable[tuple[Partition, Position]]) -> bool:
        """Begin a batch with these positions and what waits for them."""
        return self._begin(list(positions))

    def commit_now(self, positions: Iterable[tuple[Partition, Position]]) -> list[Outcome]:
        """Commit and wait for the outcome, which the listener is told; so nothing is returned."""
        wanted, deadline = list(positions), self._clock() + COMMIT_SECONDS
        self._await_outcome(deadline)
        done = not wanted
        while not done and self._batch is None and self._clock() < deadline:
            done = self._begin(wanted) and self._await_outcome(deadline)
            if not done:
                time.sleep(RETRY_SECONDS)
        return []

    # -- one batch ------------------------------------------------------------------------

    def _begin(self, positions: Positions) -> bool:
        """Whether it was begun: not when we are no member, and don't know it yet."""
        member = self._member()
        if member is None:
            return False
        through = {partition: position.offset for partition, position in positions}
        waiting = self._waiting
        records = [one for one in waiting if one.offset < through.get(one.origin, -1)]
        self._waiting = [one for one in waiting if one.offset >= through.get(one.origin, -1)]
        self._gone.clear()
        self._batch = Batch(records, positions, member)
        self._committer.seen = self._clock()
        self._committer.todo.put(self._batch)
        return True

    def _replace_stuck(self) -> None:
        """A call that never ends is left behind: its producer is fenced by its successor's."""
        stuck = self._committer
        if self._batch is None or self._clock() - stuck.seen < STUCK_SECONDS:
            return
        _log.error("a transaction does not end, the producer is made anew", seconds=STUCK_SECONDS)
        stuck.abandoned = True
        self._committer = self._recruit()
        self._committer.singly = stuck.singly
        self._committer.todo.put(self._batch._replace(doubted=True))
        self._committer.start()

    def _await_outcome(self, deadline: float) -> bool:
        """Whether the batch under way was committed; with none, or too late: ``False``."""
        committed = False
        while self._batch is not None and self._clock() < deadline:
            committed = self._take(0.05)
        return committed

    def _take(self, seconds: float) -> bool:
        """Take an outcome, if there is one by then; whether a batch was committed."""
        try:
            result = self._committer.done.get(block=seconds > 0, timeout=seconds)
        except Empty:
            return False
        batch, self._batch = result.batch, None
        committed = result.error is None or self._went_through(result)
        if committed:
            self._failures = 0
            self._written(batch)
        else:
            self._failures += 1
            self._denied = str(result.error) if result.denied else ""
            self._retry_due = self._clock() + BACKOFF.delay(self._failures, NO_JITTER)
            self._put_back(result)
        error = None if committed else result.error
        self._owner.committed([(p, at, error) for p, at in batch.positions if p not in self._gone])
        return committed

    def _went_through(self, result: Result) -> bool:
        """Judged by the partitions that are still ours, where nobody else commits, and that
        had records in the batch: their offset before it lay lower, and so it does if it
        was aborted. Without such a one, to commit again does no harm."""
        ours = {one.origin for one in result.batch.records} - self._gone
        through = {p: at.offset for p, at in result.batch.positions if p in ours}
        found = result.found or {}
        return bool(through) and all(found.get(p, -1) >= offset for p, offset in through.items())

    def _written(self, batch: Batch) -> None:
        for one in batch.records:
            self._blocked.pop(one.topic, None)
            self.delays.over(one.origin, one.topic)
            if one.origin not in self._gone:
                one.written()

    def _put_back(self, result: Result) -> None:
        ours = [one for one in result.batch.records if one.origin not in self._gone]
        self._waiting = [*ours, *self._waiting]
        for one, error in result.failed:
            if one.origin not in self._gone:
                self._failed(one, error)
        for one in [one for one in self._waiting if one.void]:
            one.refused("another record of its ticket was")
        self._waiting = [one for one in self._waiting if not one.void]

    def _failed(self, one: Outgoing, error: KafkaError) -> None:
        code, alone = error.code(), self._committer.made_singly or one.bytes >= self._batch_bytes
        if code in TOO_LARGE and not alone:
            self._committer.singly = True  # whose fault it was shows then
        elif code in HOPELESS and not one.void and one.refused(error.str()):
            self._waiting.remove(one)
        elif code in HOPELESS or code in _SHUT:
            self._block(one, error)

    def _block(self, one: Outgoing, error: KafkaError) -> None:
        blocked = self._blocked.setdefault(one.topic, _Blocked())
        if blocked.due > self._clock():
            return
        blocked.failures += 1
        delay = BACKOFF.delay(blocked.failures, NO_JITTER)
        blocked.due = self._clock() + delay
        self.delays.note(one, error.str())
        one.delayed(error.str(), blocked.failures, delay)


class _Blocked:
    """A topic that can't be written for now."""

    def __init__(self) -> None:
        self.failures, self.due = 0, 0.0
