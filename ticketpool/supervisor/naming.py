"""How log lines name a lane."""

from typing import TypedDict

from ticketpool.core.lane import Lane


class Where(TypedDict):
    """Fields of every line that is about a lane; ``epoch`` names the assignment in this process."""

    topic: str
    partition: int
    epoch: int


def where(lane: Lane) -> Where:
    """The lane's."""
    return {
        "topic": lane.partition.topic,
        "partition": lane.partition.number,
        "epoch": lane.epoch,
    }
