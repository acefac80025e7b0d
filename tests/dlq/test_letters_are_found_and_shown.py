"""``dlq list``, ``show`` and ``export`` tell of letters what there is to tell, whoever wrote them.

In doubt because anybody may write into a dead-letter topic, and what stands there goes to a
terminal.
"""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.broker import Broker
from tests.dlq.conftest import Dlq
from tests.dlq.letters import Died, bury
from tests.run.topics import Raw, read, write
from tests.support import Command
from ticketpool.cli.letters import payload
from ticketpool.config import KafkaConfig
from ticketpool.core.model import Partition
from ticketpool.dlq.scan import place_of
from ticketpool.errors import ConfigError
from ticketpool.kafka.letters import newest

pytestmark = pytest.mark.e2e

Start = Callable[..., Command]


def listed(dlq: Dlq, origin: str, *options: str) -> list[str | None]:
    """The values of the letters, in the order listed."""
    told = dlq("list", origin, "--json", *options).expect(0).stdout.splitlines()
    return [json.loads(line)["value"] for line in told]


def test_filters_and_orders(kafka: Broker, dlq: Dlq, origin: str) -> None:
    bury(kafka, origin, [Died(b"a", error="Reject"), Died(b"b", origin=1, key=b"other")])
    bury(kafka, origin, [Died(b"c", message="TIMEOUT of the database", group="another", key=None)])
    assert listed(dlq, origin, "--oldest", "--limit", "2") == ["a", "b"]
    filters = ("--reason", "timeout of", "--group", "another", "--since", "5m", "--partition", "0")
    assert listed(dlq, origin, *filters) == ["c"]
    assert listed(dlq, origin, "--key", "other", "--until", "5m") == []
    shared = ("--dead-letter-topic", f"{origin}.dlq")
    assert listed(dlq, origin, *shared) == ["c", "b", "a"]
    assert listed(dlq, "elsewhere", *shared) == []
    table = dlq("list", origin, "--limit", "2").expect(0).stdout
    assert "3 letters by reason: ValueError 2, Reject 1" in table
    assert "the newest 2 of 3 (--limit)" in table
    assert f"{origin}[1] 101" in table
    wrong = dlq("list", origin, "--since", "yesterday").expect(2).stderr
    assert "--since: 'yesterday' is no time" in wrong


def test_what_strangers_wrote_is_shown_and_harms_nobody(
    kafka: Broker, dlq: Dlq, origin: str
) -> None:
    broken = (
        ("ticketpool-partition", b"one"),
        ("ticketpool-error", None),
        ("ticketpool-topic", b"\xff"),
    )
    write(
        kafka,
        f"{origin}.dlq",
        [
            Raw(0, b"\xff\x00", b"\xfe"),
            Raw(0, b"\x1b[2Jred", None, broken),
            Raw(0, None, b"gone", (("who", None),)),
        ],
    )
    lines = dlq("list", origin, "--json", "--oldest").expect(0).stdout.splitlines()
    told = [json.loads(line) for line in lines]
    assert [one["origin_topic"] for one in told] == [None, "\N{REPLACEMENT CHARACTER}", None]
    assert (told[0]["value_base64"], told[0]["key_base64"]) == ("/wA=", "/g==")
    assert (told[2]["value"], told[2]["headers"]) == (None, [{"name": "who", "value": None}])
    listing = dlq("list", origin).expect(0).stdout
    assert "unknown" in listing and "0xfe" in listing
    shown = dlq("show", origin, "0:1").expect(0).stdout
    assert "\x1b" not in shown and r"\x1b[2Jred" in shown
    assert payload(b"\xff\x00") == "ff 00"
    shown = dlq("show", origin, "0:2").expect(0).stdout
    assert "(no value: a tombstone)" in shown and "who = -" in shown
    assert "no letter stands at" in dlq("show", origin, "1:0").expect(2).stderr
    with pytest.raises(ConfigError, match="write PARTITION:OFFSET"):
        place_of("1")


def test_one_letter_is_told_whole(kafka: Broker, dlq: Dlq, origin: str) -> None:
    bury(kafka, origin, [Died(b'{"id":"t-1","lines":[1,2]}', replays=2, extra=(("who", b"me"),))])
    shown = dlq("show", origin, "0:0").expect(0).stdout
    for text in (
        f"{origin}[0] 100", "2024-02-29T12:00:00.123Z", "ValueError", "no such customer",
        "ticket-processor-group", "who = me", '  "id": "t-1",',
    ):  # fmt: skip
        assert text in shown
    told = json.loads(dlq("show", origin, "0:0", "--json").expect(0).stdout)
    assert (told["replays"], told["attempts"], told["replayed"]) == (2, 6, False)
    assert told["headers"] == [{"name": "who", "value": "me"}]


def test_what_is_exported_can_be_produced_again(
    kafka: Broker, dlq: Dlq, command: Start, origin: str, tmp_path: Path
) -> None:
    values = [b'{"a": 1}', b'{"b":\n2}', None, b"\xff", b'{"c":  [3]}']
    bury(kafka, origin, [Died(value, extra=(("who", b"\xff"),)) for value in values])
    dlq("export", "no-such", "--output", "letters.jsonl").expect(2)  # which leaves no file
    dlq("export", origin, "--output", "letters.jsonl").expect(0)
    lines = [json.loads(x) for x in (tmp_path / "letters.jsonl").read_text().splitlines()]
    assert [one["ticketpool_failed"] for one in lines] == ["ticket", *["letter"] * 3, "ticket"]
    assert [one["letter"].get("value", one["letter"].get("value_base64")) for one in lines] == [
        '{"a": 1}', '{"b":\n2}', None, "/w==", '{"c":  [3]}',
    ]  # fmt: skip
    assert lines[3]["letter"]["headers"] == [{"name": "who", "value_base64": "/w=="}]
    assert "File exists" in dlq("export", origin, "--output", "letters.jsonl").expect(2).stderr
    assert len(dlq("export", origin, "--reason", "valueerr").expect(0).stdout.splitlines()) == 5
    options = ("--bootstrap-servers", kafka.bootstrap, "--topic", origin)
    again = command("produce", *options, "--input", "letters.jsonl")
    again.expect(7)  # the three that are no JSON are told, and left out
    sent = read(kafka, origin)
    assert [(one.key(), one.value()) for one in sent] == [(b"k", values[0]), (b"k", values[4])]
    assert {one.timestamp()[1] for one in sent} == {1709208000123}


def test_the_newest_come_page_by_page(kafka: Broker, origin: str) -> None:
    config, topic = KafkaConfig(bootstrap_servers=kafka.bootstrap), f"{origin}.dlq"
    bury(kafka, origin, [Died(b"%d" % n, partition=n % 2) for n in range(40)])
    first = newest(config, [topic], 15)
    seen = [(one.partition, one.offset) for one in first]
    lowest = {Partition(topic, p): min(o for q, o in seen if q == p) for p in {0, 1}}
    second = newest(config, [topic], 100, before=lowest)
    values = sorted(int(one.value or b"") for one in first + second)
    assert (len(first), values) == (15, list(range(40)))
    assert [one.written_ms for one in first] == sorted((o.written_ms for o in first), reverse=True)


def test_a_topic_that_is_not_there_is_told_with_the_option(kafka: Broker, dlq: Dlq) -> None:
    missing = dlq("list", "no-such").expect(2).stderr
    assert "'no-such.dlq'" in missing and "--dead-letter-topic" in missing
