"""Nothing is lost, reordered, repeated without a reason or stuck, whatever goes wrong in
whatever order.

In doubt because every single fault is handled somewhere, and every two of them
meet somewhere else. Random lives of a whole cluster are lived here, a few of
those that ``tox -e simulate`` lives by the hundred.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.simulation.faults import FAULTS, Episode
from tests.simulation.oracle import Broken
from tests.simulation.scenes import A, scene

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("seed", range(20))
def test_every_promise_is_kept_through_a_random_life(seed: int) -> None:
    assert Episode(seed, seconds=15.0).run().events


def test_every_kind_of_fault_comes_up_in_lives() -> None:
    assert {fault for seed in range(20) for fault in Episode(seed).faults} == set(FAULTS)


def test_a_seed_replays_exactly_in_any_process() -> None:
    program = (
        "from tests.simulation.faults import Episode\n"
        "world = Episode(3, seconds=5.0).run()\n"
        "print(world.events, world.kernel.now, world.history())"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", program],
            cwd=ROOT,
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert runs[0] == runs[1] != ""


def test_a_broken_promise_ends_the_life_with_its_name() -> None:
    with pytest.raises(Broken, match=r"loss: s0 commits a.* at 2, but 0 is not finished"):
        with scene() as world:
            for _ in range(3):
                world.produce(A)
            world.broker.committed[A] = (2, "")  # somebody else's mistake
            world.start()


def test_standing_still_is_noticed() -> None:
    with pytest.raises(Broken, match="live: not settled"):
        with scene() as world:
            world.produce(A)
            world.broker.down_until = float("inf")
            world.start()
