"""What ``ticketpool produce`` may be told."""

import msgspec

from ticketpool.config.bounds import at_least
from ticketpool.config.kafka import KafkaConfig
from ticketpool.config.logs import LogConfig
from ticketpool.errors import ConfigError

ZIPF_KEYS = 100_000
"""Most keys of ``--key-distribution zipf``: each process holds a deck of K ln K of them."""


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
        at_least("--rate", self.rate, 0)
        at_least("--ramp", self.ramp_seconds, 0)
        at_least("--jitter", self.jitter, 0)
        self._check_shape()
        self._check_input()
        at_least("--count", self.count, 0)
        at_least("--duration", self.duration_seconds, 0)
        at_least("--keys", self.keys, 1)
        at_least("--workers", self.workers, 1)
        at_least("--size", self.size, 1)
        at_least("--delivery-timeout", self.delivery_timeout_seconds, 0.001)
        at_least("--partitions", self.partitions, 1)
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
