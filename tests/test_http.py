"""The listener tells the truth of the newest status, whoever asks and however badly.

In doubt because it shares a process with the supervisor: a slow, hostile or
forgetful client must not hold up another one, and never the process.
"""

import html
import logging
import select
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path

import httpx
import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.statuses import partition, service, worker
from ticketpool.core.status import LatencyMs, ServiceStatus
from ticketpool.errors import ConfigError
from ticketpool.http import HttpServer
from ticketpool.http.server import _MAX_CONNECTIONS, Connection, parse
from ticketpool.metrics import Metrics

ROUTES = ("/", "/metrics", "/healthz", "/readyz", "/api/status")
HOSTILE = "<script>alert('x')</script>\"&"

Serve = Callable[..., HttpServer]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts servers over a source of statuses; they stop with the test."""
    started: list[HttpServer] = []

    def start(
        status: Callable[[], ServiceStatus | None] = service,
        metrics: Callable[[str], tuple[bytes, str]] | None = None,
        address: str = "127.0.0.1:0",
    ) -> HttpServer:
        server = HttpServer(address, status, metrics or Metrics(status).render)
        server.start()
        started.append(server)
        return server

    yield start
    for server in started:
        server.stop()


def get(server: HttpServer, path: str, method: str = "GET", **headers: str) -> httpx.Response:
    url = f"http://127.0.0.1:{server.port}{path}"
    return httpx.request(method, url, headers=headers, timeout=10, trust_env=False)


def connect(server: HttpServer, data: bytes = b"") -> socket.socket:
    client = socket.create_connection(("127.0.0.1", server.port), timeout=10)
    client.sendall(data)
    return client


def open_at(port: int) -> int:
    """How many clients the server at this port holds a socket for."""
    found = psutil.Process().net_connections("tcp4")
    return sum(1 for c in found if c.laddr.port == port and c.status == psutil.CONN_ESTABLISHED)


def cut(client: socket.socket) -> bool:
    """Whether the server ends the connection, within the socket's timeout."""
    try:
        while client.recv(65536):
            pass
    except ConnectionResetError:
        pass
    return True


