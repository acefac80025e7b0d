"""A broker that does not answer is told as such, and not taken for a log without records.

In doubt because librdkafka 2.16 tells of a request that timed out by the offset -1, which means
"no record is so young" when a time was asked for: a reset would go to the end.
"""

from concurrent.futures import Future
from typing import Any, NamedTuple

import pytest

from ticketpool.config import KafkaConfig
from ticketpool.core.model import Partition
from ticketpool.core.reset import Extent
from ticketpool.errors import BrokerUnreachable
from ticketpool.kafka import extents
from ticketpool.kafka.extents import Extents

HERE, THERE = Partition("shop", 0), Partition("shop", 1)


class Found(NamedTuple):
    offset: int


class Admin:
    """Of a cluster in which each partition tells this offset, whatever it is asked for."""

    def __init__(self, *offsets: int) -> None:
        self._offsets = offsets

    def list_offsets(self, asked: Any, **_: Any) -> dict[Any, "Future[Found]"]:
        answers = {}
        for place, offset in zip(asked, self._offsets, strict=True):
            answers[place] = Future[Found]()
            answers[place].set_result(Found(offset))
        return answers


class Cluster:
    def __init__(self, *offsets: int) -> None:
        self.admin = Admin(*offsets)


def asking(*offsets: int) -> Extents:
    return Extents(Cluster(*offsets), KafkaConfig())  # type: ignore[arg-type]


def test_of_an_end_it_is_told_at_once() -> None:
    assert asking(4, 7).of([HERE, THERE]) == {HERE: Extent(4, 4), THERE: Extent(7, 7)}
    with pytest.raises(BrokerUnreachable, match=r"shop\[1\]: its start: its leader does not"):
        asking(4, -1).of([HERE, THERE])


def test_of_a_time_the_clock_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    assert asking(4, -1).first_at([HERE, THERE], 0) == {HERE: 4, THERE: None}
    monkeypatch.setattr(extents, "ANSWER_SECONDS", 0.0)  # all that took longer has timed out
    with pytest.raises(BrokerUnreachable, match=r"shop\[1\]: its record of a time: its leader"):
        asking(4, -1).first_at([HERE, THERE], 0)
