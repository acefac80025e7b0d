"""Middlewares run around each call of the handler, in their order, and share its fate.

In doubt because what wraps a call can lose its exception or its result, or call what is to be
awaited, and because what remembers may remember too much.
"""

import asyncio
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.worker import handlers, middlewares
from tests.worker.batches import batch
from ticketpool import Context, Record, Reject
from ticketpool.errors import HandlerError, HandlerNotFound, HandlerUnsupported
from ticketpool.middleware import idempotent
from ticketpool.worker.decoding import JSON, Undecodable
from ticketpool.worker.handler import Call
from ticketpool.worker.loading import load
from ticketpool.worker.middleware import Chain, load_middleware
from ticketpool.worker.where import Where

HERE = "tests.worker.middlewares"
CONTEXT = Context("t", 0, 0, None, (), datetime(1970, 1, 1, tzinfo=UTC), 1, 0)


@pytest.fixture(autouse=True)
def _nothing_seen() -> Iterator[None]:
    yield
    handlers.calls.clear()
    middlewares.seen.clear()


def call_of(handler: str, *names: str, partition: int = 0) -> Call:
    """What a lane of that partition calls."""
    links = [load_middleware(f"{HERE}:{name}") for name in names]
    return load(f"tests.worker.handlers:{handler}", JSON, links).call_for(Where("t", partition, 0))


def run(call: Call, *values: bytes | None, attempt: int = 1) -> None:
    """Call it with records of these values."""
    count = len(values)
    frame = batch(1, range(40, 40 + count), values, [b"k"] * count, [()] * count, [0] * count)
    for i in range(count):
        call(frame, i, attempt)


def test_the_first_is_the_outermost() -> None:
    run(call_of("raw", "outer", "inner"), b"v", attempt=3)
    assert middlewares.seen == [
        ("outer", b"v", 40, 3), "inner", "inner is back", "outer is back",
    ]  # fmt: skip
    assert handlers.calls == [b"v"]


@pytest.mark.parametrize(
    ("handler", "seen"),
    [("raw", b"V"), ("with_context", (b"V", b"changed"))],
)
def test_a_handler_gets_what_is_handed_on(handler: str, seen: object) -> None:
    run(call_of(handler, "changing"), b"v")
    (call,) = handlers.calls
    assert (call if handler == "raw" else (call[0], call[1].key)) == seen


@pytest.mark.parametrize("handler", ["record", "record_and_context"])
def test_a_record_passes_through_them(handler: str) -> None:
    run(call_of(handler, "calling"), b"v")
    (call,) = handlers.calls
    record = call if handler == "record" else call[0]
    assert (record.value, record.key, middlewares.seen) == (b"v", b"k", ["called"])
    assert isinstance(record, Record)


def test_who_does_not_call_the_next_skips_the_ticket() -> None:
    run(call_of("raw", "skipping", "inner"), b"v")
    assert (handlers.calls, middlewares.seen) == ([], [])


def test_what_a_middleware_raises_is_the_records_failure() -> None:
    with pytest.raises(Reject, match="by the middleware"):
        run(call_of("raw", "outer", "rejecting"), b"v")


def test_what_the_handler_raises_passes_through_them() -> None:
    with pytest.raises(ValueError, match="as it says"):
        run(call_of("act", "outer", "inner"), b"raise")
    run(call_of("act", "swallowing"), b"raise")
    assert isinstance(middlewares.seen[-1], ValueError)


def test_what_does_not_decode_comes_to_none() -> None:
    with pytest.raises(Undecodable):
        run(call_of("struct", "outer"), b"{")
    assert middlewares.seen == []


def test_a_lane_has_its_own_of_what_holds_something() -> None:
    handler = load("tests.worker.handlers:raw", JSON, [load_middleware(f"{HERE}:counting")])
    first, second = handler.call_for(Where("t", 0, 0)), handler.call_for(Where("t", 1, 0))
    run(first, b"a", b"b")
    run(second, b"c")
    run(handler.call_for(Where("t", 0, 0)), b"d")  # assigned again
    assert middlewares.seen == [(0, 1), (0, 2), (1, 1), (0, 1)]


def test_without_any_the_lane_calls_the_handler_itself() -> None:
    chain = Chain("h", (), is_async=False, takes_context=False)
    assert chain.for_lane(handlers.raw) is handlers.raw
    assert not load("tests.worker.handlers:raw", JSON, []).wants_record