def eventually(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "did not come true"
        time.sleep(0.01)


def test_health_follows_the_age_of_the_status(serve: Serve) -> None:
    age = [0.0]
    server = serve(lambda: service(made_at=time.monotonic() - age[0]))
    assert (get(server, "/healthz").status_code, get(server, "/healthz").json()) == (
        200,
        {"ok": True},
    )
    age[0] = 60.0
    answer = get(server, "/healthz")
    assert answer.status_code == 503
    assert answer.json()["ok"] is False
    assert "stuck for 60.0 s (bound: 10 s)" in answer.json()["reason"]


def test_the_bound_of_health_is_a_parameter() -> None:
    status = service(made_at=100.0)
    for bound, code in ((6.0, 200), (4.0, 503)):
        server = HttpServer(
            "127.0.0.1:0",
            lambda: status,
            Metrics(lambda: status).render,
            stale_seconds=bound,
            clock=lambda: 105.0,
        )
        server.start()
        try:
            assert get(server, "/healthz").status_code == code
        finally:
            server.stop()


@pytest.mark.parametrize("state", ["starting", "joining", "draining", "stopped"])
def test_readiness_names_the_state_that_is_not_ready(serve: Serve, state: str) -> None:
    answer = get(serve(lambda: service(ready=False, state=state)), "/readyz")
    assert answer.status_code == 503
    assert answer.json() == {"ok": False, "reason": f"state: {state}"}


def test_a_ready_service_says_so(serve: Serve) -> None:
    answer = get(serve(), "/readyz")
    assert (answer.status_code, answer.json()) == (200, {"ok": True})


def test_before_the_first_status_all_say_that_it_is_starting(serve: Serve) -> None:
    server = serve(lambda: None)
    for path in ("/healthz", "/readyz", "/api/status"):
        answer = get(server, path)
        assert answer.status_code == 503
        assert "starting" in answer.json()["reason"]
    assert "starting" in get(server, "/").text
    assert "ticketpool_build_info" in get(server, "/metrics").text


def test_the_status_is_told_whole(serve: Serve) -> None:
    made = service(partition(), partition(partition=1, lag=None, latency_ms=LatencyMs()))
    answer = get(serve(lambda: made), "/api/status")
    assert answer.headers["content-type"] == "application/json"
    told = answer.json()
    assert told["ok"] is True
    assert 0 <= told["age_seconds"] < 10
    assert told["partitions"][0]["lag"] == 42
    assert told["partitions"][0]["latency_ms"] == {"p50": 0.25, "p99": 13.375}
    assert told["partitions"][1]["lag"] is None
    assert set(ServiceStatus.__struct_fields__) <= set(told)
    assert set(type(made.partitions[0]).__struct_fields__) == set(told["partitions"][0])


def test_a_stale_status_is_told_as_such(serve: Serve) -> None:
    server = serve(lambda: service(made_at=time.monotonic() - 60))
    assert get(server, "/api/status").json()["ok"] is False
    assert "Old figures" in get(server, "/").text
    assert "Old figures" not in get(serve(), "/").text


def test_metrics_parse_in_both_formats(serve: Serve) -> None:
    server = serve()
    answer = get(server, "/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    names = {family.name for family in text_string_to_metric_families(answer.text)}
    assert {"ticketpool_lag_records", "ticketpool_records_processed"} <= names
    rich = get(server, "/metrics", accept="application/openmetrics-text; version=1.0.0")
    assert rich.headers["content-type"].startswith("application/openmetrics-text")
    assert rich.text.endswith("# EOF\n")


@pytest.mark.parametrize("accept", ["application/openmetrics-text; version=x", ";;,=,", "é" * 50])
def test_no_accept_header_breaks_the_metrics(serve: Serve, accept: str) -> None:
    url = f"http://127.0.0.1:{serve().port}/metrics"
    headers = {b"accept": accept.encode()}
    assert httpx.get(url, headers=headers, trust_env=False).status_code == 200


@pytest.mark.parametrize("path", ROUTES)
def test_head_tells_the_headers_of_get_without_the_body(serve: Serve, path: str) -> None:
    status = service(made_at=time.monotonic() + 1e6)  # as old now as then
    server = serve(lambda: status, lambda accept: (b"metrics", "text/plain"))
    head, full = get(server, path, "HEAD"), get(server, path)
    assert (head.status_code, head.content) == (200, b"")
    same = {"content-length", "content-type"}
    assert {n: head.headers[n] for n in same} == {n: full.headers[n] for n in same}


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "WEIRD"])
@pytest.mark.parametrize("path", ROUTES)
def test_nothing_but_get_and_head(serve: Serve, path: str, method: str) -> None:
    answer = get(serve(), path, method)
    assert answer.status_code == 405
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD"}


@pytest.mark.parametrize("path", ["/nothing", "/metrics/", "/api", "/../etc/passwd", "//example"])
def test_other_paths_are_not_found_and_never_redirect(serve: Serve, path: str) -> None:
    assert get(serve(), path).status_code == 404


@pytest.mark.parametrize("path", [*ROUTES, "/nothing"])
def test_headers_hide_the_server_and_forbid_caches_and_guesses(serve: Serve, path: str) -> None:
    headers = get(serve(), path).headers
    assert "server" not in headers
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"


class _Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.texts: list[str] = []
        self.links: list[str | None] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag == "a":
            self.links.append(dict(attrs)["href"])

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_the_page_shows_the_figures_and_leads_on(serve: Serve) -> None:
    busy = partition(topic="orders", partition=7, paused=True, lag=1234567)
    dead = worker(slot=5, state="dead", pid=None)
    page = _Page(get(serve(lambda: service(busy, workers=[dead])), "/").text)
    expected = {"orders[7]", "1,234,567", "paused", "100 for 1.5 s", "13.38", "0 (pid 4711)"}
    assert expected <= set(page.texts)
    assert {"5", "dead", "ready", "Partitions", "Workers"} <= set(page.texts)
    assert set(page.links) == set(ROUTES) - {"/"}
    assert not {"script", "iframe", "img"} & set(page.tags)


