"""No partition stays paused for ever: pause, rebalance, back-off, crash.

In doubt because four peers have this bug: who remembers across assignments that
a partition is paused, or forgets that it is, never asks the client to resume.
"""

import itertools

import pytest

from tests.simulation.scenes import A, B, member, scene
from tests.simulation.world import Service, World

EVENTS = ["moved", "lost", "lost but told as revoked", "restarted", "killed", "hung", "blackout"]
STATES = ["paused", "backing off", "paused and backing off"]
MATRIX = list(itertools.product(STATES, EVENTS, [False, True], [False, True]))


@pytest.mark.parametrize(("state", "event", "crash", "eager"), MATRIX)
def test_a_partition_flows_again_after(state: str, event: str, crash: bool, eager: bool) -> None:
    with scene(eager=eager, backoff_seconds=1.0, backoff_max_seconds=4.0) as world:
        service = world.start()
        consumer = member(world, service)
        bring_about(world, state)
        if "paused" in state:
            world.await_that(lambda: all(f.paused for f in consumer.fetches.values()), 20.0, state)
        if "backing off" in state:
            world.await_that(lambda: all(e.calls for e in world.entries[:2]), 20.0, state)
        if crash:
            world.workers[0].die(-11)
        happen(world, service, event)


def bring_about(world: World, state: str) -> None:
    head = "flaky" if "backing off" in state else "slow"
    for partition in (A, B):
        world.broker.logs[partition].skip(1)  # odd offsets of this script fail twice
        world.produce(partition, head)
    for _ in range(60 if "paused" in state else 2):
        for partition in (A, B):
            world.produce(partition, "slow" if world.rng.random() < 0.1 else "ok")


def happen(world: World, service: Service, event: str) -> None:
    match event:
        case "moved":
            other = world.start()
            member(world, other)
            world.kernel.sleep(0.5)
            world.terminate(other)
        case "lost" | "lost but told as revoked":
            world.told_of_losses = "on_lost" if event == "lost" else "on_revoke"
            world.consumers[service].expel()
        case "restarted":
            world.terminate(service)
        case "killed":
            world.kill(service)
        case "hung":
            world.stop(service, 15.0)
        case "blackout":
            world.black_out(20.0)
    world.kernel.sleep(1.0)
