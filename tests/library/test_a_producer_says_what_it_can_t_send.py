"""What can't be sent is told at once, without a broker, and in the user's own words.

In doubt because a value may be anything that a program holds.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from ticketpool import Producer, Ticket
from ticketpool.core.values import encoded
from ticketpool.errors import ConfigError, NotDelivered
from ticketpool.library import pump


@pytest.fixture
def idle() -> Iterator[Producer]:
    producer = Producer(bootstrap_servers="127.0.0.1:1", delivery_timeout=0.5)
    yield producer
    producer.close()


class Order(msgspec.Struct):
    number: int


@pytest.mark.parametrize(
    ("value", "raw"),
    [
        (b"\xff", b"\xff"),
        (bytearray(b"a"), b"a"),
        (memoryview(b"a"), b"a"),
        ("ü", "ü".encode()),
        (None, None),
        ([1], b"[1]"),
        (Order(1), b'{"number":1}'),
        (True, b"true"),
    ],
)
def test_values_are_encoded_by_their_kind(value: object, raw: bytes | None) -> None:
    assert encoded("send", value) == raw


def test_a_ticket_is_encoded_as_handlers_read_it() -> None:
    ticket = Ticket(id="a", timestamp=datetime(2024, 1, 1, tzinfo=UTC), order_id=1, data="x")
    assert msgspec.json.decode(encoded("send", ticket) or b"", type=Ticket) == ticket


@pytest.mark.parametrize(
    ("wrong", "error", "told"),
    [
        ({"value": object()}, TypeError, "object"),
        ({"key": 5}, TypeError, "the key is a int"),
        ({"headers": [("h", 5)]}, TypeError, "header 'h' is a int"),
        ({"timestamp": datetime(2024, 1, 1)}, ValueError, "has no time zone"),
    ],
)
def test_what_can_t_be_encoded_is_raised_by_send(
    idle: Producer, wrong: dict[str, Any], error: type[Exception], told: str
) -> None:
    with pytest.raises(error, match=told):
        idle.send("t", **{"value": b"", **wrong})


def test_failures_that_nobody_asks_for_are_logged_before_they_pile_up(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pump, "_MOST_FAILURES", 3)
    small = {"message.max.bytes": "1000"}  # refused at once: no broker is needed
    with Producer(bootstrap_servers="127.0.0.1:1", properties=small) as producer:
        for _ in range(2):
            with pytest.raises(NotDelivered):
                producer.send("t", b"x" * 2000).result(0)
        for _ in range(4):
            producer.send("t", b"x" * 2000)
    told = [one.getMessage() for one in caplog.records if one.levelname == "ERROR"]
    assert ["too large" in text for text in told] == [True, True]
    assert "3 records were not delivered" in told[1]


def test_a_wrong_option_is_a_config_error() -> None:
    with pytest.raises(ConfigError, match="acks=all"):
        Producer(properties={"acks": "1"})
    with pytest.raises(ConfigError, match="compression"):
        Producer(compression="best")  # type: ignore[arg-type]
