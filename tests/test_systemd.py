"""systemd hears what we say, word for word, and its silence never hurts.

In doubt because the protocol is our own few lines: a real datagram socket stands in.
"""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ticketpool.systemd import Notifier, notify, take_socket


@pytest.fixture(params=["path", "abstract"])
def systemd(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[socket.socket, str]]:
    """A listening notify socket, and its address as NOTIFY_SOCKET has it."""
    name = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.settimeout(5)
        if request.param == "abstract":
            listener.bind("\0" + name)
            yield listener, "@" + name
        else:
            listener.bind(name)
            yield listener, name


def heard(listener: socket.socket) -> str:
    return listener.recv(65536).decode()


def test_each_message_arrives_as_one_datagram(systemd: tuple[socket.socket, str]) -> None:
    listener, address = systemd
    notifier = Notifier(address)
    assert notifier.ready("8 partitions")
    assert notifier.status("lag 12")
    assert notifier.watchdog()
    assert notifier.extend_timeout(2.5)
    assert notifier.stopping()
    assert [heard(listener) for _ in range(5)] == [
        "READY=1\nSTATUS=8 partitions",
        "STATUS=lag 12",
        "WATCHDOG=1",
        "EXTEND_TIMEOUT_USEC=2500000",
        "STOPPING=1",
    ]


def test_a_status_cannot_smuggle_in_another_field(systemd: tuple[socket.socket, str]) -> None:
    listener, address = systemd
    assert Notifier(address).status("lag\nREADY=1\r\nMAINPID=1 \udcff é")
    assert heard(listener) == "STATUS=lag READY=1 MAINPID=1 ? é"


@pytest.mark.parametrize(
    "address",
    [None, "", "relative", "vsock:2:1234", "/no/such/socket", "@no-such-name", "/a\0b", "/" * 500],
)
def test_nobody_listening_is_false_and_no_error(address: str | None) -> None:
    assert notify("READY=1", address) is False
    assert Notifier(address).ready("") is False


def test_a_deaf_systemd_does_not_hold_the_loop(systemd: tuple[socket.socket, str]) -> None:
    notifier = Notifier(systemd[1])
    sent = 0
    while notifier.watchdog():
        sent += 1
    assert sent > 0
    before = time.monotonic()
    assert not notifier.watchdog()
    assert time.monotonic() - before < 2


def test_taking_the_socket_hides_it_from_children(systemd: tuple[socket.socket, str]) -> None:
    listener, address = systemd
    environ = {
        "NOTIFY_SOCKET": address,
        "WATCHDOG_USEC": "30000000",
        "WATCHDOG_PID": str(os.getpid()),
        "OTHER": "stays",
    }
    notifier = take_socket(environ)
    assert environ == {"OTHER": "stays"}
    assert notifier.watchdog_seconds == 30
    assert notifier.ready("up")
    assert heard(listener).startswith("READY=1")


def test_the_real_environment_is_cleared_for_real_children(
    systemd: tuple[socket.socket, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", systemd[1])
    notifier = take_socket()
    shown = [sys.executable, "-c", "import os; print(os.environ.get('NOTIFY_SOCKET'))"]
    assert subprocess.run(shown, capture_output=True, check=True).stdout == b"None\n"
    assert notifier.stopping()


@pytest.mark.parametrize(
    ("interval", "pid", "expected"),
    [
        ("30000000", None, 30.0),
        ("1500000", "own", 1.5),
        ("30000000", "1", None),
        ("30000000", "", None),
        (None, "own", None),
        ("0", "own", None),
        ("-1", "own", None),
        ("soon", "own", None),
        ("²", "own", None),
        ("", "own", None),
    ],
)
def test_the_watchdog_is_on_only_for_this_process(
    interval: str | None, pid: str | None, expected: float | None
) -> None:
    mine = str(os.getpid()) if pid == "own" else pid
    told = {"WATCHDOG_USEC": interval, "WATCHDOG_PID": mine}
    environ = {name: value for name, value in told.items() if value is not None}
    assert take_socket(environ).watchdog_seconds == expected


def test_the_watchdog_is_tended_at_half_its_time(systemd: tuple[socket.socket, str]) -> None:
    listener, address = systemd
    notifier = Notifier(address, watchdog_seconds=30)
    times = (100.0, 100.1, 114.9, 115.0, 129.9, 130.0)
    assert [notifier.tend_watchdog(now) for now in times] == [True, False, False, True, False, True]
    assert [heard(listener) for _ in range(3)] == ["WATCHDOG=1"] * 3


def test_without_a_watchdog_nothing_is_sent(systemd: tuple[socket.socket, str]) -> None:
    listener, address = systemd
    assert not Notifier(address).tend_watchdog(100.0)
    listener.setblocking(False)
    with pytest.raises(BlockingIOError):
        listener.recv(100)
