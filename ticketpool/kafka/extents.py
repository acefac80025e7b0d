"""From where to where a partition has records, and which of them was the first at a time."""

import time
from collections.abc import Iterable

from confluent_kafka import IsolationLevel, KafkaError, TopicPartition
from confluent_kafka.admin._listoffsets import OffsetSpec

from ticketpool.config import KafkaConfig
from ticketpool.core.model import Partition
from ticketpool.core.reset import Extent
from ticketpool.errors import BrokerUnreachable
from ticketpool.kafka.asking import ANSWER_SECONDS, explained
from ticketpool.kafka.cluster import Cluster
from ticketpool.kafka.insist import PASSING, insist

_START: OffsetSpec = OffsetSpec.earliest()  # type: ignore[no-untyped-call]
_END: OffsetSpec = OffsetSpec.latest()  # type: ignore[no-untyped-call]

_PASSING = PASSING | {KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.LEADER_NOT_AVAILABLE}
"""Also those of a partition that was made, or whose leader has moved, a moment ago."""
_SLACK_SECONDS = 1.0  # sooner than that before its limit, no request has timed out


class Extents:
    """*Command side.* Blocking questions to the partitions' leaders, for all at once.

    Every method raises ``NotAuthorised``, ``BrokerUnreachable`` or ``TicketpoolError``, which
    name the partition.
    """

    def __init__(self, cluster: Cluster, kafka: KafkaConfig) -> None:
        self._admin = cluster.admin
        self._kafka = kafka

    def of(
        self, partitions: Iterable[Partition], *, stable: bool = False
    ) -> dict[Partition, Extent]:
        """Log start and high watermark. ``stable``: the end is where a reader of committed
        records comes to stand."""
        wanted = list(partitions)
        starts = self._listed(wanted, _START, "its start", stable)
        ends = self._listed(wanted, _END, "its end", stable)
        return {one: Extent(starts[one], max(starts[one], ends[one])) for one in wanted}

    def first_at(self, partitions: Iterable[Partition], millis: int) -> dict[Partition, int | None]:
        """The offset of the first record that is not older; ``None``: there is none so young."""
        spec = OffsetSpec.for_timestamp(millis)
        found = self._listed(list(partitions), spec, "its record of a time")
        return {one: None if offset < 0 else offset for one, offset in found.items()}

    def _listed(
        self, partitions: list[Partition], spec: OffsetSpec, what: str, stable: bool = False
    ) -> dict[Partition, int]:
        asking = ""
        level = IsolationLevel.READ_COMMITTED if stable else IsolationLevel.READ_UNCOMMITTED

        def ask() -> dict[Partition, int]:
            nonlocal asking
            wanted, began = {TopicPartition(*one): spec for one in partitions}, time.monotonic()
            asked = self._admin.list_offsets(
                wanted, isolation_level=level, request_timeout=ANSWER_SECONDS
            )
            found = {}
            for where, future in asked.items():
                one = Partition(where.topic, where.partition)
                asking = f"{one}: {what}"
                found[one] = future.result().offset
                if found[one] < 0:
                    self._require_answer(asking, spec, time.monotonic() - began)
            return found

        if not partitions:
            return {}
        return explained(lambda: insist(ask, passing=_PASSING), lambda: asking, self._kafka)

    def _require_answer(self, asking: str, spec: OffsetSpec, seconds: float) -> None:
        """The client (2.16) tells of a request that timed out by the offset -1, as of a time
        that no record is so young as. To believe it would move a group to its logs' ends."""
        if spec in (_START, _END) or seconds > ANSWER_SECONDS - _SLACK_SECONDS:
            raise BrokerUnreachable(
                f"{asking}: its leader does not answer, of the cluster at "
                f"{self._kafka.bootstrap_servers}; try again when that broker is back"
            )