def test_a_page_without_partitions_says_none(serve: Serve) -> None:
    page = _Page(get(serve(lambda: service(partitions=[], workers=[])), "/").text)
    assert page.texts.count("none") == 2


def test_hostile_names_stay_text(serve: Serve) -> None:
    bad = service(
        partition(topic=HOSTILE),
        group=HOSTILE,
        handler=HOSTILE,
        state=HOSTILE,
        workers=[worker(state=HOSTILE)],
        rebalances={HOSTILE: 1},
    )
    server = serve(lambda: bad)
    answer = get(server, "/")
    assert "<script" not in answer.text.lower()
    # Title (group, state), badge, group, handler, kind of rebalance, partition, worker.
    assert answer.text.count(html.escape(HOSTILE)) == 8
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert get(server, "/api/status").json()["group"] == HOSTILE
    names = {f.name for f in text_string_to_metric_families(get(server, "/metrics").text)}
    assert "ticketpool_lag_records" in names


def test_a_failing_source_is_a_500_and_the_next_answer_is_right(serve: Serve) -> None:
    fail = [True]

    def status() -> ServiceStatus:
        if fail.pop() if fail else False:
            raise RuntimeError("secret detail")
        return service()

    server = serve(status)
    logging.getLogger("uvicorn.error").disabled = True  # it tells the traceback, rightly
    try:
        answer = get(server, "/readyz")
    finally:
        logging.getLogger("uvicorn.error").disabled = False
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert get(server, "/readyz").status_code == 200


def test_clients_that_say_half_a_word_hold_up_nobody(serve: Serve) -> None:
    server = serve()
    clients = [connect(server, b"GET /metrics HTTP/1.1\r\nHost: x\r\nX-Slow: ") for _ in range(20)]
    try:
        assert get(server, "/healthz").status_code == 200
    finally:
        for client in clients:
            client.close()


@pytest.mark.parametrize(
    "words",
    [b"", b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ", b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET"],
    ids=["silent", "half a request", "half of the second"],
)
def test_who_never_finishes_is_cut(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, words: bytes
) -> None:
    monkeypatch.setattr(Connection, "request_seconds", 0.2)
    with connect(serve(), words) as client:
        assert cut(client)


def test_who_does_not_read_is_cut(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Connection, "request_seconds", 0.5)
    server = serve(metrics=lambda accept: (bytes(50_000_000), "text/plain"))

    with connect(server, b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n") as client:
        assert select.select([client], [], [], 10)[0]  # the answer has begun
        assert open_at(server.port) == 1
        assert get(server, "/healthz").status_code == 200
        eventually(lambda: open_at(server.port) == 0)


def test_a_crowd_gets_503_or_a_closed_door(serve: Serve) -> None:
    server = serve()
    crowd = [connect(server) for _ in range(_MAX_CONNECTIONS)]
    try:
        with connect(server) as late:
            assert cut(late)
        for client in crowd[: _MAX_CONNECTIONS // 4]:
            client.close()
        eventually(lambda: answers(server, 503))
    finally:
        for client in crowd:
            client.close()
    eventually(lambda: answers(server, 200))


def answers(server: HttpServer, code: int) -> bool:
    try:
        return get(server, "/healthz").status_code == code
    except httpx.TransportError:  # the door is closed
        return False


@pytest.mark.parametrize(
    "words", [b"\x16\x03\x01\x00\xff\x01", b"GET / HTTP/9\r\n\r\n", b"G" * 100_000 + b"\r\n\r\n"]
)
def test_what_is_not_http_is_refused(serve: Serve, words: bytes) -> None:
    server = serve()
    with connect(server, words + b"\r\n\r\n") as client:
        assert cut(client)
    assert get(server, "/healthz").status_code == 200


@pytest.mark.parametrize(
    "address",
    [
        "",
        "9464",
        ":9464",
        "localhost",
        "localhost:",
        "localhost:http",
        "localhost:-1",
        "localhost:65536",
        "localhost:²",
        "[]:1",
        "::1:9464",
        "no.such.host.invalid:9464",
        "203.0.113.7:9464",
        "x" * 70 + ":9464",
    ],
)
def test_a_wrong_address_is_a_configuration_error(serve: Serve, address: str) -> None:
    with pytest.raises(ConfigError, match="--http"):
        serve(address=address)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("127.0.0.1:9464", ("127.0.0.1", 9464)),
        ("localhost:0", ("localhost", 0)),
        ("[::1]:80", ("::1", 80)),
        ("0.0.0.0:65535", ("0.0.0.0", 65535)),  # noqa: S104  parsed, not bound
    ],
)
def test_addresses_are_host_and_port(address: str, expected: tuple[str, int]) -> None:
    assert parse(address) == expected


