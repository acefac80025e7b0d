"""What a producer process counts in shared words adds up on the other side."""

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ticketpool.core.latency import BUCKETS, Histogram, bucket_of
from ticketpool.produce.tally import (
    LATENCY,
    PRODUCED,
    WORDS,
    Counts,
    counts_of,
    latency_of,
    record,
)


def _words() -> memoryview:
    return memoryview(array("q", bytes(8 * WORDS)))


def test_the_layout_has_room_for_every_bucket() -> None:
    assert WORDS - LATENCY == BUCKETS


@given(st.lists(st.lists(st.floats(0, 300), max_size=20), max_size=5), st.integers(0, 9))
def test_records_add_up(batches: list[list[float]], failed: int) -> None:
    cells = _words()
    for batch in batches:
        record(cells, batch, failed)
    every = [seconds for batch in batches for seconds in batch]
    expected = Histogram()
    expected.add((bucket_of(int(seconds * 1e9)), 1) for seconds in every)
    histogram, longest = latency_of([cells])
    assert histogram.counts == expected.counts
    assert longest == (pytest.approx(max(every), abs=1e-8) if every else None)
    assert counts_of(cells)[1:] == (len(every), failed * len(batches))


def test_processes_are_taken_together() -> None:
    one, two = _words(), _words()
    record(one, [0.001] * 99, 0)
    record(two, [2.0], 0)
    histogram, longest = latency_of([one, two])
    assert histogram.count == 100
    assert histogram.quantile_seconds(0.5) == pytest.approx(0.001, rel=0.07)
    assert longest == 2.0


def test_what_is_neither_delivered_nor_failed_is_under_way() -> None:
    cells = _words()
    cells[PRODUCED] = 10
    record(cells, [0.1] * 4, 1)
    assert counts_of(cells) == Counts(10, 4, 1)
    assert counts_of(cells).under_way == 5
