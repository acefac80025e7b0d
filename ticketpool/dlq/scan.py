"""Reading all letters that are meant, and counting them by reason."""

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing

import msgspec

from ticketpool.config import KafkaConfig
from ticketpool.core.letter import Letter, letter_of
from ticketpool.core.model import Partition
from ticketpool.core.replayed import Replayed
from ticketpool.core.selection import Selection
from ticketpool.errors import ConfigError, TopicMissing
from ticketpool.kafka.letters import age
from ticketpool.kafka.progress import Progress
from ticketpool.kafka.reader import Narrow, Reader

_MOST_REASONS = 1_000  # an error's name is whatever a handler calls it


class Found(msgspec.Struct, frozen=True):
    """What ``look`` has seen.

    Attributes:
        letters: the first or last of those that are meant.
        matched, read: how many are meant, of how many that stand there.
        reasons: how many by error, the most frequent first.
    """

    letters: list[Letter]
    matched: int
    read: int
    reasons: dict[str, int]


def progress_group(group: str) -> str:
    """The group whose offsets tell what of a group's letters was replayed."""
    return f"{group}.replay"


def reader_of(kafka: KafkaConfig, topics: Iterable[str], narrow: Narrow | None = None) -> Reader:
    """Of dead-letter topics. Raises as ``Reader``, with a word on options."""
    try:
        return Reader(kafka, topics, narrow)
    except TopicMissing as error:
        raise TopicMissing(
            f"{error} (whose <topic>.dlq is read) or --dead-letter-topic; before the first dead "
            "letter there may be no such topic"
        ) from None


def letters(reader: Reader) -> Iterator[Letter]:
    """All letters, those of a partition in their order."""
    for records in reader.batches():
        yield from map(letter_of, records)


def look(
    kafka: KafkaConfig, topics: Iterable[str], selection: Selection, limit: int, *, oldest: bool
) -> Found:
    """Read the topics to their end; the newest letters that are meant, or the oldest.

    In constant memory, whatever stands there.

    Raises:
        BrokerUnreachable, NotAuthorised, TopicMissing, ConfigError.
    """
    pick = heapq.nsmallest if oldest else heapq.nlargest
    kept: list[Letter] = []
    reasons: Counter[str] = Counter()
    read = matched = 0
    with closing(reader_of(kafka, topics)) as reader:
        for records in reader.batches():
            read += len(records)
            meant = [one for one in map(letter_of, records) if selection.takes(one)]
            matched += len(meant)
            _count(reasons, meant)
            if meant:
                kept = pick(limit, [*kept, *meant], key=age)
    return Found(kept, matched, read, dict(reasons.most_common()))


def _count(reasons: Counter[str], letters: Iterable[Letter]) -> None:
    for letter in letters:
        name = letter.error or "(no reason told)"
        if name not in reasons and len(reasons) >= _MOST_REASONS:
            name = "(others)"
        reasons[name] += 1


class Marks:
    """Whether letters were replayed, as the progress of their groups tells.

    Raises:
        BrokerUnreachable, NotAuthorised: when it is asked.
    """

    def __init__(self, kafka: KafkaConfig, letters: Iterable[Letter]) -> None:
        places: dict[str, set[Partition]] = {}
        for one in letters:
            if one.group is not None:
                places.setdefault(one.group, set()).add(Partition(one.topic, one.partition))
        self._of = {group: _load(kafka, group, wanted) for group, wanted in places.items()}

    def has(self, letter: Letter) -> bool:
        """Whether it was replayed."""
        if letter.group is None:
            return False
        place = Partition(letter.topic, letter.partition)
        return letter.offset in self._of[letter.group][place]


def _load(kafka: KafkaConfig, group: str, places: set[Partition]) -> dict[Partition, Replayed]:
    with closing(Progress(kafka, progress_group(group))) as progress:
        return progress.load(places)


def place_of(text: str) -> tuple[int, int]:
    """``PARTITION:OFFSET``. Raises ``ConfigError``."""
    partition, colon, offset = text.partition(":")
    if not (colon and partition.isdecimal() and offset.isdecimal() and text.isascii()):
        raise ConfigError(f"{text!r}: write PARTITION:OFFSET of the letter, as `dlq list` shows it")
    return int(partition), int(offset)
