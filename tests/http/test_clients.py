"""No client holds up another one, however slow, silent or many.

In doubt because uvicorn alone waits for ever for the rest of a request, and for a
client that does not read; and because sockets taken here are missing for the workers.
"""

import select

import pytest

from tests.http.client import ASK, Serve, connect, cut, get, open_at
from tests.support import eventually
from ticketpool.http.server import _MAX_CONNECTIONS, Connection


def test_clients_that_say_half_a_word_hold_up_nobody(serve: Serve) -> None:
    server = serve()
    clients = [
        connect(server, b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nX-Slow: ") for _ in range(20)
    ]
    try:
        assert get(server, "/healthz").status_code == 200
    finally:
        for client in clients:
            client.close()


@pytest.mark.parametrize(
    "words",
    [
        b"",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\nGET",
    ],
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

    with connect(server, ASK) as client:
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
        eventually(lambda: get(server, "/healthz").status_code == 503)
    finally:
        for client in crowd:
            client.close()
    eventually(lambda: get(server, "/healthz").status_code == 200)


@pytest.mark.parametrize(
    "words", [b"\x16\x03\x01\x00\xff\x01", b"GET / HTTP/9\r\n\r\n", b"G" * 100_000 + b"\r\n\r\n"]
)
def test_what_is_not_http_is_refused(serve: Serve, words: bytes) -> None:
    server = serve()
    with connect(server, words + b"\r\n\r\n") as client:
        assert cut(client)
    assert get(server, "/healthz").status_code == 200
