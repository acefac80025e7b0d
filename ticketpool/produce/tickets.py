"""Making tickets: identity, key and a text that brings the JSON to the wanted size."""

from datetime import UTC, datetime
from typing import Any

import msgspec

from ticketpool.core.model import Ticket
from ticketpool.core.schedule import Share
from ticketpool.core.zipf import ZipfShare

TEXT = (
    "printer gate refund seat late login parcel invoice north window again call update "
    "missing order password delayed train carriage adult return receipt broken waiting "
)
STRIDE = 7
"""Consecutive tickets start that many letters further on in ``TEXT``."""


def key_name(number: int) -> bytes:
    """The key that a reader sees in Kafka: ``b"key-17"``."""
    return b"key-%d" % number


class Maker:
    """*Worker side.* The records of one process, a batch at a time.

    Args:
        size: bytes of a ticket's JSON, about; a ticket without any text has some 100.

    Attributes:
        record_bytes: no record's key and value are longer together.
    """

    def __init__(self, run: str, size: int, share: Share | ZipfShare) -> None:
        self._run = run
        self._share = share
        self._keys = [key_name(number) for number in share.own_keys]
        self._encode = msgspec.json.Encoder().encode
        bare = len(self._encoded(10**6, datetime.now(UTC), ""))
        self._pad = max(0, size - bare)
        self._text = TEXT * (2 + self._pad // len(TEXT))
        self.record_bytes = max(size, bare) + max(map(len, self._keys)) + 32  # ids grow in digits

    def _encoded(self, order_id: int, now: datetime, data: str) -> bytes:
        ticket = Ticket(id=f"{self._run}-{order_id}", timestamp=now, order_id=order_id, data=data)
        return self._encode(ticket)

    def batch(self, start: int, end: int) -> list[dict[str, Any]]:
        """The records of places start … end - 1 of the share; all have the time of now."""
        now, records = datetime.now(UTC), []
        for numbers, first in self._share.spans(start, end):
            keys = self._keys[first : first + len(numbers)]
            records += [
                {"key": key, "value": self._encoded(n + 1, now, self._data(n))}
                for n, key in zip(numbers, keys, strict=True)
            ]
        return records

    def _data(self, n: int) -> str:
        start = n * STRIDE % len(TEXT)
        return self._text[start : start + self._pad]
