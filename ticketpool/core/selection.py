"""Which letters are meant: what ``ticketpool dlq`` filters by."""

import msgspec

from ticketpool.core.letter import Letter


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """Letters that fulfil all that is given.

    Attributes:
        reason: the error's class, or a part of its text; case does not count.
        topics: where they came from; empty: anywhere.
        partition: the same.
        key: as UTF-8.
        since_ms, until_ms: when they were written, in milliseconds since 1970; ``until_ms``
            is the first that is too late.
        group: whose they are.
        places: (partition, offset) of single letters; empty: all.
    """

    reason: str | None = None
    topics: tuple[str, ...] = ()
    partition: int | None = None
    key: str | None = None
    since_ms: int | None = None
    until_ms: int | None = None
    group: str | None = None
    places: frozenset[tuple[int, int]] = frozenset()

    def takes(self, letter: Letter) -> bool:
        """Whether the letter is meant.

        >>> letter = Letter(topic="t.dlq", partition=0, offset=7, written_ms=5, key=b"k", value=b"",
        ...                 error="Reject", message="unknown customer")
        >>> Selection(reason="reject").takes(letter), Selection(reason="Customer").takes(letter)
        (True, True)
        >>> Selection(reason="TimeoutError").takes(letter)
        False
        """
        return (
            self._in_time(letter)
            and self._from_there(letter)
            and (not self.places or (letter.partition, letter.offset) in self.places)
            and (self.key is None or letter.key == self.key.encode("utf-8", "surrogateescape"))
            and (self.reason is None or self.reason.casefold() in letter.reason.casefold())
        )

    def _in_time(self, letter: Letter) -> bool:
        return (self.since_ms is None or letter.written_ms >= self.since_ms) and (
            self.until_ms is None or letter.written_ms < self.until_ms
        )

    def _from_there(self, letter: Letter) -> bool:
        return (
            (not self.topics or letter.origin_topic in self.topics)
            and (self.partition is None or letter.origin_partition == self.partition)
            and (self.group is None or letter.group == self.group)
        )
