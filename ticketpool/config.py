"""The configuration, as frozen values with units in their names.

Precedence (flag, environment, file, default) is the command line's business;
here a value is just a value, with the reason for its default.
"""

import math
import os
from enum import StrEnum

import msgspec

from ticketpool.core.flow import Limits
from ticketpool.errors import ConfigError

_MOST_IN_FLIGHT = Limits().window_records

MASK = "***"
BUILTIN = "ticketpool.worker.builtin:summary"
"""The handler when none is given."""
CODECS = ("json", "msgpack", "bytes")

_SECRET_MARKS = ("password", "secret", "token", "key.pem", "private", "sasl.oauthbearer.config")


ZIPF_KEYS = 100_000
"""Most keys of ``--key-distribution zipf``: each process holds a deck of K ln K of them."""


def is_secret(name: str) -> bool:
    """Whether a librdkafka property of this name must never be shown."""
    return any(mark in name for mark in _SECRET_MARKS)


def _named(option: str, value: str) -> None:
    """librdkafka takes an empty name for none; without a group it aborts the process."""
    if not value.strip():
        raise ConfigError(f"{option} is empty; name one")


def _at_least(option: str, value: float | None, least: float) -> None:
    if value is not None and not least <= value < math.inf:  # not a number compares false
        raise ConfigError(f"{option} {value:g}: must be at least {least:g}, and finite")


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


class KafkaConfig(msgspec.Struct, frozen=True, kw_only=True):
    """How to reach the cluster. ``repr`` masks secrets.

    Attributes:
        bootstrap_servers: comma-separated ``host:port``.
        properties: further librdkafka properties by name (``-X name=value``).
        secret_variables: environment variables that properties came from; workers
            don't get to see them.
    """

    bootstrap_servers: str = "localhost:9092"
    properties: dict[str, str] = {}
    secret_variables: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _named("--bootstrap-servers", self.bootstrap_servers)

    def __repr__(self) -> str:
        shown = {k: MASK if is_secret(k) else v for k, v in self.properties.items()}
        return f"KafkaConfig(bootstrap_servers={self.bootstrap_servers!r}, properties={shown!r})"


class LogConfig(msgspec.Struct, frozen=True, kw_only=True):
    """``format``: console or json. ``level``: a name that ``logging`` knows."""

    format: str = "console"
    level: str = "info"


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
    exactly_once: bool = False  # outputs, dead letters and offsets in one transaction
    until_caught_up: bool = False
    create_topic: bool = False
    partitions: int = 8  # of a topic that --create-topic makes
    replication: int = -1  # -1: the broker's default
    quiet_stdout: bool = False  # handlers' prints go to standard error (--json)
    search_path: tuple[str, ...] = ()  # where workers find modules, beside the current folder
    trace_log: str | None = None  # folder for the evidence that verify --trace judges

    def __post_init__(self) -> None:
        _named("--group", self.group)
        for topic in self.topics:
            _named("--topic", topic)
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
        _at_least("--workers", self.workers, 1)
        _at_least("--retries", self.retries, 0)
        _at_least("--backoff", self.backoff_seconds, 0)
        _at_least("--backoff-max", self.backoff_max_seconds, 0)
        _at_least("--handler-timeout", self.handler_timeout_seconds, 0)
        _at_least("--max-crashes", self.max_crashes, 1)
        _at_least("--drain-timeout", self.drain_seconds, 0)
        _at_least("--commit-interval", self.commit_interval_seconds, 0.01)
        _at_least("--batch-size", self.batch_size, 1)
        _at_least("--batch-timeout", self.batch_seconds, 0)
        if self.batch_size > _MOST_IN_FLIGHT:
            raise ConfigError(
                f"--batch-size {self.batch_size}: at most {_MOST_IN_FLIGHT}; a worker has no more "
                "of a partition at hand"
            )
        self._check_topics()

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


class ProduceConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that ``ticketpool produce`` may be told.

    Raises:
        ConfigError: a value is out of its bounds; the message names the option.
    """

    kafka: KafkaConfig = KafkaConfig()
    log: LogConfig = LogConfig()
    topic: str = "tickets"
    rate: float = 100.0  # tickets a second over all workers; 0: as fast as possible
    count: int | None = None  # tickets in all; None: no bound
    duration_seconds: float | None = None
    keys: int = 100  # distinct keys
    workers: int = 1
    size: int = 200  # bytes of a ticket's JSON, about
    compression: str = "lz4"
    partitioner: str = "murmur2"  # where Java clients put a key
    delivery_timeout_seconds: float | None = 120.0  # None: a ticket is never given up
    create_topic: bool = False
    partitions: int = 8
    replication: int = -1
    ramp_seconds: float = 0.0  # until the rate is reached
    jitter: float = 0.0  # part of the time to the next ticket by which one may be late
    key_distribution: str = "uniform"  # or zipf: few busy keys, many rare ones
    failed: str | None = None  # file for what was not delivered; None: it is only counted
    input: str | None = None  # file of the tickets, "-": standard input; None: they are made up
    input_format: str | None = None  # jsonl or csv; None: by the file's ending
    key_field: str | None = None  # None: lines have no key, and no order
    timestamp_field: str | None = None  # None: the time of sending
    strict: bool = False  # stop at the first line that is not delivered

    def __post_init__(self) -> None:
        _at_least("--rate", self.rate, 0)
        _at_least("--ramp", self.ramp_seconds, 0)
        _at_least("--jitter", self.jitter, 0)
        self._check_shape()
        self._check_input()
        _at_least("--count", self.count, 0)
        _at_least("--duration", self.duration_seconds, 0)
        _at_least("--keys", self.keys, 1)
        _at_least("--workers", self.workers, 1)
        _at_least("--size", self.size, 1)
        _at_least("--delivery-timeout", self.delivery_timeout_seconds, 0.001)
        _at_least("--partitions", self.partitions, 1)
        if self.replication < 1 and self.replication != -1:
            raise ConfigError(
                f"--replication {self.replication}: at least 1, or -1 (the broker's default)"
            )

    def _check_shape(self) -> None:
        if self.jitter > 1:
            raise ConfigError(f"--jitter {self.jitter:g}: at most 1, the time to the next ticket")
        if not self.rate and (self.ramp_seconds or self.jitter):
            raise ConfigError("--ramp and --jitter shape a pace; set --rate above 0")
        if self.key_distribution == "zipf" and self.keys > ZIPF_KEYS:
            raise ConfigError(
                f"--keys {self.keys}: --key-distribution zipf takes up to {ZIPF_KEYS:,}"
            )

    def _check_input(self) -> None:
        for_input = {
            "--input-format": self.input_format,
            "--key-field": self.key_field,
            "--timestamp-field": self.timestamp_field,
            "--strict": self.strict,
        }
        given = [option for option, value in for_input.items() if value]
        if given and self.input is None:
            raise ConfigError(f"{given[0]} is about lines that are read; name them by --input")

    @property
    def form_of_input(self) -> str:
        """``csv`` or ``jsonl``: as told, else by the ending of the input's name."""
        if self.input_format:
            return self.input_format
        return "csv" if (self.input or "").lower().endswith(".csv") else "jsonl"
