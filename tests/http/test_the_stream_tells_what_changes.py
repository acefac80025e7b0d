"""An open page hears each snapshot once, at little cost, and no client holds up another.

In doubt because a stream never ends: it must not fall to the deadline that all other answers
have, nor escape it when nobody reads; and 512 partitions must not be told anew each second.
"""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import msgspec
import pytest

from tests.http.client import Serve, connect, cut, get, open_at
from tests.statuses import partition, service, worker
from tests.support import eventually
from ticketpool.core.status import ServiceStatus, Spread
from ticketpool.http import HttpServer
from ticketpool.http.feed import MOST_CLIENTS, TICK_SECONDS, Feed
from ticketpool.http.server import Connection

ASK = b"GET /api/stream HTTP/1.1\r\nHost: localhost\r\n\r\n"


class Source:
    """A status that tests change, a clock that they set, and how often it was asked."""

    def __init__(self, status: ServiceStatus | None) -> None:
        self.status, self.now, self.asked = status, 100.0, 0

    def latest(self) -> ServiceStatus | None:
        self.asked += 1
        return self.status

    def feed(self) -> Feed:
        return Feed(self.latest, lambda _: None, lambda: self.now)


async def heard(feed: Feed, source: Source, *changes: Callable[[], None]) -> list[dict[str, Any]]:
    """The first message, and the one after each change, of one client."""
    messages = feed.messages()
    told = [read(await anext(messages))]
    for change in changes:
        change()
        source.now += TICK_SECONDS
        told.append(read(await anext(messages)))
    return told


def read(message: bytes) -> dict[str, Any]:
    assert message.startswith(b"data: ")
    assert message.endswith(b"\n\n")
    assert message.count(b"\n") == 2
    return msgspec.json.decode(message.removeprefix(b"data: "), type=dict[str, Any])


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    real = asyncio.sleep
    monkeypatch.setattr("ticketpool.http.feed.asyncio.sleep", lambda seconds: real(0))


def test_all_comes_first_and_then_what_has_changed() -> None:
    one, two = partition(), partition(partition=1)
    source = Source(service(one, two))

    def move() -> None:
        source.status = service(one, partition(partition=1, lag=7))

    def revoke() -> None:
        source.status = service(partition(partition=1, lag=7), workers=[worker(restarts=9)])

    first, moved, revoked, still = asyncio.run(
        heard(source.feed(), source, move, revoke, lambda: None)
    )
    assert first["whole"] is True
    assert [row["partition"] for row in first["rows"]] == [0, 1]
    assert {"workers", "events", "history", "head"} <= set(first)
    assert [(row["partition"], row["lag"]) for row in moved["rows"]] == [(1, 7)]
    assert set(moved) == {"head", "rows"}
    assert revoked["gone"] == ["tickets/0"]
    assert revoked["workers"][0]["restarts"] == 9
    assert set(still) == {"head"}


def test_what_only_ages_is_no_change_while_all_is_well() -> None:
    source = Source(service(partition(state_seconds=1.0)))

    def age() -> None:
        source.status = service(partition(state_seconds=2.0))

    _, aged = asyncio.run(heard(source.feed(), source, age))
    assert "rows" not in aged


def test_for_how_long_something_has_been_wrong_is_told_anew() -> None:
    """Also of the states that nobody is to blame for."""
    source = Source(service(partition(state="warn", state_seconds=1.0)))

    def age() -> None:
        source.status = service(partition(state="warn", state_seconds=2.0))

    first, aged = asyncio.run(heard(source.feed(), source, age))
    assert [told["rows"][0]["state_seconds"] for told in (first, aged)] == [1.0, 2.0]


def test_histograms_stay_out_of_the_stream() -> None:
    buckets: list[tuple[float | None, int]] = [(0.5, 7), (None, 7)]
    spread = Spread(p50_ms=1.0, p99_ms=2.0, seconds=3.0, buckets=buckets)
    source = Source(service(partition(queue_wait=spread, end_to_end=spread)))
    (first,) = asyncio.run(heard(source.feed(), source))
    (row,) = first["rows"]
    assert row["queue_wait"] == {"p50_ms": 1.0, "p99_ms": 2.0, "seconds": 0.0, "buckets": []}
    assert row["end_to_end"]["p99_ms"] == 2.0
    assert row["handler_buckets"] == []


