"""What is in a partition's way is named, and of several things the one to be mended first."""

import pytest

from tests.core.naive import AT, fill
from ticketpool.core.causes import Around, Cause, Delay, cause_of
from ticketpool.core.lane import Lane
from ticketpool.core.ledger import Ledger


def make_lane(*offsets: int) -> Lane:
    lane = Lane(AT, Ledger(AT, 0), slot=0, index=0)
    if offsets:
        fill(lane.ledger, *offsets)
    return lane


EVERYTHING = Around(
    broker=9.0, leader="no leader", worker="worker 0 is down", suspect="tickets[7] offset 3"
)


def test_a_lane_that_gets_on_waits_for_nothing() -> None:
    assert cause_of(make_lane(0, 1), 2) is None


def test_an_idle_one_waits_for_nobody_but_the_broker() -> None:
    lane = make_lane()
    assert cause_of(lane, 0, EVERYTHING._replace(broker=None)) is None
    assert cause_of(lane, None, EVERYTHING._replace(broker=None)) is None
    assert cause_of(lane, 0, EVERYTHING) == Cause("broker", seconds=9.0)


def test_what_has_lag_waits_also_when_nothing_of_it_is_read() -> None:
    around = EVERYTHING._replace(broker=None)
    assert cause_of(make_lane(), 5, around) == Cause("worker", None, "worker 0 is down")


def test_the_order_is_that_in_which_they_can_be_mended() -> None:
    lane = make_lane(4, 5)
    lane.out_of_range = lane.held = True
    assert cause_of(lane, 2, EVERYTHING) == Cause("broker", seconds=9.0)
    around = EVERYTHING._replace(broker=None)
    assert cause_of(lane, 2, around) == Cause("out-of-range", 6)
    lane.out_of_range = False
    assert cause_of(lane, 2, around) == Cause("paused", 4)
    lane.held = False
    assert cause_of(lane, 2, around) == Cause("worker", 4, "worker 0 is down")
    around = around._replace(worker="")
    lane.in_trouble(4).failed(2, "LookupError: x")
    assert cause_of(lane, 2, around) == Cause("retrying", 4, "LookupError: x")
    lane.in_trouble(4).died(alone=True)
    assert cause_of(lane, 2, around) == Cause("crashed", 4, deaths=1)
    lane.trouble = None
    assert cause_of(lane, 2, around) == Cause("fetch", 6, "no leader")
    around = around._replace(leader="")
    assert cause_of(lane, 2, around) == Cause("crashed", None, "tickets[7] offset 3")


def test_trouble_of_a_record_that_is_not_next_is_not_its_lanes() -> None:
    lane = make_lane(4, 5)
    lane.in_trouble(5).failed(1, "")
    assert cause_of(lane, 2) is None
    lane.in_trouble(4)  # nothing is held against it
    assert cause_of(lane, 2) is None


def test_the_suspect_does_not_wait_for_itself() -> None:
    lane = make_lane(4)
    lane.caution, lane.has_turn = 5, True
    assert cause_of(lane, 1, Around(suspect="tickets[3] offset 4")) is None


def test_a_cautious_lane_waits_for_its_turn() -> None:
    lane = make_lane(4)
    lane.caution = 5
    assert cause_of(lane, 1) == Cause("crashed", 4)
    assert cause_of(make_lane(), 0) is None


@pytest.mark.parametrize("kind", ["dead-letter", "output"])
def test_the_first_held_record_is_named_with_what_delays_it(kind: str) -> None:
    lane = make_lane(4, 5)
    lane.ledger.take(2, 100)
    lane.ledger.hold(4)
    lane.ledger.settle(5)
    lane.sending = int(kind == "output")
    assert cause_of(lane, 2) == Cause(kind, 4)
    delay = Delay(kind, 4, "shop.dlq", "no such topic")
    assert cause_of(lane, 2, Around(delay=delay)) == Cause(
        kind, 4, "no such topic", topic="shop.dlq"
    )
    lane.abandoned = 1
    assert cause_of(lane, 2) is None
    lane.ledger.release(4)
    lane.abandoned = 0
    assert cause_of(lane, 0) is None


def test_a_cautious_lane_without_records_has_no_turn_to_wait_for() -> None:
    lane = make_lane()
    lane.caution = 5
    assert cause_of(lane, 3) is None
