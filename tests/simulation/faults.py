"""Random lives: what may go wrong does, in an order that the seed decides.

Each episode draws which kinds of fault it has (so that some run long without
the others), runs a while, heals everything, and then all must become settled.
"""

import signal
from collections.abc import Callable
from random import Random

from confluent_kafka import KafkaException

from tests.simulation.broker import SESSION_SECONDS
from tests.simulation.children import Worker
from tests.simulation.outside import simulated
from tests.simulation.people import ask, move, pause, scale
from tests.simulation.world import Service, World
from ticketpool.config import Assignor, OnFailure, RunConfig
from ticketpool.control.requests import Resume
from ticketpool.core.model import Partition
from ticketpool.errors import WorkerStartFailed

STUCK_SECONDS = 70.0
"""Simulated: nothing waits for longer. A session lasts 10, a dead letter's back-off 30, a
worker's 10."""

SCRIPTS = {
    "ok": 3000, "slow": 20, "flaky": 60, "hopeless": 20, "reject": 20, "undecodable": 10,
    "poison": 3, "fragile": 6, "stuck": 1, "hangs": 2,
}  # fmt: skip
HARMLESS = ("ok", "slow")


class RandomWorld(World):
    """A world whose supervisors may end for want of memory or brokers, as in real life."""

    def may_end(self, error: Exception) -> bool:
        if isinstance(error, WorkerStartFailed):
            return True
        return isinstance(error, KafkaException) and self.had_blackout

    had_blackout = False


class Episode:
    """One life of a cluster and its supervisors."""

    def __init__(self, seed: int, *, seconds: float = 40.0) -> None:
        self.rng = rng = Random(seed)
        self.seconds = seconds
        topics = ("a", "b")[: rng.choice([1, 1, 2])]
        config = a_config(rng, topics)
        self.world = RandomWorld(rng.getrandbits(32), config, eager=is_eager(config))
        self.partitions = 0
        for topic in topics:
            for number in range(rng.randint(1, 4)):
                self.world.broker.add(Partition(topic, number))
        self.wanted = rng.choice([1, 1, 2, 3])  # supervisors
        self.scripts = self._drawn_scripts()
        kinds = rng.sample(FAULTS, rng.randint(0, len(FAULTS)))
        self.faults = [fault for fault in FAULTS if fault in kinds]
        self.pace = rng.choice([0.002, 0.01, 0.03])
        self.backlog = rng.choice([5, 50, 300])  # records that wait at most, about
        self.pause = rng.choice([0.2, 1.0, 4.0])  # between faults, on average

    def _drawn_scripts(self) -> dict[str, int]:
        kinds = self.rng.sample(list(SCRIPTS), self.rng.randint(0, len(SCRIPTS)))
        return {s: n for s, n in SCRIPTS.items() if s in kinds or s in HARMLESS}

    def run(self) -> World:
        """Live it. Raises ``Broken`` where a promise is."""
        with simulated(self.world) as world:
            for _ in range(self.wanted):
                world.start()
            self._live()
            self._heal()
            world.await_that(self._settled, STUCK_SECONDS, "not settled after the faults")
            world.finish()
        return world

    def _live(self) -> None:
        world, rng = self.world, self.rng
        end = world.kernel.now + self.seconds
        next_fault = world.kernel.now + rng.expovariate(1 / self.pause)
        while world.kernel.now < end:
            world.kernel.sleep(rng.expovariate(1 / self.pace))
            for _ in range(rng.choice([0, 1, 1, 1, 10] if rng.random() < 0.9 else [30])):
                self._produce()
            if world.kernel.now >= next_fault and self.faults:
                next_fault = world.kernel.now + rng.expovariate(1 / self.pause)
                rng.choice(self.faults)(self)
            self._restaff()

    def _produce(self) -> None:
        world, rng = self.world, self.rng
        if world.broker.logs and world.backlog < self.backlog:
            partition = rng.choice(sorted(world.broker.logs))
            script = rng.choices(list(self.scripts), list(self.scripts.values()))[0]
            gap = rng.choice([1, 7]) if rng.random() < 0.02 else 0
            world.produce(partition, script, gap=gap)

    def _restaff(self) -> None:
        """Somebody starts a supervisor where one is missing."""
        if len(self.world.living) < self.wanted and self.rng.random() < 0.02:
            self.world.start()

    def _heal(self) -> None:
        world = self.world
        world.note("healed")
        world.start_fails, world.lost_answers = 0, 0.0
        world.broker.refuse = lambda: None
        world.broker.down_until = world.broker.letters_refused_until = 0.0
        for service in world.living:
            ask(service, Resume(everything=True))

    def _settled(self) -> bool:
        while len(self.world.living) < max(self.wanted, 1):
            self.world.start()
        return self.world.settled

    # -- whom it may hit ---------------------------------------------------------------

    def a_service(self) -> Service | None:
        living = self.world.living
        return self.rng.choice(living) if living else None

    def a_worker(self) -> Worker | None:
        living = [w for w in self.world.workers if w.status is None and not w.supervisor.killed]
        return self.rng.choice(living) if living else None


