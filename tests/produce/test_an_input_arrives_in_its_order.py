"""What --input names arrives: each key's lines in the file's order, bad ones told and kept.

In doubt because lines are read in one process, sent by several, and some of them
are no tickets at all.
"""

import os
import select
import signal
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.broker import Broker
from tests.produce.topics import read_raw, values_by_key
from tests.support import Command, eventually

pytestmark = pytest.mark.e2e

Start = Callable[..., Command]


def _kept(path: Path) -> list[dict[str, Any]]:
    return [
        msgspec.json.decode(line, type=dict[str, Any]) for line in path.read_bytes().splitlines()
    ]


def _file(path: Path) -> dict[bytes | None, list[bytes]]:
    """6,000 lines of 300 keys with all sorts of bad ones among them; the good ones by key."""
    good: dict[bytes | None, list[bytes]] = defaultdict(list)
    with path.open("wb") as file:
        for n in range(6_000):
            line = b'{ "n": %d, "order": {"by": "key-%d"}, "at": %d}' % (n, n * 7 % 300, n + 10**12)
            good[b"key-%d" % (n * 7 % 300)].append(line)
            file.write(line + (b"\r\n" if n % 3 else b"\n"))
            if n == 2_999:
                file.write(b'\n{"n": \n{"order": {}}\n{"n":"\xff","order":{"by":"x"},"at":7}\n\n')
        file.write(b'{"order":{"by":"last"},"at":1000}')  # no end of line
    good[b"last"] = [b'{"order":{"by":"last"},"at":1000}']
    return good


def test_json_lines_go_out_as_they_stand_and_bad_ones_are_kept(
    kafka: Broker, topic: str, command: Start, tmp_path: Path
) -> None:
    good = _file(tmp_path / "tickets.jsonl")
    where = ("--bootstrap-servers", kafka.bootstrap, "--topic", topic, "--json")
    fields = ("--key-field", "order.by", "--timestamp-field", "at")
    run = command(
        "produce", *where, *fields, "--input", "tickets.jsonl", "--workers", "3",
        "--failed", "failed.jsonl",
    ).expect(7)  # fmt: skip
    summary, records = run.json(), read_raw(kafka.bootstrap, topic)
    assert values_by_key(records) == good
    assert all(record.timestamp == msgspec.json.decode(record.value)["at"] for record in records)
    counted = [summary[name] for name in ("read", "delivered", "bad", "empty", "failed", "kept")]
    assert counted == [6_006, 6_001, 3, 2, 0, 3]
    assert summary["next_line"] is None
    assert [event["line"] for event in run.events("bad line")] == [3_002, 3_003, 3_004]
    assert "3 lines are no tickets" in run.stderr

    failed = tmp_path / "failed.jsonl"
    assert [line["line"] for line in _kept(failed)] == [3_002, 3_003, 3_004]
    _mend(failed)
    command("produce", *where, *fields, "--input", "failed.jsonl").expect(0)
    mended = values_by_key(read_raw(kafka.bootstrap, topic))[b"m"]
    assert mended == [b'{"order":{"by":"m"},"at":%d}' % n for n in (5, 6, 7)]


def _mend(path: Path) -> None:
    """Give each bad line what it lacks."""
    lines = _kept(path)
    for number, line in enumerate(lines, 5):
        line.pop("raw_base64", None)
        line["raw"] = f'{{"order":{{"by":"m"}},"at":{number}}}'
    path.write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))


def test_rows_of_csv_become_objects(
    kafka: Broker, topic: str, command: Start, tmp_path: Path
) -> None:
    rows = "".join(f'{n % 5},"two\nlines {n}"\n' for n in range(1000))
    (tmp_path / "tickets.csv").write_text(f"id,text\n{rows}short\n")
    run = command(
        "produce", "--bootstrap-servers", kafka.bootstrap, "--topic", topic, "--workers", "2",
        "--input", "tickets.csv", "--key-field", "id", "--json",
    ).expect(7)  # fmt: skip
    assert run.json()["read"] == 1001
    assert run.await_event("bad line")["line"] == 2002
    assert values_by_key(read_raw(kafka.bootstrap, topic)) == {
        b"%d" % key: [
            b'{"id":"%d","text":"two\\nlines %d"}' % (key, n) for n in range(key, 1000, 5)
        ]
        for key in range(5)
    }


