"""Worlds for scenes that are told step by step."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.simulation.client import Consumer
from tests.simulation.outside import simulated
from tests.simulation.world import Service, World
from ticketpool.config import Assignor, RunConfig
from ticketpool.core.model import Partition

STUCK_SECONDS = 70.0
A, B = Partition("a", 0), Partition("a", 1)


@contextmanager
def scene(*, seed: int = 1, eager: bool = False, **settings: Any) -> Iterator[World]:
    """A world with two partitions. At the end of the block all has to become settled, and
    its supervisors are stopped."""
    assignor = Assignor.RANGE if eager else Assignor.COOPERATIVE_STICKY
    given = {
        "topics": ("a",),
        "workers": 1,
        "retries": 3,
        "backoff_seconds": 0.05,
        "handler_timeout_seconds": 3.0,
        "drain_seconds": 1.0,
        "commit_interval_seconds": 0.2,
        "buffer_records": 8,
        "dead_letter_limit": 1.0,
        "assignor": assignor,
        "http": None,
    }
    with simulated(World(seed, RunConfig(**{**given, **settings}), eager=eager)) as world:
        for partition in (A, B):
            world.broker.add(partition)
        yield world
        if not world.living:
            world.start()
        world.await_that(lambda: world.settled, STUCK_SECONDS, "not settled")
        paused = [str(p) for m in members(world) for p, f in m.fetches.items() if f.paused]
        assert not paused, f"paused, with nothing left to read: {paused}"
        world.finish()


def members(world: World) -> list[Consumer]:
    return [world.consumers[s] for s in world.living if s in world.consumers]


def member(world: World, service: Service) -> Consumer:
    """The supervisor's client, once it has partitions."""
    world.await_that(
        lambda: service in world.consumers and world.consumers[service].fetches, 30.0, "unassigned"
    )
    return world.consumers[service]


def ended(world: World, service: Service) -> None:
    """Wait for its end."""
    world.await_that(lambda: service.outcome is not None, 30.0, "a supervisor does not end")


def letters(world: World) -> int:
    """Dead letters that were acknowledged."""
    return sum(entry.letters for entry in world.entries)
