"""What became of a record that a program has sent."""

import asyncio
from collections.abc import Callable, Generator
from threading import Condition
from typing import Any, NamedTuple

from ticketpool.errors import NotDelivered


class Written(NamedTuple):
    """Where an acknowledged record stands."""

    topic: str
    partition: int
    offset: int


class Delivery:
    """The outcome of one ``send``, now or later. Any thread may ask; in a coroutine, await it.

    Attributes:
        topic, key: as sent.
    """

    __slots__ = ("_error", "_seen", "_told", "_watchers", "_written", "key", "topic")

    def __init__(self, topic: str, key: bytes | None, told: Condition) -> None:
        self.topic = topic
        self.key = key
        self._told = told
        self._written: Written | None = None
        self._error: NotDelivered | None = None
        self._seen = False
        self._watchers: list[Callable[[], object]] = []

    def __repr__(self) -> str:
        return f"<Delivery to {self.topic!r}: {self._error or self._written or 'under way'}>"

    @property
    def done(self) -> bool:
        """Whether the outcome is known."""
        return self._written is not None or self._error is not None

    def result(self, timeout: float | None = None) -> Written:
        """Where the record stands, once all replicas in sync have it.

        Args:
            timeout: seconds; ``None``: until it is known, which ``delivery_timeout`` bounds.

        Raises:
            NotDelivered: it is not, or not for certain; the message says why.
            TimeoutError: not known yet; the record is still under way.
        """
        if not self.wait(timeout):
            raise TimeoutError(f"{self.topic}: not acknowledged within {timeout:g} s so far")
        if self._error is not None:
            self._seen = True
            raise self._error
        assert self._written is not None  # noqa: S101 - done
        return self._written

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the outcome is known, whatever it is; whether it is."""
        if not self.done:
            with self._told:
                self._told.wait_for(lambda: self.done, timeout)
        return self.done

    def __await__(self) -> Generator[Any, None, Written]:
        yield from self.known().__await__()
        return self.result()

    async def known(self) -> None:
        """As ``wait``, without blocking the event loop."""
        loop = asyncio.get_running_loop()
        outcome: asyncio.Future[None] = loop.create_future()
        with self._told:
            if self.done:
                return
            self._watchers.append(lambda: loop.call_soon_threadsafe(_wake, outcome))
        await outcome

    @property
    def unseen(self) -> NotDelivered | None:
        """Why it was not delivered, unless ``result`` has raised that already."""
        return None if self._seen else self._error

    def settle(self, outcome: Written | NotDelivered) -> None:
        """*Producer side.* The outcome; the first one counts. Holds the condition's lock."""
        if self.done:
            return
        if isinstance(outcome, NotDelivered):
            self._error = outcome
        else:
            self._written = outcome
        for watcher in self._watchers:
            _call(watcher)
        self._watchers.clear()


def _wake(outcome: "asyncio.Future[None]") -> None:
    if not outcome.done():
        outcome.set_result(None)


def _call(watcher: Callable[[], object]) -> None:
    try:
        watcher()
    except RuntimeError:  # its event loop is closed: nobody awaits it any more
        return
