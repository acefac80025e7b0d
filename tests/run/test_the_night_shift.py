"""Whoever is called at night sees by any means what is wrong, and a command mends it.

In doubt because each means (the page, ``top``, ``status``, metrics, health, the log) has been
tested by itself; here all are asked about one pool under load, one fault after the other.
"""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

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


_TROUBLE = {"stop", "stall", "blocked"}


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
        eventually(lambda: reason.lower() in self._board(), seconds=OTHERS)
        eventually(lambda: state in self._top.text and place in self._top.text, seconds=OTHERS)
        told = self._command("status", "--http", self._listener.address).expect(8).stdout
        words = " ".join(told.split())
        assert f" {state} " in words
        assert reason in words
        assert self._listener.get("/healthz").status_code == 200

    def _board(self) -> str:
        """The partitions on the page."""
        return self._page.inner_text("#partitions").lower()  # reasons begin with a capital there

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
        eventually(lambda: not _TROUBLE & set(self._board().split()), seconds=OTHERS)
        eventually(
            lambda: self._command("status", "--http", self._listener.address).wait() == 0,
            seconds=15, every=0.5,
        )  # fmt: skip
        eventually(lambda: not _TROUBLE & set(self._top.text.split()), seconds=OTHERS)

    def _is_well(self) -> bool:
        status = self._listener.status()
        return not status["problems"] and all(p["state"] == "ok" for p in status["partitions"])


@pytest.fixture
def load(kafka: Broker, command: Callable[..., Command]) -> Iterator[str]:
    """A topic that is under load for as long as the test lasts."""
    topic = kafka.create_topic(f"load-{uuid4().hex[:8]}", 4)  # short: top has 80 columns
    producer = command(
        "produce", "--bootstrap-servers", kafka.bootstrap, "--topic", topic,
        "--rate", "100", "--duration", "600", "--workers", "1", "--json",
    )  # fmt: skip
    yield topic
    producer.signal(signal.SIGTERM)
    assert producer.wait() == 0, producer.stderr


def test_each_fault_is_seen_by_all_means_and_mended_by_a_command(
    kafka: Broker, load: str, run: Run, listener: Listener, page: Page,
    command: Callable[..., Command], tmp_path: Path,
) -> None:  # fmt: skip
    topic, socket = kafka.create_topic(f"deeds-{uuid4().hex[:8]}", 2), tmp_path / "control.sock"
    service = run(
        "obey", topic, "--topic", load, "--handler", f"{load}=handlers:noop", "--workers", "2",
        "--http", listener.address, "--control", str(socket),
    )  # fmt: skip
    service.await_event("ready")
    page.goto(f"http://{listener.address}/")
    with Emulator("--http", listener.address, folder=tmp_path, columns=160, lines=40) as top:
        watch = Watch(service, listener, page, top, command)
        watch.all_well()
        a_worker_is_killed(watch, service, listener, page, top)
        a_partition_stalls(watch, kafka, topic, command, socket, tmp_path)
        letters_find_no_topic(watch, kafka, topic, command)
        the_broker_stops(watch, kafka, load)
        top.press("q")
        assert top.process.wait(10) == 0
    assert command("drain", "--control", str(socket)).expect(0).stdout.startswith("drained")
    service.expect(0)
    assert len(service.events("assigned")) == 6  # nothing of all this was a rebalance


def a_worker_is_killed(
    watch: Watch, service: Command, listener: Listener, page: Page, top: Emulator
) -> None:
    """It needs no hand."""
    victim = listener.pids()[1]
    os.kill(victim, signal.SIGKILL)
    (told,) = eventually(lambda: service.events("worker exited"), seconds=SOON)
    assert (told["worker"], told["pid"]) == (1, victim)
    eventually(lambda: listener.metric("ticketpool_worker_restarts_total") == 1, seconds=SOON)
    eventually(lambda: "SIGKILL" in page.inner_text("body"), seconds=OTHERS)
    top.press("w")  # the pane of workers
    eventually(lambda: "SIGKILL" in top.text, seconds=OTHERS)
    top.press("w")
    watch.all_well()


def a_partition_stalls(
    watch: Watch, kafka: Broker, topic: str, command: Callable[..., Command], socket: Path,
    folder: Path,
) -> None:  # fmt: skip
    write(kafka, topic, tickets(0, [f"stick {folder / 'mark'}", ""]))
    watch.sees("stall", f"{topic}[0]", "the handler has not returned")
    where = ("--topic", topic, "--partition", "0", "--control", str(socket))
    assert "in _stick" in command("trace", *where).expect(0).stdout
    command("restart", *where, "--wait", "0.2").expect(0)
    watch.all_well()


def letters_find_no_topic(
    watch: Watch, kafka: Broker, topic: str, command: Callable[..., Command]
) -> None:
    write(kafka, topic, tickets(1, ["reject torn", ""]))
    watch.sees("blocked", f"{topic}[1]", f"its dead letter is not written to {topic}.dlq")
    remedy = ("topics", "create", f"{topic}.dlq", "--bootstrap-servers", kafka.bootstrap)
    command(*remedy, "--yes").expect(0)
    watch.all_well()
    letters = command("dlq", "list", "--topic", topic, "--bootstrap-servers", kafka.bootstrap)
    assert "torn" in letters.expect(0).stdout


def the_broker_stops(watch: Watch, kafka: Broker, load: str) -> None:
    """What mends it is the broker's start; nothing of ours has to be touched."""
    kafka.kill()
    watch.sees("blocked", f"{load}[0]", "no broker answers at ")
    kafka.start()
    watch.all_well()
