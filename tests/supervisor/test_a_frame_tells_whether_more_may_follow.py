"""A batch waits for company only where some may come, or each would lose its whole time-out.

In doubt because the worker can't see why it is sent no more: the record before is not settled,
or the lane is watched, or a few large records have used up what may be in flight.
"""

from collections.abc import Iterator

import pytest

from tests.core.naive import AT, fill
from ticketpool.core.flow import Limits
from ticketpool.core.lane import Lane
from ticketpool.core.router import Router
from ticketpool.core.trouble import Position
from ticketpool.ipc.frames import Records
from ticketpool.supervisor.feed import frame_of

LIMITS = Limits(batch_records=4, first_records=2, window_records=8, window_bytes=100)


@pytest.fixture
def router() -> Router:
    return Router(1, LIMITS, max_crashes=3)


@pytest.fixture
def lane(router: Router) -> Lane:
    """Opened, with nothing held against it, and a commit that the broker knows."""
    lane = router.assign(AT, 0)
    lane.carry_over(Position(0, ""), LIMITS)
    lane.watched = 0
    router.open(lane)
    return lane


def frames(router: Router) -> Iterator[Records]:
    for lane, chunk in router.sendable(0):
        yield frame_of(lane, chunk, LIMITS, whole=False)


def test_more_may_follow_while_there_is_credit(router: Router, lane: Lane) -> None:
    fill(lane.ledger, *range(6))
    assert [frame.no_more for frame in frames(router)] == [False, False]


def test_large_records_use_it_up(router: Router, lane: Lane) -> None:
    fill(lane.ledger, *range(6), size=15)
    assert [frame.no_more for frame in frames(router)] == [False, False]
    fill(lane.ledger, *range(6, 9), size=15)
    assert [frame.no_more for frame in frames(router)] == [True]
    assert list(frames(router)) == []


def test_nothing_follows_a_first_frame_before_it_is_settled(router: Router, lane: Lane) -> None:
    lane.watched = 1
    fill(lane.ledger, *range(6))
    lane.confirmed = lane.position()
    (frame,) = frames(router)
    assert frame.no_more
    assert len(frame.values) == LIMITS.first_records


def test_nothing_follows_a_suspect(router: Router, lane: Lane) -> None:
    fill(lane.ledger, *range(6))
    lane.in_trouble(0).died(alone=False)
    (frame,) = frames(router)
    assert frame.no_more
    assert frame.offsets == range(1)
