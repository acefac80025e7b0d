"""Slots that survive restarts, and the process that is in each right now."""

import random
import selectors
import time
from collections.abc import Callable, Iterator
from enum import Enum, auto
from typing import Generic, NamedTuple, TypeVar

from ticketpool import log
from ticketpool.core.policy import Backoff
from ticketpool.ipc.child import Child

T = TypeVar("T")

_log = log.get("ticketpool.pool")

STEADY_SECONDS = 10.0
"""A process that lived this long starts the count of failures anew."""


class SlotState(Enum):
    """``EMPTY`` waits for its restart; the others tell of the process in the slot.

    ``RETIRING``: it closes its lanes at record boundaries, to be replaced.
    """

    EMPTY = "dead"
    STARTING = "starting"
    READY = "ready"
    RETIRING = "draining"


class Signal(Enum):
    """What ``Pool.wait`` reports of a slot."""

    FRAMES = auto()  # bytes to read, or the end of the pipe
    EXIT = auto()  # the process has died


class Death(NamedTuple):
    """How a process ended: ``status`` is minus the signal, or its exit code; ``why`` when
    it was us who killed it."""

    pid: int
    status: int
    peak_rss_bytes: int
    dump: str
    why: str = ""


class Slot(Generic[T]):
    """*Supervisor side.* Index 0 to N-1, and the process now in it.

    Attributes:
        restarts: processes started after the first of this index.
        failures: starts in a row that raised, or deaths within ``STEADY_SECONDS`` of the start
            before it did any work.
        joining: added while the others serve, and not ready yet.
        leaving: to be removed when its process has ended; it gets no other.
    """

    def __init__(self, index: int) -> None:
        self.index = index
        self.child: Child[T] | None = None
        self.state = SlotState.EMPTY
        self.restarts = -1
        self.failures = 0
        self.joining = self.leaving = False
        self.due = 0.0
        self._born = 0.0

    @property
    def living(self) -> Child[T]:
        """The process in the slot; only while its state is not ``EMPTY``."""
        assert self.child is not None  # noqa: S101 - the state says so
        return self.child

    def begin(self, start: Callable[[int], Child[T]], now: float) -> None:
        """Put a new process into the slot. Passes on the ``OSError`` of a start that failed."""
        self._born = now  # of a failed start too: it is no steady life
        self.child, self.state = start(self.index), SlotState.STARTING
        self.restarts += 1

    def worked(self) -> None:
        """It does what it is for: should it die now, its successor is not held back."""
        self.failures = 0

    def end(self, now: float, backoff: Backoff) -> None:
        """The process is gone; the first restart is at once, the next ones wait."""
        steady = self.state is SlotState.RETIRING or now - self._born >= STEADY_SECONDS
        self.failures = 0 if steady else self.failures + 1
        delay = backoff.delay(self.failures - 1, random.random()) if self.failures > 1 else 0.0  # noqa: S311 - jitter
        self.child, self.state, self.due = None, SlotState.EMPTY, now + delay


class Pool(Generic[T]):
    """*Supervisor side.* N slots and one selector over their pipes and pidfds.

    Args:
        size: number of slots.
        start: makes the process of a slot. When it raises ``OSError`` (no memory,
            no descriptors), that is logged and tried again after a back-off.
        backoff: between restarts of a slot.
    """

    def __init__(self, size: int, start: Callable[[int], Child[T]], backoff: Backoff) -> None:
        self.slots = [Slot[T](i) for i in range(size)]
        self._gone: dict[int, int] = {}  # restarts of slots that were removed
        self._start = start
        self._backoff = backoff
        self._selector = selectors.DefaultSelector()

    def fill(self) -> Iterator[Slot[T]]:
        """Start the processes that are due; yield their slots."""
        now = time.monotonic()
        for slot in self.slots:
            if slot.state is SlotState.EMPTY and slot.due <= now and not slot.leaving:
                try:
                    slot.begin(self._start, now)
                except OSError as error:
                    slot.end(now, self._backoff)
                    _log.error("worker not started", worker=slot.index, error=str(error))
                    continue
                self._watch(slot)
                yield slot

    def add(self) -> Slot[T]:
        """One slot more, behind the others; ``fill`` starts its process."""
        self.slots.append(Slot[T](len(self.slots)))
        self.slots[-1].restarts = self._gone.pop(self.slots[-1].index, -1)
        self.slots[-1].joining = True
        return self.slots[-1]

    def shrink(self) -> None:
        """Remove the last slots, as far as they are leaving and their processes have ended."""
        while self.slots and self.slots[-1].leaving and self.slots[-1].child is None:
            gone = self.slots.pop()
            self._gone[gone.index] = gone.restarts

    @property
    def restarts(self) -> int:
        """Of all slots, also those that were removed; it never falls."""
        restarts = [*(slot.restarts for slot in self.slots), *self._gone.values()]
        return sum(max(one, 0) for one in restarts)

    @property
    def warm(self) -> bool:
        """Whether every slot that is there to stay has a process that is ready."""
        staying = (slot for slot in self.slots if not slot.joining and not slot.leaving)
        return all(slot.state is SlotState.READY for slot in staying)

    def _watch(self, slot: Slot[T]) -> None:
        child = slot.living
        self._selector.register(child.pidfd, selectors.EVENT_READ, (slot, Signal.EXIT))
        self._selector.register(child.channel.fd, selectors.EVENT_READ, (slot, Signal.FRAMES))

    @property
    def pending(self) -> bool:
        """Whether some pipe has not taken all that was sent."""
        return any(slot.child and slot.child.channel.pending_bytes for slot in self.slots)

    def wait(self, seconds: float) -> Iterator[tuple[Slot[T], Signal]]:
        """Yield what has happened, after waiting at most ``seconds`` for the first.

        Queued frames are written where a pipe has room. A death comes after
        the frames that the process had written.
        """
        self._want_writes()
        ready = [(key.data, mask) for key, mask in self._selector.select(seconds)]
        ready.sort(key=lambda item: item[0][1] is Signal.EXIT)
        for (slot, what), mask in ready:
            if slot.child is None:
                continue
            if mask & selectors.EVENT_WRITE:
                slot.child.channel.flush()
            if mask & selectors.EVENT_READ:
                yield slot, what

    def _want_writes(self) -> None:
        for slot in self.slots:
            if slot.child is None:
                continue
            channel = slot.child.channel
            key = self._selector.get_key(channel.fd)
            wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if channel.pending_bytes else 0)
            if key.events != wanted:
                self._selector.modify(channel.fd, wanted, key.data)

    def bury(self, slot: Slot[T]) -> Death:
        """Reap the dead process of a slot and plan its successor; return how it ended."""
        child = slot.living
        status = child.wait()
        death = Death(child.pid, status or 0, child.peak_rss_bytes, child.dump())
        self._selector.unregister(child.pidfd)
        self._selector.unregister(child.channel.fd)
        child.close()
        slot.end(time.monotonic(), self._backoff)
        return death

    def close(self) -> None:
        """Kill and reap all that still runs."""
        living = [slot for slot in self.slots if slot.child is not None]
        for slot in living:
            slot.living.kill()
        for slot in living:
            self.bury(slot)
        self._selector.close()
