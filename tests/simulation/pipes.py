"""Pipes and what waits on them: the part of ``os`` and ``selectors`` that ticketpool uses."""

import selectors
from collections.abc import Callable, Iterable
from typing import Any

from tests.simulation.kernel import TICK, Actor, Kernel

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE


class Pipe:
    """One direction of a socket pair."""

    def __init__(self, capacity: int) -> None:
        self.bytes = bytearray()
        self.capacity = capacity
        self.closed = False

    @property
    def room(self) -> int:
        return self.capacity - len(self.bytes)


class End:
    """One end of a socket pair."""

    def __init__(self, incoming: Pipe, outgoing: Pipe) -> None:
        self.incoming, self.outgoing = incoming, outgoing
        self.blocking = True
        self.before_write: Callable[[bytes], bytes] = bytes  # may die, or garble
        self.before_part: Callable[[], object] = lambda: None  # may die

    @property
    def readable(self) -> bool:
        return bool(self.incoming.bytes) or self.incoming.closed

    @property
    def writable(self) -> bool:
        return self.outgoing.room > 0 or self.outgoing.closed


class Descriptors:
    """What ticketpool uses of ``os`` for descriptors, over simulated pipes."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._next = 1000
        self.open: dict[int, Any] = {}
        self._waiting: list[Actor] = []

    def add(self, thing: Any) -> int:
        """A descriptor for an ``End``, or for anything that has ``readable``."""
        self._next += 1
        self.open[self._next] = thing
        return self._next

    def pair(self, capacity: int) -> tuple[int, int]:
        """The descriptors of both ends of a new socket pair."""
        one, other = Pipe(capacity), Pipe(capacity)
        return self.add(End(one, other)), self.add(End(other, one))

    def changed(self) -> None:
        """Something may be readable or writable now: let those look who wait for it."""
        waiting, self._waiting = self._waiting, []
        for actor in waiting:
            self._kernel.wake(actor)

    def wait(self, seconds: float | None = None) -> None:
        self._waiting.append(self._kernel.current)
        self._kernel.wait(seconds)

    # -- as in os --------------------------------------------------------------------------

    def set_blocking(self, fd: int, blocking: bool) -> None:
        self.open[fd].blocking = blocking

    def read(self, fd: int, count: int) -> bytes:
        self._kernel.check()
        end: End = self.open[fd]
        while not end.readable:
            if not end.blocking:
                raise BlockingIOError
            self.wait()
        data = bytes(end.incoming.bytes[:count])
        del end.incoming.bytes[:count]
        if data:
            self.changed()
        return data

    def write(self, fd: int, data: bytes | memoryview) -> int:
        """The worker's side: takes the bytes in two parts, with time to die in between."""
        self._kernel.check()
        end: End = self.open[fd]
        todo = end.before_write(bytes(data))
        for part in (todo[: len(todo) // 2], todo[len(todo) // 2 :]):
            end.before_part()
            self._write_all(end, part)
        return len(data)

    def _write_all(self, end: End, data: bytes) -> None:
        while data:
            if end.outgoing.closed:
                raise BrokenPipeError
            data = data[self._put(end, data) :]
            if data:
                self.wait()

    def writev(self, fd: int, buffers: Iterable[bytes | memoryview]) -> int:
        """The supervisor's side: takes what there is room for."""
        self._kernel.check()
        end: End = self.open[fd]
        if end.outgoing.closed:
            raise BrokenPipeError
        if not end.writable:
            raise BlockingIOError
        return self._put(end, b"".join(buffers))

    def _put(self, end: End, data: bytes) -> int:
        count = min(end.outgoing.room, len(data))
        end.outgoing.bytes += data[:count]
        self.changed()
        return count

    def close(self, fd: int) -> None:
        end = self.open.pop(fd)
        if isinstance(end, End):
            end.incoming.closed = end.outgoing.closed = True
        self.changed()


class Selector:
    """``selectors.DefaultSelector`` over these descriptors."""

    def __init__(self, kernel: Kernel, descriptors: Descriptors) -> None:
        self._kernel = kernel
        self._descriptors = descriptors
        self._keys: dict[int, selectors.SelectorKey] = {}

    def register(self, fd: int, events: int, data: Any = None) -> None:
        assert fd not in self._keys, "registered twice"
        self._keys[fd] = selectors.SelectorKey(fd, fd, events, data)

    def modify(self, fd: int, events: int, data: Any = None) -> None:
        assert fd in self._keys
        self._keys[fd] = selectors.SelectorKey(fd, fd, events, data)

    def unregister(self, fd: int) -> None:
        del self._keys[fd]

    def get_key(self, fd: int) -> selectors.SelectorKey:
        return self._keys[fd]

    def select(self, timeout: float) -> list[tuple[selectors.SelectorKey, int]]:
        """As select: after a system call's time at least, so that others get their turn."""
        until = self._kernel.now + timeout
        self._kernel.sleep(2e-5)
        while not (ready := self._ready()) and self._kernel.now < until - TICK:
            self._descriptors.wait(until - self._kernel.now)
        return ready

    def _ready(self) -> list[tuple[selectors.SelectorKey, int]]:
        found = [(key, self._mask(key)) for key in self._keys.values()]
        return [(key, mask) for key, mask in found if mask]

    def _mask(self, key: selectors.SelectorKey) -> int:
        thing = self._descriptors.open[key.fd]
        mask = READ if key.events & READ and thing.readable else 0
        return mask | (WRITE if key.events & WRITE and thing.writable else 0)

    def close(self) -> None:
        self._keys.clear()
