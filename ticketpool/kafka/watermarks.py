"""Where the logs end, asked of the brokers once a second by a thread of its own.

The consumer knows the ends of its last fetches only: of nothing before the first, nothing new
while it is paused; and its high watermark counts what open transactions have written and
nobody may read yet. To ask it anew would hold up ``poll``: its calls are serialised.

A consumer is asked that reads nothing and is in no group, and not an ``AdminClient``: that one
ends the whole process by an assertion when a broker goes at the wrong moment (librdkafka 2.16,
``rd_kafka_admin_response_parse``; seen in the soak), and takes four times the CPU.
"""

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from confluent_kafka import (
    OFFSET_BEGINNING,
    OFFSET_END,
    Consumer,
    KafkaError,
    KafkaException,
    TopicPartition,
)

from ticketpool import log
from ticketpool.config import KafkaConfig
from ticketpool.core.model import Partition
from ticketpool.kafka.cluster import make_client
from ticketpool.kafka.settings import reader_properties

EVERY_SECONDS = 1.0
"""How often the brokers are asked; with more than ``MANY`` partitions half as often."""

MANY = 100
REQUEST_SECONDS = 2.0
SILENT_SECONDS = 3.5
"""Without an answer for so long nobody answers: a question and a request that timed out."""

_WORDS = {
    KafkaError._TIMED_OUT: "no answer",
    KafkaError._TRANSPORT: "no answer",
    KafkaError._UNKNOWN_PARTITION: "no leader",
}

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
        make: makes the client.
        clock: seconds that only rise.
    """

    def __init__(
        self,
        kafka: KafkaConfig,
        clock: Callable[[], float] = time.monotonic,
        make: Callable[[], Any] | None = None,
    ) -> None:
        properties = {**reader_properties(kafka), "log_level": 0}
        self._make = make or (lambda: make_client(Consumer, properties))
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
            client = self._make()
            while not self._over.is_set():
                self.ask(client)
                self._now.wait(EVERY_SECONDS * (2 if len(self._wanted) > MANY else 1))
                self._now.clear()
        except Exception:  # the supervisor goes on by what its consumer knows
            _log.exception("no ends of logs any more: lag is as of the last fetch")
            self._asked_once = False

    def ask(self, client: Any) -> None:
        """One round of questions."""
        wanted = self._wanted
        ends, errors, answered = _offsets(client, [one.partition for one in wanted], OFFSET_END)
        unknown = [one.partition for one in wanted if one.start and one.partition in ends]
        starts = _offsets(client, unknown, OFFSET_BEGINNING)[0] if unknown else {}
        if answered:
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


Found = tuple[dict[Partition, int], dict[Partition, str]]
"""Offsets, and errors in the broker's words, by partition."""


def _offsets(
    client: Any, wanted: Sequence[Partition], where: int
) -> tuple[dict[Partition, int], dict[Partition, str], bool]:
    """Found, and whether some broker answers at all.

    One request for all. One broker that does not answer spoils it for the others' partitions,
    too (``rd_kafka_offsets_for_times``), so then each leader is asked by itself.
    """
    try:
        found, errors = _asked(client, wanted, where) if wanted else ({}, {})
    except KafkaException as error:
        leaders = _leaders(client, wanted)
        shares = _by_leader(leaders or {}, wanted)
        if len(shares) < 2:
            return {}, dict.fromkeys(wanted, _words(error.args[0])), leaders is not None
        return *_asked_apart(client, shares, where), True
    return found, errors, bool(found) or _leaders(client, wanted[:1]) is not None


def _asked_apart(client: Any, shares: Sequence[Sequence[Partition]], where: int) -> Found:
    found: dict[Partition, int] = {}
    errors: dict[Partition, str] = {}
    for share in shares:
        try:
            more, refused = _asked(client, share, where)
        except KafkaException as error:
            more, refused = {}, dict.fromkeys(share, _words(error.args[0]))
        found |= more
        errors |= refused
    return found, errors


def _asked(client: Any, wanted: Sequence[Partition], where: int) -> Found:
    # The offset stands for a time here; these two stand for the ends (ListOffsets in Kafka's
    # protocol), and what may be read follows isolation.level.
    asked = [TopicPartition(topic, number, where) for topic, number in wanted]
    found: dict[Partition, int] = {}
    errors: dict[Partition, str] = {}
    for at in client.offsets_for_times(asked, timeout=REQUEST_SECONDS):
        partition = Partition(at.topic, at.partition)
        if at.error is not None:
            errors[partition] = _words(at.error)
        elif at.offset >= 0:
            found[partition] = at.offset
        else:
            errors[partition] = "no answer"
    return found, errors


def _words(error: KafkaError) -> str:
    return _WORDS.get(error.code(), error.str())


def _by_leader(
    leaders: Mapping[Partition, int], wanted: Sequence[Partition]
) -> list[list[Partition]]:
    shares: defaultdict[int, list[Partition]] = defaultdict(list)
    for partition in wanted:
        shares[leaders.get(partition, -1)].append(partition)
    return list(shares.values())


def _leaders(client: Any, wanted: Sequence[Partition]) -> dict[Partition, int] | None:
    """The brokers that lead the partitions of these topics; ``None``: no broker answers."""
    leaders: dict[Partition, int] = {}
    try:
        if not wanted:
            client.list_topics(timeout=REQUEST_SECONDS)
        for topic in dict.fromkeys(partition.topic for partition in wanted):
            told = client.list_topics(topic, timeout=REQUEST_SECONDS).topics[topic]
            leaders |= {Partition(topic, n): one.leader for n, one in told.partitions.items()}
    except KafkaException:
        return None
    return leaders
