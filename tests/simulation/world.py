"""One world: a cluster, supervisors with their workers, and a seed.

The real ``ticketpool.supervisor.service.Supervisor`` runs in it with all that
it is made of, and the real lanes of the workers. Only what lies outside of
ticketpool is simulated: clock, processes, pipes, threads, Kafka and its client.
"""

import functools
import random
from collections import deque
from collections.abc import Callable
from typing import Any

import confluent_kafka
import msgspec

from tests.simulation import children, client, pipes, producer
from tests.simulation.broker import SESSION_SECONDS, Broker, Entry
from tests.simulation.handlers import Handler
from tests.simulation.kernel import Kernel, Process
from tests.simulation.oracle import Broken, Oracle
from ticketpool.config import RunConfig
from ticketpool.core.flow import Limits
from ticketpool.core.model import Partition
from ticketpool.errors import DrainTimeout, TicketpoolError
from ticketpool.supervisor import service
from ticketpool.supervisor.signals import StopSignals

LIMITS = Limits(
    batch_records=4,
    first_records=3,
    watched_records=20,
    batch_bytes=60,
    window_records=9,
    window_bytes=200,
)
BATCH = 16
TAIL = 20_000


class Service(Process):
    """A supervisor's process. ``outcome``: how its run ended, once it has."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.signals = StopSignals()
        self.supervisor: service.Supervisor | None = None
        self.outcome: str | None = None


class World:
    """Everything that exists.

    Attributes:
        events: how much has happened so far.
        start_fails: so many of the next worker starts find no memory.
        lost_answers: share of the commits whose answer does not arrive.
        told_of_losses: the callback that tells of a loss; empty: by chance.
    """

    def __init__(self, seed: int, config: RunConfig, *, eager: bool = False) -> None:
        self.rng = random.Random(seed)
        self.seed, self.config = seed, config
        self.kernel = Kernel()
        self.descriptors = pipes.Descriptors(self.kernel)
        self.oracle = Oracle(self)
        self.broker = Broker(self, eager=eager)
        self.limits = msgspec.structs.replace(LIMITS, buffer_records=config.buffer_records)
        self.batch = BATCH
        self.services: list[Service] = []
        self.workers: list[children.Worker] = []
        self.consumers: dict[Process, client.Consumer] = {}
        self.entries: list[Entry] = []
        self.events = 0
        self.tail: deque[tuple[Any, ...]] = deque(maxlen=TAIL)
        self.start_fails = 0
        self.lost_answers = 0.0
        self.told_of_losses = ""

    # -- history ----------------------------------------------------------------------------

    def note(self, *event: Any) -> None:
        """Something has happened."""
        self.events += 1
        self.tail.append((self.kernel.now, *event))

    def history(self) -> str:
        """The last events, one a line."""
        return "\n".join(f"{at:12.6f}  " + " ".join(map(str, what)) for at, *what in self.tail)

    # -- what the fakes ask -----------------------------------------------------------------------

    def entry_of(self, value: bytes | None) -> Entry:
        assert value is not None
        return self.entries[int(value)]

    def new_worker(self) -> children.Worker:
        """For the supervisor whose turn it is. Raises ``OSError`` when told to."""
        process = self.kernel.current.process
        if self.start_fails:
            self.start_fails -= 1
            raise OSError("cannot allocate memory")
        worker = children.Worker(self, len(self.workers), process)
        self.workers.append(worker)
        return worker

    def handler_of(self, worker: children.Worker) -> Handler:
        return Handler(self, worker)

    def lanes(self, process: Process) -> dict[Partition, Any]:
        assert isinstance(process, Service)
        return process.supervisor._router.lanes if process.supervisor else {}

    def answer_is_lost(self) -> bool:
        return bool(self.lost_answers and self.rng.random() < self.lost_answers)

    def connect(self, kind: Any, properties: dict[str, Any]) -> Any:
        """As ``make_client``."""
        process = self.kernel.current.process
        if kind is confluent_kafka.Producer:
            return producer.Producer(self, process, properties)
        made = self.consumers[process] = client.Consumer(self, process, properties)
        return made

    @property
    def backlog(self) -> int:
        """Records that no handler has finished with."""
        return sum(log.backlog for log in self.broker.logs.values())

    # -- deeds ------------------------------------------------------------------------------------

    def produce(self, partition: Partition, script: str = "ok", *, gap: int = 0) -> Entry:
        log = self.broker.logs[partition]
        log.skip(gap)
        entry = log.append(script, b"%d" % len(self.entries))
        self.entries.append(entry)
        for member in self.broker.members:
            member.poke()
        return entry

    def start(self) -> Service:
        """A supervisor is started."""
        process = Service(f"s{len(self.services)}")
        self.services.append(process)
        self.note("begin", process.name)
        self.kernel.spawn(process, process.name, lambda: self._serve(process))
        return process

    def _serve(self, process: Service) -> None:
        process.supervisor = service.Supervisor(self.config, process.signals)
        try:
            process.supervisor.run()
        except (TicketpoolError, confluent_kafka.KafkaException) as error:
            self._ended(process, f"{type(error).__name__}: {error}")
            if not isinstance(error, DrainTimeout) and not self.may_end(error):
                self.kernel.fail(Broken(f"stop: {process.name} ended with {error!r}"))
            return
        self._ended(process, "")
        clean = not process.ever_unclean
        summary = process.supervisor.summary(True)
        self.oracle.summed_up(process, summary.processed, summary.dead_lettered, clean=clean)

    def may_end(self, error: Exception) -> bool:
        """Whether a supervisor may end with this; a fault's doing."""
        return False

    def _ended(self, process: Service, outcome: str) -> None:
        self.note("end", process.name, outcome)
        self.kernel.exit(process)
        member = self.consumers.get(process)
        if member is not None and not member.closed:  # the broker did not answer in time
            self.kernel.later(SESSION_SECONDS, member.expel)
        process.outcome = outcome
        left = [w.name for w in self.workers if w.supervisor is process and w.status is None]
        self.oracle.expect(not left, "fence", f"{process.name} ended; {left} did not")

    @property
    def living(self) -> list[Service]:
        return [s for s in self.services if s.outcome is None and not s.killed]

    def terminate(self, process: Service) -> None:
        """SIGTERM."""
        self.note("SIGTERM", process.name)
        process.signals.count += 1

    def kill(self, process: Service, noticed_after: float = SESSION_SECONDS) -> None:
        """SIGKILL: its workers follow soon, the group notices later."""
        self.note("SIGKILL", process.name)
        self.kernel.kill(process)
        for worker in self.workers:
            if worker.supervisor is process:
                self.kernel.later(self.rng.uniform(0, 0.02), functools.partial(worker.die, -9))
        if member := self.consumers.get(process):
            self.kernel.later(noticed_after, lambda: self.broker.leave(member))

    def stop(self, process: Service, seconds: float) -> None:
        """SIGSTOP, and SIGCONT after so long."""
        self.note("SIGSTOP", process.name, seconds)
        process.ever_unclean = True
        until = self.kernel.now + seconds
        self.kernel.stop(process, until)
        member = self.consumers.get(process)
        if member is not None and seconds > SESSION_SECONDS:
            self.kernel.later(SESSION_SECONDS, member.expel)

    def black_out(self, seconds: float) -> None:
        """No broker answers."""
        self.note("blackout", seconds)
        self.broker.down_until = self.kernel.now + seconds
        if seconds > SESSION_SECONDS:
            for member in list(self.broker.members):
                self.kernel.later(SESSION_SECONDS + self.rng.random(), member.expel)

    def recreate(self, topic: str) -> None:
        """The topic is deleted and, once all have let go of it, made again with as many
        partitions."""
        self.note("recreate", topic)
        numbers = len(self.broker.delete(topic))

        def make_again() -> None:
            if any(p.topic == topic for p in self.broker.owner):
                self.kernel.later(0.2, make_again)
                return
            for number in range(numbers):
                self.broker.add(Partition(topic, number), 2 + len(self.entries))
            self.broker.want_round()

        self.kernel.later(0.2, make_again)

    # -- the end ----------------------------------------------------------------------------------

    @property
    def settled(self) -> bool:
        """Whether everything that was produced is finished and committed."""
        return all(
            log.unfinished is None
            and (not log.entries or self._committed(partition) > log.entries[-1].offset)
            for partition, log in self.broker.logs.items()
        )

    def _committed(self, partition: Partition) -> int:
        return self.broker.committed.get(partition, (0, ""))[0]

    def await_that(self, condition: Callable[[], object], seconds: float, what: str) -> None:
        """Let the world run until it holds; fails the run once nothing has moved on for so long."""
        progress, until = -1, 0.0
        while not condition():
            if progress != self.oracle.progress:
                progress, until = self.oracle.progress, self.kernel.now + seconds
            self.oracle.expect_in_time(self.kernel.now < until, what)
            self.kernel.sleep(0.1)

    def finish(self) -> None:
        """SIGTERM for all; then nothing may be left of them."""
        for process in self.living:
            self.terminate(process)
        self.await_that(lambda: not self.living, 60.0, "a supervisor does not end")
        self.kernel.sleep(0.1)
        for worker in self.workers:
            assert worker.status is not None, f"{worker.name} is left"
        fds = [fd for fd, thing in self.descriptors.open.items() if not self._of_killed(fd, thing)]
        assert not fds, f"descriptors {fds} are left"

    def _of_killed(self, fd: int, thing: Any) -> bool:
        """The kernel closes what a killed supervisor had open; here nobody does."""
        if isinstance(thing, children.Worker):
            return thing.supervisor.killed
        return any(w.supervisor.killed for w in self.workers if fd in w.fds)
