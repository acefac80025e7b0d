"""What the random lives found once, told step by step."""

import pytest

from tests.simulation.scenes import A, B, ended, letters, member, scene


def test_a_handler_that_outlives_drains_is_slow_and_no_crash() -> None:
    """A drain's deadline kills the worker, and charged all that it ran."""
    with scene(max_crashes=1, drain_seconds=0.05) as world:
        for _ in range(10):
            world.produce(A, "slow")
            world.produce(B, "slow")
        for _ in range(3):
            service = world.start()
            member(world, service)
            world.kernel.sleep(0.3)
            world.terminate(service)
            ended(world, service)
    assert letters(world) == 0


def test_a_partition_that_moves_costs_its_neighbour_in_the_worker_nothing() -> None:
    with scene(max_crashes=1, drain_seconds=0.05) as world:
        for _ in range(10):
            world.produce(A, "slow")
            world.produce(B, "slow")
        world.start()
        for _ in range(3):
            other = world.start()
            member(world, other)
            world.terminate(other)
            ended(world, other)
    assert letters(world) == 0


@pytest.mark.parametrize("seed", range(20))
def test_a_stop_takes_back_what_was_announced_and_not_begun(seed: int) -> None:
    """The commit that announced the first record was on its way when a clean stop found
    nothing to commit: the memo stayed, and the record was a dead letter unrun."""
    with scene(seed=seed, max_crashes=2) as world:
        world.produce(A, "fragile")
        world.produce(B)
        first = world.start()
        world.await_that(lambda: world.entries[0].deaths, 20.0, "lives")
        world.kill(first, noticed_after=0.3)
        for _ in range(3):
            service = world.start()
            member(world, service)
            world.terminate(service)
            ended(world, service)


def test_the_record_that_is_charged_is_the_one_that_is_given_up() -> None:
    """Acks that cannot be read leave records before the running one unsettled: the first of
    those went to the dead-letter topic in its place."""
    with scene(max_crashes=1) as world:
        for script in ("slow", "slow", "slow"):
            world.produce(A, script)
        world.start()
        world.await_that(lambda: world.workers and world.workers[0].warm, 20.0, "cold")
        world.workers[0].garble = True
    assert world.entries[0].letters == 0


def test_a_worker_that_is_stopped_while_it_runs_nothing_hangs_as_well() -> None:
    """No record was running, so no handler was overdue: what was sent to it waited for ever."""
    with scene() as world:
        member(world, world.start())
        world.await_that(lambda: world.workers[0].warm, 20.0, "cold")
        world.kernel.stop(world.workers[0], float("inf"))
        world.produce(A)


@pytest.mark.parametrize("step", range(1, 60))
def test_a_worker_may_die_at_any_of_its_steps(step: int) -> None:
    """Between two stores, before an ack, in the middle of a frame."""
    with scene() as world:
        for script in ("ok", "reject", "ok", "flaky", "undecodable", "ok"):
            world.produce(A, script)
        world.start()
        world.await_that(lambda: world.workers and world.workers[0].warm, 20.0, "cold")
        world.workers[0].fuse = step
    assert [entry.letters for entry in world.entries] == [0, 1, 0, 0, 1, 0]


@pytest.mark.parametrize("seed", range(5))
def test_a_dead_record_that_was_told_of_in_an_unreadable_frame_is_no_finished_one(
    seed: int,
) -> None:
    with scene(seed=seed) as world:
        world.produce(A, "reject")
        world.produce(A, "slow")
        world.start()
        world.await_that(lambda: world.workers and world.workers[0].warm, 20.0, "cold")
        world.workers[0].garble = True
    assert [entry.letters for entry in world.entries] == [1, 0]


def test_words_that_an_earlier_lane_has_left_are_not_believed() -> None:
    """A worker died between being told of a lane and beginning it: the words at that index were
    of the lane before, whose offsets came again in a topic that was made again."""
    with scene() as world:
        for _ in range(2):
            world.produce(A)
        service = world.start()
        world.await_that(lambda: world.settled, 20.0, "not settled")
        world.recreate("a")
        while world.broker.owner:
            world.kernel.sleep(0.001)
        world.kernel.stop(world.workers[0], float("inf"))
        world.await_that(lambda: A in world.broker.owner, 20.0, "not made again")
        entries = [world.produce(A) for _ in range(3)]
        lanes = world.lanes(service)
        world.await_that(lambda: A in lanes and lanes[A].ledger.in_flight, 2.0, "not sent")
        world.workers[0].die(-9)
    assert [entry.calls for entry in entries] == [1, 1, 1]
