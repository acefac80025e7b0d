"""A reset of offsets is decided before anything is changed, and says what it means.

In doubt because ``--to`` takes five kinds of places in one option, Kafka gives negative times a
meaning of their own, and an offset beyond the log would leave a partition out of range.
"""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ticketpool.core.model import Partition
from ticketpool.core.reset import (
    Difference,
    Edge,
    Extent,
    Moment,
    Offset,
    Target,
    differences,
    move,
    target,
)
from ticketpool.core.trouble import Position, Trouble, memo_of

NOW = datetime(2026, 1, 2, 3, 0, 0, tzinfo=UTC)
NOW_MS = 1_767_322_800_000
HERE = Partition("tickets", 3)
LOG = Extent(100, 500)

offsets = st.integers(0, 2**63 - 1)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("earliest", Edge.EARLIEST),
        ("latest", Edge.LATEST),
        ("0", Offset(0)),
        ("0042", Offset(42)),
        (str(2**63 - 1), Offset(2**63 - 1)),
        ("2026-01-02T03:00:00Z", Moment(NOW_MS)),
        ("2026-01-02t03:00:00.250z", Moment(NOW_MS + 250)),
        ("2026-01-02 03:00:00+00:00", Moment(NOW_MS)),
        ("2026-01-02T05:30:00+02:30", Moment(NOW_MS)),
        ("1969-12-31T23:59:59Z", Moment(0)),
        ("0001-01-01T00:00:00+02:00", Moment(0)),
        ("9999-12-31T23:59:59-02:00", Moment(253_402_308_000_000 - 1000)),
        ("-90s", Moment(NOW_MS - 90_000)),
        ("-1h30m", Moment(NOW_MS - 5_400_000)),
        ("-2w1d", Moment(NOW_MS - 15 * 86_400_000)),
        ("-100000d", Moment(0)),
    ],
)
def test_a_place_is_understood(text: str, expected: Target) -> None:
    assert target(text, NOW) == expected


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "write earliest, latest, an offset"),
        ("Earliest", "write earliest, latest, an offset"),
        ("2h", "write earliest, latest, an offset"),
        ("-100", "write earliest, latest, an offset"),
        ("-2x", "write earliest, latest, an offset"),
        ("+5", "write earliest, latest, an offset"),
        ("1.5", "write earliest, latest, an offset"),
        ("٣", "write earliest, latest, an offset"),
        ("2026-01-02", "write earliest, latest, an offset"),
        ("yesterday", "write earliest, latest, an offset"),
        ("2026-01-02T03:04:05", "add Z for UTC"),
        ("2026-13-02T03:04:05Z", "no such time"),
        ("2026-02-30T03:04:05Z", "no such time"),
        (str(2**63), "no offset is that large"),
        ("9" * 5000, "no offset is that large"),
        ("-9999999999d", "longer than the calendar is"),
        ("-800000d", "longer than the calendar is"),
        ("-" + "9" * 5000 + "s", "longer than the calendar is"),
    ],
)
def test_what_is_no_place_is_refused_in_words(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint) as told:
        target(text, NOW)
    assert len(str(told.value)) < 200


@given(st.text())
def test_any_text_is_a_place_or_refused(text: str) -> None:
    try:
        found = target(text, NOW)
    except ValueError:
        return
    assert not isinstance(found, Moment) or found.millis >= 0


@pytest.mark.parametrize(
    ("wanted", "committed", "after", "skipped", "repeated", "notes"),
    [
        (Edge.EARLIEST, 300, 100, 0, 200, ()),
        (Edge.LATEST, 300, 500, 200, 0, ()),
        (Offset(250), 300, 250, 0, 50, ()),
        (Offset(100), 300, 100, 0, 200, ()),
        (Offset(500), 300, 500, 200, 0, ()),
        (Offset(99), 300, 100, 0, 200, ("99 is deleted: to the log's start",)),
        (Offset(501), 300, 500, 200, 0, ("501 is not written yet: to the log's end",)),
        (Offset(300), 300, 300, 0, 0, ()),
        (Offset(250), None, 250, 0, 0, ()),
        (Offset(250), 7, 250, 150, 0, ("the committed offset 7 is deleted",)),
        (Offset(250), 900, 250, 0, 250, ()),
    ],
)
def test_what_it_means_is_told(
    wanted: Target, committed: int | None, after: int, skipped: int, repeated: int,
    notes: tuple[str, ...],
) -> None:  # fmt: skip
    position = None if committed is None else Position(committed)
    planned = move(wanted, HERE, position, LOG)
    assert (planned.before, planned.after) == (committed, after)
    assert (planned.skipped, planned.repeated, planned.notes) == (skipped, repeated, notes)
    assert planned.changes == (committed != after)


@pytest.mark.parametrize(
    ("found", "after", "notes"),
    [
        (250, 250, ()),
        (None, 500, ("no record is that young: to the end",)),
        (40, 100, ()),  # deleted between two questions
    ],
)
def test_a_time_is_where_its_first_record_is(
    found: int | None, after: int, notes: tuple[str, ...]
) -> None:
    planned = move(Moment(NOW_MS), HERE, Position(300), LOG, found)
    assert (planned.after, planned.notes) == (after, notes)


def test_a_memo_is_dropped_even_where_the_offset_stays() -> None:
    memo = memo_of(Trouble(300, attempts=2))
    planned = move(Offset(300), HERE, Position(300, memo), LOG)
    assert planned.changes
    assert planned.notes == ("drops the memo: offset 300: 2 failed calls",)


@given(offsets, offsets, offsets, st.one_of(st.none(), offsets))
def test_it_never_leads_out_of_the_log(
    one: int, other: int, wanted: int, committed: int | None
) -> None:
    log = Extent(min(one, other), max(one, other))
    position = None if committed is None else Position(committed)
    planned = move(Offset(wanted), HERE, position, log)
    assert log.start <= planned.after <= log.end
    assert 0 <= planned.skipped + planned.repeated <= log.records
    assert not (planned.skipped and planned.repeated)


def test_what_the_broker_shows_is_held_against_the_plan() -> None:
    there, not_there, nowhere = Partition("t", 0), Partition("t", 1), Partition("t", 2)
    moves = [move(Offset(250), one, None, LOG) for one in (there, not_there, nowhere)]
    shown = {there: Position(250), not_there: Position(7), HERE: Position(1)}
    assert differences(moves, shown) == [
        Difference(not_there, 250, 7),
        Difference(nowhere, 250, None),
    ]
