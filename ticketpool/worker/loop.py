"""*Worker side.* The event loop of a worker, in a thread of its own: one for all of its lanes."""

import asyncio
import threading
from collections.abc import Awaitable
from typing import Any

from ticketpool import log

_log = log.get("ticketpool.worker")


class Loop:
    """A uvloop that runs in a thread of its own until ``stop``.

    Attributes:
        asyncio: the event loop itself.
        thread: identifies the thread that it runs in.
    """

    def __init__(self) -> None:
        import uvloop  # here, since most handlers never need it

        self.asyncio: asyncio.AbstractEventLoop = uvloop.new_event_loop()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="event loop", daemon=True)
        self._thread.start()
        self.thread = self._thread.ident

    def _run(self) -> None:
        while not self._stopping:
            try:
                self.asyncio.run_forever()
            except BaseException as error:
                # A task of the user's own that raises SystemExit stops the loop with it; the
                # lanes go on.
                _log.error("event loop interrupted by a task", error=repr(error))

    def wait_for(self, work: Awaitable[Any]) -> Any:
        """From another thread: run something on the loop; return or raise what it does."""

        async def outcome() -> tuple[Any, BaseException | None]:
            try:
                return await work, None
            except BaseException as error:  # SystemExit would stop the loop on its way out
                return None, error

        value, error = asyncio.run_coroutine_threadsafe(outcome(), self.asyncio).result()
        if error is not None:
            raise error
        return value

    def stop(self) -> None:
        """End the loop and its thread, once all tasks have ended, or in a second."""
        self.wait_for(_others_end())
        self._stopping = True
        self.asyncio.call_soon_threadsafe(self.asyncio.stop)
        self._thread.join()
        self.asyncio.close()


class LazyLoop:
    """The one loop of several handlers, made when the first of them asks for it."""

    def __init__(self) -> None:
        self._loop: Loop | None = None

    def get(self) -> Loop:
        """The loop, running."""
        if self._loop is None:
            self._loop = Loop()
        return self._loop

    @property
    def running(self) -> Loop | None:
        """The loop, if it was ever asked for."""
        return self._loop

    def stop(self) -> None:
        """Stop it, if it was ever asked for."""
        if self._loop is not None:
            self._loop.stop()


async def _others_end() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    if others:
        await asyncio.wait(others, timeout=1.0)
