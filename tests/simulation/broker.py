"""A Kafka cluster in one object: logs, one group's offsets, and who owns what.

The group follows Kafka's rules where a client can tell: a commit is accepted
from any member of the present generation, whether it owns the partition or not
(facts 1.4); a round waits for all members; who is silent is expelled.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable
from typing import Any

from ticketpool.core.model import Partition

SESSION_SECONDS = 10.0
NEVER = float("inf")


class Entry:
    """One record, and everything that became of it.

    Attributes:
        script: what its handler will do.
        calls: handler calls begun, all attempts.
        ended: a handler has finished with it for good, or it was given up.
        finished: handled, skipped, or its dead letter is acknowledged.
        excused: it may be run again though it has ended: a fault explains it.
        deaths, alone: workers that died while they ran it; and ran nothing else.
    """

    __slots__ = (
        "alone", "calls", "deaths", "ended", "excused", "finished", "letters", "log", "offset",
        "script", "value",
    )  # fmt: skip

    def __init__(self, log: "Log", offset: int, script: str, value: bytes) -> None:
        self.log, self.offset, self.script, self.value = log, offset, script, value
        self.calls = self.deaths = self.alone = self.letters = 0
        self.ended = self.finished = self.excused = False


class Log:
    """The records of one partition, offsets with gaps. A topic made again has new logs."""

    def __init__(self, partition: Partition, incarnation: int) -> None:
        self.partition, self.incarnation = partition, incarnation
        self.entries: list[Entry] = []
        self.offsets: list[int] = []
        self.start = self.end = 0
        self._finished = 0  # so many of the first entries are finished
        self._ended = 0

    def append(self, script: str, value: bytes) -> Entry:
        entry = Entry(self, self.end, script, value)
        self.entries.append(entry)
        self.offsets.append(entry.offset)
        self.end += 1
        return entry

    def skip(self, count: int) -> None:
        """Offsets that no record has: a transaction's marker, compaction."""
        self.end += count

    def since(self, offset: int) -> int:
        """Index of the first entry at the offset or after."""
        return bisect_left(self.offsets, offset)

    @property
    def unfinished(self) -> Entry | None:
        """The first record that is not finished."""
        while self._finished < len(self.entries) and self.entries[self._finished].finished:
            self._finished += 1
        return self.entries[self._finished] if self._finished < len(self.entries) else None

    @property
    def unended(self) -> Entry | None:
        """The first record that no handler has finished with."""
        while self._ended < len(self.entries) and self.entries[self._ended].ended:
            self._ended += 1
        return self.entries[self._ended] if self._ended < len(self.entries) else None

    @property
    def backlog(self) -> int:
        """Records from the first one on that no handler has finished with."""
        return len(self.entries) - self._ended if self.unended else 0

    def __str__(self) -> str:
        return f"{self.partition}#{self.incarnation}"


