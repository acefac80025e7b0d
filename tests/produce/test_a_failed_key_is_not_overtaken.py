"""Once a ticket of a key was not delivered, none of the later ones is: all are in --failed.

In doubt because librdkafka goes on behind a record that has failed, and holds
thousands in its queue then.
"""

import signal
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from tests.broker import Broker
from tests.produce.topics import Raw, order_ids_by_key, read, read_raw, values_by_key
from tests.support import Command, eventually
from ticketpool.produce.envelope import FailedTicket, opened

pytestmark = pytest.mark.e2e

Start = Callable[..., Command]


def _kept(path: Path) -> list[FailedTicket]:
    found = [opened(line) for line in path.read_bytes().splitlines()]
    return [each for each in found if isinstance(each, FailedTicket)]


def _line(key: str, n: int, size: int = 0) -> bytes:
    return msgspec.json.encode({"key": key, "n": n, "text": "x" * size})


def test_behind_a_ticket_that_is_too_long(
    kafka: Broker, make_topic: Callable[..., str], command: Start, tmp_path: Path
) -> None:
    narrow, wide = make_topic(2, max_message_bytes="2000"), make_topic(2)
    lines = [_line(key, n, 3000 if (key, n) == ("a", 3) else 0)
             for n in range(1000) for key in "abc"]  # fmt: skip
    (tmp_path / "lines.jsonl").write_bytes(b"\n".join(lines))
    where = ("produce", "--bootstrap-servers", kafka.bootstrap, "--json", "--workers", "2")
    run = command(
        *where, "--topic", narrow, "--input", "lines.jsonl", "--key-field", "key",
        "--compression", "none", "--failed", "failed.jsonl",
    ).expect(7)  # fmt: skip
    arrived = values_by_key(read_raw(kafka.bootstrap, narrow))
    assert {key: len(values) for key, values in arrived.items()} == {
        b"a": 3, b"b": 1000, b"c": 1000,
    }  # fmt: skip
    kept = _kept(tmp_path / "failed.jsonl")
    assert [msgspec.json.decode(each.record)["n"] for each in kept] == list(range(3, 1000))
    assert "message.max.bytes" in kept[0].reason
    assert {each.reason for each in kept[1:]} == {"an earlier ticket of its key was not delivered"}
    assert (run.json()["failed"], run.json()["kept"], run.json()["delivered"]) == (997, 997, 2003)

    command(*where, "--topic", wide, "--input", "failed.jsonl").expect(0)
    again = values_by_key(read_raw(kafka.bootstrap, wide))
    assert again == {b"a": [line for line in lines if b'"a"' in line][3:]}


def test_behind_tickets_that_timed_out(
    kafka: Broker, topic: str, command: Start, tmp_path: Path
) -> None:
    where = ("produce", "--bootstrap-servers", kafka.bootstrap, "--topic", topic, "--json")
    run = command(
        *where, "--rate", "400", "--keys", "500", "--key-distribution", "zipf", "--workers", "2",
        "--delivery-timeout", "1.5", "--failed", "failed.jsonl",
    )  # fmt: skip
    eventually(lambda: len(read(kafka.bootstrap, topic)) > 400, seconds=20)
    kafka.pause()
    run.await_event("undelivered")
    kafka.resume()
    before = len(read(kafka.bootstrap, topic))
    eventually(lambda: len(read(kafka.bootstrap, topic)) > before + 100)  # of other keys
    run.signal(signal.SIGINT)
    summary = run.expect(7).json()
    first, kept = read(kafka.bootstrap, topic), _kept(tmp_path / "failed.jsonl")
    assert summary["failed"] == summary["kept"] == len(kept) > 0
    _assert_a_prefix(order_ids_by_key(first), _numbers(kept))

    command(*where, "--input", "failed.jsonl").expect(0)
    written = read(kafka.bootstrap, topic)
    assert len(written) == len(first) + len(kept)
    for ids in order_ids_by_key(written).values():
        assert list(dict.fromkeys(ids)) == sorted(set(ids))
    assert {w.ticket.order_id for w in written} == set(range(1, max(
        w.ticket.order_id for w in written) + 1))  # fmt: skip


def _numbers(kept: list[FailedTicket]) -> dict[bytes, list[int]]:
    found: dict[bytes, list[int]] = defaultdict(list)
    for each in kept:
        found[(each.key or "").encode()].append(msgspec.json.decode(each.record)["order_id"])
    return found


def _assert_a_prefix(arrived: dict[bytes, list[int]], kept: dict[bytes, list[int]]) -> None:
    """What is kept of a key follows what arrived, but for what timed out on its way back."""
    assert all(numbers == sorted(numbers) for numbers in arrived.values())
    for key, numbers in kept.items():
        assert numbers == sorted(set(numbers))
        assert numbers[-1] >= max(arrived.get(key, [0]))
        twice = [n for n in arrived.get(key, []) if n >= numbers[0]]
        assert twice == numbers[: len(twice)]


def test_keyless_lines_have_no_order_and_go_on(
    kafka: Broker, make_topic: Callable[..., str], command: Start, tmp_path: Path
) -> None:
    topic = make_topic(1, max_message_bytes="2000")
    lines = [_line("", n, 3000 if n == 3 else 0) for n in range(10)]
    (tmp_path / "lines.jsonl").write_bytes(b"\n".join(lines))
    command(
        "produce", "--bootstrap-servers", kafka.bootstrap, "--topic", topic,
        "--input", "lines.jsonl", "--failed", "failed.jsonl",
    ).expect(7)  # fmt: skip
    records: list[Raw] = read_raw(kafka.bootstrap, topic)
    assert [record.value for record in records] == lines[:3] + lines[4:]
    assert [bytes(each.record) for each in _kept(tmp_path / "failed.jsonl")] == [lines[3]]
