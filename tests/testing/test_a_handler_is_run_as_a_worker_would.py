"""``ticketpool.testing.run`` tells what the real pool would make of a handler, in milliseconds.

In doubt because a simulation drifts from what it simulates. So it runs the worker's own
loop and lanes, and only the other side of the pipe is made up.
"""

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

import msgspec
import pytest

from tests.testing import stores
from ticketpool import Context, PartialFailure, Record, Reject, Ticket
from ticketpool.errors import ConfigError, HandlerNotFound, HandlerUnsupported
from ticketpool.testing import Kind, run


def ticket(order_id: int) -> Ticket:
    return Ticket(
        id=f"t-{order_id}", timestamp=datetime(2024, 1, 1, tzinfo=UTC), order_id=order_id, data=""
    )


def test_tickets_come_decoded_and_in_order() -> None:
    seen: list[Ticket] = []
    result = run(seen.append, [ticket(1), ticket(2), ticket(3)])
    assert seen == [ticket(1), ticket(2), ticket(3)]
    assert result.ok
    assert [one.record.offset for one in result.handled] == [0, 1, 2]
    assert (result.retried, result.dead_letters, result.rejected) == (0, (), ())


def test_a_failing_call_is_retried_in_place_without_waiting() -> None:
    calls: list[tuple[int, int]] = []

    def handle(ticket: Ticket, context: Context) -> None:
        calls.append((ticket.order_id, context.attempt))
        if ticket.order_id == 1 and context.attempt < 3:
            raise ConnectionError(f"away at {context.attempt}")

    began = time.monotonic()
    result = run(handle, [ticket(1), ticket(2)])
    assert time.monotonic() - began < 1  # with the command's back-off: 0.15 to 0.3 s each
    assert calls == [(1, 1), (1, 2), (1, 3), (2, 1)]
    first, second = result.outcomes
    assert (first.kind, first.attempts, first.retries) == (Kind.HANDLED, 3, 2)
    assert first.failures == ("ConnectionError: away at 1", "ConnectionError: away at 2")
    assert first.reason is None
    assert (second.kind, second.attempts) == ("handled", 1)
    assert (result.ok, result.retried) == (True, 2)


def test_what_fails_for_good_is_a_dead_letter() -> None:
    def handle(ticket: Ticket) -> None:
        raise ValueError("never")

    result = run(handle, [ticket(1)], retries=2)
    (dead,) = result.dead_letters
    assert (dead.kind, dead.attempts, dead.reason) == (Kind.DEAD_LETTERED, 3, "ValueError: never")
    assert len(dead.failures) == 3
    assert not result.ok


def test_what_does_not_decode_or_is_rejected_is_not_retried() -> None:
    def handle(ticket: Ticket) -> None:
        raise Reject("not this one")

    result = run(handle, [b"bad json", None, ticket(1)])
    assert [one.kind for one in result.outcomes] == ["dead-lettered", "dead-lettered", "rejected"]
    assert [one.attempts for one in result.outcomes] == [1, 1, 1]
    assert [str(one.reason).split(":")[0] for one in result.outcomes] == [
        "Undecodable",
        "Undecodable",
        "Reject",
    ]
    assert result.rejected == (result.outcomes[2],)
    assert result.dead_letters == result.outcomes


def test_records_tell_where_they_stand() -> None:
    seen: dict[int, list[tuple[str, int, bytes | None, object, str]]] = {3: [], 5: []}
    at = datetime(2023, 11, 14, 22, 13, 20, 123000, UTC)
    headers = (("h", b"1"), ("h", None))
    records = [
        Record("orders", 3, 40, b"k", b"a", headers, at),
        Record("orders", 5, 7, b"k", b"b", headers, at),
        Record("orders", 3, 42, None, b"c", (), at),
    ]

    def handle(value: bytes, context: Context) -> None:
        assert (context.timestamp, context.worker) == (at, 0)
        where = context.topic, context.offset, context.key, context.headers
        seen[context.partition].append((*where, threading.current_thread().name))

    result = run(handle, records)
    assert [one.record for one in result.outcomes] == records
    assert seen == {
        3: [
            ("orders", 40, b"k", headers, "orders[3]"),  # a thread per partition
            ("orders", 42, None, (), "orders[3]"),
        ],
        5: [("orders", 7, b"k", headers, "orders[5]")],
    }


def test_payloads_are_the_json_of_what_is_given() -> None:
    seen: list[object] = []

    def handle(payload: dict[str, int]) -> None:
        seen.append(payload)

    assert run(handle, [{"a": 1}, b'{"a":2}']).ok
    assert seen == [{"a": 1}, {"a": 2}]
    with pytest.raises(TypeError):
        run(handle, [object()])


def test_thousands_of_tickets_are_a_matter_of_milliseconds() -> None:
    result = run(lambda ticket: None, [ticket(number) for number in range(5000)])
    assert len(result.handled) == 5000


def test_nothing_given_is_nothing_done() -> None:
    assert run(lambda ticket: None, []).outcomes == ()


def _three(a: Ticket, b: Context, c: int) -> None: ...


