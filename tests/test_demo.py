"""``ticketpool demo`` proves what it says and leaves nothing behind.

In doubt because it starts two commands with processes of their own, kills one
of them on purpose, and may itself be killed at any time.
"""

import contextlib
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.support import Command, eventually

Start = Callable[..., Command]
pytestmark = pytest.mark.e2e


def descendants(demo: Command) -> list[psutil.Process]:
    return psutil.Process(demo.pid).children(recursive=True)


def child(demo: Command, name: str) -> psutil.Process:
    """The demo's child that runs ``ticketpool <name>``, once it is there."""

    def found() -> list[psutil.Process]:
        started = psutil.Process(demo.pid).children()
        return [one for one in started if name in one.cmdline()]

    return eventually(found, seconds=30)[0]


def handled(demo: Command) -> int:
    """How many tickets the demo's latest line tells."""
    lines = [line.split() for line in demo.stderr.splitlines() if " of " in line]
    return int(lines[-1][1].replace(",", "")) if lines else 0


def test_the_proof_holds(command: Start) -> None:
    found = command("demo", "--seconds", "3", "--json").expect(0).json()
    assert found["ok"] is True
    assert found["produced"] == found["processed"]
    assert abs(found["produced"] - 300) <= 1
    assert (found["lost"], found["duplicates"], found["out_of_order"]) == (0, 0, 0)
    assert found["processes"] == 4
    assert found["throughput_per_s"] == pytest.approx(100, rel=0.1)
    latency = found["latency_ms"]
    assert 0 < latency["p50"] <= latency["p99"] <= latency["max"]
    assert found["crash"] is None


def test_the_proof_holds_through_a_crash(command: Start) -> None:
    demo = command("demo", "--seconds", "3", "--crash").expect(0)
    assert "none lost" in demo.stdout
    assert "killed by SIGKILL" in demo.stdout
    assert "replacement was ready" in demo.stdout
    assert "by 5 processes" in demo.stdout
    assert "killed and replaced" in demo.stderr


def test_the_crash_is_in_the_json(command: Start) -> None:
    asked = ["--seconds", "3", "--workers", "2", "--keys", "10", "--crash", "--json"]
    found = command("demo", *asked).expect(0).json()
    assert (found["lost"], found["out_of_order"]) == (0, 0)
    assert found["duplicates"] == found["redelivered"]
    assert found["crash"]["worker"] in (0, 1)
    assert found["crash"]["at_ticket"] >= 150
    assert found["crash"]["restart_seconds"] > 0


def test_a_signal_ends_the_production_and_the_verdict_is_on_what_there_was(command: Start) -> None:
    demo = command("demo", "--seconds", "60", "--json")
    eventually(lambda: handled(demo) >= 50, seconds=40)
    demo.signal(signal.SIGINT)
    found = demo.expect(0, seconds=20).json()
    assert found["ok"] is True
    assert 50 <= found["produced"] == found["processed"] < 6000


def test_a_signal_before_the_first_ticket_just_ends_it(command: Start) -> None:
    demo = command("demo")
    eventually(lambda: "starting" in demo.stderr)
    demo.signal(signal.SIGTERM)
    demo.expect(0, seconds=15)
    assert demo.stdout == ""
    assert "stopped before the first ticket" in demo.stderr


def test_killed_it_takes_everything_along(command: Start) -> None:
    demo = command("demo", "--seconds", "60")
    eventually(lambda: handled(demo) >= 10, seconds=40)
    family = descendants(demo)
    assert len(family) >= 7  # run with 4 workers, produce with at least one
    demo.signal(signal.SIGKILL)
    demo.expect(-signal.SIGKILL)
    _, alive = psutil.wait_procs(family, timeout=3)
    assert not alive


def drawn(terminal: int) -> Iterator[bytes]:
    """What is written to the other end of a terminal until that is closed."""
    with contextlib.suppress(OSError):  # EIO: it is
        while chunk := os.read(terminal, 1 << 16):
            yield chunk
    os.close(terminal)


@pytest.mark.parametrize("name", ["run", "produce"])
def test_a_child_that_ends_is_told_with_its_log(command: Start, name: str) -> None:
    demo = command("demo", "--seconds", "60")
    victim = child(demo, name)
    eventually(lambda: "ticketpool.demo.tie" not in victim.cmdline())
    victim.kill()
    demo.expect(1, seconds=30)
    assert f"`ticketpool {name}` was killed by signal 9; the end of its log" in demo.stderr


def test_more_tickets_than_the_embedded_cluster_holds_are_refused(command: Start) -> None:
    demo = command("demo", "--rate", "10000", "--seconds", "100").expect(2)
    assert "has room for" in demo.stderr


def test_its_temporary_folder_is_gone(command: Start, tmp_path: Path) -> None:
    folder = tmp_path / "tmp"
    folder.mkdir()
    command("demo", "--seconds", "1", environment={"TMPDIR": str(folder)}).expect(0)
    assert list(folder.iterdir()) == []


def test_settings_for_other_commands_do_not_reach_its_children(command: Start) -> None:
    elsewhere = {"TICKETPOOL_TOPIC": "elsewhere", "TICKETPOOL_BOOTSTRAP_SERVERS": "127.0.0.1:1"}
    demo = command("demo", "--seconds", "1", "--json", environment=elsewhere)
    assert demo.expect(0).json()["ok"] is True


def test_on_a_terminal_it_draws_and_ends_with_the_panel() -> None:
    ours, theirs = pty.openpty()
    screen = os.environ | {"TERM": "xterm-256color", "COLUMNS": "80", "LINES": "24"}
    asked = [sys.executable, "-m", "ticketpool", "demo", "--seconds", "2", "--crash"]
    demo = subprocess.Popen(asked, stdout=theirs, stderr=theirs, env=screen)
    os.close(theirs)
    text = b"".join(drawn(ours)).decode()
    assert demo.wait(10) == 0
    for shown in ("tickets[3]", "● ready", "✗ killed", "in flight", "verdict", "none lost"):
        assert shown in text
