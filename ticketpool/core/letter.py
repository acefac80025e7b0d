"""A dead letter as it is read back from its topic: the record, and why it is there."""

import msgspec

Headers = tuple[tuple[str, bytes | None], ...]


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """One record of a dead-letter topic.

    Attributes:
        topic, partition, offset: where the letter stands.
        written_ms: when it was written, in milliseconds since 1970.
        key, value, headers: of the record as it was, without the headers that tell the reason.
        origin_topic, origin_partition, origin_offset: where the record came from; ``None`` when
            the headers do not tell, as of a record that somebody else has put there.
        origin_ms: the record's own timestamp.
        group: whose dead letter it is.
        attempts: calls that were made with it.
        error, message: the class of what was raised last, and its text.
        replays: how often it was replayed before it came here (again).
    """

    topic: str
    partition: int
    offset: int
    written_ms: int
    key: bytes | None
    value: bytes | None
    headers: Headers = ()
    origin_topic: str | None = None
    origin_partition: int | None = None
    origin_offset: int | None = None
    origin_ms: int | None = None
    group: str | None = None
    attempts: int | None = None
    error: str = ""
    message: str = ""
    replays: int = 0
