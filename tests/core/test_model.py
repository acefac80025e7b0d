"""Tickets fit the Go struct's JSON, and any record's timestamp becomes a time."""

from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ticketpool import Context, PartialFailure, Record, Ticket
from ticketpool.core.model import INT64_MAX, INT64_MIN, Drain, Partition, from_millis


def ticket_json(**changes: object) -> bytes:
    fields = {"id": "a", "timestamp": "2024-01-02T03:04:05Z", "order_id": 1, "data": "x"}
    return msgspec.json.encode(fields | changes)


def decode(raw: bytes) -> Ticket:
    return msgspec.json.decode(raw, type=Ticket)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2024-01-02T03:04:05Z", "2024-01-02T03:04:05+00:00"),
        ("2024-01-02T03:04:05.1Z", "2024-01-02T03:04:05.100000+00:00"),
        ("2024-01-02T03:04:05.123456789Z", "2024-01-02T03:04:05.123457+00:00"),
        ("2024-01-02T03:04:05.999999999Z", "2024-01-02T03:04:06+00:00"),
        ("2024-01-02T03:04:05.5+02:00", "2024-01-02T03:04:05.500000+02:00"),
    ],
)
def test_a_go_timestamp_up_to_nanoseconds_is_read(written: str, read: str) -> None:
    assert decode(ticket_json(timestamp=written)).timestamp.isoformat() == read


@given(
    st.builds(
        Ticket,
        id=st.text(),
        timestamp=st.datetimes(timezones=st.just(UTC)),
        order_id=st.integers(INT64_MIN, INT64_MAX),
        data=st.text(),
    )
)
def test_a_ticket_survives_its_own_json(ticket: Ticket) -> None:
    assert decode(msgspec.json.encode(ticket)) == ticket


@pytest.mark.parametrize(
    "changes",
    [
        {"order_id": INT64_MAX + 1},
        {"order_id": INT64_MIN - 1},
        {"order_id": 1.5},
        {"order_id": "1"},
        {"order_id": True},
        {"timestamp": "2024-01-02T03:04:05"},  # no offset: not RFC 3339
        {"timestamp": 1},
        {"id": None},
        {"data": 5},
    ],
)
def test_what_the_struct_cannot_hold_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        decode(ticket_json(**changes))


def test_unknown_fields_are_ignored_and_missing_ones_are_not() -> None:
    assert decode(ticket_json(more=[1, {"deep": None}])).id == "a"
    with pytest.raises(msgspec.ValidationError, match="order_id"):
        decode(b'{"id":"a","timestamp":"2024-01-02T03:04:05Z","data":"x"}')


@given(st.integers(-(2**63), 2**63 - 1))
def test_any_timestamp_becomes_a_time(millis: int) -> None:
    """A producer may write any 64-bit number there."""
    time = from_millis(millis)
    assert time.tzinfo is UTC
    if datetime.min.replace(tzinfo=UTC) < time < datetime.max.replace(tzinfo=UTC):
        since = time - datetime(1970, 1, 1, tzinfo=UTC)
        assert since.total_seconds() * 1000 == pytest.approx(millis, abs=1e-2)


@pytest.mark.parametrize(
    ("millis", "shown"),
    [
        (0, "1970-01-01T00:00:00+00:00"),
        (-1, "1969-12-31T23:59:59.999000+00:00"),
        (1_700_000_000_123, "2023-11-14T22:13:20.123000+00:00"),
        (2**62, "9999-12-31T23:59:59.999999+00:00"),
        (-(2**62), "0001-01-01T00:00:00+00:00"),
    ],
)
def test_milliseconds_are_exact(millis: int, shown: str) -> None:
    assert from_millis(millis).isoformat() == shown


def test_what_handlers_get_to_see_cannot_be_changed() -> None:
    now = datetime.now(UTC)
    for value in (
        Context("t", 0, 1, None, (), now, attempt=1, worker=0),
        Record("t", 0, 1, None, b"", (), now),
    ):
        with pytest.raises(AttributeError):
            value.offset = 2  # type: ignore[misc]


def test_a_partition_reads_as_in_kafka_logs() -> None:
    assert str(Partition("tickets", 3)) == "tickets[3]"


def test_contexts_hear_of_the_drain_of_their_lane_at_once() -> None:
    drain, other = Drain(), Drain()
    fields = ("t", 0, 7, b"k", (), from_millis(0), 1, 0)
    before, beside = Context(*fields, drain), Context(*fields, other)
    assert [before.cancelled, beside.cancelled] == [False, False]
    drain.begun = True
    assert [before.cancelled, beside.cancelled] == [True, False]
    assert not Context(*fields).cancelled


def test_a_drain_is_no_part_of_what_a_context_tells() -> None:
    fields = ("t", 0, 7, b"k", (), from_millis(0), 1, 0)
    drain = Drain()
    drain.begun = True
    assert Context(*fields, drain) == Context(*fields)
    assert hash(Context(*fields, drain)) == hash(Context(*fields))
    assert drain != object()


def test_a_partial_failure_names_its_record() -> None:
    error = ValueError("no such customer")
    failure = PartialFailure(2, error)
    assert (failure.index, failure.error) == (2, error)
    assert str(failure) == "record 2 of the batch: ValueError: no such customer"
