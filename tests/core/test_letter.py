"""A record of a dead-letter topic is read as a letter, whoever wrote it.

In doubt because anybody may write there, and a record that died twice has our headers twice.
"""

from hypothesis import given
from hypothesis import strategies as st

from ticketpool.core.letter import OURS, Letter, letter_of, number_in
from ticketpool.core.selection import Selection

Headers = list[tuple[str, bytes | None]]


class Message:
    """As polled."""

    def __init__(self, headers: Headers | None, key: bytes | None = b"k") -> None:
        self._headers, self._key = headers, key

    def topic(self) -> str | None:
        return "t.dlq"

    def partition(self) -> int | None:
        return 3

    def offset(self) -> int | None:
        return 7

    def key(self) -> bytes | None:
        return self._key

    def value(self) -> bytes | None:
        return b"v"

    def headers(self) -> Headers | None:
        return self._headers

    def timestamp(self) -> tuple[int, int]:
        return 1, 5_000

    def __len__(self) -> int:
        return 1


FULL: Headers = [
    ("who", b"me"),
    ("ticketpool-topic", b"old"),
    ("ticketpool-replays", b"2"),
    ("ticketpool-first-offset", b"10"),
    ("ticketpool-first-timestamp", b"1000"),
    ("ticketpool-follows", b"9"),
    ("ticketpool-topic", b"t"),
    ("ticketpool-partition", b"1"),
    ("ticketpool-offset", b"42"),
    ("ticketpool-timestamp", b"4000"),
    ("ticketpool-group", b"g"),
    ("ticketpool-attempts", b"6"),
    ("ticketpool-error", b"Reject"),
    ("ticketpool-message", b"unknown customer"),
]


def test_a_letter_of_ours() -> None:
    assert letter_of(Message(FULL)) == Letter(
        topic="t.dlq", partition=3, offset=7, written_ms=5_000, key=b"k", value=b"v",
        headers=(("who", b"me"),), origin_topic="t", origin_partition=1, origin_offset=42,
        origin_ms=4_000, group="g", attempts=6, error="Reject", message="unknown customer",
        replays=2, first_offset=10, first_ms=1_000, follows=9,
    )  # fmt: skip


def test_a_first_letter_was_first_where_it_came_from() -> None:
    one = letter_of(Message(FULL[6:]))
    assert (one.first_offset, one.first_ms, one.follows, one.replays) == (42, 4_000, None, 0)


def test_a_stranger_s_record() -> None:
    one = letter_of(Message(None))
    assert (one.origin_topic, one.origin_partition, one.group, one.reason) == (None, None, None, "")
    assert not one.parked
    assert not letter_of(Message([("ticketpool-error", b"Parked")])).parked
    never_called = ("ticketpool-attempts", b"0")
    assert letter_of(Message([("ticketpool-error", b"Parked"), never_called])).parked


@given(st.lists(st.tuples(st.sampled_from(sorted(OURS)), st.none() | st.binary(max_size=30))))
def test_any_header_is_read(headers: Headers) -> None:
    assert letter_of(Message(headers)).headers == ()


def test_numbers_are_those_that_fit() -> None:
    for text, number in ((b"9223372036854775807", 2**63 - 1), (b"9223372036854775808", None)):
        assert number_in([("n", b"1"), ("n", text), ("m", b"3")], "n") == number
    for text in (b"", b"-1", b"1.0", b"\xd9\xa1", b"1" * 20):
        assert number_in([("n", text)], "n") is None


def test_each_filter_counts() -> None:
    letter = letter_of(Message(FULL))
    for good in (
        Selection(), Selection(reason="REJECT"), Selection(reason="customer"),
        Selection(topics=("x", "t")), Selection(partition=1), Selection(key="k"),
        Selection(since_ms=5_000, until_ms=5_001), Selection(group="g"),
        Selection(places=frozenset({(3, 7)})),
    ):  # fmt: skip
        assert good.takes(letter)
    for bad in (
        Selection(reason="Timeout"), Selection(topics=("t.dlq",)), Selection(partition=3),
        Selection(key="K"), Selection(since_ms=5_001), Selection(until_ms=5_000),
        Selection(group="h"), Selection(places=frozenset({(7, 3)})),
    ):  # fmt: skip
        assert not bad.takes(letter)
