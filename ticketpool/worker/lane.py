"""A lane at work: one partition, one record at a time, in order."""

import random
from time import monotonic_ns
from typing import Any

from ticketpool import crash
from ticketpool.core.latency import count_sorted
from ticketpool.core.model import Drain, Reject
from ticketpool.core.policy import Backoff
from ticketpool.ipc.channel import Port
from ticketpool.ipc.frames import Ack, Closed, Dead, Open, Records, Retrying
from ticketpool.worker.batch_call import refuse_awaitable
from ticketpool.worker.decoding import Undecodable
from ticketpool.worker.handler import Call
from ticketpool.worker.outputs import LaneOutputs
from ticketpool.worker.parked import Parked
from ticketpool.worker.place import OwnThread, Place
from ticketpool.worker.saying import saying
from ticketpool.worker.words import HEARTBEAT, HELD, LANE, RUNNING, SETTLED, SINCE, STRIDE

ACK_EVERY_NS = 50_000_000
"""A lane that is busy for long says so this often. A crash in between repeats
nothing: what was finished is read from the shared words."""

_LISTEN_SECONDS = 0.05  # how often a lane looks for a silent supervisor's next heartbeat


_FOR_EVER_SECONDS = 1e9


class Rules:
    """What a lane does when the handler raises, and how large a batch may grow."""

    def __init__(
        self,
        retries: int,
        backoff: Backoff,
        stop_on_failure: bool,
        silence_seconds: float = float("inf"),
        batch_size: int = 100,
        batch_seconds: float = 1.0,
    ) -> None:
        self.silence_ns = int(min(silence_seconds, _FOR_EVER_SECONDS) * 1e9)
        self.retries = retries
        self.backoff = backoff
        self.stop_on_failure = stop_on_failure
        self.batch_size = batch_size
        self.batch_seconds = min(batch_seconds, _FOR_EVER_SECONDS)


