"""The supervisor's end of a lane under test."""

from typing import Any

import msgspec

from ticketpool.ipc.channel import Port
from ticketpool.ipc.frames import Ack, Dead, FromWorker, encode
from ticketpool.worker import words

NUMBER, INDEX = 7, 2
"""Of the lane."""


class FakePort(Port[Any]):
    """Keeps frames, as the supervisor would read them, with SETTLED as it was then."""

    def __init__(self, cells: memoryview) -> None:
        self.sent: list[Any] = []
        self.settled: list[int | None] = []
        self._cells = cells

    def send(self, frame: msgspec.Struct) -> None:
        data = encode(frame)[4:]  # it has to pass the pipe
        self.settled.append(words.settled(self._cells, INDEX, NUMBER))
        self.sent.append(msgspec.msgpack.decode(data, type=FromWorker))

    def of(self, kind: type) -> list[Any]:
        return [frame for frame in self.sent if isinstance(frame, kind)]

    @property
    def acked(self) -> int | None:
        """The last offset that was acknowledged."""
        acks = self.of(Ack)
        return acks[-1].through if acks else None

    @property
    def dead(self) -> list[Dead]:
        """All records that were told dead."""
        return [dead for ack in self.of(Ack) for dead in ack.dead]


def new_cells() -> memoryview:
    """Shared words that nobody has written to."""
    return memoryview(bytearray(8 * words.COUNT)).cast("q")
