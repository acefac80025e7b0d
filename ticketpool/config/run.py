"""What ``ticketpool run`` may be told."""

import os
from enum import StrEnum

import msgspec

from ticketpool.config.bounds import at_least, named
from ticketpool.config.kafka import KafkaConfig
from ticketpool.config.logs import LogConfig
from ticketpool.config.traces import check_traces
from ticketpool.core.flow import Limits
from ticketpool.core.parking import MOST_KEYS
from ticketpool.errors import ConfigError

_MOST_IN_FLIGHT = Limits().window_records

BUILTIN = "ticketpool.worker.builtin:summary"
"""The handler when none is given."""
CODECS = ("json", "msgpack", "bytes")


class OnFailure(StrEnum):
    """What becomes of a record that failed for good."""

    DEAD_LETTER = "dead-letter"
    STOP = "stop"
    SKIP = "skip"


class OffsetReset(StrEnum):
    """Where a group without a committed offset starts."""

    EARLIEST = "earliest"
    LATEST = "latest"
    ERROR = "error"


class OnOutOfRange(StrEnum):
    """What to do when the committed offset is not in the log any more."""

    STOP = "stop"  # that partition, with an alarm; skipping records must be decided
    EARLIEST = "earliest"
    LATEST = "latest"


class Assignor(StrEnum):
    """How the group's partitions are shared out (``partition.assignment.strategy``)."""

    COOPERATIVE_STICKY = "cooperative-sticky"
    ROUNDROBIN = "roundrobin"
    RANGE = "range"


def usable_cores() -> int:
    """The cores that this process may run on (sched_getaffinity(2)), at least 1."""
    return max(1, len(os.sched_getaffinity(0)))


class RunConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that ``ticketpool run`` may be told.

    Raises:
        ConfigError: a value is out of its bounds; the message names the option.
    """

    kafka: KafkaConfig = KafkaConfig()
    log: LogConfig = LogConfig()
    topics: tuple[str, ...] = ("tickets",)
    group: str = "ticket-processor-group"
    handler: str = BUILTIN
    handlers: dict[str, str] = {}  # by topic; ``handler`` serves the topics not named
    codec: str = "json"  # or msgpack, bytes, module:function
    codecs: dict[str, str] = {}  # by topic; ``codec`` serves the topics not named
    middleware: tuple[str, ...] = ()  # module:function; the outermost first
    workers: int = msgspec.field(default_factory=usable_cores)
    retries: int = 5
    backoff_seconds: float = 0.1
    backoff_max_seconds: float = 30.0
    on_failure: OnFailure = OnFailure.DEAD_LETTER
    dead_letter_limit: float = 0.5  # share of the last 200 records; above it the service stops
    dead_letter_topic: str | None = None  # None: <topic>.dlq, one for each topic
    park_keys: bool = False  # later tickets of a dead letter's key follow it
    max_parked_keys: int = 50  # of a partition; they ride in the commit's metadata, of 4 kB
    handler_timeout_seconds: float = 300.0  # 0: none
    max_crashes: int = 3
    max_records_per_worker: int = 0  # then it is replaced, for handlers that leak; 0: never
    max_rss_mib: int = 0  # the same by resident memory; 0: never
    drain_seconds: float = 25.0  # below systemd's TimeoutStopSec of our unit
    commit_interval_seconds: float = 1.0
    batch_size: int = 100  # tickets that a batch handler gets at once, at most
    batch_seconds: float = 1.0  # that the first of them waits for the others, at most
    buffer_records: int = 20_000  # per partition; above it the partition is paused
    buffer_bytes: int = 8 << 20  # per partition
    offset_reset: OffsetReset = OffsetReset.EARLIEST  # latest loses what came before us
    on_out_of_range: OnOutOfRange = OnOutOfRange.STOP
    assignor: Assignor = Assignor.COOPERATIVE_STICKY
    http: str | None = "127.0.0.1:9464"  # None: no listener
    control: str | None = None  # socket for pause, scale, …: a path, or "auto"; None: none
    http_payloads: bool = False  # show dead letters' payloads on a listener beyond loopback, too
    exactly_once: bool = False  # outputs, dead letters and offsets in one transaction
    until_caught_up: bool = False
    create_topic: bool = False
    partitions: int = 8  # of a topic that --create-topic makes
    replication: int = -1  # -1: the broker's default
    quiet_stdout: bool = False  # handlers' prints go to standard error (--json)
    search_path: tuple[str, ...] = ()  # where workers find modules, beside the current folder
    trace_log: str | None = None  # folder for the evidence that verify --trace judges
    traces: str = "off"  # where OpenTelemetry's spans go: otlp, console

    def __post_init__(self) -> None:
        named("--group", self.group)
        for topic in self.topics:
            named("--topic", topic)
        isolation = self.kafka.properties.get("isolation.level", "read_committed")
        if self.exactly_once and isolation != "read_committed":
            raise ConfigError(
                f"-X isolation.level={isolation}: with --exactly-once we would read records, and "
                "offsets, of transactions that may yet be aborted"
            )
        if self.dead_letter_topic in self.topics:
            raise ConfigError(
                f"--dead-letter-topic {self.dead_letter_topic}: is read by --topic; "
                "dead letters would come back for ever"
            )
        at_least("--workers", self.workers, 1)
        at_least("--retries", self.retries, 0)
        at_least("--backoff", self.backoff_seconds, 0)
        at_least("--backoff-max", self.backoff_max_seconds, 0)
        at_least("--handler-timeout", self.handler_timeout_seconds, 0)
        at_least("--max-crashes", self.max_crashes, 1)
        at_least("--drain-timeout", self.drain_seconds, 0)
        at_least("--commit-interval", self.commit_interval_seconds, 0.01)
        at_least("--batch-size", self.batch_size, 1)
        at_least("--batch-timeout", self.batch_seconds, 0)
        self._check_batches()
        self._check_parking()
        self._check_topics()
        check_traces(self.traces)

    def _check_batches(self) -> None:
        if self.batch_size > _MOST_IN_FLIGHT:
            raise ConfigError(
                f"--batch-size {self.batch_size}: at most {_MOST_IN_FLIGHT}; a worker has no more "
                "of a partition at hand"
            )

    def _check_parking(self) -> None:
        if self.park_keys and self.on_failure is not OnFailure.DEAD_LETTER:
            raise ConfigError(
                f"--park-keys: tickets follow dead letters, and with --on-failure "
                f"{self.on_failure} there are none"
            )
        if not 1 <= self.max_parked_keys <= MOST_KEYS:
            raise ConfigError(f"--max-parked-keys {self.max_parked_keys}: 1 to {MOST_KEYS}")

    def _check_topics(self) -> None:
        for codec in (self.codec, *self.codecs.values()):
            if codec not in CODECS and ":" not in codec:
                raise ConfigError(f"--codec {codec}: {', '.join(CODECS)} or module:function")
        for option, by_topic in (("--handler", self.handlers), ("--codec", self.codecs)):
            for topic, name in by_topic.items():
                if topic not in self.topics:
                    raise ConfigError(
                        f"{option} {topic}={name}: topic {topic} is not read; add --topic {topic}"
                    )
        left = [topic for topic in self.topics if topic not in self.handlers]
        if self.handlers and left and self.handler == BUILTIN:
            raise ConfigError(
                f"topic {left[0]} has no handler: add --handler {left[0]}=module:function, "
                "or give HANDLER for all topics that are not named"
            )

    @property
    def by_topic(self) -> tuple[tuple[str, str, str], ...]:
        """Topic, handler and codec of each topic; empty when all topics have the same."""
        if not self.handlers and not self.codecs:
            return ()
        return tuple(
            (topic, self.handlers.get(topic, self.handler), self.codecs.get(topic, self.codec))
            for topic in self.topics
        )

    @property
    def handlers_shown(self) -> str:
        """The handlers, for people."""
        if not self.handlers:
            return self.handler
        return ", ".join(f"{topic}={handler}" for topic, handler, _ in self.by_topic)

    @property
    def silence_seconds(self) -> float:
        """How long workers go on beginning records without a sign of the supervisor: well
        below the session that the group's coordinator grants it (``session.timeout.ms``)."""
        session = self.kafka.properties.get("session.timeout.ms", "")
        session_seconds = int(session) / 1000 if session.isdigit() else 45.0
        return min(10.0, session_seconds / 2)

    def dead_letter_topic_of(self, topic: str) -> str:
        """The dead-letter topic for records of ``topic``."""
        return self.dead_letter_topic or f"{topic}.dlq"

    @property
    def dead_letter_topics(self) -> tuple[str, ...]:
        """Where dead letters may go, without repetition. Whatever ``on_failure`` says: what a
        handler rejects becomes one in any case."""
        return tuple(dict.fromkeys(map(self.dead_letter_topic_of, self.topics)))
