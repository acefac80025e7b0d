"""With ``--traces`` each call of a handler is a span by the semantic conventions, in its trace.

In doubt because a trace that is cut at the topic is of no use, and what observes a handler must
never change what becomes of a record.
"""

import asyncio
import json
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from ticketpool.config import RunConfig, traces
from ticketpool.core.model import Context, PartialFailure, Reject
from ticketpool.core.outputs import Outbox, Output
from ticketpool.errors import ConfigError
from ticketpool.ipc.frames import Hello, Records
from ticketpool.middleware import Next
from ticketpool.worker.batch_call import BatchCall
from ticketpool.worker.handler import Handler
from ticketpool.worker.handlers import Handlers
from ticketpool.worker.middleware import Link
from ticketpool.worker.tracing import Tracing
from ticketpool.worker.where import Where

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
TRACEPARENT = f"00-{TRACE}-{PARENT}-01".encode()

Headers = Sequence[tuple[str, bytes | None]]


class Bench:
    """A handler in a lane's hands, traced into memory."""

    def __init__(self, handle: Callable[..., Any], *inner: Callable[..., Any]) -> None:
        self.exporter = InMemorySpanExporter()
        tracing = Tracing("otlp", "shop", 4, self.exporter)
        links = [Link("of --traces", tracing), *(Link("of the test", one) for one in inner)]
        self.handler = Handler("shop:handle", handle, middleware=links)
        self.sent: list[Output] = []
        self.where = Where("orders", 3, 4, collect=self._collect)

    def _collect(self, outbox: Outbox) -> None:
        self.sent += outbox.outputs

    def call(self, *headers: Headers, key: bytes | None = b"k", attempt: int = 1) -> None:
        """Call it with a record for each set of headers, offsets from 7 on."""
        frame = Records(
            lane=1, first=7, sparse=[], values=[b'{"a":1}'] * len(headers),
            keys=[key] * len(headers), headers=[tuple(one) for one in headers],
            timestamps=[0] * len(headers), attempts=0,
        )  # fmt: skip
        if self.handler.is_batch:
            self._call_batch(self.handler.batch_call_for(self.where), frame, len(headers))
            return
        result = self.handler.call_for(self.where)(frame, 0, attempt)
        if result is not None:
            asyncio.run(result)

    def _call_batch(self, call: BatchCall, frame: Records, count: int) -> None:
        payloads = [call.payload(frame, i) for i in range(count)]
        asyncio.run(call.run(payloads, [(frame, i, 1) for i in range(count)]))

    @property
    def span(self) -> ReadableSpan:
        (span,) = self.exporter.get_finished_spans()
        return span


def plain(order: dict[str, int]) -> None: ...
async def waiting(order: dict[str, int], context: Context) -> None:
    await asyncio.sleep(0)


@pytest.mark.parametrize("handle", [plain, waiting])
def test_a_record_s_span_is_told_by_the_conventions(handle: Callable[..., Any]) -> None:
    bench = Bench(handle)
    bench.call([("traceparent", TRACEPARENT), ("other", b"\xff"), ("none", None)], attempt=2)
    span = bench.span
    assert (span.name, span.kind) == ("process orders", SpanKind.CONSUMER)
    assert dict(span.attributes or {}) == {
        "messaging.system": "kafka",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": "orders",
        "messaging.destination.partition.id": "3",
        "messaging.kafka.offset": 7,
        "messaging.kafka.message.key": "k",
        "messaging.consumer.group.name": "shop",
        "ticketpool.attempt": 2,
        "ticketpool.worker": 4,
    }
    assert span.status.status_code is StatusCode.UNSET
    assert span.parent is not None and span.context is not None
    assert f"{span.context.trace_id:032x}" == TRACE
    assert f"{span.parent.span_id:016x}" == PARENT and span.parent.is_remote
    assert [f"{link.context.span_id:016x}" for link in span.links] == [PARENT]
    assert json.loads(span.to_json())["resource"]["attributes"]["service.name"] == "ticketpool"


@pytest.mark.parametrize(
    "headers",
    [[], [("traceparent", None)], [("traceparent", b"\xff nonsense")], [("traceparent", b"")]],
)
def test_without_a_context_it_begins_a_trace(headers: Headers) -> None:
    bench = Bench(plain)
    bench.call(headers, key=b"\xff")
    assert bench.span.parent is None and not bench.span.links
    assert "messaging.kafka.message.key" not in (bench.span.attributes or {})


def tombstone(value: bytes | None) -> None: ...


def test_a_tombstone_is_told() -> None:
    bench = Bench(tombstone)
    frame = Records(1, 7, [], [None], [None], [()], [0], 0)
    bench.handler.call_for(bench.where)(frame, 0, 1)
    assert (bench.span.attributes or {})["messaging.kafka.message.tombstone"] is True


