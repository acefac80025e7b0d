"""The listener tells the truth of the newest status, and nothing that names smuggle in.

In doubt because health and readiness steer restarts, and names come from outside.
"""

import html
import logging
import time
from html.parser import HTMLParser

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.http.client import ROUTES, Serve, get
from tests.statuses import partition, service, worker
from ticketpool.core.status import Blame, LatencyMs, ServiceStatus
from ticketpool.http import HttpServer
from ticketpool.metrics import Metrics

HOSTILE = "<script>alert('x')</script>\"&"


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


def test_health_fails_for_what_a_restart_would_mend(serve: Serve) -> None:
    ill = partition(state="blocked")
    assert get(serve(lambda: service(ill)), "/healthz").status_code == 200
    server = serve(lambda: service(ill, problems=["tickets[0] hangs", "tickets[1] hangs"]))
    answer = get(server, "/healthz")
    assert answer.status_code == 503
    assert answer.json()["reason"] == "tickets[0] hangs; tickets[1] hangs"
    assert get(server, "/api/status").json()["ok"] is False
    assert get(server, "/readyz").status_code == 200


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
        self.loaded: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        given = dict(attrs)
        if tag == "a":
            self.links.append(given["href"])
        elif where := given.get("src") or given.get("href"):
            self.loaded.append(where)

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_without_a_script_the_page_is_a_table(serve: Serve) -> None:
    why = Blame(kind="running", offset=100, since_seconds=9, reason="It runs.", remedy="wait")
    well = partition(topic="orders", partition=1)
    bad = partition(topic="orders", partition=7, lag=1234567, state="stall", blame=why)
    dead = worker(slot=5, state="dead", pid=None)
    page = _Page(get(serve(lambda: service(well, bad, workers=[dead])), "/").text)
    expected = {"1,234,567", "stall", "100 for 1.5 s", "13.375", "0 (pid 4711)", "It runs. wait"}
    assert expected <= set(page.texts)
    assert page.texts.index("orders[7]") < page.texts.index("orders[1]")  # trouble first
    assert {"5", "dead", "Partitions", "Workers"} <= set(page.texts)
    assert {route.removeprefix("/") for route in ROUTES} - {""} <= set(page.links)


def test_what_the_page_loads_is_there_and_its_own(serve: Serve) -> None:
    server = serve()
    page = _Page(get(server, "/").text)
    assert len(page.loaded) >= 4
    for path in page.loaded:
        answer = get(server, f"/{path}")
        assert (answer.status_code, answer.headers["x-content-type-options"]) == (200, "nosniff")
    policy = get(server, "/").headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert "unsafe" not in policy


@pytest.mark.parametrize("name", ["page.html", "none.js", "..%2fpage.py", "__init__.py"])
def test_nothing_else_is_served_as_a_file(serve: Serve, name: str) -> None:
    assert get(serve(), f"/static/{name}").status_code == 404


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
    assert answer.text.lower().count("<script") == 1  # ours
    # Title (group, state), state, group, handler, partition, worker's state, kind of rebalance.
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
