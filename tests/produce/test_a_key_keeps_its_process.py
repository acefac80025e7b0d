"""All lines of a key go to one process, in the order of the input."""

from collections import defaultdict

from hypothesis import given
from hypothesis import strategies as st

from ticketpool.produce.items import Item
from ticketpool.produce.routing import Router

KEYS = st.lists(st.none() | st.binary(max_size=3), max_size=200)


@given(KEYS, st.integers(1, 5), st.integers(1, 50))
def test_one_process_per_key_in_order_and_nothing_lost(
    keys: list[bytes | None], workers: int, taken_every: int
) -> None:
    router, places, order = Router(workers), defaultdict(set), defaultdict(list)
    frames = []
    for n, key in enumerate(keys):
        router.add(Item(key, b"%d" % n, None))
        if n % taken_every == 0:
            frames += router.take()
    for slot, frame in [*frames, *router.take()]:
        for key, value in zip(frame.keys, frame.values, strict=True):
            places[key].add(slot)
            order[key].append(int(value))
    assert all(len(slots) == 1 for key, slots in places.items() if key is not None)
    assert all(numbers == sorted(numbers) for key, numbers in order.items() if key is not None)
    assert sorted(n for numbers in order.values() for n in numbers) == list(range(len(keys)))


def test_keys_are_spread() -> None:
    router = Router(4)
    slots = [router.slot(b"key-%d" % n) for n in range(1000)]
    assert all(200 < slots.count(slot) < 300 for slot in range(4))


def test_lines_without_a_key_take_turns() -> None:
    router = Router(2)
    slots = [router.slot(None) for _ in range(4096)]
    assert slots.count(0) == slots.count(1)


def test_times_travel_only_where_there_are_some() -> None:
    router = Router(1)
    router.add(Item(None, b"1", None))
    assert router.take()[0][1].timestamps == []
    router.add(Item(None, b"1", None))
    router.add(Item(None, b"2", 5))
    assert router.take()[0][1].timestamps == [None, 5]
    assert router.take() == []