def test_a_snapshot_is_made_ready_once_for_all_clients() -> None:
    source = Source(service())
    feed = source.feed()

    async def several() -> None:
        clients = [feed.messages() for _ in range(5)]
        for _ in range(3):
            told = [await anext(client) for client in clients]
            assert len(set(told)) == 1
            source.now += TICK_SECONDS

    asyncio.run(several())
    assert source.asked == 3


def test_who_has_missed_something_is_told_everything() -> None:
    source = Source(service())
    feed = source.feed()

    async def slow() -> tuple[dict[str, Any], dict[str, Any]]:
        sleeper, reader = feed.messages(), feed.messages()
        await anext(sleeper)
        for _ in range(3):
            await anext(reader)
            source.now += TICK_SECONDS
        return read(await anext(sleeper)), read(await anext(reader))

    late, prompt = asyncio.run(slow())
    assert late["whole"] is True
    assert len(late["rows"]) == 1
    assert set(prompt) == {"head"}


def test_before_the_first_status_and_with_a_stuck_loop_it_says_so(serve: Serve) -> None:
    server = serve(lambda: None)
    with watching(server) as messages:
        head = next(messages)["head"]
        assert (head["ok"], "starting" in head["reason"]) == (False, True)
    old = service(made_at=time.monotonic() - 60)
    with watching(serve(lambda: old)) as messages:
        head = next(messages)["head"]
        assert "stuck for 6" in head["reason"]
        assert head["age_seconds"] > 59


@contextmanager
def watching(server: HttpServer) -> Iterator[Iterator[dict[str, Any]]]:
    """The messages of a stream, over HTTP."""
    url = f"http://127.0.0.1:{server.port}/api/stream"
    with httpx.stream("GET", url, timeout=10, trust_env=False) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        lines = (line for line in answer.iter_lines() if line)
        yield (read(f"{line}\n\n".encode()) for line in lines)


def test_places_are_few_and_free_again(serve: Serve) -> None:
    server = serve()
    clients = [connect(server, ASK) for _ in range(MOST_CLIENTS)]
    try:
        for client in clients:
            assert client.recv(1 << 16)
        answer = get(server, "/api/stream")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        assert "watch already" in answer.json()["reason"]
        assert get(server, "/healthz").status_code == 200
        clients.pop().close()
        with watching_soon(server) as messages:
            assert next(messages)["whole"]
    finally:
        for client in clients:
            client.close()


def watching_soon(server: HttpServer) -> Any:
    def free() -> bool:
        with connect(server, ASK) as client:
            return b"200 OK" in client.recv(1 << 16)

    assert eventually(free)
    return watching(server)


def test_a_reader_outlives_the_deadline_of_other_answers(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Connection, "request_seconds", 0.3)
    with connect(serve(), ASK) as client:
        until = time.monotonic() + 1.0
        while time.monotonic() < until:
            assert client.recv(1 << 16)


def test_who_does_not_read_is_cut(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Connection, "request_seconds", 0.5)
    fat = service(*(partition(topic="t" * 200, partition=n) for n in range(20_000)))
    server = serve(lambda: fat)
    with connect(server, ASK) as client:
        assert client.recv(100)
        eventually(lambda: open_at(server.port) == 0)
        assert cut(client)
    assert get(server, "/readyz").status_code == 200


def test_a_stop_ends_the_stream_at_once(serve: Serve) -> None:
    server = serve()
    with connect(server, ASK) as client:
        assert client.recv(1 << 16)
        before = time.monotonic()
        server.stop()
        assert time.monotonic() - before < 1
        assert cut(client)


def test_head_ends(serve: Serve) -> None:
    answer = get(serve(), "/api/stream", "HEAD")
    assert (answer.status_code, answer.content) == (200, b"")
