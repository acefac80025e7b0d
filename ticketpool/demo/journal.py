"""What the workers of the demo write down: a line for every ticket they handle."""

from pathlib import Path

import msgspec

FOLDER_VARIABLE = "TICKETPOOL_DEMO_JOURNAL"
"""Names the folder in the workers' environment."""


class Entry(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """One handled ticket.

    Attributes:
        at_ns: ``time.monotonic_ns()`` when handled: one clock for all processes.
        latency_ns: from the ticket's timestamp to handled.
        pid: the worker process.
    """

    at_ns: int
    latency_ns: int
    pid: int
    partition: int
    offset: int
    order_id: int
    id: str
    key: bytes | None


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Entry).decode


def line(entry: Entry) -> bytes:
    """An entry as one line, for one write."""
    return _encode(entry) + b"\n"


class Journals:
    """Follows all journals of a folder.

    Attributes:
        entries: all that was read so far, in order within each file.
    """

    def __init__(self, folder: Path) -> None:
        self.entries: list[Entry] = []
        self._folder = folder
        self._read: dict[Path, int] = {}

    def poll(self) -> list[Entry]:
        """The entries that are new since the last call; half a line waits for its rest."""
        fresh = [entry for path in sorted(self._folder.iterdir()) for entry in self._follow(path)]
        self.entries += fresh
        return fresh

    def _follow(self, path: Path) -> list[Entry]:
        start = self._read.get(path, 0)
        with path.open("rb") as file:
            file.seek(start)
            whole, _, _ = file.read().rpartition(b"\n")
        if not whole:
            return []
        self._read[path] = start + len(whole) + 1
        return [_decode(text) for text in whole.split(b"\n")]
