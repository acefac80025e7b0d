"""What was replayed is remembered for each letter, in what fits beside a committed offset.

In doubt because a filter leaves holes, and 4 kB hold any pattern only up to a point.
"""

import random

from hypothesis import given
from hypothesis import strategies as st

from ticketpool.core.replayed import Replayed

BROKERS_LIMIT = 4096
offsets = st.integers(0, 300)


def told(one: Replayed, until: int = 400) -> set[int]:
    return {offset for offset in range(until) if offset in one}


@given(st.integers(0, 40), st.lists(st.tuples(st.booleans(), offsets), max_size=80))
def test_it_knows_exactly_what_is_done_also_after_a_restart(
    low: int, deeds: list[tuple[bool, int]]
) -> None:
    one, done = Replayed(low), set(range(low))
    for is_pass, offset in deeds:
        if is_pass and offset % 7 == 0:
            one.pass_to(offset)
            done |= set(range(offset))
        else:
            one.add(offset)
            done.add(offset)
        assert told(one) == done
        assert one.low == min(set(range(402)) - done)
        one = Replayed(one.low, one.memo())
        assert told(one) == done


def test_nothing_past_the_offset_needs_no_memo() -> None:
    one = Replayed(13)
    assert one.memo() == ""
    one.add(14)
    assert one.memo() != ""
    one.add(13)
    assert (one.low, one.memo()) == (15, "")


@given(st.text(max_size=50))
def test_what_others_have_committed_is_not_believed(memo: str) -> None:
    assert told(Replayed(5, memo)) == set(range(5))


def test_broken_memos_are_not_believed() -> None:
    one = Replayed()
    one.add(20)
    memo = one.memo()
    for broken in (memo.replace("bits", "x"), memo.replace('0,"', '8,"'), memo[:-6] + memo[-2:]):
        assert told(Replayed(0, broken)) == set()
    assert told(Replayed(0, '{"ticketpool_replayed":0,"bits":"!!!"}')) == set()
    assert told(Replayed(0, '{"ticketpool_replayed":0,"bits":"AAAA"}')) == set()


def test_a_memo_never_takes_back_the_offset() -> None:
    one = Replayed()
    one.add(2)
    one.add(7)
    assert told(Replayed(5, one.memo())) == {0, 1, 2, 3, 4, 7}


def test_it_is_crowded_before_it_fits_no_more() -> None:
    drawn, one, count = random.Random(3), Replayed(), 0
    for offset in range(1, 100_000):
        if drawn.random() < 0.5:
            one.add(offset)
            count += 1
            if count % 200 == 0 and one.crowded:
                break
    assert 15_000 < offset < 40_000
    assert len(one.memo()) < BROKERS_LIMIT


def test_long_stretches_are_never_too_much() -> None:
    one = Replayed()
    for offset in range(1, 200_000):
        one.add(offset)
    assert not one.crowded
    assert len(one.memo()) < 1_000
