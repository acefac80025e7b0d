"""Python's cyclic garbage collector, made rare while records stream through."""

import contextlib
import gc
from collections.abc import Iterator

_NEW_OBJECTS = 50_000  # between two looks: some MB at most in cycles, where a web client makes any


@contextlib.contextmanager
def rare_collections() -> Iterator[None]:
    """*Supervisor side.* Let the collector look at new objects seldom, as long as this lasts.

    It counts objects that live, and the messages of a batch do: at the default of 700
    it looks at each message two to four times, and never finds a cycle among them.
    The setting is the process's, so it is put back.
    """
    before = gc.get_threshold()
    gc.set_threshold(max(before[0], _NEW_OBJECTS) if before[0] else 0, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
