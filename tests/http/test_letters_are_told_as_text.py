"""Dead letters can be read over HTTP: those of this service, by whom they may be read.

In doubt because a payload is whatever somebody has sent, may be secret, and may be large; and
because reading Kafka takes time that the listener does not have.
"""

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.http.client import Serve, get
from ticketpool import masking
from ticketpool.core.letter import Letter, LettersQuery
from ticketpool.core.model import Partition
from ticketpool.errors import BrokerUnreachable
from ticketpool.http import HttpServer
from ticketpool.http.preview import Preview, preview

TOPICS = ("tickets.dlq", "refunds.dlq")


def letter(**changes: Any) -> Letter:
    """``tickets.dlq[0]`` 7, but for ``changes``."""
    given: dict[str, Any] = {
        "topic": "tickets.dlq", "partition": 0, "offset": 7, "written_ms": 1_700_000_000_000,
        "key": b"k-1", "value": b'{"a":[1,2]}', "headers": (("trace", b"00-ab"), ("none", None)),
        "origin_topic": "tickets", "origin_partition": 3, "origin_offset": 41,
        "error": "Reject", "message": "<b>no</b>", "attempts": 1,
    }  # fmt: skip
    return Letter(**given | changes)


def desk(
    serve: Serve, read: Callable[[LettersQuery], list[Letter]] = lambda _: [letter()], **more: Any
) -> HttpServer:
    return serve(letters=read, letter_topics=TOPICS, **more)


def noting(asked: list[LettersQuery]) -> Callable[[LettersQuery], list[Letter]]:
    """A reader that finds nothing, and keeps what it was asked."""

    def read(query: LettersQuery) -> list[Letter]:
        asked.append(query)
        return []

    return read


def test_a_letter_is_told_whole(serve: Serve) -> None:
    answer = get(desk(serve), "/api/letters").json()
    assert (answer["ok"], answer["payloads"], answer["topics"]) == (True, True, list(TOPICS))
    (told,) = answer["letters"]
    assert (told["topic"], told["partition"], told["offset"]) == ("tickets.dlq", 0, 7)
    assert (told["origin_topic"], told["origin_partition"], told["origin_offset"]) == (
        "tickets", 3, 41,
    )  # fmt: skip
    assert (told["error"], told["message"], told["attempts"]) == ("Reject", "<b>no</b>", 1)
    assert told["key"] == {"kind": "text", "text": "k-1", "size": 3, "cut": False}
    assert told["value"]["kind"] == "json"
    assert told["value"]["text"].split() == ["{", '"a":', "[", "1,", "2", "]", "}"]
    assert [(name, one["kind"]) for name, one in told["headers"]] == [
        ("trace", "text"), ("none", "none"),
    ]  # fmt: skip


