"""Somebody sets the wall clock: it changes what is shown, and nothing that we do.

In doubt because one use of it among many of the monotonic clock is easily made, and not seen until
then. So each use is named here, with its reason; a new one has to be. (A real step needs a machine
of its own; libfaketime breaks ``time.sleep``, whose deadlines are absolute since Python 3.11.)
"""

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

import ticketpool

SHOWN = {
    "cli/dlq.py": Counter({"time_ns": 1}),  # --since 2h
    "cli/offsets.py": Counter({"now": 1}),  # reset --to -2h
    "demo/handler.py": Counter({"time_ns": 1}),  # a latency that is shown, against a ticket's time
    "http/feed.py": Counter({"time": 1}),  # how old a snapshot is, for the page
    "log.py": Counter({"TimeStamper": 1}),  # the time of a log line
    "produce/tickets.py": Counter({"now": 2}),  # a ticket's own time, and how long its text is
    "supervisor/chronicle.py": Counter({"time": 1}),  # when an event was
    "supervisor/history.py": Counter({"time": 1}),  # when a sample was
    "supervisor/lookout.py": Counter({"time": 1}),  # the age of a record, by its own timestamp
    "supervisor/stopwatch.py": Counter({"time": 1}),  # the same, for end to end
    "supervisor/vitals.py": Counter({"clock_gettime": 1}),  # CLOCK_BOOTTIME, which no one sets
    "terminal/broker.py": Counter({"time": 1}),  # when a sample was
    "terminal/words.py": Counter({"strftime": 1}),  # how that is shown
}
"""Where the wall clock is read, for people; no decision hangs on any of these."""

_WALL = {
    "TimeStamper", "asctime", "clock_gettime", "clock_gettime_ns", "ctime", "formatTime",
    "getatime", "getctime", "getmtime", "gmtime", "localtime", "now", "st_atime", "st_atime_ns",
    "st_ctime", "st_ctime_ns", "st_mtime", "st_mtime_ns", "strftime", "time_ns", "today",
    "utcnow", "uuid1",
}  # fmt: skip
"""Names that read the wall clock, or times that were taken from it, whatever they are called on."""


def wall_clocks(source: str) -> Counter[str]:
    """How often each name occurs that stands for the wall clock; ``time.time`` is ``time``."""
    return Counter(name for node in ast.walk(ast.parse(source)) for name in _names(node))


def _names(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Attribute(ast.Name("time"), "time"):
            yield "time"
        case ast.Attribute(_, name) if name in _WALL:
            yield name
        case ast.ImportFrom("time", names=names):
            yield from (one.name for one in names if one.name in _WALL | {"time", "*"})
        case ast.Import(names):  # under another name it would not be found
            yield from (
                one.name for one in names if one.name in ("time", "datetime") and one.asname
            )


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("time.time()", "time"),
        ("clock: Callable[[], float] = time.time", "time"),
        ("from time import time", "time"),
        ("from time import time_ns as clock", "time_ns"),
        ("import time as t", "time"),
        ("datetime.now(UTC)", "now"),
        ("datetime.datetime.utcnow()", "utcnow"),
        ("date.today()", "today"),
        ("time.clock_gettime(time.CLOCK_REALTIME)", "clock_gettime"),
        ("path.stat().st_mtime", "st_mtime"),
        ("time.monotonic()", ""),
        ("from time import monotonic_ns", ""),
        ("now = clock()", ""),
        ("record.time()", ""),
    ],
)
def test_a_use_is_seen(source: str, found: str) -> None:
    assert wall_clocks(source) == Counter([found] if found else [])


def test_the_wall_clock_is_read_for_people_only() -> None:
    package = Path(ticketpool.__file__).parent
    used = {
        str(path.relative_to(package)): names
        for path in package.rglob("*.py")
        if (names := wall_clocks(path.read_text()))
    }
    assert used == SHOWN
