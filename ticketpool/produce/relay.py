"""*Worker side.* Sends the lines of an input that are this process's, in their order."""

import queue
import threading
from collections.abc import Iterator
from itertools import zip_longest

from ticketpool.kafka.returning import Record
from ticketpool.produce.frames import End, FromCoordinator, Lines
from ticketpool.produce.outlet import Outlet
from ticketpool.produce.tally import PRODUCED

_BATCH = 1000  # lines handed over at once
_AHEAD = 2  # frames read ahead; the pipe holds more, and the coordinator waits behind it
_WAIT_SECONDS = 0.05
_SOON_SECONDS = 0.005  # how soon a new frame is seen while reports are waited for


class Relay:
    """Takes frames as the outlet has room for them: a full one makes the coordinator wait.

    Args:
        cells: the shared words, laid out as in ``ticketpool.produce.tally``.
    """

    def __init__(self, outlet: Outlet, cells: memoryview) -> None:
        self._outlet = outlet
        self._cells = cells
        self._inbox: queue.Queue[FromCoordinator | None] = queue.Queue(_AHEAD)

    def run(self, frames: Iterator[FromCoordinator]) -> None:
        """Send lines until the ``End``, then wait until each is delivered or failed.

        Raises:
            BrokenPipeError: the coordinator is gone.
            TicketpoolError: the producer has failed for good.
        """
        threading.Thread(target=self._read, args=(frames,), daemon=True).start()
        while isinstance(frame := self._next(), Lines):
            self._send(frame)
        if not isinstance(frame, End):
            raise BrokenPipeError
        while self._outlet.busy:
            self._outlet.poll(_WAIT_SECONDS)
        self._outlet.tell_failures()

    def _read(self, frames: Iterator[FromCoordinator]) -> None:
        for frame in frames:
            self._inbox.put(frame)
        self._inbox.put(None)

    def _next(self) -> FromCoordinator | None:
        while True:
            busy = self._outlet.busy
            try:
                return self._inbox.get(block=not busy, timeout=_WAIT_SECONDS)
            except queue.Empty:
                self._outlet.poll(_SOON_SECONDS if busy else 0)

    def _send(self, frame: Lines) -> None:
        records = _records(frame)
        longest = max(len(value) + len(key or b"") for key, value in _pairs(frame))
        sent = 0
        while sent < len(records):
            room = min(self._outlet.room(longest), _BATCH)
            if room > 0:
                self._write(records[sent : sent + room])
                sent += room
            else:
                self._outlet.poll(_WAIT_SECONDS)

    def _write(self, records: list[Record]) -> None:
        self._cells[PRODUCED] += len(records)  # first: a kill must not hide a ticket
        self._outlet.write(records)


def _pairs(frame: Lines) -> Iterator[tuple[bytes | None, bytes]]:
    return zip(frame.keys, frame.values, strict=True)


def _records(frame: Lines) -> list[Record]:
    if not frame.timestamps:
        return [{"key": key, "value": value} for key, value in _pairs(frame)]
    rows = zip_longest(frame.keys, frame.values, frame.timestamps)
    return [
        {"key": key, "value": value} | ({} if time is None else {"timestamp": time})
        for key, value, time in rows
    ]
