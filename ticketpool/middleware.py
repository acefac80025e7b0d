"""Middleware: what runs around the handler, in the worker, once for each call of it.

A middleware of a plain handler is a function of three parameters; an async handler's is
the same with ``async def`` and ``await``::

    def timed(ticket: Ticket, context: Context, call_next: Next[Ticket]) -> None:
        started = time.monotonic()
        call_next(ticket, context)
        print(context.topic, time.monotonic() - started)

``ticketpool run --middleware module:timed`` names it; the first that is named is the outermost.

- ``call_next(ticket, context)`` calls the next one, and in the end the handler. A middleware
  that does not call it skips the ticket, which counts as processed. It may hand on another
  ticket or ``Context``.
- What it raises is a failure of the record, as if the handler had raised it; ``Reject`` too.
  What the handler raises comes out of ``call_next``; whoever swallows it has processed the
  ticket. Each retry runs through all of them again.
- ``ticket`` is what the handler's annotation asks for. A payload that does not decode comes
  to no middleware.

A middleware that holds something for each partition is an object with a method ``for_lane()``
(for async handlers: ``for_async_lane()``), which returns a middleware. It is called whenever
a partition is assigned to the worker; what it returns is called for that partition alone, one
ticket after the other, so it needs no lock, and is dropped with the assignment.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, TypeVar

from ticketpool.core.model import Context

T = TypeVar("T")

Next = Callable[[T, Context], None]
"""The next middleware, or the handler, with whatever it needs."""

AsyncNext = Callable[[T, Context], Awaitable[None]]
"""The same around an async handler: to be awaited."""

Middleware = Callable[[T, Context, Next[T]], None]
AsyncMiddleware = Callable[[T, Context, AsyncNext[T]], Awaitable[None]]


def idempotent(*, key: Callable[[Any], Hashable], size: int = 10_000) -> "Idempotent":
    """A middleware that skips a ticket when one with its key was handled before.

    Each partition remembers the last ``size`` keys whose handler returned; a key that failed
    is not remembered. They are forgotten with the assignment, and with the worker: repetitions
    across a rebalance or a restart are *not* seen, nor those in another partition. Against
    those, only the store that the handler writes to can help.

    Args:
        key: of a ticket: its identity. ``None`` for a ticket that has none: it is handled.
        size: keys per partition, at least 1; the one longest unseen makes room.

    Raises:
        ValueError: ``size`` is below 1.

    Put ``once = idempotent(key=lambda ticket: ticket.id)`` into a module of yours, say
    ``shop.py``, and run with ``--middleware shop:once``. What a partition then does:

    >>> once = idempotent(key=lambda order: order["number"])
    >>> around_handler = once.for_lane()
    >>> for number in (1, 2, 1):
    ...     around_handler({"number": number}, None, lambda order, context: print(order))
    {'number': 1}
    {'number': 2}
    """
    return Idempotent(key, size)


class Idempotent:
    """What ``idempotent`` returns; serves plain and async handlers."""

    def __init__(self, key: Callable[[Any], Hashable], size: int) -> None:
        if size < 1:
            raise ValueError(f"idempotent: size {size}: at least 1")
        self._key = key
        self._size = size

    def for_lane(self) -> Middleware[Any]:
        """One that has seen no ticket yet, for a plain handler."""
        key_of, keys = self._key, _Keys(self._size)

        def once(ticket: Any, context: Context, call_next: Next[Any]) -> None:
            key = key_of(ticket)
            if not keys.have(key):
                call_next(ticket, context)
                keys.add(key)

        return once

    def for_async_lane(self) -> AsyncMiddleware[Any]:
        """The same for an async handler."""
        key_of, keys = self._key, _Keys(self._size)

        async def once(ticket: Any, context: Context, call_next: AsyncNext[Any]) -> None:
            key = key_of(ticket)
            if not keys.have(key):
                await call_next(ticket, context)
                keys.add(key)

        return once


class _Keys:
    """The last keys, at most ``size``."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._keys: OrderedDict[Hashable, None] = OrderedDict()

    def have(self, key: Hashable) -> bool:
        if key not in self._keys:
            return False
        self._keys.move_to_end(key)
        return True

    def add(self, key: Hashable) -> None:
        if key is None:
            return
        self._keys[key] = None
        if len(self._keys) > self._size:
            self._keys.popitem(last=False)
