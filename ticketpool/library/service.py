"""The process of an embedded pool, as the program sees it."""

import select
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from ticketpool import errors
from ticketpool.config import RunConfig
from ticketpool.core.status import ServiceStatus
from ticketpool.errors import DrainTimeout, FrameError, SupervisorDied, TicketpoolError
from ticketpool.ipc.child import Child
from ticketpool.library.frames import Ask, Begin, Ended, FromPool, Status, Stop
from ticketpool.supervisor import Summary
from ticketpool.supervisor.environment import worker_environment

PROCESS = "ticketpool.library.process"
ANSWER_SECONDS = 5.0
"""How long the process may take to answer, before an old status has to do."""

_LOOK_SECONDS = 0.05


class Service:
    """*Program side.* One process, from its start to its end. Any thread may call.

    Raises:
        OSError: out of memory or descriptors; nothing is left behind.
    """

    def __init__(self, config: RunConfig) -> None:
        self._lock = threading.Lock()
        self._answers = 0
        self._latest: ServiceStatus | None = None
        self._last_word: Ended | None = None
        self._ended: Ended | None = None
        self._child: Child[FromPool] = Child(
            PROCESS, FromPool, words=1, environment=worker_environment(config)
        )
        self._child.channel.send(Begin(config))

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._child.pid

    @property
    def running(self) -> bool:
        """Whether it has not ended yet."""
        self._listen()
        return self._ended is None

    def status(self) -> ServiceStatus:
        """A snapshot of now, half a second old at most; the last one when it has ended well.

        Raises:
            TicketpoolError: why it has ended.
        """
        before = self._answers
        self._send(Ask())
        self._await(lambda: self._answers > before, ANSWER_SECONDS)
        if self._ended is not None:
            _raise_error(self._ended)
        if self._latest is None:
            raise TicketpoolError(f"the pool's process {self.pid} does not answer")
        return self._latest

    def outcome(self, seconds: float | None) -> Summary:
        """Wait for its end.

        Raises:
            TicketpoolError: why it has ended.
            TimeoutError: it has not, in so many seconds.
        """
        if not self._await(lambda: False, seconds):
            raise TimeoutError(f"the pool has not ended within {seconds:g} s")
        assert self._ended is not None  # noqa: S101 - waited for
        _raise_error(self._ended)
        assert self._ended.summary is not None  # noqa: S101 - an end without one is an error
        return self._ended.summary

    def stop(self, seconds: float) -> Summary:
        """Have it drain and end.

        Raises:
            TicketpoolError: why it has ended; ``DrainTimeout`` when it had to be killed.
        """
        self._send(Stop())
        with suppress(TimeoutError):
            return self.outcome(seconds)
        self._child.kill()
        with suppress(SupervisorDied):
            return self.outcome(ANSWER_SECONDS)
        raise DrainTimeout(
            f"the pool's process {self.pid} did not end within {seconds:g} s and was killed; "
            "what was not committed will be delivered again"
        )

    def kill(self) -> None:
        """At once; nothing of it runs any more when this returns."""
        self._child.kill()
        self._await(lambda: False, None)

    def pause(self) -> None:
        """For somebody who will ask again."""
        self._await(lambda: False, _LOOK_SECONDS)

    def _send(self, frame: Ask | Stop) -> None:
        with self._lock:
            if self._ended is None:
                self._child.channel.send(frame)

    def _await(self, condition: Callable[[], bool], seconds: float | None) -> bool:
        """Listen until the condition holds or the process has ended; whether that came in time."""
        deadline = None if seconds is None else time.monotonic() + seconds
        while True:
            self._listen()
            if self._ended is not None or condition():
                return True
            if deadline is not None and time.monotonic() >= deadline:
                return False
            self._await_news()

    def _await_news(self) -> None:
        poller = select.poll()
        poller.register(self._child.channel.fd, select.POLLIN)
        with suppress(OSError, ValueError):  # another thread has seen the end, and closed it
            poller.poll(_LOOK_SECONDS * 1000)

    def _listen(self) -> None:
        """Take what the process has sent, and notice its end."""
        with self._lock:
            if self._ended is not None:
                return
            self._receive()
            if (status := self._child.reap()) is not None:
                self._receive()  # what it wrote in between
                self._ended = self._last_word or _died(self._child.pid, status)
                self._child.close()

    def _receive(self) -> None:
        try:
            for frame in self._child.channel.receive():
                match frame:
                    case Status():
                        self._answers += 1
                        self._latest = frame.status
                    case Ended():
                        self._last_word = frame
        except FrameError:  # nothing that it says is believed any more
            self._child.kill()


def _died(pid: int, status: int) -> Ended:
    how = f"by {signal.Signals(-status).name}" if status < 0 else f"with exit code {status}"
    return Ended(
        None,
        SupervisorDied.__name__,
        f"the pool's process {pid} ended {how} without a word; standard error may tell why. "
        "What was finished and not committed will be delivered again",
    )


def _raise_error(ended: Ended) -> None:
    """Raise what it ended with, if it was an error."""
    if ended.error is None:
        return
    kind = getattr(errors, ended.error, None)
    if isinstance(kind, type) and issubclass(kind, TicketpoolError):
        raise kind(ended.message)
    raise TicketpoolError(f"the pool ended by {ended.error}: {ended.message}")
