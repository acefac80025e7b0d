"""``run --traces otlp`` hands spans to a collector, and a collector can do no harm.

In doubt because workers end by force, in an environment of our choosing, and an exporter that
waits for an answer must keep neither a record nor a stop waiting.
"""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.broker import Broker
from tests.run.conftest import Run
from tests.run.topics import Raw, raw_headers, read, ticket, write
from tests.support import Command

pytestmark = pytest.mark.e2e

HANDLER = """
from ticketpool import Context, Reject, Ticket

def forward(ticket: Ticket, context: Context) -> None:
    if ticket.data == "reject":
        raise Reject("not here")
    context.send(ticket.data, b"out")
"""
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
HEADERS = [("traceparent", f"00-{TRACE}-{PARENT}-01".encode())]
CANARY = "canary-93ab7"


class Collector:
    """Takes spans, and keeps them and the requests' headers."""

    def __init__(self) -> None:
        self.spans: list[Any] = []
        self.headers: list[dict[str, str]] = []
        collector = self

        class Taker(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                collector.take(self.path, dict(self.headers), body)
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: Any) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Taker)
        self.address = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def take(self, path: str, headers: dict[str, str], body: bytes) -> None:
        assert path == "/v1/traces"
        self.headers.append(headers)
        for one in ExportTraceServiceRequest.FromString(body).resource_spans:
            for scope in one.scope_spans:
                self.spans += scope.spans


@pytest.fixture
def collector() -> Iterator[Collector]:
    made = Collector()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def traced(run: Run, kafka: Broker, topic: str, tmp_path: Path) -> Callable[[str], Command]:
    """``traced(ADDRESS)``: three tickets of one trace, the second rejected, are handled."""
    kafka.create_topic(f"{topic}-out", 1)
    data = [f"{topic}-out", "reject", f"{topic}-out"]
    write(kafka, topic, [Raw(2, ticket(one, n), None, HEADERS) for n, one in enumerate(data)])

    def start(address: str) -> Command:
        (tmp_path / "handlers.py").write_text(HANDLER)
        return run(
            "forward", topic, "--workers", "2", "--until-caught-up", "--create-topic", "--traces",
            "otlp", environment={
                "OTEL_EXPORTER_OTLP_ENDPOINT": address,
                "OTEL_EXPORTER_OTLP_HEADERS": f"authorization=Bearer%20{CANARY}",
                "OTEL_SERVICE_NAME": "shop",
            },
        )  # fmt: skip

    return start


def test_spans_arrive_and_go_on(
    traced: Callable[[str], Command], collector: Collector, kafka: Broker, topic: str
) -> None:
    service = traced(collector.address).expect(0)
    spans = sorted(collector.spans, key=lambda span: int(span.start_time_unix_nano))
    assert [span.name for span in spans] == [f"process {topic}"] * 3
    assert {(span.trace_id.hex(), span.parent_span_id.hex()) for span in spans} == {(TRACE, PARENT)}
    offsets = [
        one.value.int_value
        for span in spans
        for one in span.attributes
        if one.key == "messaging.kafka.offset"
    ]
    assert offsets == [0, 1, 2]
    assert [span.status.code for span in spans] == [0, 2, 0]
    outputs = [dict(raw_headers(message)) for message in read(kafka, f"{topic}-out")]
    assert [one["traceparent"] for one in outputs] == [
        f"00-{TRACE}-{span.span_id.hex()}-01".encode() for span in (spans[0], spans[2])
    ]
    assert {one["authorization"] for one in collector.headers} == {f"Bearer {CANARY}"}
    assert CANARY not in service.stderr


def test_a_collector_that_is_away_costs_spans_only(traced: Callable[[str], Command]) -> None:
    with socket.socket() as mute:  # takes connections, and never answers
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        service = traced(f"http://127.0.0.1:{mute.getsockname()[1]}")
        service.await_event("revoked")
        began = time.monotonic()
        service.expect(0, seconds=10)
        assert time.monotonic() - began < 6
    assert len(service.events("dead-lettered")) == 1
    ends = [event["reason"] for event in service.events("worker exited")]
    assert ends == ["exit code 0 (retired)"] * 2
    assert CANARY not in service.stderr


@pytest.mark.parametrize(
    ("options", "environment", "complaint"),
    [
        (("--traces", "otlp"), {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "only http/protobuf"),
        (("--traces", "zipkin"), {}, "'zipkin' is not one of"),
    ],
)
def test_what_is_not_to_be_had_is_a_configuration_error(
    command: Callable[..., Command], options: tuple[str, ...], environment: dict[str, str],
    complaint: str,
) -> None:  # fmt: skip
    refused = command("run", *options, "--http", "off", environment=environment).expect(2)
    assert complaint in refused.stderr
