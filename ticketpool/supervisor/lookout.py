"""How each partition fares: lag, age, rate, state and whom to blame; at each snapshot only."""

import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import NamedTuple

import msgspec

from ticketpool.config import RunConfig
from ticketpool.core.causes import WELL, Around, Cause, cause_of
from ticketpool.core.condition import Condition, Patience, Sight
from ticketpool.core.lane import Lane, LaneState
from ticketpool.core.model import Partition
from ticketpool.core.remedies import Remedies
from ticketpool.core.router import Router
from ticketpool.core.status import Blame, Cluster
from ticketpool.ipc.frames import FromWorker
from ticketpool.kafka.delays import Delays
from ticketpool.kafka.watermarks import Answer, Want, Watermarks
from ticketpool.masking import masked
from ticketpool.pool import Pool, Slot, SlotState

RATE_SECONDS = 10.0

Running = Mapping[Partition, tuple[int, int]]
"""Offset and monotonic nanoseconds of its begin, of what each partition's handler runs."""


class Outlook(NamedTuple):
    """What the snapshot tells of a partition; the fields as in ``PartitionStatus``."""

    position: int | None
    high_watermark: int | None
    lag: int | None
    commit_lag: int | None
    time_lag_seconds: float | None
    rate_per_s: float
    state: str
    state_seconds: float
    blame: Blame | None


class _Memory:
    """What has to be remembered of a partition from one snapshot to the next."""

    def __init__(self, now: float, patience: Patience) -> None:
        self.condition = Condition(now, patience)
        self.epoch = 0
        self.first: int | None = None  # position of this assignment
        self.unread_since: float | None = None
        self.settled: deque[tuple[float, int]] = deque()

    def assigned(self, lane: Lane, now: float) -> None:
        self.condition.reassigned(now)
        self.epoch, self.first, self.unread_since = lane.epoch, None, None
        self.settled.clear()

    def rate(self, now: float, settled: int) -> float:
        """Per second over the last ten, or since there is something to compare with."""
        seen = self.settled
        while len(seen) > 1 and now - seen[1][0] >= RATE_SECONDS:
            seen.popleft()
        if not seen or now > seen[-1][0]:
            seen.append((now, settled))
        since, before = seen[0]
        return round((settled - before) / (now - since), 3) if since < now else 0.0

    def commit_lag(self, lane: Lane, position: int | None) -> int | None:
        """Before the first commit: what was settled since the assignment."""
        if position is None:
            return None
        if self.first is None:
            self.first = position
        return max(position - (self.first if lane.committed is None else lane.committed), 0)

    def time_lag(self, lane: Lane, lag: int | None, now: float, wall: float) -> float | None:
        """Age of the oldest record that is not finished, by its timestamp. While none is read:
        how long we have known that the broker has some, which is the least that it can be."""
        oldest = lane.ledger.oldest
        _, millis = oldest.timestamp() if oldest is not None else (0, 0)
        if millis > 0:
            self.unread_since = None
            return round(max(wall - millis / 1000, 0.0), 3)
        if not lag:
            self.unread_since = None
            return None if lag is None else 0.0
        if self.unread_since is None:
            self.unread_since = now
        return round(now - self.unread_since, 3)


