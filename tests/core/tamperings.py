"""Ways to tamper with a history, each of which breaks the promise."""

from collections.abc import Callable, Iterable
from itertools import pairwise
from random import Random
from typing import Any

import msgspec
from hypothesis import assume

from tests.core.histories import runs
from tests.core.worlds import World
from ticketpool.core import events
from ticketpool.core.oracle import Seen

Tampered = tuple[list[Seen], set[str]]
"""Events, and invariants of which one must be broken."""


def pick(random: Random, indices: Iterable[int]) -> int:
    """One of these; a history without any is of no use."""
    found = list(indices)
    assume(found)
    return random.choice(found)


def of(world: World, kind: type) -> list[int]:
    return [index for index, one in enumerate(world.seen) if isinstance(one.event, kind)]


def changed(seen: Seen, **fields: Any) -> Seen:
    return seen._replace(event=msgspec.structs.replace(seen.event, **fields))


def without(seen: list[Seen], index: int) -> list[Seen]:
    return seen[:index] + seen[index + 1 :]


def place(seen: Seen) -> tuple[Any, ...]:
    event: Any = seen.event
    return seen.process, event.partition, event.epoch


def lanes(world: World) -> dict[tuple[str, int], tuple[Any, ...]]:
    """The place of each lane, by its worker and number."""
    names = {
        (one.event.supervisor, one.event.pid): one.process
        for one in world.seen
        if isinstance(one.event, events.Process)
    }
    return {
        (names[one.process, one.event.pid], one.event.lane): place(one)
        for one in world.seen
        if isinstance(one.event, events.Opened)
    }


def an_end_is_missing(world: World, random: Random) -> Tampered:
    """… of a record that was settled later."""
    opened = lanes(world)

    def is_settled(index: int) -> bool:
        """Before its worker dies, that is."""
        end: Any = world.seen[index].event
        where, worker = opened[world.seen[index].process, end.lane], world.seen[index].process
        for one in world.seen[index:]:
            if isinstance(one.event, events.WorkerExited) and f"worker-{one.event.pid}" == worker:
                return False
            if isinstance(one.event, events.Settled) and place(one) == where:
                return bool(one.event.through >= end.offset)
        return False

    ends = [index for index in of(world, events.Ended) if is_settled(index)]
    index = pick(random, ends)
    return without(world.seen, index), {"I2", "I4", "I6"}


def a_start_is_missing(world: World, random: Random) -> Tampered:
    start, _ = random.choice(list(runs(world.seen)) or [(-1, -1)])
    assume(start >= 0)
    return without(world.seen, start), {"I2"}


def a_commit_one_too_far(world: World, random: Random) -> Tampered:
    index = pick(random, world.too_far)
    seen = list(world.seen)
    seen[index] = changed(seen[index], offset=world.too_far[index])
    return seen, {"I4"}


def two_records_swapped(world: World, random: Random) -> Tampered:
    """… of one lane, with all that happened to them."""
    called = [one.event for one in world.seen if isinstance(one.event, events.Started)]
    pairs = [
        (a, b)
        for a, b in pairwise(called)
        if (a.lane, a.partition) == (b.lane, b.partition) and a.offset < b.offset
    ]
    assume(pairs)
    a, b = random.choice(pairs)
    other = {a.offset: b.offset, b.offset: a.offset}
    seen = [
        changed(one, offset=other.get(one.event.offset, one.event.offset))
        if isinstance(one.event, events.Started | events.Ended) and one.event.lane == a.lane
        else one
        for one in world.seen
    ]
    return seen, {"I2"}


def a_call_after_the_partition_was_given_up(world: World, random: Random) -> Tampered:
    """The revocation is noted before the last call began."""
    return _ended_early(world, random, events.Started, {"I6"})


def a_commit_after_the_partition_was_given_up(world: World, random: Random) -> Tampered:
    return _ended_early(world, random, events.Committing, {"I4"})


def _ended_early(world: World, random: Random, kind: type, broken: set[str]) -> Tampered:
    opened = lanes(world)

    def where(one: Seen) -> tuple[Any, ...]:
        event: Any = one.event
        return opened[one.process, event.lane] if kind is events.Started else place(one)

    moves = [
        (end, max(earlier))
        for end in of(world, events.Revoked)
        if (
            earlier := [
                i
                for i in of(world, kind)
                if i < end and where(world.seen[i]) == place(world.seen[end])
            ]
        )
    ]
    assume(moves)
    end, target = random.choice(moves)
    seen = without(world.seen, end)
    return [*seen[:target], world.seen[end], *seen[target:]], broken


def a_frame_is_sent_twice(world: World, random: Random) -> Tampered:
    index = pick(random, of(world, events.Delivered))
    return world.seen[: index + 1] + world.seen[index:], {"I7"}


def a_frame_is_missing(world: World, random: Random) -> Tampered:
    """… whose records were run all the same."""
    calls = (world.seen[index].event for index in of(world, events.Started))
    ran = {(call.lane, call.offset) for call in calls}  # type: ignore[union-attr]
    frames = [
        index
        for index in of(world, events.Delivered)
        for sent in [world.seen[index].event]
        if isinstance(sent, events.Delivered) and (sent.lane, sent.offsets[0][0]) in ran
    ]
    return without(world.seen, pick(random, frames)), {"I7"}