def test_standard_input_without_keys(
    kafka: Broker, topic: str, command: Start, tmp_path: Path
) -> None:
    lines = [b'{"n":%d}' % n for n in range(3000)]
    (tmp_path / "lines").write_bytes(b"\n".join(lines))
    run = command(
        "produce", "--bootstrap-servers", kafka.bootstrap, "--topic", topic, "--workers", "2",
        "--input", "-", "--json", by=("sh", "-c", 'exec "$@" < lines', "sh"),
    ).expect(0)  # fmt: skip
    records = read_raw(kafka.bootstrap, topic)
    assert {record.key for record in records} == {None}
    assert sorted(record.value for record in records) == sorted(lines)
    assert run.json()["read"] == run.json()["delivered"] == 3000
    assert "--key-field" in run.await_event("no order")["reason"]


def test_an_empty_input_is_done_at_once(kafka: Broker, topic: str, command: Start) -> None:
    run = command(
        "produce", "--bootstrap-servers", kafka.bootstrap, "--topic", topic,
        "--input", "/dev/null", "--json",
    ).expect(0)  # fmt: skip
    assert (run.json()["ok"], run.json()["read"]) == (True, 0)


def test_strict_stops_at_the_first_bad_line(
    kafka: Broker, topic: str, command: Start, tmp_path: Path
) -> None:
    (tmp_path / "lines").write_bytes(b'{"id":1}\n{"id":2}\n{"id":\n{"id":4}\n')
    run = command(
        "produce", "--bootstrap-servers", kafka.bootstrap, "--topic", topic, "--strict",
        "--input", "lines", "--key-field", "id", "--json",
    ).expect(7)  # fmt: skip
    assert {record.key for record in read_raw(kafka.bootstrap, topic)} == {b"1", b"2"}
    assert (run.json()["delivered"], run.json()["next_line"]) == (2, 3)
    assert "--strict: line 3 is no JSON" in run.stderr
    assert "go on at line 3" in run.stderr


def test_a_full_disk_stops_before_anything_is_lost_unheard(
    kafka: Broker, topic: str, command: Start, tmp_path: Path
) -> None:
    (tmp_path / "lines").write_bytes(b"not JSON\n")
    run = command(
        "produce", "--bootstrap-servers", kafka.bootstrap, "--topic", topic,
        "--input", "lines", "--failed", "/dev/full",
    ).expect(1)  # fmt: skip
    assert "--failed /dev/full: No space left on device; stopped" in run.stderr


def test_the_pace_of_an_input_is_the_rate(
    kafka: Broker, topic: str, command: Start, tmp_path: Path
) -> None:
    (tmp_path / "lines").write_bytes(b"{}\n" * 200)
    run = command(
        "produce", "--bootstrap-servers", kafka.bootstrap, "--topic", topic, "--rate", "200",
        "--input", "lines", "--json",
    ).expect(0)  # fmt: skip
    assert run.json()["delivered"] == 200
    assert run.json()["seconds"] == pytest.approx(199 / 200, rel=0.04)


