"""*Worker side.* Where a lane runs and waits: a thread of its own, or the worker's event loop.

A lane is written once, as coroutines. In a thread of its own they never suspend: what they
wait for blocks the thread, and ``drive`` runs them like functions. On the loop they are a task.
"""

import asyncio
import os
import threading
import time
from collections.abc import Callable, Coroutine
from queue import Empty, SimpleQueue
from typing import Any, Protocol, TypeVar

from ticketpool import log
from ticketpool.ipc.frames import Records

T = TypeVar("T")

Main = Callable[[], Coroutine[Any, Any, None]]

CUT_SHARE, CUT_SECONDS = 0.2, 1.0
"""How long before the drain's deadline a handler that awaits is cancelled: a fifth of the time
that is left, one second at most. That long its ``finally`` may take before its worker is killed."""

MOST_SECONDS = 1e6
"""Of one wait. Clocks can't count as far as a back-off may be told to go."""

_log = log.get("ticketpool.worker")


class Place(Protocol):
    """What a lane needs of where it runs. ``put`` and ``close`` come from the thread that reads
    frames, everything else from the lane itself.

    Attributes:
        cut: the handler has been cancelled for the drain's deadline.
    """

    cut: bool

    def start(self, name: str, main: Main) -> None:
        """Run the lane's coroutine from now on."""

    def put(self, records: Records) -> None:
        """More for ``get``. Never blocks."""

    def close(self, until: float | None) -> None:
        """End every wait. ``until``: monotonic seconds by which the lane must have ended."""

    async def get(self, seconds: float | None = None) -> Records | None:
        """What was put next; ``None``: the lane is closed. Raises ``TimeoutError``."""

    async def pause(self, seconds: float) -> bool:
        """Wait for so long; at once ``True`` when the lane is closed."""

    async def breathe(self) -> None:
        """Let other lanes have their turn."""

    async def calm(self) -> None:
        """After each call of the handler: undo what it did to the task that it ran in."""


def drive(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that never suspends to its end.

    >>> async def double(number: int) -> int:
    ...     return 2 * number
    >>> drive(double(4))
    8
    """
    try:
        work.send(None)
    except StopIteration as end:
        value: T = end.value
        return value
    raise AssertionError("a coroutine of a thread's lane has suspended")


class OwnThread:
    """A thread for this lane alone: its handler may block. See ``Place``."""

    cut = False  # a call that blocks can't be cancelled

    def __init__(self) -> None:
        self._queue: SimpleQueue[Records | None] = SimpleQueue()
        self._closed = threading.Event()

    def start(self, name: str, main: Main) -> None:
        threading.Thread(target=lambda: drive(main()), name=name, daemon=True).start()

    def put(self, records: Records) -> None:
        self._queue.put(records)

    def close(self, until: float | None) -> None:
        self._closed.set()
        self._queue.put(None)

    async def get(self, seconds: float | None = None) -> Records | None:
        if seconds is None:
            return self._queue.get()
        try:
            return self._queue.get(timeout=max(seconds, 0.0))
        except Empty:
            raise TimeoutError from None

    async def pause(self, seconds: float) -> bool:
        return self._closed.wait(min(seconds, MOST_SECONDS))

    async def breathe(self) -> None:
        pass

    async def calm(self) -> None:
        pass


class OnLoop:
    """A task on the worker's event loop. A frame of records crosses over at once, and nothing
    does for each record. See ``Place``."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.cut = False
        self._loop = loop
        self._task: asyncio.Task[None]
        self._queue: asyncio.Queue[Records | None] = asyncio.Queue()
        self._closed = asyncio.Event()

    def start(self, name: str, main: Main) -> None:
        self._loop.call_soon_threadsafe(self._begin, name, main)

    def _begin(self, name: str, main: Main) -> None:
        self._task = self._loop.create_task(main(), name=name)
        self._task.add_done_callback(_must_not_fail)

    def put(self, records: Records) -> None:
        self._loop.call_soon_threadsafe(self._queue.put_nowait, records)

    def close(self, until: float | None) -> None:
        self._loop.call_soon_threadsafe(self._end, until)

    def _end(self, until: float | None) -> None:
        self._closed.set()
        self._queue.put_nowait(None)
        if until is not None:
            left = max(until - time.monotonic(), 0.0)
            self._loop.call_later(left - min(left * CUT_SHARE, CUT_SECONDS), self._cut)

    def _cut(self) -> None:
        if not self._task.done():
            self.cut = True
            self._task.cancel("the drain's deadline (--drain-timeout)")

    async def get(self, seconds: float | None = None) -> Records | None:
        while True:
            try:
                async with asyncio.timeout(seconds):
                    return await self._queue.get()
            except asyncio.CancelledError:
                if self._shrug_off():
                    return None

    async def pause(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(min(seconds, MOST_SECONDS)):
                return await self._closed.wait()
        except TimeoutError:
            return False
        except asyncio.CancelledError:
            return self._shrug_off()

    async def breathe(self) -> None:
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            self._shrug_off()

    async def calm(self) -> None:
        """A handler that cancels its own task, which is ours, means its own call and no other."""
        if self._task.cancelling() and not self.cut:
            self._shrug_off()
            await self.breathe()  # where a cancellation arrives that no await has taken yet

    def _shrug_off(self) -> bool:
        """Whether the lane is to end; if not, somebody's cancellation is none of its business."""
        while not self.cut and self._task.uncancel():
            pass
        return self.cut


def _must_not_fail(task: asyncio.Task[None]) -> None:
    """A lane without its task would stand still for ever: rather let the process be replaced."""
    if task.cancelled() or task.exception() is not None:
        _log.error("lane ended", lane=task.get_name(), error=repr(_cause(task)))
        os._exit(1)


def _cause(task: asyncio.Task[None]) -> BaseException | None:
    return None if task.cancelled() else task.exception()