def test_its_reason_is_told_without_secrets(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(masking, "_known", ())
    masking.hide("hunter2!")
    leaky = letter(error="OSError", message="refused: hunter2!")
    (told,) = get(desk(serve, lambda _: [leaky]), "/api/letters").json()["letters"]
    assert (told["error"], told["message"]) == ("OSError", "refused: ***")


def test_the_query_reaches_who_reads(serve: Serve) -> None:
    asked: list[LettersQuery] = []
    server = desk(serve, noting(asked))
    get(server, "/api/letters")
    path = "/api/letters?topic=refunds.dlq&partition=2&before=refunds.dlq/2:70,a.b/0:1&limit=5"
    assert get(server, path).json()["letters"] == []
    assert asked == [
        LettersQuery(topics=TOPICS),
        LettersQuery(
            topics=("refunds.dlq",),
            partition=2,
            before={Partition("refunds.dlq", 2): 70, Partition("a.b", 0): 1},
            limit=5,
        ),
    ]
    get(server, "/api/letters?limit=999999")
    get(server, "/api/letters?limit=0")
    assert [one.limit for one in asked[2:]] == [100, 1]


@pytest.mark.parametrize(
    ("query", "names"),
    [("topic=tickets", "topic"), ("topic=__consumer_offsets", "topic"),
     ("partition=x", "partition"), ("limit=-1", "limit"),
     ("before=tickets.dlq", "before"), ("before=t/0:x", "before"),
     ("partition=99999999999999999999", "partition")],
)  # fmt: skip
def test_nothing_but_this_services_letters_is_read(serve: Serve, query: str, names: str) -> None:
    asked: list[LettersQuery] = []
    server = desk(serve, noting(asked))
    answer = get(server, f"/api/letters?{query}")
    assert answer.status_code == 400
    assert answer.json()["reason"].startswith(names)
    assert asked == []


def test_a_service_without_letters_says_so(serve: Serve) -> None:
    answer = get(serve(), "/api/letters")
    assert answer.json() == {"ok": True, "topics": [], "payloads": True, "letters": []}


def test_beyond_loopback_payloads_are_withheld_unless_asked_for(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nothing listens beyond loopback in these tests: 127.0.0.1 is taken for another address.
    monkeypatch.setattr("ticketpool.http.server.is_loopback", lambda address: False)
    answer = get(desk(serve), "/api/letters")
    (told,) = answer.json()["letters"]
    assert answer.json()["payloads"] is False
    withheld = {"kind": "withheld", "text": "", "size": 0, "cut": False}
    assert told["key"] == told["value"] == told["headers"][0][1] == withheld
    assert "k-1" not in answer.text
    assert told["error"] == "Reject"
    asked = get(desk(serve, payloads=True), "/api/letters", host="shop.example").json()
    assert asked["letters"][0]["key"]["text"] == "k-1"


def test_a_slow_cluster_holds_up_nothing_else(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ticketpool.http.letters.PATIENCE_SECONDS", 0.3)
    gate = threading.Event()
    server = desk(serve, lambda _: [letter()] if gate.wait(30) else [])
    try:
        begun = time.monotonic()
        asking = threading.Thread(target=get, args=(server, "/api/letters"))
        asking.start()
        assert get(server, "/healthz").status_code == 200
        asking.join()
        answer = get(server, "/api/letters")  # waits its turn, and no longer than it may
        assert answer.status_code == 504
        assert "0.3 s" in answer.json()["reason"]
        assert time.monotonic() - begun < 5
    finally:
        gate.set()
    assert get(server, "/api/letters").json()["ok"] is True


def test_what_the_cluster_refuses_is_told(serve: Serve) -> None:
    def refuse(_: LettersQuery) -> list[Letter]:
        raise BrokerUnreachable("no broker answers at nowhere:9092")

    answer = get(desk(serve, refuse), "/api/letters")
    assert answer.status_code == 503
    assert answer.json() == {"ok": False, "reason": "no broker answers at nowhere:9092"}


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (None, Preview(kind="none")),
        (b"", Preview(kind="text")),
        (b"plain \xc3\xa9\n", Preview(kind="text", text="plain é\n", size=9)),
        (b"[1]", Preview(kind="json", text="[\n  1\n]", size=3)),
        (b"{torn", Preview(kind="text", text="{torn", size=5)),
        (b"\xff\x00", Preview(kind="hex", text="ff 00", size=2)),
        (b"a\x1b[31m", Preview(kind="hex", text="61 1b 5b 33 31 6d", size=6)),
    ],
)
def test_bytes_are_made_readable(data: bytes | None, expected: Preview) -> None:
    assert preview(data) == expected


def test_what_is_long_is_cut_and_its_size_told() -> None:
    text = preview(b"x" * 100_000)
    assert (text.kind, len(text.text), text.size, text.cut) == ("text", 8000, 100_000, True)
    # The last character of what is looked at is cut in two: no reason to call it bytes.
    split = preview(b"x" + "é".encode() * 50_000)
    assert (split.kind, split.cut) == ("text", True)
    dump = preview(bytes(range(256)) * 10)
    assert (dump.kind, dump.size, dump.cut) == ("hex", 2560, True)
    assert dump.text.splitlines()[6].endswith(
        "60 61 62 63 64 65 66 67 68 69 6a 6b 6c 6d 6e 6f  `abcdefghijklmno"
    )
    assert len(dump.text.splitlines()) == 32