class Broken(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


@pytest.mark.parametrize("error", [ValueError("x"), Reject("no"), Broken(), SystemExit(3)])
def test_what_a_handler_raises_marks_the_span_and_is_raised_on(error: BaseException) -> None:
    def handle(order: dict[str, int]) -> None:
        raise error

    bench = Bench(handle)
    with pytest.raises(type(error)) as raised:
        bench.call([])
    assert raised.value is error
    assert bench.span.status.status_code is StatusCode.ERROR
    assert (bench.span.attributes or {})["error.type"] == type(error).__qualname__
    assert not trace.get_current_span().get_span_context().is_valid


def test_a_cancelled_call_is_told() -> None:
    async def handle(order: dict[str, int]) -> None:
        raise asyncio.CancelledError

    bench = Bench(handle)
    with pytest.raises(asyncio.CancelledError):
        bench.call([])
    assert (bench.span.attributes or {})["error.type"] == "CancelledError"


def parent_of(output: Output) -> str:
    (value,) = (value for name, value in output.headers if name == "traceparent")
    return (value or b"").decode()


def test_what_is_sent_carries_the_context_that_is_current() -> None:
    def handle(order: dict[str, int], context: Context) -> None:
        context.send("first", b"")
        inner = trace.NonRecordingSpan(
            trace.SpanContext(1, 2, is_remote=False, trace_flags=trace.TraceFlags(1))
        )
        with trace.use_span(inner):
            context.send("inner", b"", headers=[("mine", b"1")])
        context.send("own", b"", headers=[("traceparent", "by hand")])

    bench = Bench(handle)
    bench.call([("traceparent", TRACEPARENT), ("tracestate", b"a=b")])
    first, inner, own = bench.sent
    assert bench.span.context is not None
    assert parent_of(first) == f"00-{TRACE}-{bench.span.context.span_id:016x}-01"
    assert dict(first.headers)["tracestate"] == b"a=b"
    assert parent_of(inner) == f"00-{1:032x}-{2:016x}-01"
    assert inner.headers[0] == ("mine", b"1")
    assert own.headers[0] == ("traceparent", b"by hand")


def test_middlewares_of_the_user_run_within_the_span() -> None:
    seen: list[bool] = []

    def inner(order: dict[str, int], context: Context, call_next: Next[dict[str, int]]) -> None:
        seen.append(trace.get_current_span().is_recording())
        call_next(order, context)

    bench = Bench(plain, inner)
    bench.call([])
    assert seen == [True] and bench.span.name == "process orders"


def batch(orders: list[dict[str, int]], contexts: list[Context]) -> None:
    for context in contexts:
        context.send("out", b"")
    if len(orders) == 3:
        raise PartialFailure(1, ValueError("the second"))


async def batch_waiting(orders: list[dict[str, int]]) -> None: ...


@pytest.mark.parametrize("handle", [batch, batch_waiting])
def test_a_batch_is_one_span_with_a_link_for_each_record(handle: Callable[..., Any]) -> None:
    bench = Bench(handle)
    bench.call([("traceparent", TRACEPARENT)], [])
    span = bench.span
    assert span.parent is None
    assert [f"{link.context.span_id:016x}" for link in span.links] == [PARENT]
    attributes = dict(span.attributes or {})
    assert attributes["messaging.batch.message_count"] == 2
    assert (attributes["ticketpool.first_offset"], attributes["ticketpool.last_offset"]) == (7, 8)
    assert "messaging.kafka.offset" not in attributes
    assert span.context is not None
    expected = f"00-{span.context.trace_id:032x}-{span.context.span_id:016x}-"
    assert all(parent_of(one).startswith(expected) for one in bench.sent)


def test_a_batch_that_fails_is_told() -> None:
    bench = Bench(batch)
    with pytest.raises(PartialFailure):
        bench.call([], [], [])
    assert (bench.span.attributes or {})["error.type"] == "PartialFailure"


def test_off_is_nothing_in_the_way() -> None:
    name = f"{__name__}:plain"
    loaded = Handlers(Hello(0, name, 0, 0.0, 0.0, "dead-letter", "json", "info", 10.0))
    (handler,) = loaded.loaded
    assert handler._chain.for_lane(plain) is plain
    assert not loaded.ready().closes


def test_the_console_gets_a_line_for_each(capsys: pytest.CaptureFixture[str]) -> None:
    tracing = Tracing("console", "shop", 4)
    handler = Handler("shop:handle", plain, middleware=[Link("of --traces", tracing)])
    frame = Records(1, 7, [], [b"{}"] * 2, [None] * 2, [()] * 2, [0] * 2, 0)
    for i in range(2):
        handler.call_for(Where("orders", 3, 4))(frame, i, 1)
    told = capsys.readouterr()
    assert told.out == ""
    assert [json.loads(line)["name"] for line in told.err.splitlines()] == ["process orders"] * 2


def test_a_close_takes_no_longer_than_it_may() -> None:
    class Stuck(InMemorySpanExporter):
        def shutdown(self) -> None:
            threading.Event().wait(60)

    tracing = Tracing("otlp", "shop", 4, Stuck())
    began = time.monotonic()
    tracing.close(0.0)
    assert time.monotonic() - began < 10


def test_without_the_extra_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traces, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"--traces otlp: .* pip install 'ticketpool\[otel\]'"):
        RunConfig(traces="otlp")
    RunConfig()  # asks for nothing
