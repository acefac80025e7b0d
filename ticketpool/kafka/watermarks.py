"""Where the logs end, asked of the brokers once a second by a thread of its own.

The consumer knows the ends of its last fetches only: of nothing before the first, nothing new
while it is paused; and its high watermark counts what open transactions have written and
nobody may read yet. To ask it anew would hold up ``poll``: its calls are serialised.
"""

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from confluent_kafka import IsolationLevel, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._listoffsets import OffsetSpec

from ticketpool import log
from ticketpool.config import KafkaConfig
from ticketpool.core.model import Partition
from ticketpool.kafka.cluster import make_client
from ticketpool.kafka.settings import admin_properties

EVERY_SECONDS = 1.0
"""How often the brokers are asked; with more than ``MANY`` partitions half as often."""

MANY = 100
REQUEST_SECONDS = 2.0
SILENT_SECONDS = 3.5
"""Without an answer for so long nobody answers: a question and a request that timed out."""

_SLACK_SECONDS = 1.0  # the client is to end a request by itself
_LATEST: OffsetSpec = OffsetSpec.latest()  # type: ignore[no-untyped-call]
_EARLIEST: OffsetSpec = OffsetSpec.earliest()  # type: ignore[no-untyped-call]

_log = log.get("ticketpool.watermarks")


class Want(NamedTuple):
    """An assigned partition. ``epoch`` names the assignment; ``start``: where its log begins
    is to be asked for, too."""

    partition: Partition
    epoch: int
    start: bool


class Answer(NamedTuple):
    """What the leader of a partition said last.

    Attributes:
        epoch: of the assignment that it was asked for.
        end: offset of the next record that may be read there: the last stable one, unless
            ``isolation.level`` is ``read_uncommitted``. ``None``: it has not said yet.
        start: where the log begins; ``None`` when it was not asked.
        error: what it says now instead; empty when all is well.
    """

    epoch: int
    end: int | None
    start: int | None
    error: str = ""


class Watermarks:
    """*Supervisor side.* Ends of the logs of what is assigned, a second old at most.

    ``want``, ``of`` and ``silent_seconds`` are for the supervisor's loop: they never block
    and never raise. While no broker answers the last ends stay.

    Args:
        make: makes the admin client.
        clock: seconds that only rise.
    """

    def __init__(
        self,
        kafka: KafkaConfig,
        clock: Callable[[], float] = time.monotonic,
        make: Callable[[], Any] | None = None,
    ) -> None:
        level = kafka.properties.get("isolation.level", "read_committed")
        uncommitted = level == "read_uncommitted"
        self._level = (
            IsolationLevel.READ_UNCOMMITTED if uncommitted else IsolationLevel.READ_COMMITTED
        )
        properties = {**admin_properties(kafka), "log_level": 0}
        self._make = make or (lambda: make_client(AdminClient, properties))
        self._clock = clock
        self._wanted: tuple[Want, ...] = ()
        self._answers: Mapping[Partition, Answer] = {}
        self._heard = clock()
        self._asked_once = False
        self._over = threading.Event()
        self._now = threading.Event()  # there is something new to ask
        self._thread = threading.Thread(target=self._run, name="watermarks", daemon=True)

    # -- for the loop -------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to ask; nobody is unreachable before."""
        self._heard = self._clock()
        self._thread.start()

    def want(self, wanted: Iterable[Want]) -> None:
        """Ask for these from now on; new assignments at once."""
        new, old = tuple(wanted), self._wanted
        self._wanted = new
        if {one.epoch for one in new} - {one.epoch for one in old}:
            self._now.set()

    def of(self, partition: Partition, epoch: int) -> Answer | None:
        """The last answer for that assignment; ``None`` before the first."""
        answer = self._answers.get(partition)
        return answer if answer is not None and answer.epoch == epoch else None

    @property
    def silent_seconds(self) -> float | None:
        """For how long no broker has answered; ``None`` while some broker does."""
        silent = self._clock() - self._heard
        return silent if silent >= SILENT_SECONDS and self._asked_once else None

    def close(self) -> None:
        """Ask no more; what is under way is not waited for."""
        self._over.set()
        self._now.set()

    # -- the thread ---------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            admin = self._make()
            while not self._over.is_set():
                self.ask(admin)
                self._now.wait(EVERY_SECONDS * (2 if len(self._wanted) > MANY else 1))
                self._now.clear()
        except Exception:  # the supervisor goes on by what its consumer knows
            _log.exception("no ends of logs any more: lag is as of the last fetch")
            self._asked_once = False

    def ask(self, admin: Any) -> None:
        """One round of questions."""
        wanted = self._wanted
        ends, errors = self._offsets(admin, wanted, _LATEST)
        unknown = [one for one in wanted if one.start and one.partition in ends]
        starts, _ = self._offsets(admin, unknown, _EARLIEST)
        if ends or self._answers_at_all(admin):
            self._heard = self._clock()
        self._asked_once = True
        self._answers = {one.partition: self._answer(one, ends, starts, errors) for one in wanted}

    def _answer(
        self,
        one: Want,
        ends: Mapping[Partition, int],
        starts: Mapping[Partition, int],
        errors: Mapping[Partition, str],
    ) -> Answer:
        last = self.of(one.partition, one.epoch) or Answer(one.epoch, None, None)
        return Answer(
            one.epoch,
            ends.get(one.partition, last.end),
            starts.get(one.partition, last.start),
            errors.get(one.partition, ""),
        )

    def _offsets(
        self, admin: Any, wanted: Iterable[Want], spec: OffsetSpec
    ) -> tuple[dict[Partition, int], dict[Partition, str]]:
        """Offsets, and errors in the broker's words, by partition."""
        asked = {TopicPartition(*one.partition): spec for one in wanted}
        if not asked:
            return {}, {}
        futures = admin.list_offsets(
            asked, isolation_level=self._level, request_timeout=REQUEST_SECONDS
        )
        found: dict[Partition, int] = {}
        errors: dict[Partition, str] = {}
        for at, future in futures.items():
            partition = Partition(at.topic, at.partition)
            try:
                offset = future.result(REQUEST_SECONDS + _SLACK_SECONDS).offset
            except KafkaException as error:
                errors[partition] = error.args[0].str()
                continue
            except TimeoutError:
                offset = -1
            if offset >= 0:
                found[partition] = offset
            else:  # how a request that timed out is told (librdkafka 2.16, a broker under SIGSTOP)
                errors[partition] = "no answer"
        return found, errors

    def _answers_at_all(self, admin: Any) -> bool:
        """Whether some broker answers, though none of our partitions' leaders does."""
        try:
            asked = admin.describe_cluster(request_timeout=REQUEST_SECONDS)
            return bool(asked.result(REQUEST_SECONDS + _SLACK_SECONDS).nodes)
        except (KafkaException, TimeoutError):
            return False
