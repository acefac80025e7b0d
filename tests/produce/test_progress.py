"""A progress bar where standard error is a terminal; standard output stays the JSON's alone."""

import os
import pty
import subprocess
import sys

import msgspec
import pytest

from tests.broker import Broker

pytestmark = pytest.mark.e2e


def test_the_bar_shows_progress_and_goes_away(kafka: Broker, topic: str) -> None:
    ours, theirs = pty.openpty()
    arguments = ["--bootstrap-servers", kafka.bootstrap, "--topic", topic, "--json"]
    with subprocess.Popen(
        [sys.executable, "-m", "ticketpool", "produce", *arguments, "--count", "150"],
        stdout=subprocess.PIPE,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "120"},
        process_group=0,
    ) as process:
        os.close(theirs)
        shown = _until_end(ours).decode()
        out, _ = process.communicate(timeout=30)
    assert process.returncode == 0, shown
    assert msgspec.json.decode(out)["delivered"] == 150
    assert "/ 150" in shown
    assert "p99" in shown
    assert "150 tickets to" in shown.rpartition("/ 150")[2]  # the summary follows the last bar


def _until_end(fd: int) -> bytes:
    """What comes from a terminal until its other side is closed (EIO, pty(7))."""
    data = b""
    try:
        while chunk := os.read(fd, 1 << 16):
            data += chunk
    except OSError:
        pass
    os.close(fd)
    return data