def a_config(rng: Random, topics: tuple[str, ...]) -> RunConfig:
    return RunConfig(
        topics=topics,
        workers=rng.choice([1, 2, 3]),
        retries=rng.choice([0, 2, 5]),
        backoff_seconds=0.05,
        backoff_max_seconds=rng.choice([0.2, 5.0]),
        on_failure=rng.choice([OnFailure.DEAD_LETTER, OnFailure.DEAD_LETTER, OnFailure.SKIP]),
        handler_timeout_seconds=3.0,
        max_crashes=rng.choice([1, 2, 3]),
        max_records_per_worker=rng.choice([0, 0, 40]),
        drain_seconds=rng.choice([0.3, 3.0]),
        commit_interval_seconds=rng.choice([0.05, 0.5]),
        buffer_records=rng.choice([8, 20, 200]),
        assignor=rng.choice(list(Assignor)),
        dead_letter_limit=1.0,  # never trips
        http=None,
    )


def is_eager(config: RunConfig) -> bool:
    return config.assignor is not Assignor.COOPERATIVE_STICKY


# -- faults -------------------------------------------------------------------------------


def crash_somewhere(episode: Episode) -> None:
    """At one of its next steps: between two stores, in the middle of a frame, anywhere."""
    if worker := episode.a_worker():
        worker.fuse = episode.rng.randint(1, 60)


def kill_worker(episode: Episode) -> None:
    if worker := episode.a_worker():
        worker.die(-signal.SIGKILL)


def stop_worker(episode: Episode) -> None:
    """SIGSTOP; for ever, or until it would have been called a hang."""
    if worker := episode.a_worker():
        seconds = episode.rng.choice([1.0, 10.0, float("inf")])
        episode.world.note("SIGSTOP", worker.name, seconds)
        episode.world.kernel.stop(worker, episode.world.kernel.now + seconds)


def garble(episode: Episode) -> None:
    if worker := episode.a_worker():
        worker.garble = True
        worker.supervisor.ever_unclean = True


def fail_starts(episode: Episode) -> None:
    episode.world.start_fails = episode.rng.randint(1, 4)


def join(episode: Episode) -> None:
    if len(episode.world.living) < 4:
        episode.world.start()


def leave(episode: Episode) -> None:
    if service := episode.a_service():
        episode.world.terminate(service)


def leave_at_once(episode: Episode) -> None:
    if service := episode.a_service():
        service.ever_unclean = True
        episode.world.terminate(service)
        episode.world.kernel.sleep(0.01)
        episode.world.terminate(service)


def kill_service(episode: Episode) -> None:
    if service := episode.a_service():
        episode.world.kill(service, episode.rng.choice([0.3, SESSION_SECONDS]))


def stop_service(episode: Episode) -> None:
    if service := episode.a_service():
        episode.world.stop(service, episode.rng.choice([0.5, 5.0, 15.0]))


def expel(episode: Episode) -> None:
    """The group loses patience with one that is alive."""
    members = episode.world.broker.members
    if members:
        member = episode.rng.choice(members)
        member.process.ever_unclean = True
        member.expel()


def black_out(episode: Episode) -> None:
    episode.world.had_blackout = True
    for service in episode.world.living:
        service.ever_unclean = True
    episode.world.black_out(episode.rng.choice([0.3, 3.0, 20.0]))


def refuse_commits(episode: Episode) -> None:
    """For a while the coordinator loads, or a rebalance is on: some commits are refused."""
    world, rng = episode.world, episode.rng
    for service in world.living:
        service.ever_unclean = True
    until, share = world.kernel.now + rng.uniform(0.1, 5.0), rng.random()

    def refuse() -> str | None:
        refused = world.kernel.now < until and world.rng.random() < share
        return "REBALANCE_IN_PROGRESS" if refused else None

    world.broker.refuse = refuse


def lose_answers(episode: Episode) -> None:
    for service in episode.world.living:
        service.ever_unclean = True
    episode.world.lost_answers = episode.rng.choice([0.0, 0.3])


def refuse_letters(episode: Episode) -> None:
    world = episode.world
    world.broker.letters_refused_until = world.kernel.now + episode.rng.choice([0.5, 10.0])


def add_partition(episode: Episode) -> None:
    broker = episode.world.broker
    if len(broker.logs) < 10:
        numbers = [p.number for p in broker.logs if p.topic == "a"]
        if numbers:
            broker.add(Partition("a", max(numbers) + 1))
            broker.want_round()


def recreate(episode: Episode) -> None:
    episode.world.recreate("a")


FAULTS: list[Callable[[Episode], None]] = [
    crash_somewhere, kill_worker, stop_worker, garble, fail_starts, join, leave, leave_at_once,
    kill_service, stop_service, expel, black_out, refuse_commits, lose_answers, refuse_letters,
    add_partition, recreate, pause, move, scale,
]  # fmt: skip
