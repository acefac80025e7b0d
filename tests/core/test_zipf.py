"""Zipf's keys keep all that the uniform schedule promises, and are as busy as the law says.

In doubt because each process works out its own tickets from a shuffled deck.
"""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ticketpool.core.mix import fraction
from ticketpool.core.schedule import Share
from ticketpool.core.zipf import ZipfShare, deck_of, share_of

KEYS = st.integers(1, 40)
WORKERS = st.integers(1, 8)


def _shares(keys: int, workers: int) -> list[ZipfShare]:
    workers = min(keys, workers)
    return [ZipfShare(keys, workers, slot) for slot in range(workers)]


@given(KEYS, WORKERS, st.integers(0, 600))
def test_every_ticket_is_written_once_by_one_process(keys: int, workers: int, limit: int) -> None:
    shares = _shares(keys, workers)
    numbers = [[share.number(i) for i in range(share.rank(limit))] for share in shares]
    assert sorted(n for each in numbers for n in each) == list(range(limit))
    assert all(each == sorted(each) for each in numbers)


@given(KEYS, WORKERS, st.integers(0, 300), st.integers(0, 300))
def test_spans_are_the_same_tickets_with_their_keys(
    keys: int, workers: int, start: int, size: int
) -> None:
    deck = deck_of(keys)
    for share in _shares(keys, workers):
        spans = list(share.spans(start, start + size))
        numbers = [n for span, _ in spans for n in span]
        owned = [share.own_keys[first + i] for span, first in spans for i in range(len(span))]
        assert numbers == [share.number(i) for i in range(start, start + size)]
        assert owned == [deck[n % len(deck)] for n in numbers]


@given(KEYS, WORKERS)
def test_a_key_belongs_to_one_process(keys: int, workers: int) -> None:
    owners = [key for share in _shares(keys, workers) for key in set(share.own_keys)]
    assert sorted(owners) == list(range(keys))


@given(KEYS, WORKERS, st.integers(0, 300))
def test_reach_is_the_least_limit_that_holds_what_was_written(
    keys: int, workers: int, done: int
) -> None:
    for share in _shares(keys, workers):
        assert share.rank(share.reach(done)) == done
        assert done == 0 or share.rank(share.reach(done) - 1) == done - 1


def test_the_first_key_is_as_often_as_there_are_keys_and_the_last_one_once() -> None:
    counts = Counter(deck_of(1000))
    assert (counts[0], counts[1], counts[9], counts[999]) == (1000, 500, 100, 1)


def test_the_deck_is_shuffled() -> None:
    deck = deck_of(1000)
    early = Counter(deck[: len(deck) // 10])
    assert early[0] == pytest.approx(100, rel=0.5)
    assert len(early) > 200


def test_uniform_is_the_plain_share() -> None:
    assert share_of("uniform", 10, 2, 1) == Share(10, 2, 1)
    assert isinstance(share_of("zipf", 10, 2, 1), ZipfShare)


def test_fractions_are_evenly_spread() -> None:
    tenths = Counter(int(fraction(n) * 10) for n in range(10_000))
    assert set(tenths) == set(range(10))
    assert all(count == pytest.approx(1000, rel=0.15) for count in tenths.values())