def test_a_signal_delivers_what_was_read_and_says_where_to_go_on(
    kafka: Broker, topic: str, command: Start, tmp_path: Path
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    run = command(
        "produce", "--bootstrap-servers", kafka.bootstrap, "--topic", topic, "--workers", "2",
        "--input", "pipe", "--key-field", "id", "--json",
    )  # fmt: skip
    with pipe.open("wb", buffering=0) as end:
        end.write(b"".join(b'{"id":%d}\n' % n for n in range(1000)))
        eventually(lambda: len(read_raw(kafka.bootstrap, topic)) == 1000)  # though it goes on
        run.signal(signal.SIGINT)
        summary = run.expect(0).json()
    found = [summary[name] for name in ("ok", "read", "delivered", "failed", "next_line")]
    assert found == [True, 1000, 1000, 0, 1001]


def test_a_stalled_broker_stops_the_reading(
    kafka: Broker, topic: str, command: Start, tmp_path: Path
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    run = command(
        "produce", "--bootstrap-servers", kafka.bootstrap, "--topic", topic, "--input", "pipe",
        "--key-field", "id", "-X", "queue.buffering.max.messages=500", "--json",
    )  # fmt: skip
    with pipe.open("wb", buffering=0) as end:
        run.await_event("producing")
        end.write(b'{"id":0}\n')
        eventually(lambda: read_raw(kafka.bootstrap, topic))
        kafka.pause()
        taken = _write_until_it_waits(end.fileno())
        kafka.resume()
        if rest := taken % len(LINE):
            taken += end.write(LINE[rest:])
    summary = run.expect(0).json()
    assert taken < 4 << 20
    assert summary["read"] == summary["delivered"] == 1 + taken / len(LINE)


def test_a_broker_that_goes_away_is_waited_for_and_told_once(
    kafka: Broker, topic: str, command: Start, tmp_path: Path
) -> None:
    pipe, lines = tmp_path / "pipe", [b'{"id":%d,"n":%d}' % (n % 9, n) for n in range(2000)]
    os.mkfifo(pipe)
    run = command(
        "produce", "--bootstrap-servers", kafka.bootstrap, "--topic", topic, "--workers", "2",
        "--input", "pipe", "--key-field", "id", "--failed", "failed.jsonl", "--json",
    )  # fmt: skip
    with pipe.open("wb", buffering=0) as end:
        end.write(b"".join(line + b"\n" for line in lines[:1000]))
        eventually(lambda: read_raw(kafka.bootstrap, topic))
        kafka.stop()
        end.write(b"".join(line + b"\n" for line in lines[1000:]))
        run.await_event("broker lost")
        kafka.start()
    summary = run.expect(0).json()
    assert (summary["delivered"], summary["kept"]) == (2000, 0)
    assert len(run.events("broker lost")) == len(run.events("broker back")) == 1
    arrived = values_by_key(read_raw(kafka.bootstrap, topic))
    assert arrived == {b"%d" % key: lines[key::9] for key in range(9)}


LINE = b'{"id":1,"text":"%s"}\n' % (b"x" * 1000)


def _write_until_it_waits(fd: int) -> int:
    """Bytes that the pipe took until it had no room for half a second, or 50 MB."""
    poller, taken = select.poll(), 0
    poller.register(fd, select.POLLOUT)
    os.set_blocking(fd, False)
    while taken < 50 << 20 and poller.poll(500):
        taken += os.write(fd, LINE[taken % len(LINE) :])
    os.set_blocking(fd, True)
    return taken


def test_a_second_signal_keeps_what_was_not_delivered(
    kafka: Broker, topic: str, command: Start, tmp_path: Path
) -> None:
    pipe, lines = tmp_path / "pipe", [b'{"id":%d}' % (n % 7) for n in range(30_000)]
    os.mkfifo(pipe)
    run = command(
        "produce", "--bootstrap-servers", kafka.bootstrap, "--topic", topic, "--input", "pipe",
        "--key-field", "id", "--workers", "2", "--failed", "failed.jsonl", "--json",
    )  # fmt: skip
    with pipe.open("wb", buffering=0) as end:
        end.write(lines[0] + b"\n")
        eventually(lambda: read_raw(kafka.bootstrap, topic))
        kafka.pause()
        end.write(b"\n".join(lines[1:]) + b"\n")
        run.signal(signal.SIGINT)
        run.await_event("stopping")
        assert run.running  # it waits for the broker
        run.signal(signal.SIGINT)
        summary = run.expect(7, seconds=10).json()
    read, failed = summary["read"], summary["failed"]
    assert (summary["delivered"], failed, summary["next_line"]) == (1, read - 1, read + 1)
    kept = [msgspec.json.encode(line["record"]) for line in _kept(tmp_path / "failed.jsonl")]
    assert len(kept) == failed > 1000
    assert sorted(kept) == sorted(lines[1:read])


def test_a_killed_process_ends_the_run_and_each_line_is_accounted_for(
    kafka: Broker, topic: str, command: Start, tmp_path: Path
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    run = command(
        "produce", "--bootstrap-servers", kafka.bootstrap, "--topic", topic, "--input", "pipe",
        "--key-field", "id", "--workers", "2", "--json",
    )  # fmt: skip
    with pipe.open("wb", buffering=0) as end:
        end.write(b"".join(b'{"id":%d}\n' % n for n in range(500)))
        eventually(lambda: len(read_raw(kafka.bootstrap, topic)) == 500)
        kafka.pause()
        end.write(b"".join(b'{"id":%d}\n' % n for n in range(500)))
        run.children()[0].kill()
        run.await_event("producer process died")
        kafka.resume()
        summary = run.expect(7, seconds=20).json()
    assert not summary["ok"]
    assert summary["read"] == summary["delivered"] + summary["failed"]
    assert summary["next_line"] == summary["read"] + 1
    assert summary["delivered"] >= 500