def a_jump_unnoticed(world: World, random: Random) -> Tampered:
    """Records were sent behind a gap that Kafka is not known to have left."""
    sent = [
        (place(one), first)
        for one in world.seen
        if isinstance(one.event, events.Delivered)
        for first, _ in one.event.offsets
    ]
    jumps = [
        index
        for index in of(world, events.Jumped)
        for jump in [world.seen[index].event]
        if isinstance(jump, events.Jumped) and (place(world.seen[index]), jump.last + 1) in sent
    ]
    return without(world.seen, pick(random, jumps)), {"I7"}


def a_death_is_missing(world: World, random: Random) -> Tampered:
    """… of a worker that was running something which came again in the same assignment."""
    opened = lanes(world)
    called: dict[tuple[Any, ...], set[tuple[str, int]]] = {}
    for one in world.seen:
        if isinstance(one.event, events.Started):
            where = (*opened[one.process, one.event.lane], one.event.offset)
            called.setdefault(where, set()).add((one.process, one.event.lane))
    again = {process for calls in called.values() if len(calls) > 1 for process, _ in calls}
    pids = {
        one.event.pid
        for one in world.seen
        if isinstance(one.event, events.Process) and one.process in again
    }
    deaths = [
        index
        for index in of(world, events.WorkerExited)
        for death in [world.seen[index].event]
        if isinstance(death, events.WorkerExited) and death.pid in pids
    ]
    # the last worker that ran such a record may die unnoticed: nothing came again after it
    last = {max(calls, key=lambda call: call[1])[0] for calls in called.values() if len(calls) > 1}
    deaths = [i for i in deaths if f"worker-{world.seen[i].event.pid}" not in last]  # type: ignore[union-attr]
    return without(world.seen, pick(random, deaths)), {"I2", "I5", "I6", "I7"}


def _starts(world: World) -> list[int]:
    """Assignments with a commit, of partitions that had been assigned before."""
    known: set[int] = set()
    found = []
    for index in of(world, events.Assigned):
        event: Any = world.seen[index].event
        if event.start is not None and event.partition in known:
            found.append(index)
        known.add(event.partition)
    return found


def a_start_too_far(world: World, random: Random) -> Tampered:
    """Records between the commits and the start are lost."""
    index = pick(random, _starts(world))
    event: Any = world.seen[index].event
    sent = [
        one.event.offset
        for one in world.seen[:index]
        if isinstance(one.event, events.Committing) and one.event.partition == event.partition
    ]
    seen = list(world.seen)
    seen[index] = changed(seen[index], start=max([event.start, *sent]) + 1)
    return seen, {"I1"}


def a_start_too_early(world: World, random: Random) -> Tampered:
    """A record before a confirmed commit is read again."""
    seen: list[Any] = list(world.seen)

    def is_confirmed(index: int) -> bool:
        event = seen[index].event
        return event.start > 0 and any(
            isinstance(one.event, events.Committed)
            and one.event.error is None
            and (one.event.partition, one.event.offset) == (event.partition, event.start)
            for one in seen[:index]
        )

    index = pick(random, filter(is_confirmed, _starts(world)))
    seen[index] = changed(seen[index], start=seen[index].event.start - 1)
    return seen, {"I5"}


def a_second_process(world: World, random: Random) -> Tampered:
    """In the middle of a call, another supervisor's worker calls with the same partition; the
    first one gives it up in order."""
    opened = lanes(world)
    clean = {place(world.seen[index]) for index in of(world, events.Revoked)}
    clean -= {place(world.seen[index]) for index in of(world, events.Abandoned)}
    clean -= {
        place(one)
        for one in world.seen
        if isinstance(one.event, events.Committed) and one.event.error
    }
    spans = [
        start
        for start, _ in runs(world.seen)
        for call in [world.seen[start]]
        if opened[call.process, call.event.lane] in clean  # type: ignore[union-attr]
    ]
    start = pick(random, spans)
    call: Any = world.seen[start].event
    at = call.at
    second: list[events.Event] = [
        events.Process(at, "supervisor", 1, "group", "clock"),
        events.Assigned(at, "tickets", call.partition, 1, 0),
        events.Opened(at, "tickets", call.partition, 1, 1, 2),
        events.Delivered(at, "tickets", call.partition, 1, 1, [(0, 0)]),
    ]
    worker: list[events.Event] = [
        events.Process(at, "worker", 2, "group", "clock", 0, "second"),
        events.Started(at, 1, "tickets", call.partition, 0, 1),
    ]
    added = [Seen("second", line, event) for line, event in enumerate(second)]
    added += [Seen("second's worker", line, event) for line, event in enumerate(worker)]
    return world.seen[: start + 1] + added + world.seen[start + 1 :], {"I6"}


TAMPERINGS: list[Callable[[World, Random], Tampered]] = [
    an_end_is_missing,
    a_start_is_missing,
    a_commit_one_too_far,
    two_records_swapped,
    a_call_after_the_partition_was_given_up,
    a_commit_after_the_partition_was_given_up,
    a_frame_is_sent_twice,
    a_frame_is_missing,
    a_jump_unnoticed,
    a_death_is_missing,
    a_start_too_far,
    a_start_too_early,
    a_second_process,
]
