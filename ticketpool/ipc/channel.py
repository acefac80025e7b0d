"""One end of a pipe each: the supervisor's never blocks, the worker's may."""

import os
import threading
from collections import deque
from collections.abc import Iterator
from typing import Any, Generic, TypeVar

import msgspec

from ticketpool.errors import FrameError
from ticketpool.ipc.frames import NO_LIMIT, Parser, encode, parts

T = TypeVar("T")

_CHUNK = 1 << 18
_IOV_MAX = 64  # buffers a writev(2) takes at once; the kernel's own limit is 1024


class Channel(Generic[T]):
    """*Supervisor side.* A non-blocking end: sends queue here, reads take what is there.

    Nothing here blocks, also not on half a frame or a stopped peer. What a
    channel may hold is bounded by the credits of its lanes, not here.

    Attributes:
        fd: the descriptor, for a selector.
        pending_bytes: queued and not yet taken by the kernel.
        ended: the peer has closed its end.
        broken: the peer has sent what is no frame; nothing it says is believed any more.
    """

    def __init__(self, fd: int, incoming: Any) -> None:
        os.set_blocking(fd, False)
        self.fd = fd
        self.pending_bytes = 0
        self.ended = self.broken = False
        self._parser: Parser[T] = Parser(incoming)
        self._out: deque[bytes | memoryview] = deque()

    def send(self, frame: msgspec.Struct) -> None:
        """Queue a frame and write what the pipe takes now. Never blocks, never raises
        for a dead peer: its death is told by its pidfd."""
        self.put(frame)
        self.flush()

    def put(self, frame: msgspec.Struct) -> None:
        """Queue a frame for the next ``flush``."""
        both = parts(frame)
        self._out += both
        self.pending_bytes += sum(map(len, both))

    def flush(self) -> None:
        """Write queued bytes as far as the pipe takes them."""
        while self._out:
            batch = [self._out[i] for i in range(min(len(self._out), _IOV_MAX))]
            try:
                written = os.writev(self.fd, batch)
            except BlockingIOError:
                return
            except OSError:  # EPIPE, ECONNRESET: the peer is gone
                self._out.clear()
                self.pending_bytes = 0
                return
            self._drop(written)

    def _drop(self, written: int) -> None:
        self.pending_bytes -= written
        while written:
            head = self._out[0]
            if written < len(head):
                self._out[0] = memoryview(head)[written:]
                return
            written -= len(self._out.popleft())

    def receive(self) -> Iterator[T]:
        """Yield the frames that have arrived, and stop when the pipe is empty or closed.

        Raises:
            FrameError: the peer wrote what is no frame; kill it. Told once, and nothing
                is yielded any more.
        """
        while not self.broken:
            try:
                data = os.read(self.fd, _CHUNK)
            except BlockingIOError:
                return
            except OSError:  # ECONNRESET: it died with frames of ours unread
                data = b""
            if not data:
                self.ended = True
                return
            yield from self._parsed(data)
            if len(data) < _CHUNK:
                return

    def _parsed(self, data: bytes) -> Iterator[T]:
        try:
            yield from self._parser.feed(data)
        except FrameError:
            self.broken = True
            raise

    def close(self) -> None:
        """Close the descriptor. May be called again."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


class Port(Generic[T]):
    """*Worker side.* A blocking end; ``send`` may be called from any thread."""

    def __init__(self, fd: int, incoming: Any) -> None:
        os.set_blocking(fd, True)
        self.fd = fd
        self._parser: Parser[T] = Parser(incoming, limit=NO_LIMIT)
        self._lock = threading.Lock()

    def send(self, frame: msgspec.Struct) -> None:
        """Write a whole frame. Raises ``OSError`` when the supervisor is gone."""
        data = memoryview(encode(frame))
        with self._lock:
            while data:
                data = data[os.write(self.fd, data) :]

    def frames(self) -> Iterator[T]:
        """Yield frames as they come; ends when the supervisor is gone (EOF)."""
        while True:
            try:
                data = os.read(self.fd, _CHUNK)
            except ConnectionResetError:
                return
            if not data:
                return
            yield from self._parser.feed(data)