def test_a_port_in_use_is_told_at_once(serve: Serve) -> None:
    port = serve().port
    with pytest.raises(ConfigError, match=f"--http 127.0.0.1:{port}: .*in use.*--http off"):
        serve(address=f"127.0.0.1:{port}")


def test_it_listens_where_it_was_told_and_nowhere_else(serve: Serve) -> None:
    server = serve()
    listening = [
        c.laddr.ip
        for c in psutil.Process().net_connections("inet")
        if c.status == psutil.CONN_LISTEN and c.laddr.port == server.port
    ]
    assert listening == ["127.0.0.1"]


def test_ipv6_works_where_the_machine_has_it(serve: Serve) -> None:
    try:
        server = serve(address="[::1]:0")
    except ConfigError as error:
        pytest.skip(f"no IPv6 here: {error}")
    url = f"http://[::1]:{server.port}/readyz"
    assert httpx.get(url, trust_env=False).status_code == 200


def test_a_stopped_server_frees_its_port_and_its_thread(serve: Serve) -> None:
    first = serve()
    assert get(first, "/readyz").status_code == 200
    first.stop()
    first.stop()
    assert "ticketpool-http" not in {thread.name for thread in threading.enumerate()}
    second = serve(address=f"127.0.0.1:{first.port}")
    assert get(second, "/readyz").status_code == 200


def test_stopping_does_not_wait_for_a_client_that_stays(serve: Serve) -> None:
    server = serve(metrics=lambda accept: (bytes(50_000_000), "text/plain"))
    with connect(server, b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n") as client:
        assert select.select([client], [], [], 10)[0]
        before = time.monotonic()
        server.stop()
        assert time.monotonic() - before < 2
        assert open_at(server.port) == 0


def test_signals_and_logs_stay_as_the_process_has_them(serve: Serve) -> None:
    def state() -> tuple[object, ...]:
        root = logging.getLogger()
        signals = [signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
        return signals, root.level, list(root.handlers)

    before = state()
    server = serve()
    assert get(server, "/").status_code == 200
    assert state() == before


def test_a_signal_never_lands_on_the_servers_thread(serve: Serve) -> None:
    assert get(serve(), "/").status_code == 200
    (thread,) = [t for t in threading.enumerate() if t.name == "ticketpool-http"]
    status = Path(f"/proc/self/task/{thread.native_id}/status").read_text()
    (blocked,) = [int(line.split()[1], 16) for line in status.splitlines() if "SigBlk" in line]
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
        assert blocked >> (number - 1) & 1


def test_requests_leave_no_line_in_the_log(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    server = serve()
    get(server, "/")
    with connect(server, b"\x16\x03\x01\r\n\r\n") as client:
        cut(client)
    server.stop()
    assert [r.getMessage() for r in caplog.records if r.name.startswith("uvicorn")] == []
