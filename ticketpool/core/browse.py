"""What a person who looks through dead letters asks for."""

import msgspec

from ticketpool.core.model import Partition


class LettersQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which letters are wanted: the newest of those that are named.

    Attributes:
        topics: dead-letter topics; one that does not exist holds no letters.
        partition: of these topics, that one only; ``None``: all.
        before: to turn the page: of each partition that is named, only letters below this
            offset (the lowest that was shown of it); the others from their ends.
        limit: at most so many, over all partitions, by the time of their writing.
    """

    topics: tuple[str, ...]
    partition: int | None = None
    before: dict[Partition, int] = {}
    limit: int = 20
