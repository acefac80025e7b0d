"""The supervisor's end never blocks: not on a full pipe, half a frame or a dead peer.

In doubt because one blocking write to one worker once stalled all of them.
"""

import os
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support import eventually
from ticketpool.errors import FrameError
from ticketpool.ipc.channel import Channel, Port
from ticketpool.ipc.frames import MAX_FRAME, Closed, Failed, FromWorker, Parser, Ready, encode

BIG = Failed("big", "x" * 50_000)

pytestmark = pytest.mark.timeout(20)  # what blocks fails soon


class Ends:
    """A channel, and the raw other end of its pipe."""

    def __init__(self) -> None:
        ours, self.peer = socket.socketpair()
        self.channel: Channel[Any] = Channel(ours.detach(), FromWorker)
        self._parser: Parser[Any] = Parser(FromWorker)

    def peer_reads(self, size: int = 1 << 16) -> list[Any]:
        return list(self._parser.feed(self.peer.recv(size)))

    def close(self) -> None:
        self.channel.close()
        self.peer.close()


@pytest.fixture
def ends() -> Iterator[Ends]:
    made = Ends()
    yield made
    made.close()


def test_a_reader_that_stopped_blocks_nobody_and_gets_everything_in_order_later(
    ends: Ends,
) -> None:
    sent: list[Any] = []
    for i in range(200):
        sent += [Closed(i), BIG]
        ends.channel.send(Closed(i))
        ends.channel.send(BIG)
    total = sum(len(encode(frame)) for frame in sent)
    assert 0 < total - ends.channel.pending_bytes < total  # the pipe took some, not all
    got: list[Any] = []
    while len(got) < len(sent):
        got += ends.peer_reads(70_001)
        ends.channel.flush()
    assert got == sent
    assert ends.channel.pending_bytes == 0


def test_many_small_frames_are_written_together_and_in_order(ends: Ends) -> None:
    ends.channel.send(BIG)
    while not ends.channel.pending_bytes:
        ends.channel.send(BIG)
    for i in range(500):  # more than one writev takes
        ends.channel.send(Closed(i))
    got: list[Any] = []
    while Closed(499) not in got:
        got += ends.peer_reads()
        ends.channel.flush()
    assert [frame for frame in got if frame != BIG] == [Closed(i) for i in range(500)]


def test_nothing_to_read_yields_nothing(ends: Ends) -> None:
    assert list(ends.channel.receive()) == []
    assert not ends.channel.ended


def test_half_a_frame_waits_for_its_other_half(ends: Ends) -> None:
    data = encode(Failed("error", "message"))
    ends.peer.send(encode(Closed(1)) + data[:9])
    assert list(ends.channel.receive()) == [Closed(1)]
    assert list(ends.channel.receive()) == []
    ends.peer.send(data[9:])
    assert list(ends.channel.receive()) == [Failed("error", "message")]


def test_more_than_one_read_holds_arrives_whole(ends: Ends) -> None:
    big = Failed("big", "y" * 600_000)
    writer = threading.Thread(target=ends.peer.sendall, args=(encode(big) + encode(Closed(1)),))
    writer.start()
    got: list[Any] = []

    def all_there() -> bool:
        got.extend(ends.channel.receive())
        return len(got) == 2

    eventually(all_there)
    writer.join()
    assert got == [big, Closed(1)]


def test_the_end_of_the_pipe_comes_after_its_last_frames(ends: Ends) -> None:
    ends.peer.send(encode(Closed(1)) + encode(Closed(2)))
    ends.peer.close()
    assert list(ends.channel.receive()) == [Closed(1), Closed(2)]
    assert list(ends.channel.receive()) == []
    assert ends.channel.ended