def test_a_middleware_needs_all_columns() -> None:
    assert load("tests.worker.handlers:raw", JSON, [load_middleware(f"{HERE}:inner")]).wants_record


@pytest.mark.parametrize("takes_context", [False, True])
def test_async_ones_await_an_async_handler(takes_context: bool) -> None:
    async def handle(payload: bytes, *context: Context) -> None:
        await asyncio.sleep(0)
        middlewares.seen.append((payload, *context))

    links = [load_middleware(f"{HERE}:awaiting"), load_middleware(f"{HERE}:once")]
    call: Any = Chain("h", links, is_async=True, takes_context=takes_context).for_lane(handle)

    async def twice() -> None:
        await call(b"v", CONTEXT)
        await call(b"v", CONTEXT)

    asyncio.run(twice())
    got = (b"v", CONTEXT) if takes_context else (b"v",)
    assert middlewares.seen == ["before", got, "after", "before", "after"]


@pytest.mark.parametrize(
    ("name", "is_async", "words"),
    [
        ("number", False, "is a int, not a function"),
        ("Calling", False, "is a class; name a function or an object"),
        ("of_two", False, "takes three parameters: the ticket, its Context, and call_next"),
        ("of_four", False, "takes three parameters"),
        ("generator", False, "is a generator"),
        ("awaiting", False, "is async, and handler h is plain: make it a plain function"),
        ("inner", True, "is plain, and handler h is async: make it async def, and await"),
        ("counting", True, "has no for_async_lane(), and handler h is async"),
        ("raising", False, "its for_lane raised SystemExit: no tracer"),
        ("empty", False, "is a NoneType, not a function"),
    ],
)
def test_a_wrong_shape_is_refused_at_start(name: str, is_async: bool, words: str) -> None:
    link = load_middleware(f"{HERE}:{name}")
    with pytest.raises(HandlerError, match=re.escape(words)) as refused:
        Chain("h", [link], is_async=is_async, takes_context=False)
    assert f"middleware {HERE}:{name}" in str(refused.value)
    assert refused.value.exit_code == 4


def test_a_middleware_is_named_as_a_handler_is() -> None:
    with pytest.raises(HandlerNotFound, match=f"middleware {HERE}:outr: .*; its functions: "):
        load_middleware(f"{HERE}:outr")
    with pytest.raises(HandlerNotFound, match="middleware 'outer': write module:function"):
        load_middleware("outer")


def test_a_handler_is_refused_with_its_middleware() -> None:
    with pytest.raises(HandlerUnsupported, match=r"handler tests\.worker\.handlers:raw is plain"):
        call_of("raw", "awaiting")


# -- idempotent ------------------------------------------------------------------------


def test_a_key_is_handled_once_in_a_lane() -> None:
    run(call_of("raw", "once"), b"a", b"b", b"a", b"b", b"c")
    assert handlers.calls == [b"a", b"b", b"c"]


def test_without_a_key_each_ticket_is_handled() -> None:
    run(call_of("raw", "once"), b"", b"a", b"", b"a")
    assert handlers.calls == [b"", b"a", b""]


def test_a_key_whose_handler_raised_is_not_remembered() -> None:
    call = call_of("act", "once")
    for _ in range(2):
        with pytest.raises(ValueError, match="as it says"):
            run(call, b"raise")


def test_the_key_longest_unseen_makes_room() -> None:
    call = call_of("raw", "once")  # three keys
    run(call, b"a", b"b", b"c", b"a", b"d")  # b has to go: a was seen again
    handlers.calls.clear()
    run(call, b"a", b"c", b"d", b"b")
    assert handlers.calls == [b"b"]


def test_another_lane_remembers_nothing_of_it() -> None:
    handler = load("tests.worker.handlers:raw", JSON, [load_middleware(f"{HERE}:once")])
    run(handler.call_for(Where("t", 0, 0)), b"a")
    run(handler.call_for(Where("t", 1, 0)), b"a")
    run(handler.call_for(Where("t", 0, 0)), b"a")  # the same partition, assigned again
    assert handlers.calls == [b"a", b"a", b"a"]


@pytest.mark.parametrize("size", [0, -1])
def test_a_memory_for_nothing_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match=f"size {size}: at least 1"):
        idempotent(key=bytes, size=size)