class Broker:
    """The cluster. Its group has the topics that exist, all of them.

    Attributes:
        logs: by partition.
        committed: offset and metadata by partition.
        down_until: nobody gets an answer before then.
        refuse: called with each commit; a text is the refusal.
    """

    def __init__(self, world: Any, *, eager: bool) -> None:
        self._world = world
        self.eager = eager
        self.logs: dict[Partition, Log] = {}
        self.committed: dict[Partition, tuple[int, str]] = {}
        self.owner: dict[Partition, Any] = {}
        self.members: list[Any] = []
        self.generation = 0
        self.down_until = 0.0
        self.refuse: Callable[[], str | None] = lambda: None
        self.letters_refused_until = 0.0
        self._wanted = False
        self._draining = False

    @property
    def up(self) -> bool:
        return bool(self._world.kernel.now >= self.down_until)

    # -- the group -----------------------------------------------------------------------

    def join(self, member: Any) -> None:
        if member not in self.members:
            self.members.append(member)
        self.want_round()

    def leave(self, member: Any) -> None:
        """It has gone, or was silent for too long: what it owned is free."""
        if member in self.members:
            self.members.remove(member)
        for partition in [p for p, owner in self.owner.items() if owner is member]:
            self._free(partition)
        self.want_round()

    def _free(self, partition: Partition) -> None:
        self._world.oracle.ownership_ended(self.owner.pop(partition), partition)

    def released(self, member: Any, partitions: Iterable[Partition]) -> None:
        """It has given these up, in order."""
        for partition in partitions:
            if self.owner.get(partition) is member:
                self._free(partition)
        self.want_round()

    def want_round(self) -> None:
        """A rebalance is due, once every member has answered the one before."""
        if not self._wanted:
            self._wanted = True
            self._world.kernel.later(self._world.rng.uniform(0.01, 0.3), self._round)

    def _round(self) -> None:
        if not self.up or any(member.busy for member in self.members):
            self._world.kernel.later(0.05, self._round)
            return
        self._wanted = False
        self.generation += 1
        for member in self.members:
            self._world.kernel.later(self._world.rng.uniform(0, 0.02), self._tell(member))
        target = self._balance()
        if not self._take_back(target):
            self._hand_out(target)

    def _tell(self, member: Any) -> Callable[[], None]:
        generation = self.generation

        def tell() -> None:
            if member in self.members:
                member.generation = max(member.generation, generation)

        return tell

    def _take_back(self, target: dict[Partition, Any]) -> bool:
        """Revoke what has to move (cooperative) or everything (eager); whether anything was."""
        moved = False
        for member in self.members:
            held = [p for p, owner in self.owner.items() if owner is member]
            wrong = [p for p in held if target.get(p) is not member]
            if self.eager and self._needs_round(target):
                wrong = held
            if wrong:
                moved = True
                member.generation = self.generation
                member.enqueue("revoke", wrong)
        if not self.eager and moved:
            self._hand_out(target)  # what is free already
        return moved

    def _needs_round(self, target: dict[Partition, Any]) -> bool:
        return any(self.owner.get(p) is not member for p, member in target.items()) or any(
            p not in target for p in self.owner
        )

    def _hand_out(self, target: dict[Partition, Any]) -> None:
        for member in self.members:
            new = [p for p, to in target.items() if to is member and p not in self.owner]
            for partition in new:
                self.owner[partition] = member
            if new or not self.eager:
                member.enqueue("assign", new)

    def _balance(self) -> dict[Partition, Any]:
        """Each member a fair share, and what it has for as long as that is fair."""
        if not self.members:
            return {}
        partitions = sorted(self.logs)
        room = {m.name: len(partitions) // len(self.members) for m in self.members}
        for member in self.members[: len(partitions) % len(self.members)]:
            room[member.name] += 1
        target: dict[Partition, Any] = {}
        for partition in partitions:
            owner = self.owner.get(partition)
            if owner is not None and owner in self.members and room[owner.name]:
                target[partition] = owner
                room[owner.name] -= 1
        for partition in partitions:
            if partition not in target:
                member = next(m for m in self.members if room[m.name])
                target[partition] = member
                room[member.name] -= 1
        return target

    # -- offsets -------------------------------------------------------------------------

    def commit(
        self, member: Any, generation: int, offsets: list[tuple[Partition, int, str]]
    ) -> list[str | None]:
        """Take a commit; for each partition why it is refused, ``None`` if it is not."""
        if member not in self.members:
            return ["UNKNOWN_MEMBER_ID"] * len(offsets)
        if generation != self.generation:
            return ["ILLEGAL_GENERATION"] * len(offsets)
        if why := self.refuse():
            return [why] * len(offsets)
        return [self._keep(member, *offset) for offset in offsets]

    def _keep(self, member: Any, partition: Partition, offset: int, memo: str) -> str | None:
        if partition not in self.logs:
            return "UNKNOWN_TOPIC_OR_PART"
        self._world.oracle.commit_accepted(member, partition, offset, memo)
        self.committed[partition] = (offset, memo)
        return None

    # -- topics ---------------------------------------------------------------------------

    def add(self, partition: Partition, incarnation: int = 1) -> Log:
        self.logs[partition] = Log(partition, incarnation)
        return self.logs[partition]

    def delete(self, topic: str) -> list[Log]:
        """The topic's logs are gone, and the group's offsets of them."""
        gone = [p for p in self.logs if p.topic == topic]
        logs = [self.logs.pop(p) for p in gone]
        for partition in gone:
            self.committed.pop(partition, None)
        self.want_round()
        return logs
