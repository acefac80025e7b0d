"""Whoever is called at night sees by any means what is wrong, and mends it with the runbook's command.

In doubt because each means (the page, ``top``, ``status``, metrics, health, the log) has been
tested by itself; here all are asked about one pool under load, one fault after the other.
"""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests import chromium
from tests.broker import Broker
from tests.run.conftest import Run
from tests.run.listener import Listener
from tests.run.topics import tickets, write
from tests.support import Command, eventually, missing
from tests.terminal.emulator import Emulator

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

SOON = 5.0
OTHERS = 5.0
"""Seconds more for what runs beside the supervisor: a browser, two Pythons, on a busy machine."""


@pytest.fixture
def page(listener: Listener) -> Iterator[Page]:
    """A browser's page, blank as yet."""
    program = chromium.find()
    if program is None:
        missing("a headless Chromium", chromium.REMEDY)
    with chromium.chromium(program) as browser:
        yield browser.new_page()


class Watch:
    """All that an operator may look at."""

    def __init__(
        self, service: Command, listener: Listener, page: Page, top: Emulator,
        command: Callable[..., Command],
    ) -> None:  # fmt: skip
        self._service, self._listener = service, listener
        self._page, self._top, self._command = page, top, command

    def sees(self, state: str, place: str, reason: str) -> None:
        """Each tells soon that the partition is in that state, and why; a restart is not asked
        for, since it would mend none of this."""
        began = time.monotonic()
        topic, _, number = place.rstrip("]").rpartition("[")
        metric = f'partition="{number}",state="{state}",topic="{topic}"'
        eventually(lambda: reason in self._blame(topic, int(number), state), seconds=SOON)
        left = max(SOON - (time.monotonic() - began), 1.0)
        eventually(lambda: f"{metric}}} 1.0" in self._metrics(), seconds=left)
        eventually(lambda: self._is_logged(topic, int(number), state), seconds=left)
        eventually(lambda: reason in self._page.inner_text("body"), seconds=OTHERS)
        eventually(lambda: f"{state}" in self._top.text and place in self._top.text, seconds=OTHERS)
        told = self._command("status", "--http", self._listener.address).expect(8).stdout
        words = " ".join(told.split())
        assert f" {state} " in words
        assert reason in words
        assert self._listener.get("/healthz").status_code == 200

    def _blame(self, topic: str, number: int, state: str) -> str:
        rows = self._listener.status()["partitions"]
        (row,) = [r for r in rows if (r["topic"], r["partition"]) == (topic, number)]
        assert row["state"] == state
        return str(row["blame"]["reason"])

    def _metrics(self) -> str:
        lines = self._listener.get("/metrics").text.splitlines()
        return "\n".join(line for line in lines if line.startswith("ticketpool_partition_state"))

    def _is_logged(self, topic: str, number: int, state: str) -> bool:
        lines = self._service.events("partition does not get on")
        return any(
            (line["topic"], line["partition"], line["state"]) == (topic, number, state)
            for line in lines
        )

    def all_well(self) -> None:
        """And all tell that it is over."""
        eventually(self._is_well, seconds=30)
        eventually(lambda: "does not get on" not in self._page.inner_text("body"), seconds=OTHERS)
        eventually(
            lambda: self._command("status", "--http", self._listener.address).wait() == 0,
            seconds=15, every=0.5,
        )  # fmt: skip
        eventually(
            lambda: not any(s in self._top.text for s in ("stall", "blocked")), seconds=OTHERS
        )

    def _is_well(self) -> bool:
        status = self._listener.status()
        return not status["problems"] and all(p["state"] == "ok" for p in status["partitions"])
