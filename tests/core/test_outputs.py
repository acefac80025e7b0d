"""What a handler sends is checked and encoded while it sends: a mistake is the handler's failure.

In doubt because outputs cross a pipe and are written by another process, much later: what
could not be written there would be nobody's failure.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from ticketpool.core.model import Context, Ticket
from ticketpool.core.outputs import MAX_BYTES, Outbox, Output, close


@dataclass
class Total:
    customer: int
    total: float


TICKET = Ticket(id="a", timestamp=datetime(2024, 1, 2, tzinfo=UTC), order_id=7, data="x")


def context() -> Context:
    return Context("tickets", 3, 42, b"k", (), datetime(2024, 1, 2, tzinfo=UTC), 1, 0)


def sent(*arguments: Any, **named: Any) -> Output:
    """What one call of ``Context.send`` leaves."""
    at = context()
    at.send(*arguments, **named)
    (output,) = at._outbox.outputs
    return output


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (b"\xff\x00", b"\xff\x00"),
        (bytearray(b"ab"), b"ab"),
        (memoryview(b"ab"), b"ab"),
        ("naïve", "naïve".encode()),
        ("", b""),
        (None, None),
        ({"a": [1, None]}, b'{"a":[1,null]}'),
        (Total(12, 99.5), b'{"customer":12,"total":99.5}'),
        (12, b"12"),
        (TICKET, b'{"id":"a","timestamp":"2024-01-02T00:00:00Z","order_id":7,"data":"x"}'),
    ],
)
def test_bytes_as_they_are_text_as_utf8_and_all_else_as_json(
    value: object, written: bytes | None
) -> None:
    assert sent("totals", value) == Output(42, "totals", None, written, ())


def test_keys_and_headers_are_bytes_or_text_in_order() -> None:
    headers = [("kind", "süm"), ("kind", b"\x00"), ("none", None)]
    assert sent("totals", b"", key="ä", headers=headers) == Output(
        42,
        "totals",
        "ä".encode(),
        b"",
        (("kind", "süm".encode()), ("kind", b"\x00"), ("none", None)),
    )
    assert sent("totals", b"", key=bytearray(b"k")).key == b"k"


WRONG: dict[str, tuple[type[Exception], Callable[[Context], None]]] = {
    "no topic": (ValueError, lambda c: c.send("", b"")),
    "dots": (ValueError, lambda c: c.send("..", b"")),
    "a blank": (ValueError, lambda c: c.send("my topic", b"")),
    "a line end": (ValueError, lambda c: c.send("topic\n", b"")),
    "too long": (ValueError, lambda c: c.send("t" * 250, b"")),
    "bytes": (ValueError, lambda c: c.send(b"topic", b"")),  # type: ignore[arg-type]
    "no JSON": (TypeError, lambda c: c.send("t", object())),
    "half a pair": (ValueError, lambda c: c.send("t", "\ud800")),
    "a number as key": (TypeError, lambda c: c.send("t", b"", key=12)),  # type: ignore[arg-type]
    "a header's name": (TypeError, lambda c: c.send("t", b"", headers=[(b"n", b"")])),  # type: ignore[list-item]
    "a name's half": (ValueError, lambda c: c.send("t", b"", headers=[("\ud800", b"")])),
    "a header's value": (TypeError, lambda c: c.send("t", b"", headers=[("n", 1)])),  # type: ignore[list-item]
}


@pytest.mark.parametrize("name", WRONG)
def test_what_can_t_be_written_fails_in_the_handler_and_is_not_sent(name: str) -> None:
    at = context()
    kind, send = WRONG[name]
    with pytest.raises(kind):
        send(at)
    assert at._outbox.outputs == []


def test_one_call_may_not_send_more_than_a_frame_holds() -> None:
    at = context()
    at.send("t", bytes(MAX_BYTES // 2))
    with pytest.raises(ValueError, match="32 MiB"):
        at.send("t", bytes(MAX_BYTES // 2))


def test_nothing_can_be_sent_once_the_call_has_returned() -> None:
    at = context()
    close(at._outbox)
    with pytest.raises(RuntimeError, match="returned"):
        at.send("t", b"")


def test_a_size_counts_all_that_crosses_the_pipe() -> None:
    small = sent("t", None)
    large = sent("t", b"v" * 1000, key=b"k" * 100, headers=[("n" * 10, b"h" * 20), ("m", None)])
    assert large.size - small.size == 1000 + 100 + 10 + 20 + 1


def test_contexts_are_told_apart_by_what_they_say_not_by_what_was_sent() -> None:
    one, other = context(), context()
    one.send("t", b"")
    assert one == other
    assert hash(one) == hash(other)
    assert Outbox() != 0


def test_what_is_carried_on_counts_and_gives_way_to_the_handler_s_own() -> None:
    at = context()
    at._outbox.carry = lambda: (("traceparent", b"ours"), ("tracestate", b"a=b"))
    at.send("t", b"", headers=[("kind", b"sum")])
    at.send("t", b"", headers=[("traceparent", b"theirs")])
    first, second = (output.headers for output in at._outbox.outputs)
    assert first == (("kind", b"sum"), ("traceparent", b"ours"), ("tracestate", b"a=b"))
    assert second == (("traceparent", b"theirs"), ("tracestate", b"a=b"))
    assert at._outbox.size == sum(output.size for output in at._outbox.outputs)
