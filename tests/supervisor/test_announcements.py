"""Lanes that wait for the broker's word, and how many commits that takes."""

from collections.abc import Iterable
from typing import Any, cast

from ticketpool.config import RunConfig
from ticketpool.core.flow import Limits
from ticketpool.core.model import Partition
from ticketpool.core.policy import Backoff
from ticketpool.core.router import Router
from ticketpool.core.trouble import Position
from ticketpool.kafka.consumer import GroupConsumer
from ticketpool.kafka.dead_letter import DeadLetters
from ticketpool.kafka.outlet import Outlet
from ticketpool.pool import Pool
from ticketpool.supervisor.assignment import Assignment
from ticketpool.supervisor.crew import Crew
from ticketpool.supervisor.failures import Failures
from ticketpool.supervisor.signals import StopSignals
from ticketpool.supervisor.totals import Totals

Sent = list[tuple[Partition, Position]]


class Client:
    """Keeps what it was asked to commit; ``lost``: does not send it."""

    def __init__(self) -> None:
        self.commits: list[Sent] = []
        self.lost = False

    def commit_soon(self, positions: Iterable[tuple[Partition, Position]]) -> bool:
        self.commits.append(list(positions))
        return not self.lost


class Service:
    """An assignment with its router; no workers, no Kafka."""

    def __init__(self) -> None:
        config, totals = RunConfig(workers=1), Totals()
        self.router = Router(1, Limits(), max_crashes=3)
        outlet = Outlet(config.kafka)
        failures = Failures(config, DeadLetters(outlet, config.group), totals)
        pool: Pool[Any] = Pool(1, cast("Any", None), Backoff(0.1, 1.0))
        crew = Crew(config, pool, self.router, failures, totals, outlet)
        self.assignment = Assignment(config, self.router, crew, totals, StopSignals())
        self.client = Client()
        self.assignment.consumer = cast("GroupConsumer", self.client)

    def arrive(self, number: int) -> None:
        """A partition with a record that may not be sent before the broker knows of it."""
        lane = self.router.assign(Partition("tickets", number), 7)
        lane.carry_over(Position(7, ""), self.router.limits)
        self.router.open(lane)
        lane.ledger.receive([cast("Any", b"ticket")], [7])

    def answer(self) -> None:
        """The broker has taken the oldest commit."""
        taken = self.client.commits.pop(0)
        self.assignment.committed([(partition, at, None) for partition, at in taken])

    def numbers(self) -> list[list[int]]:
        """The partitions of each commit that is on its way."""
        return [[partition.number for partition, _ in sent] for sent in self.client.commits]


def test_what_is_to_be_announced_while_a_commit_is_on_its_way_leaves_with_the_next_one() -> None:
    service = Service()
    for number in range(3):
        service.arrive(number)
        service.assignment.announce()
    assert service.numbers() == [[0]]
    service.answer()
    service.assignment.announce()
    assert service.numbers() == [[1, 2]]
    assert [lane.partition.number for lane, _ in service.router.sendable(0)] == [0]


def test_a_commit_that_could_not_be_sent_holds_nothing_back_and_is_sent_again() -> None:
    service = Service()
    service.client.lost = True
    service.arrive(0)
    service.assignment.announce()
    service.client.lost = False
    service.arrive(1)
    service.assignment.announce()
    assert service.numbers() == [[0], [1]]
    service.assignment.commit_soon()
    assert service.numbers()[-1] == [0]


def test_the_regular_commit_does_not_wait_for_the_one_on_its_way() -> None:
    service = Service()
    service.arrive(0)
    service.assignment.announce()
    service.arrive(1)
    service.assignment.commit_soon()
    assert service.numbers() == [[0], [1]]
