"""Middlewares, right and wrong, by name: ``tests.worker.middlewares:NAME``."""

import sys
from collections.abc import Iterator
from typing import Any

import msgspec

from ticketpool import AsyncNext, Context, Next, Reject
from ticketpool.middleware import Middleware, idempotent

seen: list[Any] = []
"""What the middlewares below have seen, in this process."""


def outer(payload: Any, context: Context, call_next: Next[Any]) -> None:
    seen.append(("outer", payload, context.offset, context.attempt))
    call_next(payload, context)
    seen.append("outer is back")


def inner(payload: Any, context: Context, call_next: Next[Any]) -> None:
    seen.append("inner")
    call_next(payload, context)
    seen.append("inner is back")


def noting(payload: Any, context: Any, call_next: Next[Any]) -> None:
    seen.append((payload, context))
    call_next(payload, context)


def skipping(payload: Any, context: Context, call_next: Next[Any]) -> None: ...


def changing(payload: bytes, context: Context, call_next: Next[bytes]) -> None:
    call_next(payload.upper(), msgspec.structs.replace(context, key=b"changed"))


def rejecting(payload: Any, context: Context, call_next: Next[Any]) -> None:
    raise Reject("by the middleware")


def swallowing(payload: Any, context: Context, call_next: Next[Any]) -> None:
    try:
        call_next(payload, context)
    except ValueError as error:
        seen.append(error)


async def awaiting(payload: Any, context: Context, call_next: AsyncNext[Any]) -> None:
    seen.append("before")
    await call_next(payload, context)
    seen.append("after")


class Counting:
    """Counts per lane."""

    def for_lane(self) -> Middleware[Any]:
        count = 0

        def counted(payload: Any, context: Context, call_next: Next[Any]) -> None:
            nonlocal count
            count += 1
            seen.append((context.partition, count))
            call_next(payload, context)

        return counted


class Calling:
    def __call__(self, payload: Any, context: Context, call_next: Next[Any]) -> None:
        seen.append("called")
        call_next(payload, context)


counting, calling = Counting(), Calling()
once = idempotent(key=lambda value: value or None, size=3)


# -- refused ---------------------------------------------------------------------------


def of_two(payload: Any, context: Context) -> None: ...
def of_four(payload: Any, context: Context, call_next: Next[Any], more: int) -> None: ...


def generator(payload: Any, context: Context, call_next: Next[Any]) -> Iterator[None]:
    call_next(payload, context)
    yield


class Raising:
    def for_lane(self) -> Any:
        sys.exit("no tracer")


class Empty:
    def for_lane(self) -> None: ...


raising, empty, number = Raising(), Empty(), 5
