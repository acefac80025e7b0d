"""Random histories that keep the promise, with every fault that may happen."""

from collections.abc import Iterator
from random import Random

from tests.core.worlds import Lease, World
from ticketpool.core import events
from ticketpool.core.oracle import Seen


def legal(random: Random, steps: int) -> World:
    """A history of so many steps, with faults, that keeps the promise."""
    world = World(random)
    for _ in range(steps):
        if not world.supervisors or (len(world.supervisors) < 3 and random.random() < 0.02):
            world.begin()
        _happen(world, random)
    for supervisor in list(world.supervisors):
        if random.random() < 0.8:
            world.stop(supervisor)
    return world


def _happen(world: World, random: Random) -> None:
    supervisor = random.choice(world.supervisors)
    chance = random.random()
    if chance < 0.003:
        world.die(supervisor)
    elif chance < 0.006:
        world.stop(supervisor)
    elif chance < 0.012:
        world.kill_worker(supervisor)
    elif chance < 0.05:
        world.start_worker(supervisor)
        world.assign(supervisor, random.choice(world.logs))
    elif supervisor.leases:
        _work(world, random, random.choice(supervisor.leases))


def _work(world: World, random: Random, lease: Lease) -> None:
    chance = random.random()
    if chance < 0.004:
        world.take_away(lease)
    elif chance < 0.01:
        world.give_up(lease)
    elif chance < 0.016:
        world.hand_on(lease)
    elif chance < 0.06:
        world.commit(lease, answered=True)
    elif chance < 0.1:
        world.write_letter(lease)
    elif chance < 0.2:
        world.settle(lease, "ack")
    elif chance < 0.3:
        world.send(lease)
    elif chance < 0.4:
        world.read(lease)
    else:
        world.step(lease)


def runs(seen: list[Seen]) -> Iterator[tuple[int, int]]:
    """Indices of begin and end of each call that ended."""
    begun: dict[tuple[str, int], int] = {}
    for index, one in enumerate(seen):
        if isinstance(one.event, events.Started):
            begun[one.process, one.event.lane] = index
        elif isinstance(one.event, events.Ended):
            yield begun.pop((one.process, one.event.lane)), index
