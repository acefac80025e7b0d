"""Workers begin nothing for a supervisor that has slept, before it has heard of its group again.

In doubt because the first poll after a long sleep may return a record that was fetched before
it, and the news that its partition is lost only behind that.
"""

from types import SimpleNamespace
from typing import Any

from ticketpool.supervisor.heartbeat import Heartbeat
from ticketpool.worker import words


class World:
    """One worker, a clock, and a supervisor whose words last for five seconds."""

    def __init__(self) -> None:
        self.now = 100.0
        self.cells: dict[int, int] = {words.HEARTBEAT: 0}
        child = SimpleNamespace(words=SimpleNamespace(cells=self.cells))
        pool: Any = SimpleNamespace(slots=[SimpleNamespace(child=child)])
        self.heart = Heartbeat(pool, 5.0, lambda: self.now)

    def poll(self, seconds: float = 0.125) -> bool:
        """One turn of the loop; whether the workers see a sign of life from it."""
        began = self.now
        self.now += seconds
        self.heart.polled(began)
        self.heart.beat()
        return self.cells[words.HEARTBEAT] == int(self.now * 1e9)


def test_at_the_start_the_first_poll_is_enough() -> None:
    world = World()
    world.heart.beat()
    assert world.cells[words.HEARTBEAT] == 0
    assert world.poll()


def test_short_gaps_are_nothing() -> None:
    world = World()
    assert world.poll()
    world.now += 4.9
    assert world.poll(0.0)


def test_after_a_long_sleep_only_polls_that_begin_half_a_second_later_count() -> None:
    world = World()
    assert world.poll()
    world.now += 5.0
    seen = [world.poll() for _ in range(8)]
    assert seen == [False] * 4 + [True] * 4


def test_a_poll_in_which_it_slept_counts_for_nothing() -> None:
    world = World()
    assert world.poll()
    assert not world.poll(60.0)
    assert [world.poll(0.3) for _ in range(3)] == [False, False, True]
