"""Clients of the listener, well-behaved and not."""

import socket
from collections.abc import Callable

import httpx
import psutil

from ticketpool.http import HttpServer

ROUTES = ("/", "/metrics", "/healthz", "/readyz", "/api/status")
ASK = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"

Serve = Callable[..., HttpServer]
"""The fixture ``serve``: (status, metrics, address), all optional, to a started server."""


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
