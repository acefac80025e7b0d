"""An operator sees what is wrong, with which record and why, before having asked twice.

In doubt because each fault shows elsewhere: in shared words, in a ledger, at the producer, at
a client that hears nothing. And a state that stays when all is mended is as bad as none.
"""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.broker import Broker
from tests.run.conftest import Run
from tests.run.listener import Listener
from tests.run.topics import tickets, write
from tests.support import eventually

pytestmark = pytest.mark.e2e

SOON = 5.0


class Board:
    """What ``/api/status`` says."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener

    def row(self, number: int) -> dict[str, Any]:
        found = self._listener.status()["partitions"]
        return next(one for one in found if one["partition"] == number)

    def blamed(self, number: int, state: str, kind: str) -> dict[str, Any]:
        """The blame, once the partition is in that state for that reason; soon."""

        def told() -> dict[str, Any] | None:
            row = self.row(number)
            blame: dict[str, Any] = row["blame"] or {}
            return blame if (row["state"], blame.get("kind")) == (state, kind) else None

        found = eventually(told, seconds=SOON)
        assert found is not None
        return found

    def all_well(self) -> None:
        """Every partition is ok, without lag and blame; the process is healthy."""

        def well() -> bool:
            rows = self._listener.status()["partitions"]
            return all((r["state"], r["lag"], r["blame"]) == ("ok", 0, None) for r in rows)

        eventually(well, seconds=20)
        assert self._listener.get("/healthz").status_code == 200


def test_each_fault_is_seen_and_gone_when_mended(
    kafka: Broker, make_topic: Callable[..., str], group: str, run: Run, listener: Listener,
    tmp_path: Path,
) -> None:  # fmt: skip
    topic, gate, board = make_topic(4), tmp_path / "gate", Board(listener)
    service = run(
        "obey", topic, "--workers", "2", "--http", listener.address, "--commit-interval", "0.2",
        "--retries", "1", "--backoff", "30",
    )  # fmt: skip
    service.await_event("ready")
    write(kafka, topic, [one for p in range(4) for one in tickets(p, ["", ""])])
    board.all_well()
    # A handler that does not come back.
    write(kafka, topic, tickets(0, [f"await {gate}", ""]))
    blame = board.blamed(0, "stall", "running")
    assert (blame["offset"], board.row(0)["lag"]) == (2, 2)
    assert blame["since_seconds"] >= 3
    assert blame["remedy"] == f"ticketpool trace --group {group} --topic {topic} --partition 0"
    assert board.row(1)["state"] == "ok"
    # One that raises, and is given up to a dead-letter topic that is not there.
    write(kafka, topic, tickets(1, ["raise the database is away"]))
    blame = board.blamed(1, "blocked", "retrying")
    assert (blame["offset"], blame["reason"]) == (
        2, "the handler raised LookupError: the database is away; it is tried again"
    )  # fmt: skip
    write(kafka, topic, tickets(2, ["reject torn", ""]))
    blame = board.blamed(2, "blocked", "dead-letter")
    assert blame["offset"] == 2
    assert f"ticketpool topics create {topic}.dlq " in blame["remedy"]
    eventually(lambda: "nknown topic" in board.row(2)["blame"]["reason"])
    assert board.row(2)["waiting_letters"] == 1
    assert listener.get("/healthz").status_code == 200  # no restart would mend any of these
    # A worker that is killed.
    victim = board.row(0)["pid"]
    os.kill(victim, signal.SIGKILL)
    told = eventually(lambda: [w for w in listener.status()["workers"] if w["restarts"]], seconds=5)
    assert victim not in listener.pids()
    assert board.blamed(0, "blocked", "crashed")["offset"] == 2
    assert told[0]["restarts"] == 1
    gate.touch()
    kafka.create_topic(f"{topic}.dlq", 1)
    eventually(lambda: board.row(0)["state"] == "ok", seconds=SOON)
    eventually(lambda: board.row(2)["state"] == "ok", seconds=20)
    service.signal(signal.SIGTERM)
    service.expect(0)


@pytest.mark.parametrize("how", ["pause", "kill"])
def test_a_broker_that_is_away(
    kafka: Broker, make_topic: Callable[..., str], run: Run, listener: Listener, how: str
) -> None:
    topic, board = make_topic(2), Board(listener)
    service = run("obey", topic, "--workers", "1", "--http", listener.address)
    service.await_event("ready")
    write(kafka, topic, tickets(0, [""]))
    board.all_well()
    getattr(kafka, how)()
    blame = board.blamed(0, "blocked", "broker")
    assert blame["reason"] == f"no broker answers at {kafka.bootstrap}"
    assert blame["remedy"] == f"ticketpool check --bootstrap-servers {kafka.bootstrap}"
    assert listener.status()["cluster"]["reachable"] is False
    assert (board.row(0)["lag"], board.row(0)["high_watermark"]) == (0, 1)  # as far as is known
    assert listener.get("/healthz").status_code == 200
    kafka.restore()
    board.all_well()
    assert listener.status()["cluster"]["reachable"]
