"""What stands in a value is the codec's matter, what comes of it the annotation's.

In doubt because each codec has its own idea of a null, of raw bytes and of a type that it
cannot make, and because a hook is anybody's code.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.worker import handlers, hooks
from tests.worker.batches import batch
from ticketpool import Record, Ticket
from ticketpool.core.model import INT64_MAX, INT64_MIN
from ticketpool.errors import HandlerError, HandlerNotFound, HandlerUnsupported
from ticketpool.worker.codecs import load_codec
from ticketpool.worker.decoding import Undecodable
from ticketpool.worker.loading import load
from ticketpool.worker.where import Where

HOOKS = "tests.worker.hooks"
WHEN = datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _no_calls() -> Iterator[None]:
    yield
    handlers.calls.clear()
    hooks.asked.clear()


def handle(name: str, codec: str, value: bytes | None) -> Any:
    """What the handler was called with."""
    loaded = load(f"tests.worker.handlers:{name}", load_codec(codec))
    columns: tuple[Any, ...] = ([None], [()], [0]) if loaded.wants_record else ()
    loaded.call_for(Where("t", 0, 0))(batch(1, [0], [value], *columns), 0, 1)
    return handlers.calls[-1]


def packed(**fields: Any) -> bytes:
    return msgspec.msgpack.encode(fields)


def ticket(order_id: int, when: Any = WHEN) -> dict[str, Any]:
    return {"id": "a", "timestamp": when, "order_id": order_id, "data": "x"}


@pytest.mark.parametrize(
    ("name", "codec", "value", "seen"),
    [
        ("struct", "msgpack", packed(number=1, lines=["x"]), handlers.Order(1, ["x"])),
        ("a_dataclass", "msgpack", packed(number=1), handlers.Plan(1)),
        ("a_dict", "msgpack", packed(any=[1, None]), {"any": [1, None]}),
        ("unannotated", "bytes", b"\xff", b"\xff"),
        ("raw", "bytes", b"\xff", b"\xff"),
        ("raw_or_null", "bytes", None, None),
        ("struct", f"{HOOKS}:framed", b'\x07{"number":1}', handlers.Order(1)),
        ("pair", f"{HOOKS}:Kind", b"1 2", (1, 2)),
    ],
)
def test_a_payload_as_encoded(name: str, codec: str, value: bytes | None, seen: object) -> None:
    assert handle(name, codec, value) == seen


@pytest.mark.parametrize("codec", ["json", "msgpack", "bytes", f"{HOOKS}:framed"])
def test_whoever_asks_for_bytes_or_the_record_gets_them_from_any_codec(codec: str) -> None:
    assert handle("raw", codec, b"\xc1") == b"\xc1"
    assert handle("raw_or_null", codec, None) is None
    assert handle("record", codec, b"\xc1") == Record("t", 0, 0, None, b"\xc1", (), _epoch())


def _epoch() -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(("name", "kind"), [("struct", handlers.Order), ("unannotated", Ticket)])
def test_a_hook_is_asked_once_with_the_annotation(name: str, kind: type) -> None:
    load(f"tests.worker.handlers:{name}", load_codec(f"{HOOKS}:framed"))
    assert hooks.asked == [kind]


@pytest.mark.parametrize("codec", ["json", "msgpack"])
@pytest.mark.parametrize("order_id", [INT64_MIN, -1, 0, INT64_MAX])
def test_all_64_bits_of_an_order_id(codec: str, order_id: int) -> None:
    encode = getattr(msgspec, codec).encode
    assert handle("ticket", codec, encode(ticket(order_id))).order_id == order_id


@pytest.mark.parametrize(
    ("codec", "order_id", "words"),
    [
        ("json", INT64_MAX + 1, "Expected `int` <= 9223372036854775807 - at `$.order_id`"),
        ("json", INT64_MIN - 1, "Expected `int` >= -9223372036854775808 - at `$.order_id`"),
        ("json", 2**64, "order_id"),
        ("msgpack", INT64_MAX + 1, "Expected `int` <= 9223372036854775807 - at `$.order_id`"),
        ("msgpack", 2**64 - 1, "Expected `int` <= 9223372036854775807 - at `$.order_id`"),
    ],
)
def test_not_one_more(codec: str, order_id: int, words: str) -> None:
    value = getattr(msgspec, codec).encode(ticket(order_id))
    with pytest.raises(Undecodable, match=re.escape(words)):
        handle("ticket", codec, value)


@pytest.mark.parametrize("when", [WHEN, "2024-01-02T03:04:05Z"])
def test_a_time_in_msgpack_is_its_own_or_text(when: object) -> None:
    assert handle("ticket", "msgpack", msgspec.msgpack.encode(ticket(1, when))).timestamp == WHEN


@pytest.mark.parametrize("codec", ["json", "msgpack", f"{HOOKS}:lenient"])
def test_a_null_is_no_payload(codec: str) -> None:
    with pytest.raises(Undecodable, match="the value is null"):
        handle("struct", codec, None)


def test_what_a_hook_finds_wrong_is_undecodable() -> None:
    with pytest.raises(Undecodable, match="LookupError: no schema 8"):
        handle("struct", f"{HOOKS}:framed", b"\x08{}")


def test_a_registry_that_is_away_is_no_fault_of_the_payload() -> None:
    with pytest.raises(ConnectionError):
        handle("struct", f"{HOOKS}:away", b"x")
    with pytest.raises(ConnectionError):
        handle("struct_and_context", f"{HOOKS}:away", b"x")


@given(st.binary(max_size=100))
def test_any_bytes_decode_or_are_undecodable(value: bytes) -> None:
    decode = load("tests.worker.handlers:a_dict", load_codec("msgpack")).call_for(Where("t", 0, 0))
    try:
        decode(batch(1, [0], [value]), 0, 1)
    except Undecodable:
        return
    assert isinstance(handlers.calls.pop(), dict)


@pytest.mark.parametrize(
    ("name", "codec", "words"),
    [
        ("struct", "bytes", "cannot decode bytes into Order: --codec bytes hands over raw values"),
        ("plain", "msgpack", "cannot decode MessagePack into Plain: Plain is no Struct"),
        ("two_structs", "msgpack", "cannot decode MessagePack into"),
        ("struct", f"{HOOKS}:raising", "LookupError: no schema for Order"),
        ("struct", f"{HOOKS}:exiting", "SystemExit: no registry"),
        ("struct", f"{HOOKS}:returning_nothing", "it returned None, not a function"),
        ("struct", f"{HOOKS}:of_no_parameter", "takes 0 positional arguments"),
        ("struct", f"{HOOKS}:asynchronous", "is async; a hook is a plain function"),
        ("struct", f"{HOOKS}:returning_async", "it returned an async function"),
        ("struct", f"{HOOKS}:number", "is a int, not a function"),
    ],
)
def test_a_codec_that_cannot_serve_is_refused_at_start(name: str, codec: str, words: str) -> None:
    with pytest.raises(HandlerUnsupported, match=re.escape(words)) as refused:
        load(f"tests.worker.handlers:{name}", load_codec(codec))
    assert codec in str(refused.value) or codec == "msgpack"
    assert refused.value.exit_code == 4


def test_a_hook_is_named_as_a_handler_is() -> None:
    with pytest.raises(
        HandlerNotFound, match=r"codec tests\.worker\.hooks:frmaed: .* its functions"
    ):
        load_codec(f"{HOOKS}:frmaed")
    with pytest.raises(HandlerNotFound, match="codec no_such_module:f: no module"):
        load_codec("no_such_module:f")
    with pytest.raises(HandlerError, match=r"codec tests\.worker\.importing_fails:f: importing"):
        load_codec("tests.worker.importing_fails:f")
