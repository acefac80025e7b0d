"""A listener that goes with its test."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.http.client import Serve
from tests.statuses import service
from ticketpool.core.status import ServiceStatus
from ticketpool.http import HttpServer
from ticketpool.metrics import Metrics


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts servers over a source of statuses; they stop with the test. ``more``: as
    ``HttpServer`` takes it."""
    started: list[HttpServer] = []

    def start(
        status: Callable[[], ServiceStatus | None] = service,
        metrics: Callable[[str], tuple[bytes, str]] | None = None,
        address: str = "127.0.0.1:0",
        **more: Any,
    ) -> HttpServer:
        server = HttpServer(address, status, metrics or Metrics(status).render, **more)
        server.start()
        started.append(server)
        return server

    yield start
    for server in started:
        server.stop()