def test_a_dead_peer_takes_what_is_sent_without_an_error(ends: Ends) -> None:
    ends.channel.send(Ready(True))  # unread by the peer: reading then tells of a reset
    ends.peer.close()
    for _ in range(3):
        ends.channel.send(BIG)
        assert ends.channel.pending_bytes == 0
    assert list(ends.channel.receive()) == []
    assert ends.channel.ended


def test_a_peer_that_dies_with_bytes_queued_for_it_leaves_none(ends: Ends) -> None:
    while not ends.channel.pending_bytes:
        ends.channel.send(BIG)
    ends.peer.close()
    ends.channel.flush()
    assert ends.channel.pending_bytes == 0


def test_a_broken_frame_is_told_once_and_then_nothing_is_believed(ends: Ends) -> None:
    ends.peer.send(encode(Closed(1)) + b"\xff" * 8 + encode(Closed(2)))
    received = ends.channel.receive()
    assert next(received) == Closed(1)
    with pytest.raises(FrameError):
        next(received)
    assert ends.channel.broken
    ends.peer.send(encode(Closed(3)))
    assert list(ends.channel.receive()) == []


def test_a_closed_channel_can_be_closed_again(ends: Ends) -> None:
    fd = ends.channel.fd
    ends.channel.close()
    ends.channel.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(fd)


def test_a_port_waits_for_whole_frames_and_ends_with_its_peer() -> None:
    ours, theirs = socket.socketpair()
    port: Port[Any] = Port(theirs.detach(), FromWorker)
    got: list[Any] = []
    reader = threading.Thread(target=lambda: got.extend(port.frames()))
    reader.start()
    data = encode(Closed(1)) + encode(Closed(2))
    ours.send(data[:-1])
    eventually(lambda: got == [Closed(1)])
    assert reader.is_alive()
    ours.send(data[-1:])
    eventually(lambda: got == [Closed(1), Closed(2)])
    ours.close()
    reader.join(5)
    assert not reader.is_alive()
    os.close(port.fd)


def test_a_port_takes_a_frame_as_long_as_kafkas_records_may_be() -> None:
    """Headers count as little as keys towards a batch's bytes; such a frame killed its worker,
    and every worker after it."""
    ours, theirs = socket.socketpair()
    channel: Channel[Any] = Channel(ours.detach(), FromWorker)
    port: Port[Any] = Port(theirs.detach(), FromWorker)
    sender = threading.Thread(target=lambda: eventually(lambda: sent(channel), every=0.001))
    channel.send(Failed("long", "x" * (MAX_FRAME + 1)))
    sender.start()
    found = next(port.frames())
    sender.join()
    assert len(found.message) == MAX_FRAME + 1
    channel.close()
    os.close(port.fd)


def sent(channel: Channel[Any]) -> bool:
    channel.flush()
    return channel.pending_bytes == 0


def test_a_port_ends_also_when_its_peer_died_with_frames_unread() -> None:
    ours, theirs = socket.socketpair()
    port: Port[Any] = Port(theirs.detach(), FromWorker)
    port.send(Closed(1))
    ours.close()
    assert list(port.frames()) == []
    with pytest.raises(BrokenPipeError):
        port.send(Closed(2))
    os.close(port.fd)


def test_frames_that_threads_send_through_one_port_do_not_mix() -> None:
    ours, theirs = socket.socketpair()
    port: Port[Any] = Port(theirs.detach(), FromWorker)
    channel: Channel[Any] = Channel(ours.detach(), FromWorker)

    def send(name: str) -> None:
        for i in range(10):
            port.send(Failed(name, f"{i}:" + name * 300_000))

    threads = [threading.Thread(target=send, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    got: list[Any] = []

    def all_there() -> bool:
        got.extend(channel.receive())
        return len(got) == 30

    eventually(all_there, every=0.001)
    for thread in threads:
        thread.join()
    for name in "abc":
        mine = [frame.message for frame in got if frame.error == name]
        assert mine == [f"{i}:" + name * 300_000 for i in range(10)]
    channel.close()
    os.close(port.fd)
