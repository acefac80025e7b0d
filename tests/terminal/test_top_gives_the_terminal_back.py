"""``ticketpool top`` on a terminal: it appears, changes, obeys keys, and leaves all as it was.

In doubt because it takes over the keyboard, the screen and the signals, and may end in any way.
"""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.support import Command, eventually
from tests.terminal import worlds
from tests.terminal.emulator import Emulator
from tests.terminal.fake import FakeSupervisor

pytestmark = pytest.mark.e2e


@pytest.fixture
def fake() -> Iterator[FakeSupervisor]:
    with FakeSupervisor(worlds.ill()) as one:
        yield one


def shown(top: Emulator, *words: str) -> None:
    eventually(lambda: all(word in top.text for word in words), every=0.02)


def test_it_shows_what_is_so_and_obeys_keys(fake: FakeSupervisor, tmp_path: Path) -> None:
    with Emulator("--http", fake.address, "--interval", "0.1", folder=tmp_path) as top:
        shown(top, "tickets[3]", "✗ blocked", worlds.BLOCKED.remedy, "q quit")
        assert top.other_screen and not top.cursor and top.colours
        assert len(top.lines) == 24
        assert top.lines[4].startswith("tickets[3]")
        fake.status = worlds.pool(worlds.partition(0), worlds.stalled(), group="another-group")
        shown(top, "another-group", "2 partitions: 1 stall, 1 ok")
        top.press("S")
        shown(top, "partition▼")
        assert top.lines[4].startswith("tickets[0]")
        top.press("/stall\r")
        eventually(lambda: "tickets[0]" not in top.text)
        top.press("\x1b")
        shown(top, "tickets[0]")
        top.press("w")
        shown(top, "── workers")
        top.resize(100, 30)
        eventually(lambda: len(top.lines) == 30 and len(top.lines[0]) == 100)
        top.press("q")
        assert top.process.wait(10) == 0
        eventually(lambda: top.restored)


def test_frozen_figures_stand_still(fake: FakeSupervisor, tmp_path: Path) -> None:
    with Emulator("--http", fake.address, "--interval", "0.1", folder=tmp_path) as top:
        shown(top, "8 partitions")
        top.press(" ")
        shown(top, "frozen")
        fake.status = worlds.well(3)
        told = fake.told
        eventually(lambda: fake.told > told + 3)
        assert "8 partitions" in top.text
        top.press(" ")
        shown(top, "3 partitions")


def test_who_is_lost_is_said_and_found_again(fake: FakeSupervisor, tmp_path: Path) -> None:
    with (
        FakeSupervisor(worlds.well(2, group="other")) as other,
        Emulator(
            "--http", fake.address, "--http", other.address, "--interval", "0.1", folder=tmp_path
        ) as top,
    ):
        shown(top, "2 supervisors", "10 partitions: 1 blocked", ":" + fake.address.split(":")[1])
        fake.stop()
        shown(top, f"✗ {fake.address} can't be reached: connection refused", "8 unknown, 2 ok")
        fake.start()
        shown(top, "10 partitions: 1 blocked")
        assert "can't be reached" not in top.text


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_like_q(
    fake: FakeSupervisor, tmp_path: Path, number: signal.Signals
) -> None:
    with Emulator("--http", fake.address, folder=tmp_path) as top:
        shown(top, "tickets[3]")
        top.process.send_signal(number)
        assert top.process.wait(10) == 0
        eventually(lambda: top.restored)


def test_without_its_terminal_it_ends(fake: FakeSupervisor, tmp_path: Path) -> None:
    with Emulator("--http", fake.address, "--interval", "0.1", folder=tmp_path) as top:
        shown(top, "tickets[3]")
        top.hang_up()
        assert top.process.wait(10) == 0


def test_an_error_of_ours_gives_the_terminal_back_before_it_is_told(
    fake: FakeSupervisor, tmp_path: Path
) -> None:
    breaking = "import ticketpool.terminal.scene as s; s.totals = lambda rows: 1 / 0"
    (tmp_path / "sitecustomize.py").write_text(breaking)
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    environment = {"PYTHONPATH": path}
    with Emulator("--http", fake.address, folder=tmp_path, environment=environment) as top:
        assert top.process.wait(10) == 1
        shown(top, "ZeroDivisionError")
        assert top.restored


def test_suspended_it_lends_the_terminal_to_the_shell(fake: FakeSupervisor, tmp_path: Path) -> None:
    with Emulator("--http", fake.address, folder=tmp_path) as top:
        shown(top, "tickets[3]")
        top.process.send_signal(signal.SIGTSTP)
        eventually(lambda: top.restored)
        top.process.send_signal(signal.SIGCONT)
        eventually(lambda: top.other_screen)
        shown(top, "tickets[3]")


def test_without_colour_it_says_the_same(fake: FakeSupervisor, tmp_path: Path) -> None:
    with Emulator("--http", fake.address, folder=tmp_path, environment={"NO_COLOR": "1"}) as top:
        shown(top, "tickets[3]", "✗ blocked", "● ok")
        assert not top.colours


def test_elsewhere_than_on_a_terminal_it_says_what_to_use(tmp_path: Path) -> None:
    top = Command("top", folder=tmp_path).expect(2)
    assert "ticketpool status" in top.stderr
    with Emulator(folder=tmp_path, environment={"TERM": "dumb"}) as dumb:
        assert dumb.process.wait(10) == 2
        shown(dumb, "ticketpool status")


def test_nothing_but_a_moment_is_spent_on_a_look(fake: FakeSupervisor, tmp_path: Path) -> None:
    """Less than a twentieth of a core for 64 partitions, looked at each second; here ten times
    as often, so less than a half."""
    fake.make = lambda told: worlds.pool(
        *(worlds.partition(n, lag=told + n, rate_per_s=told / 7) for n in range(64))
    )
    with Emulator("--http", fake.address, "--interval", "0.1", folder=tmp_path) as top:
        shown(top, "64 partitions")
        process = psutil.Process(top.process.pid)
        told, before = fake.told, process.cpu_times()
        eventually(lambda: fake.told >= told + 30)
        after = process.cpu_times()
        spent = after.user + after.system - before.user - before.system
    assert spent / 30 < 0.05
