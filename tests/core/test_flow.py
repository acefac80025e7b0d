"""Credits and buffers are bounded, and pause and resume are far apart."""

import pytest

from tests.core.naive import AT, fill
from ticketpool.core.flow import (
    RECORD_BYTES,
    Limits,
    is_hungry,
    may_send,
    should_pause,
    should_resume,
)
from ticketpool.core.ledger import Ledger

LIMITS = Limits(
    batch_records=2,
    window_records=4,
    window_bytes=40,
    buffer_records=10,
    buffer_bytes=100,
)


def ledger_with(buffered: int, *, in_flight: int = 0, size: int = 1) -> Ledger:
    ledger = Ledger(AT, 0)
    fill(ledger, *range(in_flight + buffered + 1), size=size)
    for _ in range(in_flight):
        ledger.take(1, 1000)
    if not buffered:
        ledger.take(1, 1000)
        ledger.settle(0)
    return ledger


@pytest.mark.parametrize(("in_flight", "allowed"), [(0, True), (3, True), (4, False), (5, False)])
def test_a_lane_may_send_while_its_window_has_room(in_flight: int, allowed: bool) -> None:
    assert may_send(ledger_with(3, in_flight=in_flight), LIMITS) is allowed


def test_a_lane_may_send_while_its_window_has_bytes_left() -> None:
    assert may_send(ledger_with(3, in_flight=3, size=13), LIMITS)  # 39 of 40
    assert not may_send(ledger_with(3, in_flight=2, size=20), LIMITS)


def test_outputs_that_are_not_acknowledged_use_credit_as_what_is_in_flight() -> None:
    ledger = ledger_with(3, in_flight=2, size=10)
    ledger.output_bytes = 19
    assert may_send(ledger, LIMITS)  # 39 of 40
    ledger.output_bytes = 20
    assert not may_send(ledger, LIMITS)


@pytest.mark.parametrize("held", [[0, 1, 2, 3], [0]])
def test_what_is_finished_behind_a_held_record_uses_credit(held: list[int]) -> None:
    """With a dead-letter topic that can't be written, a lane would work on without end, and
    a crash would repeat all of it."""
    ledger = ledger_with(3, in_flight=4)
    for offset in held:
        ledger.hold(offset)
    ledger.settle(3)
    assert not may_send(ledger, LIMITS)
    ledger.release(0)
    assert may_send(ledger, LIMITS)


@pytest.mark.parametrize(("buffered", "hungry"), [(0, True), (1, True), (2, False), (9, False)])
def test_a_lane_that_cannot_fill_a_frame_is_hungry(buffered: int, hungry: bool) -> None:
    ledger = Ledger(AT, 0)
    for offset in range(buffered):
        fill(ledger, offset)
    assert is_hungry(ledger, LIMITS) is hungry


def test_a_lane_whose_buffer_holds_large_records_is_not_hungry() -> None:
    ledger = Ledger(AT, 0)
    fill(ledger, 0, size=50)  # of 100 bytes at which it pauses
    assert not is_hungry(ledger, LIMITS)


def test_an_empty_lane_has_nothing_to_send() -> None:
    assert may_send(Ledger(AT, 0), LIMITS) is False


@pytest.mark.parametrize(
    ("buffered", "pause", "resume"),
    [(1, False, True), (2, False, True), (3, False, False), (9, False, False)],
)
def test_pause_above_resume_below_a_quarter(buffered: int, pause: bool, resume: bool) -> None:
    ledger = Ledger(AT, 0)
    fill(ledger, *range(buffered))
    assert should_pause(ledger, LIMITS) is pause
    assert should_resume(ledger, LIMITS) is resume


@pytest.mark.parametrize(("size", "pause", "resume"), [(12, False, True), (13, False, False)])
def test_bytes_count_as_records_do(size: int, pause: bool, resume: bool) -> None:
    ledger = Ledger(AT, 0)
    fill(ledger, 0, 1, size=size)
    assert should_pause(ledger, LIMITS) is pause
    assert should_resume(ledger, LIMITS) is resume


def test_a_full_buffer_pauses() -> None:
    by_count, by_bytes = Ledger(AT, 0), Ledger(AT, 0)
    fill(by_count, *range(10))
    fill(by_bytes, 0, 1, size=50)
    assert should_pause(by_count, LIMITS)
    assert should_pause(by_bytes, LIMITS)


@pytest.mark.parametrize(
    ("partitions", "expected"), [(0, 1 << 20), (1, 1 << 20), (8, 128 << 10), (1000, 64 << 10)]
)
def test_partitions_share_the_bytes_down_to_a_floor(partitions: int, expected: int) -> None:
    shared = Limits(buffer_bytes=2 << 20).shared_by(partitions, 1 << 20)
    assert shared.buffer_bytes == expected
    assert shared.buffer_records == expected // RECORD_BYTES  # small ones take memory too


def test_sharing_never_raises_a_partition_above_its_own_limit() -> None:
    assert Limits(buffer_bytes=1000).shared_by(1, 1 << 30).buffer_bytes == 1000
