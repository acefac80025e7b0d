"""What has happened, for people who did not watch the log: its newest events."""

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping

from ticketpool.config import MASK, is_secret
from ticketpool.core.status import Event
from ticketpool.masking import masked

MOST = 100
MOST_ALIKE = 40
"""Of one name: a thousand retries must not push out the one crash, nor must they and the dead
letters that follow together."""

_LONGEST = 300  # characters of a text
_LEVELS = {"info": "info", "warning": "warning", "error": "error", "exception": "error",
           "critical": "error"}  # fmt: skip
_LEFT_OUT = {"event", "dump", "exc_info", "stack_info"}

_Told = str | int | float | bool | None


class Chronicle:
    """*Supervisor side.* Keeps the newest events of the log, at most ``MOST``. Any thread may
    write and read.

    Args:
        wall: seconds since 1970.
    """

    def __init__(self, wall: Callable[[], float] = time.time) -> None:
        self._wall = wall
        self._events: deque[Event] = deque()
        self._lock = threading.Lock()

    def note(self, level: str, event: Mapping[str, object]) -> None:
        """The logger was told this, at whatever level it writes. Debug is left out, and so are
        stacks; of what may be long the beginning is kept. Never raises."""
        if level not in _LEVELS:
            return
        fields = {key: _told(key, value) for key, value in event.items() if key not in _LEFT_OUT}
        name = str(event.get("event", ""))
        told = Event(at=self._wall(), level=_LEVELS[level], name=name, fields=fields)
        with self._lock:
            self._make_room(name)
            self._events.append(told)

    def _make_room(self, name: str) -> None:
        """The oldest goes, of that name or of the one that has the most."""
        alike = Counter(event.name for event in self._events)
        if alike[name] >= MOST_ALIKE:
            self._remove(name)
        elif len(self._events) >= MOST:
            self._remove(max(alike, key=alike.__getitem__))

    def _remove(self, name: str) -> None:
        self._events.remove(next(event for event in self._events if event.name == name))

    def newest(self) -> list[Event]:
        """The events, the newest last."""
        with self._lock:
            return list(self._events)


def _told(key: str, value: object) -> _Told:
    if is_secret(key):
        return MASK
    if value is None or isinstance(value, bool | int | float):
        return value
    return masked(_text(value))[:_LONGEST]


def _text(value: object) -> str:
    """As a person reads it; where a record stands, above all."""
    match value:
        case str():
            return value
        case {"topic": topic, "partition": partition, "offset": offset}:
            return f"{topic}[{partition}] offset {offset}"
        case list() | tuple():
            return ", ".join(map(_text, value))
    try:
        return str(value)
    except Exception:  # whatever its class does: the log must not fail for it
        return f"({type(value).__name__})"
