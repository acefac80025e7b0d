"""The first parameter's annotation says what a handler gets; what does not fit says why."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.worker import handlers
from tests.worker.batches import batch
from ticketpool import Context, Record, Ticket
from ticketpool.core.model import INT64_MAX
from ticketpool.worker.decoding import Undecodable
from ticketpool.worker.loading import load
from ticketpool.worker.place import drive
from ticketpool.worker.where import Where

TICKET = b'{"id":"a","timestamp":"2024-01-02T03:04:05.123456789Z","order_id":7,"data":"x","more":1}'
AS_TICKET = Ticket(
    id="a",
    timestamp=datetime(2024, 1, 2, 3, 4, 5, 123457, UTC),
    order_id=7,
    data="x",
)


@pytest.fixture(autouse=True)
def _no_calls() -> Iterator[None]:
    yield
    handlers.calls.clear()


def handle(name: str, value: bytes | None, attempt: int = 1) -> Any:
    """What the handler was called with for a record of this value."""
    loaded = load(f"tests.worker.handlers:{name}")
    columns: tuple[Any, ...] = ()
    if loaded.wants_record:
        columns = [None, b"k"], [(), (("h", b"1"), ("h", None))], [0, 1_700_000_000_123]
    loaded.call_for(Where("t", 3, 2))(batch(9, [40, 42], [b"", value], *columns), 1, attempt)
    return handlers.calls[-1]


@pytest.mark.parametrize(
    ("name", "value", "seen"),
    [
        ("unannotated", TICKET, AS_TICKET),
        ("ticket", TICKET, AS_TICKET),
        ("struct", b'{"number":1,"lines":["x"]}', handlers.Order(1, ["x"])),
        ("a_dataclass", b'{"number":1}', handlers.Plan(1)),
        ("typed_dict", b'{"number":1}', {"number": 1}),
        ("a_dict", b'{"any":[1,null]}', {"any": [1, None]}),
        ("tree", b'{"children":[{"children":[]}]}', handlers.Tree([handlers.Tree([])])),
        ("raw", b"\xff\x00", b"\xff\x00"),
        ("raw", b"", b""),
        ("raw_or_null", None, None),
        ("instance", b"x", b"x"),
        ("instance.method", b"x", b"x"),
        ("nested.inner.handle", b"x", b"x"),
        ("decorated", b"x", b"x"),
        ("partial", b"x", ("p", b"x")),
        ("with_defaults", b"x", (b"x", 3, False, {})),
        ("only_default", b"x", b"x"),
    ],
)
def test_a_payload_as_annotated(name: str, value: bytes | None, seen: object) -> None:
    assert handle(name, value) == seen


CONTEXT = Context(
    topic="t",
    partition=3,
    offset=42,
    key=b"k",
    headers=(("h", b"1"), ("h", None)),
    timestamp=datetime(2023, 11, 14, 22, 13, 20, 123000, UTC),
    attempt=2,
    worker=2,
)
RECORD = Record("t", 3, 42, b"k", b"v", CONTEXT.headers, CONTEXT.timestamp)


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("record", RECORD),
        ("record_and_context", (RECORD, CONTEXT)),
        ("with_context", (b"v", CONTEXT)),
        ("unannotated_context", (b"v", CONTEXT)),
    ],
)
def test_record_and_context_tell_where_it_stands(name: str, seen: object) -> None:
    assert handle(name, b"v", attempt=2) == seen


def test_a_null_reaches_a_handler_of_records() -> None:
    assert handle("record", None).value is None


@pytest.mark.parametrize(
    ("name", "wanted"),
    [("ticket", False), ("raw", False), ("record", True), ("with_context", True)],
)
def test_only_what_asks_for_more_than_the_value_gets_all_columns(name: str, wanted: bool) -> None:
    assert load(f"tests.worker.handlers:{name}").wants_record is wanted


def ticket_with(order_id: str = "7", time: str = "2024-01-02T03:04:05Z") -> bytes:
    return f'{{"id":"a","timestamp":"{time}","order_id":{order_id},"data":"x"}}'.encode()


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("ticket", b"", "the value is empty"),
        ("ticket", None, r"the value is null \(a tombstone\)"),
        ("raw", None, r"annotate bytes \| None to accept it"),
        ("ticket", b"\xff\xfe", "DecodeError"),
        ("ticket", b'{"id":"\xff"}', "UnicodeDecodeError"),
        ("ticket", b"\xef\xbb\xbf" + TICKET, "DecodeError"),  # a byte order mark
        ("ticket", b"not json", "DecodeError"),
        ("ticket", b"[1]", "ValidationError: Expected `object`, got `array`"),
        ("ticket", TICKET + b"}", "DecodeError"),
        ("ticket", b'{"id":"\\ud800"}', "DecodeError"),  # half a surrogate pair
        ("ticket", ticket_with('"7"'), "Expected `int`, got `str` - at `\\$.order_id`"),
        ("ticket", ticket_with(str(INT64_MAX + 1)), "order_id"),
        ("ticket", ticket_with("9" * 25), "order_id"),
        ("ticket", ticket_with("9" * 5000), "ValidationError"),
        ("ticket", ticket_with("1e999"), "ValidationError"),
        ("ticket", ticket_with("NaN"), "DecodeError"),
        ("ticket", ticket_with(time="yesterday"), "Invalid RFC3339"),
        ("ticket", ticket_with(time="2024-01-02T03:04:05"), "timezone"),
        ("ticket", b'{"id":"a"}', "missing required field `timestamp`"),
        ("ticket", b'{"deep":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "RecursionError"),
        ("a_dict", b'{"deep":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "RecursionError"),
    ],
)
def test_what_does_not_fit_says_why(name: str, value: bytes | None, reason: str) -> None:
    with pytest.raises(Undecodable, match=reason):
        handle(name, value)


@given(st.binary(max_size=100))
def test_any_bytes_decode_or_are_undecodable(value: bytes) -> None:
    decode = load("tests.worker.handlers:a_dict").call_for(Where("t", 0, 0))
    try:
        decode(batch(1, [0], [value]), 0, 1)
    except Undecodable:
        return
    assert isinstance(handlers.calls.pop(), dict)


def handle_batch(name: str, *values: bytes, attempt: int = 1) -> Any:
    """What a batch handler was called with."""
    loaded = load(f"tests.worker.handlers:{name}")
    assert loaded.is_batch
    columns: tuple[Any, ...] = ()
    if loaded.wants_record:
        columns = [b"k"] * len(values), [()] * len(values), [1_700_000_000_123] * len(values)
    frame = batch(9, [40 + 2 * i for i in range(len(values))], values, *columns)
    call = loaded.batch_call_for(Where("t", 3, 2))
    payloads = [call.payload(frame, i) for i in range(len(values))]
    drive(call.run(payloads, [(frame, i, attempt) for i in range(len(values))]))
    return handlers.calls[-1]


def test_a_batch_handler_gets_a_list_of_payloads_and_one_of_contexts() -> None:
    values, contexts = handle_batch("batch_and_contexts", b"a", b"b", attempt=2)
    assert values == [b"a", b"b"]
    assert [(c.offset, c.key, c.attempt, c.worker) for c in contexts] == [
        (40, b"k", 2, 2),
        (42, b"k", 2, 2),
    ]


@pytest.mark.parametrize(
    ("name", "is_async", "is_batch", "wanted"),
    [
        ("ticket", False, False, False),
        ("coroutine", True, False, False),
        ("async_partial", True, False, False),
        ("async_instance", True, False, False),
        ("batch", False, True, False),
        ("async_batch", True, True, False),
        ("batch_and_contexts", False, True, True),
        ("records_batch", False, True, True),
    ],
)
def test_the_shape_of_a_handler_is_known_from_its_signature(
    name: str, is_async: bool, is_batch: bool, wanted: bool
) -> None:
    loaded = load(f"tests.worker.handlers:{name}")
    found = (loaded.is_async, loaded.is_batch, loaded.wants_record)
    assert found == (is_async, is_batch, wanted)


def test_a_batch_of_lists_is_a_batch_of_arrays() -> None:
    call = load("tests.worker.handlers:lists_batch").batch_call_for(Where("t", 0, 0))
    assert call.payload(batch(1, [0], [b"[1,2]"]), 0) == [1, 2]


def test_what_does_not_fit_in_a_batch_says_why() -> None:
    call = load("tests.worker.handlers:batch").batch_call_for(Where("t", 0, 0))
    with pytest.raises(Undecodable, match="DecodeError"):
        call.payload(batch(1, [0], [b"not json"]), 0)