class Lookout:
    """*Supervisor side.* Looks at all lanes, twice a second.

    Args:
        high: the end of a log as the consumer knows it, for as long as no broker has told.
        wall: seconds since 1970, for the age of records and nothing else.
    """

    def __init__(
        self,
        config: RunConfig,
        router: Router,
        pool: Pool[FromWorker],
        delays: Delays,
        watermarks: Watermarks,
        high: Callable[[Partition], int | None],
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._config, self._router, self._pool = config, router, pool
        self._delays, self._watermarks, self._high = delays, watermarks, high
        self._clock, self._wall = clock, wall
        self._patience = _patience_of(config)
        self._remedies = Remedies(
            group=config.group,
            bootstrap_servers=config.kafka.bootstrap_servers,
            retries=config.retries,
            max_crashes=config.max_crashes,
            timeout_seconds=config.handler_timeout_seconds,
        )
        self._memories: dict[Partition, _Memory] = {}
        self._reached_at = clock()

    def look(self, running: Running) -> dict[Partition, Outlook]:
        """How the assigned partitions fare; what else was there is not told any more."""
        now, wall, lanes = self._clock(), self._wall(), self._router.lanes.values()
        self._watermarks.want([_want(lane) for lane in lanes])
        silent = self._watermarks.silent_seconds
        around = [self._around(slot, silent) for slot in self._pool.slots]
        return {
            lane.partition: self._outlook(lane, around[lane.slot], running, now, wall)
            for lane in lanes
        }

    def cluster(self) -> Cluster:
        """Whether brokers answer."""
        now, silent = self._clock(), self._watermarks.silent_seconds
        if silent is not None:
            self._reached_at = now
            return Cluster(reachable=False, since_seconds=round(silent, 3))
        return Cluster(since_seconds=round(now - self._reached_at, 3))

    def _around(self, slot: Slot[FromWorker], silent: float | None) -> Around:
        worker, suspect = self._ailing(slot), self._suspect(slot.index)
        if silent is None and not worker and not suspect:
            return WELL
        return Around(silent, worker=worker, suspect=suspect)

    def _ailing(self, slot: Slot[FromWorker]) -> str:
        if slot.state is SlotState.STARTING:
            return f"worker {slot.index} is starting"
        if slot.state is not SlotState.EMPTY:
            return ""
        wait = max(slot.due - self._clock(), 0.0)
        times = f"has died {slot.failures} times in a row and " if slot.failures > 1 else ""
        return f"worker {slot.index} {times}is down; its next start is in {wait:.1f} s"

    def _suspect(self, slot: int) -> str:
        troubled = (ln for ln in self._router.of_slot(slot) if ln.trouble is not None or ln.caution)
        for lane in troubled:
            if lane.suspect and not lane.ledger.idle and (lane.has_turn or not lane.caution):
                return f"{lane.partition} offset {lane.next_record}"
        return ""

    # -- one partition ------------------------------------------------------------------------

    def _outlook(
        self, lane: Lane, around: Around, running: Running, now: float, wall: float
    ) -> Outlook:
        memory = self._memory(lane, now)
        answer = self._watermarks.of(lane.partition, lane.epoch)
        position, end = self._extent(lane, answer)
        lag = None if position is None or end is None else max(end - position, 0)
        around = self._nearer(lane, around, answer)
        at = running.get(lane.partition)
        sight = Sight(
            position, _committed(lane, position), lag,
            (at[0], max(now - at[1] / 1e9, 0.0)) if at is not None else None,
            cause_of(lane, lag, around), lane.refusal, _unread(lane, end),
        )  # fmt: skip
        verdict = memory.condition.look(now, sight)
        counts = lane.counts
        return Outlook(
            position, end, lag, memory.commit_lag(lane, position),
            memory.time_lag(lane, lag, now, wall),
            memory.rate(now, counts.processed + counts.dead_lettered + counts.skipped),
            verdict.state, round(verdict.seconds, 3), self._blame(lane, verdict.cause),
        )  # fmt: skip

    def _blame(self, lane: Lane, cause: Cause | None) -> Blame | None:
        if cause is None:
            return None
        dead_letters = self._config.dead_letter_topic_of(lane.partition.topic)
        blame = self._remedies.blame(lane.partition, cause, dead_letters)
        return msgspec.structs.replace(blame, reason=masked(blame.reason))  # it goes onto pages

    def _memory(self, lane: Lane, now: float) -> _Memory:
        memory = self._memories.get(lane.partition)
        if memory is None:
            memory = self._memories[lane.partition] = _Memory(now, self._patience)
        if memory.epoch != lane.epoch:
            memory.assigned(lane, now)
        return memory

    def _extent(self, lane: Lane, answer: Answer | None) -> tuple[int | None, int | None]:
        """Position and end: what was read may be ahead of what the brokers told last."""
        position, end = lane.ledger.committable, answer.end if answer is not None else None
        if end is None:
            end = self._high(lane.partition)
        if position is None and answer is not None:
            position = answer.start
        if end is not None and lane.ledger.next is not None:
            end = max(end, lane.ledger.next)
        return position, end

    def _nearer(self, lane: Lane, around: Around, answer: Answer | None) -> Around:
        delay = self._delays.of(lane.partition)
        leader = answer.error if answer is not None else ""
        return around._replace(leader=leader, delay=delay) if delay or leader else around


def _patience_of(config: RunConfig) -> Patience:
    """A batch may lie about for as long as it waits for company; a call longer than half of
    what it is allowed is late, whatever was usual."""
    base = Patience()
    timeout = config.handler_timeout_seconds
    return Patience(
        quiet_seconds=max(base.quiet_seconds, config.batch_seconds + 2.0),
        most_seconds=max(timeout / 2, base.handler_seconds) if timeout else base.most_seconds,
        commit_seconds=2 * config.commit_interval_seconds + 2.5,
    )


def _want(lane: Lane) -> Want:
    return Want(lane.partition, lane.epoch, lane.ledger.committable is None)


def _committed(lane: Lane, position: int | None) -> int | None:
    """What is drained is committed at its end, and late before that in nobody's eyes."""
    return lane.committed if lane.state is LaneState.OPEN else position


def _unread(lane: Lane, end: int | None) -> int | None:
    """The next offset to be read, when the broker has it and nothing read is left."""
    ledger = lane.ledger
    if end is None or ledger.buffered or ledger.in_flight:
        return None
    following = 0 if ledger.next is None else ledger.next
    return following if end > following else None
