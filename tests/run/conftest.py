"""``ticketpool run`` as a user starts it, with handlers that keep a journal."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from tests.broker import Broker
from tests.run.journal import Journal
from tests.run.listener import Listener
from tests.support import Command

Run = Callable[..., Command]


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    """What the handlers of this test note."""
    return Journal(tmp_path / "journal")


@pytest.fixture
def run(
    kafka: Broker, command: Callable[..., Command], tmp_path: Path, journal: Journal, group: str
) -> Run:
    """``run(HANDLER, TOPIC, *OPTIONS)``: ``ticketpool run handlers:HANDLER`` in this test's group.

    Without a listener unless asked for one with ``--http``; takes ``environment=`` and ``by=``.
    """
    shutil.copy(Path(__file__).with_name("handlers.py"), tmp_path)

    def start(
        handler: str, topic: str, *options: str, environment: Mapping[str, str] | None = None,
        by: Sequence[str] = (),
    ) -> Command:  # fmt: skip
        return command(
            "run", f"handlers:{handler}", "--bootstrap-servers", kafka.bootstrap,
            "--topic", topic, "--group", group,
            *(() if "--http" in options else ("--http", "off")), *options,
            environment={"JOURNAL": str(journal.folder)} | dict(environment or {}),
            by=by,
        )  # fmt: skip

    return start


@pytest.fixture
def produce(kafka: Broker, command: Callable[..., Command]) -> Callable[..., Command]:
    """``produce(TOPIC, *OPTIONS)``: ``ticketpool produce --json`` over 500 keys, two processes."""

    def start(topic: str, *options: str) -> Command:
        return command(
            "produce", "--bootstrap-servers", kafka.bootstrap, "--topic", topic,
            "--keys", "500", "--workers", "2", "--json", *options,
        )  # fmt: skip

    return start


@pytest.fixture
def listener() -> Listener:
    """Give ``listener.address`` to ``--http``."""
    return Listener()
