"""*Worker side.* OpenTelemetry: a span ``process <topic>`` around each call of the handler.

Imported only with ``--traces``: without it nothing of this is in the way of a record. A span is
made by the semantic conventions for messaging and Kafka. One record's has the parent that its
``traceparent`` header names, and a link to it; a batch's has a link for each record. What the
handler sends carries the context that is current at that moment on, in its headers.
"""

import os
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from typing import Any
from urllib.parse import unquote

from opentelemetry import context as current
from opentelemetry import propagate, trace
from opentelemetry.context import Context as TraceContext
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import (
    BatchSpanProcessor,
    ConsoleSpanExporter,
    SimpleSpanProcessor,
    SpanExporter,
)
from opentelemetry.trace import Link, Span, SpanKind, Status, StatusCode, Tracer

from ticketpool import __version__
from ticketpool.core.model import Context
from ticketpool.core.outputs import Headers
from ticketpool.masking import hide
from ticketpool.middleware import AsyncNext, Next

_LEAST_SECONDS, _MOST_SECONDS = 0.2, 2.0
"""For the last spans: also when the handler's ``close`` has used up the time, and no more when
the collector does not answer."""

_HEADERS = ("OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS")


class Tracing:
    """The middleware that makes the spans, and the end of their way out of this process.

    Args:
        how: ``otlp``: to the collector that ``OTEL_EXPORTER_OTLP_ENDPOINT`` names, by HTTP, in
            the background: one that is away costs spans, never time. ``console``: to standard
            error, a line of JSON each.
        group: the consumer group.
        worker: the slot.
        exporter: takes ``how``'s place.
    """

    batches = True  # it takes a batch as it comes

    def __init__(
        self, how: str, group: str, worker: int, exporter: SpanExporter | None = None
    ) -> None:
        for name in _HEADERS:
            hide(*_secrets(os.environ.get(name, "")))
        self._provider = provider = TracerProvider(resource=_resource())
        if how == "otlp" and exporter is None:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

            provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        else:
            out = exporter or ConsoleSpanExporter(out=sys.stderr, formatter=_line)
            provider.add_span_processor(SimpleSpanProcessor(out))
        self._tracer = provider.get_tracer("ticketpool", __version__)
        self._group = group
        self._worker = worker

    def publish(self) -> None:
        """Let what handlers trace on their own go the same way: the process's provider is ours."""
        trace.set_tracer_provider(self._provider)

    def for_lane(self) -> Any:
        """See ``ticketpool.middleware``; one serves all lanes."""
        return self._traced

    def for_async_lane(self) -> Any:
        """The same for async handlers."""
        return self._traced_async

    def _traced(self, payload: Any, where: Any, call_next: Next[Any]) -> None:
        with self._span(payload, where):
            call_next(payload, where)

    async def _traced_async(self, payload: Any, where: Any, call_next: AsyncNext[Any]) -> None:
        with self._span(payload, where):
            await call_next(payload, where)

    @contextmanager
    def _span(self, payload: Any, where: Context | Sequence[Context]) -> Iterator[None]:
        contexts = (where,) if isinstance(where, Context) else where
        for one in contexts:
            one._outbox.carry = _carried
        span = begin(self._tracer, payload, contexts, isinstance(where, Context))
        span.set_attribute("messaging.consumer.group.name", self._group)
        span.set_attribute("ticketpool.worker", self._worker)
        token = current.attach(trace.set_span_in_context(span))
        try:
            yield
        except BaseException as error:
            _mark(span, error)
            raise
        finally:
            current.detach(token)
            span.end()

    def close(self, seconds: float) -> None:
        """Hand out what is left, in so much time at most; no span is made any more."""
        closing = threading.Thread(target=self._provider.shutdown, name="traces", daemon=True)
        closing.start()
        closing.join(min(max(seconds, _LEAST_SECONDS), _MOST_SECONDS))


def begin(tracer: Tracer, payload: Any, contexts: Sequence[Context], single: bool) -> Span:
    """The span of a call, begun. A batch has no parent: its records come from many."""
    found = [_sent_in(one) for one in contexts]
    spans = [trace.get_current_span(one).get_span_context() for one in found]
    return tracer.start_span(
        f"process {contexts[0].topic}",
        found[0] if single else TraceContext(),
        SpanKind.CONSUMER,
        {
            "messaging.system": "kafka",
            "messaging.operation.name": "process",
            "messaging.operation.type": "process",
            "messaging.destination.name": contexts[0].topic,
            "messaging.destination.partition.id": str(contexts[0].partition),
            **(_of_record(payload, contexts[0]) if single else _of_batch(contexts)),
        },
        links=[Link(one) for one in spans if one.is_valid],
        record_exception=False,
        set_status_on_exception=False,
    )


def _of_record(payload: Any, context: Context) -> dict[str, Any]:
    attributes: dict[str, Any] = {
        "messaging.kafka.offset": context.offset,
        "ticketpool.attempt": context.attempt,
    }
    with suppress(UnicodeDecodeError):
        if context.key is not None:
            attributes["messaging.kafka.message.key"] = context.key.decode()
    if payload is None:
        attributes["messaging.kafka.message.tombstone"] = True
    return attributes


def _of_batch(contexts: Sequence[Context]) -> dict[str, Any]:
    return {
        "messaging.batch.message_count": len(contexts),
        "ticketpool.first_offset": contexts[0].offset,
        "ticketpool.last_offset": contexts[-1].offset,
    }


def _sent_in(context: Context) -> TraceContext:
    """The context that a record's headers carry; an empty one when they don't."""
    carrier = {
        name: value.decode("ascii", "replace")
        for name, value in context.headers
        if value is not None and name in _carriers()
    }
    return propagate.extract(carrier, TraceContext())


@cache
def _carriers() -> frozenset[str]:
    """Names of headers that carry a context: as ``OTEL_PROPAGATORS`` says."""
    return frozenset(propagate.get_global_textmap().fields)


def _carried() -> Headers:
    """The headers that carry the current context on."""
    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    return tuple((name, value.encode()) for name, value in carrier.items())


def _mark(span: Span, error: BaseException) -> None:
    """The span has failed. Whatever a user's exception does when it is shown, it is raised on."""
    span.set_attribute("error.type", type(error).__qualname__)
    span.set_status(Status(StatusCode.ERROR))
    with suppress(Exception):
        span.record_exception(error)


def _resource() -> Resource:
    """Of this process; what ``OTEL_RESOURCE_ATTRIBUTES`` and ``OTEL_SERVICE_NAME`` say is kept."""
    given = os.environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
    named = os.environ.get("OTEL_SERVICE_NAME") or "service.name=" in given
    name = {} if named else {"service.name": "ticketpool"}
    return Resource.create({"process.pid": os.getpid(), **name})


def _secrets(headers: str) -> Iterator[str]:
    """The values in ``name=value,name=value``, as written and as sent."""
    for header in headers.split(","):
        value = header.partition("=")[2].strip()
        yield from (value, unquote(value), *unquote(value).split())


def _line(span: ReadableSpan) -> str:
    return f"{span.to_json(indent=None)}\n"
