"""The page in a real browser, over statuses made by hand."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page

from tests import chromium
from tests.support import missing
from ticketpool.core.status import ServiceStatus
from ticketpool.http import HttpServer
from ticketpool.metrics import Metrics

OpenPage = Callable[..., Page]
"""The fixture ``open_page``: ``open_page(server, view="board", **context)``."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One for a file of tests."""
    program = chromium.find()
    if program is None:
        missing("a headless Chromium", chromium.REMEDY)
    with chromium.chromium(program) as started:
        yield started


class Service:
    """A listener whose status a test sets. ``status`` is what it tells."""

    def __init__(self, status: ServiceStatus, **more: Any) -> None:
        self.status = status
        self._more = more
        self.port = 0
        self._server: HttpServer | None = None

    def start(self) -> "Service":
        """At the port that it had before, if it had one."""
        latest = lambda: self.status  # noqa: E731
        address = f"127.0.0.1:{self.port}"
        self._server = HttpServer(address, latest, Metrics(latest).render, **self._more)
        self._server.start()
        self.port = self._server.port
        return self

    def stop(self) -> None:
        if self._server is not None:
            self._server.stop()


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Service]]:
    """``serve(status, **more)``: a started ``Service``; ``more`` as ``HttpServer`` takes it.

    It tells what changes at once and not within a second, so that tests take less time.
    """
    monkeypatch.setattr("ticketpool.http.feed.TICK_SECONDS", 0.1)
    started: list[Service] = []

    def start(status: ServiceStatus, **more: Any) -> Service:
        started.append(Service(status, stale_seconds=1e9, **more).start())
        return started[-1]

    yield start
    for one in started:
        one.stop()


@pytest.fixture
def tolerated() -> list[str]:
    """Parts of what the browser may complain of in this test; nothing unless a test adds to it."""
    return []


@pytest.fixture
def open_page(browser: Browser, tolerated: list[str]) -> Iterator[OpenPage]:
    """Opens the page in a context of its own; at the end the browser must have had nothing to
    say against it: no errors, no warnings, no refused policies."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            complaints.append(message.text)

    def open_it(port: int, view: str = "board", **context: Any) -> Page:
        contexts.append(browser.new_context(**context))
        page = contexts[-1].new_page()
        page.set_default_timeout(20_000)
        page.on("console", note)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"http://127.0.0.1:{port}/#{view}")
        return page

    yield open_it
    for one in contexts:
        one.close()
    assert [one for one in complaints if not any(part in one for part in tolerated)] == []
