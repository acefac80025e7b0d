"""Moving a group's offsets: first the plan, then the deed, then what the broker shows."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from ticketpool.config import KafkaConfig
from ticketpool.core.model import Partition
from ticketpool.core.reset import Difference, Moment, Move, Target, differences, move
from ticketpool.core.trouble import Position
from ticketpool.errors import ConfigError, TicketpoolError
from ticketpool.kafka.cluster import Cluster
from ticketpool.kafka.extents import Extents
from ticketpool.kafka.groups import Group, Groups
from ticketpool.offsets.look import check_known, partition_counts, partitions_of, require


class Plan(msgspec.Struct, frozen=True):
    """What is to become of a group's partitions; nothing is done yet."""

    group: str
    moves: list[Move]

    @property
    def changing(self) -> list[Move]:
        """Those partitions that something is committed for."""
        return [one for one in self.moves if one.changes]


class Done(NamedTuple):
    """What came of it.

    Attributes:
        committed: as read back from the broker afterwards.
        refused: why the broker did not take it, by partition.
        amiss: partitions that are not where they were to be.
    """

    committed: dict[Partition, Position]
    refused: dict[Partition, TicketpoolError]
    amiss: list[Difference]

    @property
    def ok(self) -> bool:
        """Whether every partition is where it was to be."""
        return not self.amiss and not self.refused

    def raise_if_partial(self, plan: Plan) -> None:
        """Raises ``TicketpoolError``, which says which partitions were moved and which not; of
        the kind with which the broker refused, if it did."""
        if self.ok:
            return
        wrong = {**dict.fromkeys(one.partition for one in self.amiss), **self.refused}
        moved = [str(one.partition) for one in plan.changing if one.partition not in wrong]
        why = [_in_words(one) for one in self.amiss if one.partition not in self.refused]
        what = f"was moved in part: {', '.join(moved)}; not: " if moved else "was not moved: "
        kind = next((type(error) for error in self.refused.values()), TicketpoolError)
        raise kind(
            f"group {plan.group!r} {what}{'; '.join([*map(str, self.refused.values()), *why])}. "
            "Run the same again when that is mended"
        )


def _in_words(one: Difference) -> str:
    at = "nothing" if one.committed is None else one.committed
    return f"{one.partition} shows {at} and not {one.wanted}"


class Resetter:
    """*Command side.* Moves the offsets of one group. Raises as ``look`` does."""

    def __init__(self, kafka: KafkaConfig, name: str) -> None:
        self._kafka = kafka
        self._name = name
        self._cluster = Cluster(kafka)
        self._groups = Groups(self._cluster, kafka)

    def plan(
        self, wanted: Target, topics: Sequence[str], numbers: Sequence[int], *, new_group: bool
    ) -> Plan:
        """What would be done.

        Args:
            numbers: of the partitions; none: all.
            new_group: the group need not have committed anything before.

        Raises:
            ConfigError: the group is active or unknown, or a partition is not there.
        """
        counts = partition_counts(self._cluster, self._kafka)
        require(counts, topics, self._kafka)
        partitions = sorted(_selected(partitions_of(topics, counts), counts, topics, numbers))
        group = self._groups.describe(self._name)
        refuse_active(group)
        committed = self._groups.committed(self._name, stable=True)
        if not new_group:
            check_known_or_new(group, committed, self._kafka)
        return Plan(self._name, self._moves(wanted, partitions, committed))

    def _moves(
        self, wanted: Target, partitions: list[Partition], committed: dict[Partition, Position]
    ) -> list[Move]:
        extents = Extents(self._cluster, self._kafka)
        held = extents.of(partitions)
        found: dict[Partition, int | None] = {}
        if isinstance(wanted, Moment):
            found = extents.first_at(partitions, wanted.millis)
        return [
            move(wanted, one, committed.get(one), held[one], found.get(one)) for one in partitions
        ]

    def apply(self, plan: Plan) -> Done:
        """Do it, and read back what the broker has then.

        Raises:
            ConfigError: the group has become active, or moved, since the plan was made; nothing
                is changed then.
        """
        refuse_active(self._groups.describe(self._name))
        before = self._groups.committed(self._name, stable=True)
        for one in plan.changing:
            at = before.get(one.partition)
            if (None if at is None else at.offset) != one.before:
                raise ConfigError(
                    f"group {self._name!r} has moved since the preview ({one.partition}); nothing "
                    "is changed, run it again"
                )
        refused = self._groups.commit(
            self._name, {one.partition: one.after for one in plan.changing}
        )
        committed = self._groups.committed(self._name)
        return Done(committed, refused, differences(plan.changing, committed))


def _selected(
    partitions: list[Partition],
    counts: dict[str, int],
    topics: Sequence[str],
    numbers: Sequence[int],
) -> list[Partition]:
    for topic in topics:
        if beyond := [number for number in numbers if number >= counts[topic]]:
            raise ConfigError(
                f"--partition {beyond[0]}: topic {topic!r} has the partitions 0 to "
                f"{counts[topic] - 1}"
            )
    return [one for one in partitions if not numbers or one.number in numbers]


def refuse_active(group: Group) -> None:
    """Raises ``ConfigError`` that names the members: offsets of theirs can't be moved."""
    if group.active:
        members = "; ".join(map(str, group.members)) or "none that it names yet"
        raise ConfigError(
            f"group {group.name!r} is active ({group.state}); nothing is changed. Stop its "
            f"members first: {members}"
        )


def check_known_or_new(
    group: Group, committed: dict[Partition, Position], kafka: KafkaConfig
) -> None:
    """As ``check_known``, with the way out."""
    try:
        check_known(group, committed, kafka)
    except ConfigError as error:
        raise ConfigError(f"{error}, or add --new-group to set where it will begin") from None