class Lane:
    """*Worker side.* Runs the handler over the records of one lane, in its own thread.

    Records are fed by ``put`` and end with ``close``; outcomes leave as frames.

    Args:
        place: where it runs; ``None``: in a thread of its own.
        drain: is told when the lane is closed.
        outputs: what its calls have sent.
    """

    def __init__(
        self,
        opened: Open,
        call: Call,
        rules: Rules,
        port: Port[Any],
        cells: memoryview,
        place: Place | None = None,
        drain: Drain | None = None,
        outputs: LaneOutputs | None = None,
    ) -> None:
        self._number = opened.lane
        self._call = call
        self._rules = rules
        self._port = port
        self._cells = cells
        self._base = opened.index * STRIDE
        self._place = place or OwnThread()
        self._drain = drain or Drain()
        self._closing = self._cut_off = False
        self._through = -1
        self._retried = 0
        self._durations: list[int] = []
        self._dead: list[Dead] = []
        self._silent = self._ack_due = 0
        self._outputs = outputs or LaneOutputs(cells, opened.index)
        self._outputs.flush = self._acknowledge
        self._begin_words()
        name = f"{opened.topic}[{opened.partition}]"
        self._place.start(name, saying(self._run, opened, cells))

    def put(self, records: Records) -> None:
        """More records, next in order. Never blocks."""
        self._place.put(records)

    def close(self, until: float | None = None) -> None:
        """Finish the record at hand, then end; what was put and not begun is dropped.

        Args:
            until: monotonic seconds at which this worker is killed if the lane has not
                ended. A handler that awaits is cancelled shortly before.
        """
        self._closing = self._drain.begun = True
        self._place.close(until)

    def _begin_words(self) -> None:
        """The words are this lane's from here on; its number goes in last."""
        cells, base = self._cells, self._base
        cells[base + LANE] = 0
        cells[base + RUNNING] = cells[base + SETTLED] = cells[base + HELD] = 0
        cells[base + LANE] = self._number

    async def _run(self) -> None:
        while (batch := await self._place.get()) is not None and not self._closing:
            await self._work(batch)
        self._port.send(Closed(self._number, self._cut_off))

    async def _work(self, batch: Records) -> None:
        """The hot loop: everything here is paid for each record."""
        cells, call, took = self._cells, self._call, self._durations.append
        running, since, settled = self._base + RUNNING, self._base + SINCE, self._base + SETTLED
        now = monotonic_ns()
        silent, ack_due = self._silent_after(), now + ACK_EVERY_NS
        attempt = batch.attempts + 1  # of the first record
        crash.point("worker:before-batch")
        for i, offset in enumerate(batch.offsets):
            if now > silent:
                now = await self._await_supervisor()
                silent = self._silent_after()
            if self._closing:
                break
            cells[since] = now
            cells[running] = following = offset + 1
            try:
                if (result := call(batch, i, attempt)) is not None:
                    refuse_awaitable(result)
            except BaseException as error:  # SystemExit too: user code may raise anything
                if not await self._recover(batch, i, error, attempt):
                    break
            attempt = 1
            done = monotonic_ns()
            took(done - now)
            now = done
            self._through = offset
            cells[settled] = following
            if done >= ack_due:
                self._acknowledge()
                ack_due = now + ACK_EVERY_NS
        self._acknowledge()

    def _silent_after(self) -> int:
        """The time up to which the last heartbeat lasts; later ones only last longer."""
        last: int = self._cells[HEARTBEAT]
        return last + self._rules.silence_ns

    async def _await_supervisor(self) -> int:
        """Begin nothing while the supervisor is silent; return the time.

        A supervisor that is stopped or cut off for long may have lost the partition
        to another member without knowing it yet.
        """
        while not self._closing:
            now = monotonic_ns()
            if now <= self._silent_after():
                break
            await self._place.pause(_LISTEN_SECONDS)
        return monotonic_ns()

    def _acknowledge(self) -> None:
        durations = self._durations
        if not durations and not self._dead:
            return
        durations.sort()
        sent = self._outputs.take(self._through)
        passed = self._outputs.take_passed(self._through)
        crash.point("worker:before-ack")
        self._port.send(
            Ack(
                self._number,
                self._through,
                self._retried,
                self._dead,
                list(count_sorted(durations)),
                sum(durations),
                sent,
                passed,
            )
        )
        if sent or passed:
            self._outputs.told()
        crash.point("worker:after-ack")
        durations.clear()
        self._dead = []
        self._retried = 0

    async def _recover(self, batch: Records, i: int, error: BaseException, attempt: int) -> bool:
        """Retry until the record is finished, one way or the other.

        Returns:
            False when the lane is closed while it waits, or its handler was cancelled: the
            record stays unfinished.
        """
        offset = batch.offset(i)
        while not self._is_cut() and not self._is_final(error, attempt):
            if not await self._back_off(offset, attempt, error):
                return False
            attempt += 1
            try:
                await self._call_again(batch, i, attempt)
                return True
            except BaseException as again:  # as in _work
                error = again
        if self._cut_off:
            return False
        self._give_up(offset, attempt, error)
        return True

    def _is_cut(self) -> bool:
        """Whether the call was cancelled: whatever it has raised, it raised because of that."""
        if self._place.cut:
            self._cut_off = True
            self._cells[self._base + RUNNING] = 0
        return self._cut_off

    async def _call_again(self, batch: Records, i: int, attempt: int) -> None:
        refuse_awaitable(self._call(batch, i, attempt))

    def _is_final(self, error: BaseException, attempt: int) -> bool:
        return isinstance(error, Undecodable | Reject) or attempt > self._rules.retries

    async def _back_off(self, offset: int, attempt: int, error: BaseException) -> bool:
        """Wait before the next attempt; False when the lane was closed meanwhile."""
        self._acknowledge()  # the wait may be long, and nothing before it should wait along
        delay = self._rules.backoff.delay(attempt, random.random())  # noqa: S311 - jitter
        self._retried += 1
        self._port.send(Retrying(self._number, offset, attempt, delay, *described(error)))
        self._cells[self._base + RUNNING] = 0  # a waiting record can't hang or crash
        if await self._place.pause(delay):
            return False
        self._begin(offset)
        return True

    def _give_up(self, offset: int, attempts: int, error: BaseException) -> None:
        """Report the record at once: its ack must be on its way before SETTLED passes it."""
        rejected = isinstance(error, Reject)
        calls = 0 if isinstance(error, Parked) else attempts
        self._dead.append(Dead(offset, calls, *described(error), rejected))
        self._through = offset
        too_many = self._outputs.too_many_died()
        if too_many or (self._rules.stop_on_failure and not rejected):
            self._closing = True
        self._acknowledge()

    # -- for lanes that are not as hot as this one ----------------------------------------

    async def _may_begin(self) -> bool:
        """Whether another call may be made: the lane is open, and its supervisor is heard."""
        if monotonic_ns() > self._silent:
            await self._await_supervisor()
            self._silent = self._silent_after()
        return not self._closing

    def _begin(self, offset: int) -> int:
        """The words say that the record is running, since now, which is returned."""
        self._cells[self._base + SINCE] = now = monotonic_ns()
        self._cells[self._base + RUNNING] = offset + 1
        return now

    def _finished(self, offset: int, began: int, records: int = 1) -> bool:
        """All up to there is; so many records share the time since ``began``. Returns whether
        that was told."""
        now = monotonic_ns()
        self._durations += [(now - began) // records] * records
        self._through = offset
        self._cells[self._base + SETTLED] = offset + 1
        due = now >= self._ack_due
        if due:
            self._acknowledge()
            self._ack_due = now + ACK_EVERY_NS
        return due

    def _expect_acks(self) -> None:
        """The next ack is due when the records now at hand are finished, or in a while."""
        self._ack_due = monotonic_ns() + ACK_EVERY_NS


def described(error: BaseException) -> tuple[str, str]:
    """The class name and message of an exception, as text that can be encoded."""
    try:
        message = str(error)
    except BaseException as broken:  # a user's __str__ may raise anything
        message = f"(its __str__ raised {type(broken).__name__})"
    name = type(error).__name__
    if isinstance(error, Undecodable):
        name = "Undecodable"
    return name, message[:2000].encode("utf-8", "replace").decode()
