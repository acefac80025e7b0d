"""Workers die: what they had finished is settled, what they were running is charged."""

import signal
import time
from collections.abc import Callable, Iterator

from ticketpool import log, trace
from ticketpool.core.lane import Lane
from ticketpool.core.router import Router
from ticketpool.ipc.frames import FromWorker
from ticketpool.pool import Death, Pool, Slot, SlotState
from ticketpool.supervisor import ends, memory
from ticketpool.supervisor.failures import Failures, exit_reason
from ticketpool.supervisor.naming import where
from ticketpool.supervisor.settling import Settler
from ticketpool.supervisor.starts import Starts
from ticketpool.worker import words

_log = log.get("ticketpool.supervisor")


class Undertaker:
    """*Supervisor side.* Buries dead workers, and kills those that hang.

    Args:
        handler_timeout_seconds: of one call, and between two signs of life; 0: no limit.
        clock: CLOCK_MONOTONIC in seconds, as workers write it into their words.

    Attributes:
        ends: how workers have ended.
    """

    def __init__(
        self,
        pool: Pool[FromWorker],
        router: Router,
        failures: Failures,
        settler: Settler,
        starts: Starts,
        handler_timeout_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._pool = pool
        self._router = router
        self._failures = failures
        self._settler = settler
        self._starts = starts
        self._clock = clock
        self._oom_kills = memory.ours()
        self.ends = ends.Ends()
        self._limit_ns = int(handler_timeout_seconds * 1e9)
        # Later than a hang by then, which is to be told as what it is; and the limit may be
        # shorter than the time between two signs.
        self._silence_ns = self._limit_ns + int(2e9 * words.LIFE_SECONDS)
        self._overdue: set[int] = set()  # pids that were asked for their stacks
        self._silent: set[int] = set()  # pids that showed no life at the last look

    def bury(self, slot: Slot[FromWorker], *, blame: bool = True) -> None:
        """The slot's worker is dead and its last frames have been taken: settle, rewind, charge.

        ``blame``: ``False`` when we have killed it for reasons of our own (a drain's deadline,
        a lost partition): then no record is charged, unless the worker died in another way
        before that, or one of its handlers hung.
        """
        pid, retired = slot.living.pid, slot.state is SlotState.RETIRING
        was_warm = retired or slot.state is SlotState.READY
        running = self._settle_by_words(slot)
        death = self._pool.bury(slot)
        death = death._replace(why=self._why(death, retired))
        blame = blame or pid in self._overdue or death.status != -signal.SIGKILL
        self._overdue.discard(pid)
        reason = exit_reason(death)
        self._log_exit(slot, death, running)
        trace.worker_exited(slot.index, pid, reason)
        self.ends.note(slot.index, death, reason, was_warm=was_warm)
        at = [(lane.index, offset) for lane, offset in running if blame]
        for lane in self._router.worker_died(slot.index, at):
            self._failures.killed_worker(lane, death)
        if not was_warm:
            self._starts.died(slot, reason, by_signal=death.status < 0)

    def _why(self, death: Death, retired: bool) -> str:
        starved = self._oom_kills.risen()  # asked at each death: no kill counts for a later one
        if death.pid in self._overdue:
            return ends.TIMED_OUT
        if death.pid in self._silent:
            return ends.NO_LIFE
        if starved and death.status == -signal.SIGKILL:
            return ends.STARVED
        return ends.RETIRED if retired else ""

    def _settle_by_words(self, slot: Slot[FromWorker]) -> list[tuple[Lane, int]]:
        """Settle what the dead worker had finished without an ack; what it was running."""
        cells = slot.living.words.cells
        for lane in () if slot.living.channel.broken else self._router.of_slot(slot.index):
            through = words.settled(cells, lane.index, lane.number) if lane.opened else None
            if through is not None:
                self._settler.by_word(lane, through)
        # The ack of a dead record comes before its word: it may be settled by now.
        return [(ln, offset) for ln, offset, _ in self.running(slot) if ln.ledger.is_open(offset)]

    def _log_exit(
        self, slot: Slot[FromWorker], death: Death, running: list[tuple[Lane, int]]
    ) -> None:
        at = [
            {"topic": lane.partition.topic, "partition": lane.partition.number, "offset": offset}
            for lane, offset in running
        ]
        planned = death.status == 0 and death.why
        (_log.info if planned else _log.warning)(
            "worker exited",
            worker=slot.index,
            pid=death.pid,
            reason=exit_reason(death),
            running=at,
            peak_rss_mib=death.peak_rss_bytes >> 20,
            **({"dump": death.dump} if death.dump else {}),
        )

    def running(self, slot: Slot[FromWorker]) -> Iterator[tuple[Lane, int, int]]:
        """(lane, offset, since in monotonic ns) of what the slot's worker is running."""
        if slot.child is None:
            return
        for lane in self._router.of_slot(slot.index):
            found = words.running(slot.child.words.cells, lane.index, lane.number)
            if lane.opened and found:
                yield lane, *found

    def kill_overdue(self) -> None:
        """A handler past ``--handler-timeout``: first its stacks are dumped, then it is killed."""
        if not self._limit_ns:
            return
        now = int(self._clock() * 1e9)
        for slot in self._pool.slots:
            overdue = (found for found in self.running(slot) if now - found[2] > self._limit_ns)
            if found := next(overdue, None):
                self._end_hang(slot, found[0], found[1], (now - found[2]) / 1e9)
        self._kill_silent(now)

    def _kill_silent(self, now: int) -> None:
        """A worker that is stopped hangs as well, also when it runs no record.

        It is killed at the second look: if we were stopped with it, it has run since the first.
        """
        living = [slot.child for slot in self._pool.slots if slot.child is not None]
        silent = [c for c in living if now - c.words.cells[words.LIFE] > self._silence_ns]
        for child in silent:
            if child.pid in self._silent:
                _log.error(
                    "worker killed: it shows no life", pid=child.pid, setting="--handler-timeout"
                )
                child.kill()
        self._silent = {child.pid for child in silent}

    def _end_hang(
        self, slot: Slot[FromWorker], lane: Lane, offset: int, age_seconds: float
    ) -> None:
        child = slot.living
        if child.pid in self._overdue:
            child.kill()
            return
        self._overdue.add(child.pid)
        child.signal(signal.SIGUSR1)  # faulthandler dumps its stacks; they are told at its burial
        _log.error(
            "handler timed out, worker will be killed",
            worker=slot.index,
            pid=child.pid,
            **where(lane),
            offset=offset,
            age_seconds=round(age_seconds, 1),
            setting="--handler-timeout",
        )
