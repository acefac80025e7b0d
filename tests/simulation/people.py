"""What people ask of a running supervisor, as if it came from its control socket."""

from typing import TYPE_CHECKING

import msgspec

from tests.simulation.world import Service
from ticketpool.control.requests import Answer, Caller, Move, Pause, Request, Resume, Scale
from ticketpool.control.server import Call
from ticketpool.core.model import Partition

if TYPE_CHECKING:
    from tests.simulation.faults import Episode

_SOMEBODY = Caller(pid=1, uid=0)


class Asked(Call):
    """A request whose answer nobody waits for."""

    def answer(self, reply: Answer) -> None:
        """Kept for tests."""
        self.reply = reply
        if reply.lines and "a fault of ticketpool's own" in reply.lines[0]:
            raise AssertionError(reply.lines[0])  # a service goes on with it, a test does not


def ask(service: Service, request: Request) -> Call:
    """The supervisor finds it at the end of its loop's present step."""
    call = Asked(request, _SOMEBODY)
    if service.supervisor is not None:
        service.supervisor.hands.calls.put(call)
    return call


def pause(episode: "Episode") -> None:
    """A person pauses a partition, or all; another resumes."""
    if service := episode.a_service():
        where, rng = held_by(episode, service), episode.rng
        told = {
            "topic": where.topic,
            "partitions": [where.number],
            "everything": rng.random() < 0.3,
        }
        told["command"] = rng.choice(["pause", "pause", "resume"])
        ask(service, msgspec.convert(told, Pause | Resume))


def move(episode: "Episode") -> None:
    if service := episode.a_service():
        where, worker = held_by(episode, service), episode.rng.randint(0, 2)
        ask(service, Move(topic=where.topic, partition=where.number, worker=worker))


def held_by(episode: "Episode", service: Service) -> Partition:
    """A partition that it has now; if none, one that it may get, or not."""
    return episode.rng.choice(sorted(episode.world.lanes(service)) or [Partition("a", 0)])


def scale(episode: "Episode") -> None:
    if service := episode.a_service():
        ask(service, Scale(workers=episode.rng.randint(1, 4)))
