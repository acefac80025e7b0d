"""librdkafka's own log lines, routed to ``logging`` without flooding it.

A client without its broker writes some twenty lines a second.
"""

import logging
import time

_OUTAGE = frozenset({"FAIL", "ERROR"})  # told once by the client's error callback


class _Calm(logging.Filter):
    """Lets one line of each kind pass in ``seconds``; says how many it held back."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds
        self._next: dict[str, float] = {}
        self._held: dict[str, int] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        # The client logs ("%s [%s] %s", facility, client name, text).
        kind = str(record.args[0]) if isinstance(record.args, tuple) and record.args else ""
        if kind in _OUTAGE:
            return False
        now = time.monotonic()
        if now < self._next.get(kind, now):
            self._held[kind] = self._held.get(kind, 0) + 1
            return False
        self._next[kind] = now + self._seconds
        if held := self._held.pop(kind, 0):
            record.msg = f"{record.msg} ({held} more like it held back)"
        return True


def calm_logger(name: str = "librdkafka", seconds: float = 10.0) -> logging.Logger:
    """A logger for a client's ``logger`` setting: per kind one line in ``seconds``.

    Lines about lost connections are dropped; the error callback tells of them.
    """
    logger = logging.getLogger(name)
    if not any(isinstance(each, _Calm) for each in logger.filters):
        logger.addFilter(_Calm(seconds))
    return logger
