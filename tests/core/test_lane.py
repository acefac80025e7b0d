"""What is held against a lane is gone once its suspect is finished."""

from tests.core.naive import AT, fill
from ticketpool.core.lane import Counts, Lane, LaneState
from ticketpool.core.ledger import Ledger


def make_lane() -> Lane:
    lane = Lane(AT, Ledger(AT, 0), slot=2, index=1)
    fill(lane.ledger, 0, 1)
    lane.ledger.take(10, 100)
    return lane


def suspect_of(lane: Lane) -> int | None:
    return lane.suspect


def test_a_new_lane_is_open_unknown_to_its_worker_and_without_blame() -> None:
    lane = make_lane()
    assert (lane.state, lane.opened, lane.suspect) == (LaneState.OPEN, False, None)
    assert lane.settled_past_suspect()
    assert {name: getattr(lane.counts, name) for name in Counts.__slots__} == dict.fromkeys(
        Counts.__slots__, 0
    )


def test_deaths_are_counted_by_record_until_it_is_finished() -> None:
    lane = make_lane()
    assert [lane.charge(0), lane.charge(1), lane.charge(0)] == [1, 1, 2]
    lane.suspect = 0
    assert not lane.settled_past_suspect()
    lane.ledger.settle(0)
    assert lane.settled_past_suspect()
    lane.clear_suspicion()
    assert suspect_of(lane) is None
    lane.clear_suspicion()
    assert lane.crashes == {1: 1}


def test_before_anything_is_settled_a_suspect_is_not_finished() -> None:
    lane = Lane(AT, Ledger(AT, None), slot=0, index=0)
    lane.suspect = 3
    assert not lane.settled_past_suspect()


def test_a_closed_lane_is_quiet_once_its_letters_are_acknowledged_or_abandoned() -> None:
    lane = make_lane()
    lane.ledger.hold(0)
    quiet = [lane.quiet]
    lane.state = LaneState.CLOSED
    quiet.append(lane.quiet)
    lane.abandoned = 1
    quiet.append(lane.quiet)
    lane.ledger.hold(1)
    quiet.append(lane.quiet)
    lane.ledger.release(1)
    quiet.append(lane.quiet)
    assert quiet == [False, False, True, False, True]
