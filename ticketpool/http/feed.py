"""What an open page is told: the newest snapshot, once a second, as server-sent events.

*Supervisor side.* A message holds what has changed since the one before; who has missed one gets
everything. Each is made once for all clients, and only while there are clients. There is no
queue: a slow client skips messages, and one that takes none for ten seconds is cut
(``server.Connection``).
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from ticketpool.core.status import PartitionStatus, ServiceStatus, Spread

TICK_SECONDS = 1.0
MOST_CLIENTS = 8  # of the 32 connections that are served at a time
MORE_TIME = "ticketpool.more_time"
"""Key of the ASGI scope: a function that grants the connection another ten seconds."""

_OWN_PARTS = ("partitions", "workers", "events", "history", "made_at")
_encode = msgspec.json.encode


def slim(partition: PartitionStatus) -> PartitionStatus:
    """Without the histograms, which only Prometheus wants; what merely ages is left out of a
    partition that is well, so that it need not be told again."""
    waits, ends = partition.queue_wait, partition.end_to_end
    return msgspec.structs.replace(
        partition,
        handler_buckets=[],
        queue_wait=Spread(p50_ms=waits.p50_ms, p99_ms=waits.p99_ms),
        end_to_end=Spread(p50_ms=ends.p50_ms, p99_ms=ends.p99_ms),
        state_seconds=0.0 if partition.state == "ok" else partition.state_seconds,
    )


class Feed:
    """The messages, one after the other.

    Args:
        status: gives the newest snapshot, or ``None`` before the first.
        verdict: why a snapshot can't be trusted, if so.
        clock: stamps ``ServiceStatus.made_at``.
    """

    def __init__(
        self,
        status: Callable[[], ServiceStatus | None],
        verdict: Callable[[ServiceStatus | None], str | None],
        clock: Callable[[], float],
    ) -> None:
        self._status, self._verdict, self._clock = status, verdict, clock
        self._due = 0.0
        self._number = 0
        self._shown: ServiceStatus | None = None
        self._head = b""
        self._rows: dict[str, bytes] = {}
        self._parts: dict[str, bytes] = {}
        self._change = self._whole = b""

    async def messages(self) -> AsyncIterator[bytes]:
        """What one client is told, for as long as it stays: all, and then what changes."""
        seen = -1
        while True:
            self._look()
            missed, seen = seen != self._number - 1, self._number  # the yield may take long
            yield self._everything() if missed else self._change
            await asyncio.sleep(max(self._due - self._clock(), 0.0))

    def _look(self) -> None:
        """Make the next message, unless one was made within the last second."""
        now = self._clock()
        if now < self._due:
            return
        self._due = now + TICK_SECONDS
        self._number += 1
        status = self._status()
        self._head = _encode(self._told(status, now))
        if status is self._shown:
            self._change = _message({"head": msgspec.Raw(self._head)})
        else:
            self._change = self._difference(status)
        self._shown, self._whole = status, b""

    def _told(self, status: ServiceStatus | None, now: float) -> dict[str, Any]:
        """Of the service as a whole; small, and told each second as a sign of life."""
        reason = self._verdict(status)
        head: dict[str, Any] = {"ok": reason is None, "reason": reason, "at": time.time()}
        if status is None:
            return head
        fields = msgspec.structs.asdict(status)
        told = {name: value for name, value in fields.items() if name not in _OWN_PARTS}
        return head | {"age_seconds": max(0.0, now - status.made_at)} | told

    def _difference(self, status: ServiceStatus | None) -> bytes:
        rows = {_key(one): _encode(slim(one)) for one in (status.partitions if status else ())}
        parts = {
            name: _encode(getattr(status, name) if status else [])
            for name in ("workers", "events", "history")
        }
        changed = [raw for key, raw in rows.items() if self._rows.get(key) != raw]
        told: dict[str, Any] = {"head": msgspec.Raw(self._head)}
        if changed:
            told["rows"] = [msgspec.Raw(raw) for raw in changed]
        if gone := [key for key in self._rows if key not in rows]:
            told["gone"] = gone
        told |= {k: msgspec.Raw(raw) for k, raw in parts.items() if self._parts.get(k) != raw}
        self._rows, self._parts = rows, parts
        return _message(told)

    def _everything(self) -> bytes:
        if not self._whole:
            rows = [msgspec.Raw(raw) for raw in self._rows.values()]
            parts = {name: msgspec.Raw(raw) for name, raw in self._parts.items()}
            told = {"whole": True, "head": msgspec.Raw(self._head), "rows": rows, **parts}
            self._whole = _message(told)
        return self._whole


def _key(partition: PartitionStatus) -> str:
    return f"{partition.topic}/{partition.partition}"


def _message(told: dict[str, Any]) -> bytes:
    return b"data: " + _encode(told) + b"\n\n"


class Stream:
    """Answers ``/api/stream``: a place for a few clients at a time, 503 for more."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self.clients = 0

    async def answer(self, request: Request) -> Response:
        if self.clients >= MOST_CLIENTS:
            body = _encode({"ok": False, "reason": f"{MOST_CLIENTS} pages watch already"})
            return Response(body, 503, {"retry-after": "5"}, "application/json")
        if request.method == "HEAD":
            return Response(media_type="text/event-stream")
        return _Watching(self, self._messages(request))

    async def _messages(self, request: Request) -> AsyncIterator[bytes]:
        more_time: Callable[[], None] = request.scope.get(MORE_TIME, lambda: None)
        async for message in self._feed.messages():
            yield message
            more_time()  # it was taken: we come back here only when the client reads


class _Watching(StreamingResponse):
    def __init__(self, stream: Stream, messages: AsyncIterator[bytes]) -> None:
        super().__init__(messages, media_type="text/event-stream")
        self._stream = stream

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._stream.clients += 1
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._stream.clients -= 1
