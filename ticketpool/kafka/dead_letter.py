"""Dead letters: the raw record with the reason in its headers, acknowledged before it counts."""

from collections.abc import Callable
from typing import Any

import msgspec

from ticketpool import crash, log
from ticketpool.core import letter
from ticketpool.core.model import Partition, RawRecord
from ticketpool.kafka.outlet import Carrier, Outgoing

_log = log.get("ticketpool.dead_letter")


class Reason(msgspec.Struct, frozen=True):
    """Why a record is dead: attempts made, class of the error and its message; of a parked one,
    the first offset of the record that it follows."""

    attempts: int
    error: str
    message: str
    follows: int | None = None


class _Letter(Outgoing):
    """A dead letter until it is acknowledged."""

    kind = "dead-letter"

    def __init__(
        self, topic: str, record: RawRecord, headers: list[Any], done: Callable[[], None]
    ) -> None:
        origin = Partition(record.topic() or "", record.partition() or 0)
        offset = record.offset() or 0
        super().__init__(origin, offset, topic, record.key(), record.value(), headers)
        self._done = done

    def written(self) -> None:
        crash.point("supervisor:before-dead-letter-ack")
        self._done()
        crash.point("supervisor:after-dead-letter-ack")

    def refused(self, why: str) -> bool:
        """There is no place left for the record but its partition, which waits."""
        return False

    def delayed(self, why: str, failures: int, seconds: float) -> None:
        _log.error(
            "dead letter not written, the partition waits",
            topic=self.origin.topic,
            partition=self.origin.number,
            offset=self.offset,
            dead_letter_topic=self.topic,
            error=why,
            failures=failures,
            again_in_seconds=seconds,
            mend="create the topic or set --dead-letter-topic",
        )


class DeadLetters:
    """*Supervisor side.* Writes dead letters, and goes on trying until they are acknowledged."""

    def __init__(self, carrier: Carrier, group: str) -> None:
        self._carrier = carrier
        self._group = group

    def write(
        self, topic: str, record: RawRecord, reason: Reason, done: Callable[[], None]
    ) -> None:
        """Write the record to ``topic``; ``done`` is called from ``Carrier.tend`` once it is safe.

        Never raises and never gives up: the partition waits for ``done``.
        """
        headers = [*(record.headers() or ()), *_headers(record, reason, self._group)]
        self._carrier.send(_Letter(topic, record, headers, done))


def _headers(record: RawRecord, reason: Reason, group: str) -> list[tuple[str, bytes]]:
    texts = {
        letter.TOPIC: record.topic() or "",
        letter.PARTITION: str(record.partition()),
        letter.OFFSET: str(record.offset()),
        letter.TIMESTAMP: str(record.timestamp()[1]),
        letter.GROUP: group,
        letter.ATTEMPTS: str(reason.attempts),
        letter.ERROR: reason.error,
        letter.MESSAGE: reason.message,
    }
    if reason.follows is not None:
        texts[letter.FOLLOWS] = str(reason.follows)
    return [(name, text.encode()) for name, text in texts.items()]
