"""A command does what it can, says what it could not, and leaves the service as it is.

In doubt because commands meet each other, and rebalances, half-way; and because one that raised
something unforeseen ended the loop, and the service with it.
"""

from collections.abc import Generator
from typing import Any
from unittest import mock

from tests.simulation.people import Asked
from tests.simulation.scenes import A, B, member, scene
from tests.simulation.world import Service, World
from ticketpool.control.requests import Answer, Caller, Request, Restart, Scale, Who
from ticketpool.supervisor.commands import Commands


class Heard(Asked):
    """A request whose answer is kept, whatever it is."""

    def answer(self, reply: Answer) -> None:
        """The first one."""
        self.reply = self.reply or reply


def ask(service: Service, request: Request) -> Heard:
    call = Heard(request, Caller(pid=1, uid=0))
    assert service.supervisor is not None
    service.supervisor.hands.calls.put(call)
    return call


def reply(world: World, call: Heard, seconds: float = 10.0) -> Answer:
    world.await_that(lambda: call.reply, seconds, "no answer")
    assert call.reply is not None
    return call.reply


def warm(world: World) -> Service:
    """A service that has both partitions, and all its workers."""
    service = world.start()
    member(world, service)
    world.await_that(lambda: all(worker.warm for worker in world.workers), 20.0, "cold")
    return service


def test_a_command_that_fails_unforeseen_says_so_and_the_next_one_is_done() -> None:
    def broken(*_: Any) -> Generator[None, None, Answer]:
        yield
        raise KeyError("nobody thought of it")

    with scene() as world, mock.patch.object(Commands, "_scale", broken):
        service = warm(world)
        failed = reply(world, ask(service, Scale(workers=2)))
        assert failed.exit_code == 1
        assert failed.lines[0].startswith("not done: KeyError: 'nobody thought of it'; ")
        assert reply(world, ask(service, Who())).exit_code == 0
        world.produce(A)


def test_a_worker_that_leaves_the_pool_while_it_is_restarted_has_no_successor_to_wait_for() -> None:
    """The answer waited half a minute for one."""
    with scene(workers=2, handler_timeout_seconds=20.0) as world:
        service = warm(world)
        for partition in (A, B):
            world.produce(partition, "slow")
            world.produce(partition, "slow")
        restarted = ask(service, Restart(worker=1, seconds=5.0))
        scaled = ask(service, Scale(workers=1))
        told = reply(world, restarted, 15.0)
        assert told.exit_code == 1
        assert "leaves the pool" in told.lines[0]
        assert reply(world, scaled).lines == ["1 worker, before 2; 2 partitions each"]
