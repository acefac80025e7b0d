"""Which process sends which line: a key always the same, in the order of the input."""

from zlib import crc32

from ticketpool.produce.frames import Lines
from ticketpool.produce.items import Item

_TURN = 256  # keyless lines go to one process so many at a time: a frame is worth its cost


class Router:
    """*Parent side.* Collects the lines of each process until they are sent as one frame.

    >>> router = Router(2)
    >>> for n in range(3):
    ...     router.add(Item(b"a", b"%d" % n, None))
    >>> [frame.values for _, frame in router.take()]
    [[b'0', b'1', b'2']]
    """

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._keyless = 0
        self._lines: list[list[Item]] = [[] for _ in range(workers)]

    def slot(self, key: bytes | None) -> int:
        """The process of a key. Lines without one have no order: the processes take turns."""
        if key is not None:
            return crc32(key) % self._workers
        self._keyless += 1
        return self._keyless // _TURN % self._workers

    def add(self, item: Item) -> None:
        """Put a line behind the others of its process."""
        self._lines[self.slot(item.key)].append(item)

    def take(self) -> list[tuple[int, Lines]]:
        """The collected lines as frames, by process; none are left here."""
        full = [(slot, items) for slot, items in enumerate(self._lines) if items]
        self._lines = [[] for _ in range(self._workers)]
        return [(slot, _frame(items)) for slot, items in full]


def _frame(items: list[Item]) -> Lines:
    keys, values, timestamps = zip(*items, strict=True)
    return Lines(list(keys), list(values), list(timestamps) if any(timestamps) else [])
