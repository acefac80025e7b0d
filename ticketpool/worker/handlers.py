"""The handler of each topic that a worker may get a lane of."""

from collections.abc import Iterable
from time import monotonic
from typing import TYPE_CHECKING

from ticketpool.errors import HandlerUnsupported
from ticketpool.ipc.frames import Hello, Ready
from ticketpool.worker.codecs import load_codec
from ticketpool.worker.handler import Handler
from ticketpool.worker.loading import load
from ticketpool.worker.loop import LazyLoop
from ticketpool.worker.middleware import Link, load_middleware

if TYPE_CHECKING:
    from ticketpool.worker.tracing import Tracing

_ANY = ""  # no topic has this name


class Handlers:
    """*Worker side.* All handlers that ``hello`` names.

    Attributes:
        loaded: each of them once: topics with the same handler and codec share it.
        loop: that of the async ones.

    Raises:
        HandlerError: one of them, a codec or a middleware cannot be used.
    """

    def __init__(self, hello: Hello) -> None:
        by_topic = hello.by_topic or [(_ANY, hello.handler, hello.codec)]
        codecs = {name: load_codec(name) for _, _, name in by_topic}
        self.loop = LazyLoop()
        self._tracing = _tracing(hello)
        outermost = [Link("of --traces", self._tracing)] if self._tracing else []
        middleware = [*outermost, *map(load_middleware, hello.middleware)]
        handlers = {
            (name, codec): load(name, codecs[codec], middleware, self.loop)
            for name, codec in dict.fromkeys((name, codec) for _, name, codec in by_topic)
        }
        self.loaded = tuple(handlers.values())
        self._parks = hello.max_parked_keys > 0
        if self._parks:
            _refuse_batches(self.loaded)
        self._by_topic = {topic: handlers[name, codec] for topic, name, codec in by_topic}

    def of(self, topic: str) -> Handler:
        """That of the topic. Raises ``KeyError`` for one that was not named."""
        return self._by_topic[_ANY if _ANY in self._by_topic else topic]

    def open(self) -> None:
        """Open each that has something to open. Raises ``HandlerError``: one of them can't."""
        for handler in self.loaded:
            handler.open()

    def close(self, seconds: float) -> None:
        """Close them, the last one first, in so much time."""
        deadline = monotonic() + seconds
        for handler in reversed(self.loaded):
            handler.close(max(deadline - monotonic(), 0.0))
        if self._tracing:
            self._tracing.close(deadline - monotonic())

    def ready(self) -> Ready:
        """What the supervisor is told: which lanes want all columns, and if some handler closes."""
        each = self._by_topic.items()
        whole = [topic for topic, one in each if one.wants_record or self._parks]
        return Ready(
            len(whole) == len(self._by_topic),
            [topic for topic in whole if topic != _ANY],
            self._tracing is not None or any(handler.closes for handler in self.loaded),
        )


def _tracing(hello: Hello) -> "Tracing | None":
    """What makes the spans, if any are wanted; handlers that are loaded later find it in place."""
    if hello.traces == "off":
        return None
    from ticketpool.worker.tracing import Tracing

    tracing = Tracing(hello.traces, hello.group, hello.slot)
    tracing.publish()
    return tracing


def _refuse_batches(handlers: Iterable[Handler]) -> None:
    for handler in handlers:
        if handler.is_batch:
            raise HandlerUnsupported(
                f"{handler.name} takes batches, which settle together; --park-keys is about "
                "tickets one by one. Leave it out, or take a single ticket"
            )
