"""A batch is cut where the partition changes, and nowhere else; nothing changes its order.

In doubt because runs are found by counting and comparing columns, not record by record.
"""

from hypothesis import given
from hypothesis import strategies as st

from tests.core.naive import FakeRecord
from ticketpool.core.grouping import group
from ticketpool.core.model import Partition

PARTITIONS = [Partition(topic, number) for topic in ("a", "b") for number in (0, 1, 300)]
Runs = list[tuple[Partition, list[FakeRecord]]]


def at_of(record: FakeRecord) -> Partition:
    return Partition(record.topic(), record.partition())


def naive_runs(records: list[FakeRecord]) -> Runs:
    """Record by record."""
    runs: Runs = []
    for record in records:
        if not runs or runs[-1][0] != at_of(record):
            runs.append((at_of(record), []))
        runs[-1][1].append(record)
    return runs


@given(st.lists(st.sampled_from(PARTITIONS), max_size=12))
def test_records_are_grouped_in_runs_of_one_partition_in_the_order_read(
    at: list[Partition],
) -> None:
    read = [FakeRecord(offset, 1, one) for offset, one in enumerate(at)]
    assert list(group(read)) == naive_runs(read)


@given(st.lists(st.integers(0, 3) | st.integers(300, 302), max_size=12))
def test_records_of_the_only_topic_are_grouped_alike(numbers: list[int]) -> None:
    read = [FakeRecord(n, 1, Partition("t", number)) for n, number in enumerate(numbers)]
    assert list(group(read, "t")) == list(group(read)) == naive_runs(read)
