"""Log lines that repeat: the first of a kind are written, the others counted and told once."""

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, NamedTuple, Protocol

MOST_KINDS = 1000
"""Kinds that are counted at the same time; the one that began first makes room."""


class Kind(NamedTuple):
    """Of which ``most`` lines are written in ``seconds``. ``told``: its name and place, for the
    line that tells how many more there were."""

    key: Hashable
    most: int
    seconds: float
    told: dict[str, Any]


class _Timer(Protocol):
    def start(self) -> None: ...
    def cancel(self) -> None: ...


def _timer(seconds: float, call: Callable[[], None]) -> _Timer:
    timer = threading.Timer(seconds, call)
    timer.daemon = True  # the end of the process need not wait for it: see ``flush``
    timer.name = "repeats"
    return timer


class _Window:
    """So many lines of a kind since its first one."""

    __slots__ = ("kind", "left_out", "record", "until", "written")

    def __init__(self, kind: Kind, record: logging.LogRecord, now: float) -> None:
        self.kind = kind
        self.record = record
        self.until = now + kind.seconds
        self.written = self.left_out = 0


class Repeats(logging.Filter):
    """A filter, of a logger or a handler, that any thread may call. It never blocks for long.

    Args:
        kind_of: a record's kind; ``None``: it is always written.
        write: takes the line that tells how many were left out: ``more like it``, with ``of``,
            ``count`` and ``seconds``. It comes when the window of a kind ends, from a thread.
    """

    def __init__(
        self,
        kind_of: Callable[[logging.LogRecord], Kind | None],
        write: Callable[[logging.LogRecord], object],
        clock: Callable[[], float] = time.monotonic,
        timer: Callable[[float, Callable[[], None]], _Timer] = _timer,
    ) -> None:
        super().__init__()
        self._kind_of = kind_of
        self._write = write
        self._clock = clock
        self._make_timer = timer
        self._timer: _Timer | None = None
        self._lock = threading.Lock()
        self._windows: OrderedDict[Hashable, _Window] = OrderedDict()

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to write it."""
        kind = None if hasattr(record, "repeated") else self._kind_of(record)
        if kind is None:
            return True
        with self._lock:
            over, write = self._count(kind, record, self._clock())
        self._tell(over)
        return write

    def _count(
        self, kind: Kind, record: logging.LogRecord, now: float
    ) -> tuple[list[_Window], bool]:
        """The windows that are over with this, and whether the record is written."""
        over: list[_Window] = []
        window = self._windows.get(kind.key)
        if window is None or now >= window.until:
            if window is not None:
                over.append(self._windows.pop(kind.key))
            elif len(self._windows) >= MOST_KINDS:
                over.append(self._windows.popitem(last=False)[1])
            window = self._windows[kind.key] = _Window(kind, record, now)
        if window.written < kind.most:
            window.written += 1
            return over, True
        window.left_out += 1
        window.record = record
        self._wait(window.until - now)
        return over, False

    def _wait(self, seconds: float) -> None:
        """Have the timer tell it, unless one runs: that one looks at all windows."""
        if self._timer is None:
            self._timer = self._make_timer(max(seconds, 0.0), self._due)
            self._timer.start()

    def _due(self) -> None:
        """The timer's thread: tell what is over, and wait for the next."""
        with self._lock:
            self._timer = None
            now = self._clock()
            over = [window for window in self._windows.values() if now >= window.until]
            for window in over:
                del self._windows[window.kind.key]
            left = [window.until for window in self._windows.values() if window.left_out]
            if left:
                self._wait(min(left) - now)
        self._tell(over)

    def flush(self) -> None:
        """Tell now what has been left out: the process is about to end."""
        with self._lock:
            over = list(self._windows.values())
            self._windows.clear()
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
        self._tell(over)

    def _tell(self, over: list[_Window]) -> None:
        for window in over:
            if window.left_out:
                self._write(_summary(window))


def _summary(window: _Window) -> logging.LogRecord:
    last, kind = window.record, window.kind
    return logging.makeLogRecord(
        {
            "name": last.name,
            "levelno": last.levelno,
            "levelname": last.levelname,
            "msg": "more like it",
            "count": window.left_out,
            "seconds": kind.seconds,
            **kind.told,
            "repeated": True,
        }
    )
