"""``ticketpool`` against the session's broker, run where the benchmarks' handlers are."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.broker import Broker
from tests.support import Command

Start = Callable[..., Command]


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """The folder to which handlers write."""
    folder = tmp_path / "journal"
    folder.mkdir()
    return folder


@pytest.fixture
def run(kafka: Broker, command: Start, tmp_path: Path, journal: Path) -> Start:
    """``run(HANDLER, TOPIC, GROUP, *OPTIONS)``: ``ticketpool run`` without a listener."""
    shutil.copy(Path(__file__).with_name("handlers.py"), tmp_path)

    def start(handler: str, topic: str, group: str, *options: str) -> Command:
        return command(
            "run", f"handlers:{handler}", "--bootstrap-servers", kafka.bootstrap, "--topic", topic,
            "--group", group, "--http", "off", *options, environment={"JOURNAL": str(journal)},
        )  # fmt: skip

    return start


@pytest.fixture
def produce(kafka: Broker, command: Start) -> Start:
    """``produce(TOPIC, *OPTIONS)``: ``ticketpool produce`` over 500 keys from two processes."""

    def start(topic: str, *options: str) -> Command:
        return command(
            "produce", "--bootstrap-servers", kafka.bootstrap, "--topic", topic,
            "--keys", "500", "--workers", "2", "--json", *options,
        )  # fmt: skip

    return start
