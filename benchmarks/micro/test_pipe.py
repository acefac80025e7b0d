"""A frame's way to a worker: encoded, written, read and decoded in another process."""

import select
import subprocess
import sys
from collections.abc import Iterator
from multiprocessing import Pipe
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.micro import sink
from benchmarks.micro.steps import BATCH, Measure, frame, per
from ticketpool.ipc.channel import Channel
from ticketpool.ipc.frames import FromWorker, Records

FRAMES = 8  # on their way together, so that both sides work at a time


@pytest.fixture
def channel() -> Iterator[Channel[FromWorker]]:
    """The supervisor's end; the process at the other end is gone afterwards."""
    ours, theirs = Pipe(duplex=True)
    with theirs:
        child = subprocess.Popen(
            [sys.executable, sink.__file__, str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            cwd=Path(__file__).parents[2],
        )
    with ours, child:
        yield Channel(ours.fileno(), FromWorker)
        ours.close()


def transfer(channel: Channel[FromWorker], frames: list[Records]) -> int:
    """Send all, and wait until the other side has all; how many acks came."""
    for one in frames:
        channel.send(one)
    acks = 0
    while acks < len(frames):
        wanted = [channel.fd] if channel.pending_bytes else []
        _, writable, _ = select.select([channel.fd], wanted, [])
        if writable:
            channel.flush()
        acks += sum(1 for _ in channel.receive())
        assert not channel.ended
    return acks


@pytest.mark.parametrize(
    ("count", "size"),
    [
        pytest.param(BATCH, 200, marks=per(FRAMES * BATCH)),
        pytest.param(1, 900_000, marks=per(FRAMES)),
    ],
)
def test_transfer(
    measure: Measure, channel: Channel[FromWorker], benchmark: BenchmarkFixture,
    count: int, size: int,
) -> None:  # fmt: skip
    frames = [frame(count=count, value=b"x" * size)] * FRAMES
    assert measure(lambda: transfer(channel, frames), rounds=50) == FRAMES
    if benchmark.stats is not None:  # None with --benchmark-disable
        benchmark.extra_info["MB/s"] = round(size / benchmark.stats.stats.min / 1e6)
