"""A stream of records is not searched for garbage.

In doubt because each record is an object that the collector counts: at Python's default
thresholds a supervisor looked at all that it held, again and again, and found nothing.
"""

import gc
from collections import deque
from collections.abc import Iterator

import pytest

from ticketpool.supervisor.garbage import rare_collections

BATCH = 2000


class Message:
    """Like librdkafka's, it is tracked by the collector."""


@pytest.fixture
def thresholds() -> Iterator[None]:
    """Python's default, whatever an earlier test has left; put back afterwards."""
    before = gc.get_threshold()
    gc.set_threshold(700, 10, 10)
    yield
    gc.set_threshold(*before)


def collections_over(batches: int) -> int:
    """How often the collector looks while so many batches pass through a buffer of ten."""
    held = deque([Message() for _ in range(BATCH)] for _ in range(10))
    looks: list[str] = []

    def look(phase: str, info: dict[str, int]) -> None:
        looks.append(phase)

    gc.collect()
    gc.callbacks.append(look)
    try:
        for _ in range(batches):
            held.append([Message() for _ in range(BATCH)])
            held.popleft()
    finally:
        gc.callbacks.remove(look)
    return looks.count("start")


def test_a_stream_of_records_starts_no_collection(thresholds: None) -> None:
    assert collections_over(50) > 50
    with rare_collections():
        assert collections_over(50) == 0


@pytest.mark.parametrize("ours", [(700, 10, 10), (90_000, 5, 5), (0, 10, 10)])
def test_the_setting_is_put_back_and_never_made_stricter(
    thresholds: None, ours: tuple[int, int, int]
) -> None:
    gc.set_threshold(*ours)
    with pytest.raises(KeyError), rare_collections():
        first = gc.get_threshold()[0]
        assert first >= ours[0] and bool(first) == bool(ours[0])
        raise KeyError
    assert gc.get_threshold() == ours


def test_cycles_are_still_found(thresholds: None) -> None:
    with rare_collections():
        looks: list[str] = []
        gc.callbacks.append(lambda phase, info: looks.append(phase))
        kept: list[list[object]] = []
        try:
            while "stop" not in looks and len(kept) < 200_000:
                kept.append([])
        finally:
            gc.callbacks.pop()
    assert "stop" in looks
