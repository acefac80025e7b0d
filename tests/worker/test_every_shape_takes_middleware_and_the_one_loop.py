"""Middlewares go around batch and async handlers too, and async handlers share one event loop.

In doubt because each of these was made by itself: codecs, topics, middlewares, shapes.
"""

import asyncio
from collections.abc import Iterator

import pytest

from tests.worker import middlewares
from tests.worker.batches import batch
from tests.worker.test_each_topic_has_its_handler import hello
from ticketpool.errors import HandlerUnsupported
from ticketpool.worker.decoding import JSON
from ticketpool.worker.handlers import Handlers
from ticketpool.worker.loading import load
from ticketpool.worker.middleware import load_middleware
from ticketpool.worker.place import drive
from ticketpool.worker.where import Where

H, M = "tests.worker.handlers", "tests.worker.middlewares"
TICKET = b'{"id":"a","timestamp":"2024-01-02T03:04:05Z","order_id":1,"data":""}'


@pytest.fixture(autouse=True)
def _nothing_seen() -> Iterator[None]:
    yield
    middlewares.seen.clear()


def test_a_batch_passes_through_as_a_whole_with_its_contexts() -> None:
    handler = load(f"{H}:batch", JSON, [load_middleware(f"{M}:noting")])
    assert handler.wants_record
    call = handler.batch_call_for(Where("t", 0, 0))
    frame = batch(1, [40, 41], [TICKET] * 2, [b"k", None], [()] * 2, [0, 0])
    payloads = [call.payload(frame, i) for i in range(2)]
    drive(call.run(payloads, [(frame, 0, 1), (frame, 1, 3)]))
    ((seen, contexts),) = middlewares.seen
    assert seen is payloads
    assert [(one.offset, one.key, one.attempt) for one in contexts] == [
        (40, b"k", 1), (41, None, 3),
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["counting", "once"])
def test_one_that_looks_at_single_tickets_is_refused_for_batches(name: str) -> None:
    with pytest.raises(HandlerUnsupported, match=r"single tickets, and handler .* takes batches"):
        load(f"{H}:batch", JSON, [load_middleware(f"{M}:{name}")])


def test_an_async_batch_awaits_them() -> None:
    handler = load(f"{H}:async_batch", JSON, [load_middleware(f"{M}:awaiting")])
    call = handler.batch_call_for(Where("t", 0, 0))
    frame = batch(1, [40], [TICKET], [b"k"], [()], [0])
    asyncio.run(call.run([call.payload(frame, 0)], [(frame, 0, 1)]))
    assert middlewares.seen == ["before", "after"]


def test_async_handlers_of_a_worker_share_one_loop_and_others_start_none() -> None:
    by_topic = [
        ("a", f"{H}:coroutine", "json"), ("b", f"{H}:async_batch", "json"),
        ("c", f"{H}:raw", "json"),
    ]  # fmt: skip
    handlers = Handlers(hello(by_topic=by_topic))
    loop = handlers.of("a").loop
    try:
        assert handlers.of("b").loop is loop
    finally:
        loop.stop()
