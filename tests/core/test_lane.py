"""What is held against a lane's record is gone once it is finished, and told until then."""

from tests.core.naive import AT, fill
from ticketpool.core.flow import Limits
from ticketpool.core.lane import Counts, Lane, LaneState
from ticketpool.core.ledger import Ledger
from ticketpool.core.parking import Fate, ParkedKeys
from ticketpool.core.trouble import Position, Trouble, memo_of, trouble_of


def make_lane(*offsets: int) -> Lane:
    lane = Lane(AT, Ledger(AT, 0), slot=2, index=1)
    if offsets:
        fill(lane.ledger, *offsets)
    return lane


def memo(lane: Lane) -> tuple[int, int, int] | None:
    """What a commit would tell now of a record: offset, attempts, deaths."""
    position = lane.position()
    trouble = trouble_of(position.memo) if position else None
    return (trouble.offset, trouble.attempts, trouble.crashes) if trouble else None


def test_a_new_lane_is_open_unknown_to_its_worker_and_without_blame() -> None:
    lane = make_lane()
    assert (lane.state, lane.opened, lane.trouble) == (LaneState.OPEN, False, None)
    assert not lane.suspect
    assert lane.committed is None
    assert lane.next_record is None
    counts = {name: getattr(lane.counts, name) for name in Counts.__slots__}
    assert {name: getattr(one, "count", one) for name, one in counts.items()} == dict.fromkeys(
        Counts.__slots__, 0
    )


def test_before_anything_is_known_nothing_can_be_committed() -> None:
    lane = Lane(AT, Ledger(AT, None), slot=0, index=0)
    assert lane.position() is None
    assert not lane.announced


def test_what_is_held_against_a_record_stays_until_it_is_finished() -> None:
    lane = make_lane(0, 1)
    lane.ledger.take(10, 100)
    lane.in_trouble(1).crashes += 1
    assert lane.in_trouble(1).crashes == 1
    lane.progress(lane.ledger.settle(0))
    assert lane.in_trouble(1).crashes == 1
    lane.progress(lane.ledger.settle(1))
    assert lane.trouble is None
    lane.progress(0)
    assert lane.trouble is None


def test_trouble_of_another_record_begins_from_nothing() -> None:
    lane = make_lane(0, 1)
    lane.in_trouble(0).attempts = 3
    assert lane.in_trouble(1).attempts == 0


def test_the_first_record_is_charged_in_advance_until_there_is_progress() -> None:
    lane = make_lane(0, 1)
    assert memo(lane) == (0, 0, 1)
    announced = [lane.announced]
    lane.confirmed = lane.position()
    announced.append(lane.announced)
    assert announced == [False, True]
    assert lane.committed == 0
    lane.ledger.take(1, 1)
    assert memo(lane) == (0, 0, 1)
    lane.progress(lane.ledger.settle(0))
    assert memo(lane) is None


def test_a_clean_end_takes_the_charge_back() -> None:
    lane = make_lane(0)
    lane.state = LaneState.CLOSED
    assert memo(lane) is None


def test_attempts_are_told_beside_the_commit() -> None:
    lane = make_lane(0, 1)
    lane.ledger.take(10, 100)
    lane.progress(lane.ledger.settle(0))
    lane.in_trouble(1).attempts = 2
    assert memo(lane) == (1, 2, 0)


def test_a_cautious_lane_announces_only_when_it_has_its_turn() -> None:
    lane = make_lane(0, 1)
    lane.trouble, lane.caution = Trouble(0, 0, 1), 2
    assert lane.suspect
    assert memo(lane) == (0, 0, 1)
    lane.has_turn = True
    assert memo(lane) == (0, 0, 2)
    lane.ledger.take(1, 1)
    lane.progress(lane.ledger.settle(0))
    assert lane.suspect  # one more with caution
    assert memo(lane) == (1, 0, 1)
    lane.ledger.take(1, 1)
    lane.progress(lane.ledger.settle(1))
    assert not lane.suspect


def test_a_memo_is_carried_over_from_the_last_owner() -> None:
    lane = make_lane(0, 1)
    lane.carry_over(Position(0, memo_of(Trouble(1, 2, 1))), Limits())
    assert lane.committed == 0
    assert lane.trouble is not None
    assert (lane.trouble.offset, lane.trouble.attempts, lane.trouble.crashes) == (1, 2, 1)
    assert (lane.caution, lane.watched) == (100, 100_000)
    assert lane.charged == 0  # the next record is another
    lane.ledger.take(1, 1)
    lane.progress(lane.ledger.settle(0))
    assert (lane.caution, lane.watched, lane.charged) == (99, 99_999, 1)


def test_attempts_alone_make_no_suspect() -> None:
    lane = make_lane(0)
    lane.carry_over(Position(0, memo_of(Trouble(0, 2))), Limits())
    assert (lane.suspect, lane.caution, lane.watched) == (False, 0, 1)
    assert memo(lane) == (0, 2, 1)


def test_a_memo_of_what_is_committed_already_tells_nothing() -> None:
    lane = make_lane(0)
    lane.carry_over(Position(5, memo_of(Trouble(4, 0, 2))), Limits())
    assert lane.trouble is None


def test_a_lane_is_quiet_once_closed_and_without_letters_to_wait_for() -> None:
    lane = make_lane(0)
    lane.ledger.take(1, 1)
    lane.ledger.hold(0)
    lane.ledger.settle(0)
    assert not lane.quiet
    lane.state = LaneState.CLOSED
    assert not lane.quiet
    lane.abandoned = 1
    assert lane.quiet


def test_it_has_caught_up_when_all_that_was_there_at_its_assignment_is_finished() -> None:
    empty, full, unread = make_lane(), make_lane(0, 1), Lane(AT, Ledger(AT, None), slot=0, index=0)
    empty.end, full.end = 0, 2
    assert [lane.caught_up for lane in (empty, full, unread)] == [True, False, False]
    full.ledger.take(2, 99)
    full.ledger.settle(1)
    assert full.caught_up


def test_parked_keys_ride_with_the_position_and_come_back_with_it() -> None:
    lane = make_lane(0, 1)
    lane.parking = ParkedKeys()
    lane.ledger.take(10, 100)
    lane.ledger.hold(0)
    lane.parking.note(b"k", 0, (), Fate.DIED)
    lane.progress(lane.ledger.settle(1))
    held = lane.position()
    assert held is not None and "parked" not in held.memo  # the letter is not written yet
    lane.ledger.release(0)
    position = lane.position()
    assert position is not None and position.offset == 2
    later = make_lane()
    later.parking = ParkedKeys()
    later.carry_over(position, Limits())
    assert b"k" in later.parking.current
    assert not later.suspect
    without = make_lane()
    without.carry_over(position, Limits())
    assert without.parking is None