@pytest.mark.parametrize(
    ("handler", "error", "told"),
    [
        (_three, HandlerUnsupported, "_three.*one parameter"),
        ("tests.worker.handlers:nothing", HandlerNotFound, "no 'nothing'"),
        ("tests.worker.handlers", HandlerNotFound, "module:function"),
    ],
)
def test_what_can_be_no_handler_is_told_as_the_pool_tells_it(
    handler: str | Callable[..., None], error: type[Exception], told: str
) -> None:
    with pytest.raises(error, match=told):
        run(handler, [])


def test_a_name_will_do() -> None:
    assert run("tests.worker.handlers:ticket", [ticket(1)]).ok


def test_offsets_that_do_not_rise_are_no_topic() -> None:
    record = Record("t", 0, 5, None, b"", (), datetime(2024, 1, 1, tzinfo=UTC))
    with pytest.raises(ConfigError, match=r"t\[0\]: offset 5"):
        run(lambda record: None, [record, record])


def test_a_handler_that_hangs_is_told_with_its_record() -> None:
    go_on = threading.Event()

    def handle(ticket: Ticket) -> None:
        if ticket.order_id == 2:
            go_on.wait(60)

    with pytest.raises(TimeoutError, match=r"running tickets\[0\] offset 1 for 0\.\d s"):
        run(handle, [ticket(1), ticket(2)], timeout=0.2)
    go_on.set()


def test_it_needs_neither_pytest_nor_a_kafka_client() -> None:
    program = (
        "import sys; from ticketpool.testing import run; run(lambda t: None, [b'{}']);"
        "print([name for name in ('pytest', 'confluent_kafka', 'uvicorn') if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert found.stdout == "[]\n", found.stderr


def test_what_handlers_send_is_seen_but_not_of_calls_that_failed() -> None:
    def handle(ticket: Ticket, context: Context) -> None:
        context.send("out", {"order": ticket.order_id, "attempt": context.attempt}, key="k")
        if ticket.order_id == 2 and context.attempt == 1:
            raise ConnectionError
        if ticket.order_id == 3:
            raise Reject("no")

    result = run(handle, [ticket(1), ticket(2), ticket(3)])
    assert [(one.topic, one.key, one.value) for one in result.sent] == [
        ("out", b"k", b'{"order":1,"attempt":1}'), ("out", b"k", b'{"order":2,"attempt":2}'),
    ]  # fmt: skip
    assert [len(outcome.sent) for outcome in result.outcomes] == [1, 1, 0]


def test_an_async_handler_is_awaited_and_sends() -> None:
    async def handle(ticket: Ticket, context: Context) -> None:
        await asyncio.sleep(0)
        context.send("out", str(ticket.order_id))
        if ticket.order_id == 2:
            await asyncio.sleep(0)
            raise Reject("no")

    result = run(handle, [ticket(1), ticket(2), ticket(3)])
    assert [one.kind for one in result.outcomes] == ["handled", "rejected", "handled"]
    assert [one.value for one in result.sent] == [b"1", b"3"]


def test_a_batch_finds_its_culprit_and_sends_without_it() -> None:
    batches: list[list[int]] = []

    def handle(tickets: list[Ticket], contexts: list[Context]) -> None:
        batches.append([ticket.order_id for ticket in tickets])
        for one, context in zip(tickets, contexts, strict=True):
            context.send("out", str(one.order_id))
        if 3 in batches[-1]:
            raise ValueError("three")

    given = [ticket(1), ticket(2), b"no JSON", ticket(3), ticket(4), ticket(5)]
    began = time.monotonic()
    result = run(handle, given, retries=1, batch_size=4)
    assert time.monotonic() - began < 0.9  # a batch that is not full would wait a second
    kinds = [one.kind for one in result.outcomes]
    assert kinds == ["handled"] * 2 + ["dead-lettered"] * 2 + ["handled"] * 2
    assert result.dead_letters[1].reason == "ValueError: three"
    assert [one.value for one in result.sent] == [b"1", b"2", b"4", b"5"]
    assert max(map(len, batches)) <= 4


def test_what_was_sent_before_the_named_culprit_is_kept() -> None:
    def handle(tickets: list[Ticket], contexts: list[Context]) -> None:
        for i, (one, context) in enumerate(zip(tickets, contexts, strict=True)):
            context.send("out", str(one.order_id))
            if one.order_id == 3:
                raise PartialFailure(i, ValueError("three"))

    result = run(handle, [ticket(1), ticket(2), ticket(3), ticket(4)], retries=0)
    assert [one.kind for one in result.outcomes] == ["handled"] * 2 + ["dead-lettered", "handled"]
    assert [one.value for one in result.sent] == [b"1", b"2", b"4"]


def test_a_class_is_opened_before_and_closed_behind() -> None:
    result = run("tests.testing.stores:Store", [ticket(1), ticket(2)])
    assert result.ok
    assert stores.told == ["open", 1, 2, "close"]


def test_codec_and_middleware_are_the_command_s() -> None:
    value = msgspec.msgpack.encode({"a": 1})
    seen: list[dict[str, int]] = []
    names = ["tests.testing.stores:twice"]
    assert run(lambda payload: seen.append(payload), [ticket(1)], middleware=names).ok
    assert len(seen) == 2

    def handle(payload: dict[str, int]) -> None:
        seen.append(payload)

    assert run(handle, [value], codec="msgpack").ok
    assert seen[-1] == {"a": 1}
