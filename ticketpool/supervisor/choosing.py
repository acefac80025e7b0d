"""Which of our partitions a person means; what is not there is said with what is."""

from collections.abc import Sequence

from ticketpool.core.lane import Lane
from ticketpool.core.model import Partition
from ticketpool.core.router import Router
from ticketpool.errors import ControlError


class Chooser:
    """*Supervisor side.* Lanes by topic and number.

    Args:
        topics: all that are read.
    """

    def __init__(self, router: Router, topics: Sequence[str]) -> None:
        self._router = router
        self._topics = topics

    def topic(self, topic: str | None) -> str:
        """The topic that is meant. Raises ``ControlError``: it is not read, or has to be named."""
        if topic is None and len(self._topics) > 1:
            raise ControlError(f"several topics are read, {self._named}: say which, with --topic")
        if topic is not None and topic not in self._topics:
            raise ControlError(f"topic {topic} is not read here, but {self._named}")
        return topic or self._topics[0]

    @property
    def _named(self) -> str:
        return ", ".join(self._topics)

    def lane(self, topic: str | None, number: int) -> Lane:
        """Raises ``ControlError``: this supervisor does not hold that partition."""
        partition = Partition(self.topic(topic), number)
        lane = self._router.lanes.get(partition)
        if lane is None:
            raise ControlError(
                f"{partition} is not held here: {self.held()}. Another supervisor of the group "
                "has it, if the topic has it; ask that one, with --control or on its machine"
            )
        return lane

    def lanes(self, topic: str | None, numbers: Sequence[int], *, everything: bool) -> list[Lane]:
        """Those of these numbers, or all (of the topic, if it is named), in order.

        Raises:
            ControlError: one is not held here; none is named.
        """
        if not everything and not numbers:
            raise ControlError("no partition: name one with --partition, or --all")
        if not everything:
            return [self.lane(topic, number) for number in sorted(set(numbers))]
        only = None if topic is None else self.topic(topic)
        ours = sorted(self._router.lanes.items())
        return [lane for partition, lane in ours if only in (None, partition.topic)]

    def held(self) -> str:
        """What this supervisor holds, in words: ``it holds tickets[0-3,7]``."""
        lanes = [lane for _, lane in sorted(self._router.lanes.items())]
        return f"it holds {shown(lanes)}" if lanes else "it holds no partition so far"


def shown(lanes: Sequence[Lane]) -> str:
    """The partitions of lanes of which there is at least one: ``tickets[0-3,7], refunds[1]``."""
    by_topic: dict[str, list[int]] = {}
    for lane in lanes:
        by_topic.setdefault(lane.partition.topic, []).append(lane.partition.number)
    return ", ".join(f"{topic}[{spans_of(sorted(ns))}]" for topic, ns in by_topic.items())


def spans_of(numbers: Sequence[int]) -> str:
    """Rising numbers, shortened.

    >>> spans_of([0, 1, 2, 3, 7])
    '0-3,7'
    """
    spans: list[list[int]] = []
    for number in numbers:
        if spans and number == spans[-1][1] + 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    return ",".join(f"{a}" if a == b else f"{a}-{b}" for a, b in spans)
