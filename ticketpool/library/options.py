"""What ``Pool`` may be told, by the names that the command line and the TOML file have."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Literal, TypedDict

import msgspec

from ticketpool.config import KafkaConfig, LogConfig, RunConfig
from ticketpool.errors import ConfigError
from ticketpool.kafka.settings import parse
from ticketpool.library.names import search_path


class PoolOptions(TypedDict, total=False):
    """Options of ``Pool``; those of ``ticketpool run --help``, where each is explained.

    Durations are seconds. What is left out has the command's default, but for
    ``http`` and ``control``: a library opens nothing unasked.

    Attributes:
        bootstrap_servers: comma-separated ``host:port``.
        properties: librdkafka's, by name; a secret best as ``env:NAME`` or ``file:PATH``,
            which keeps it from the workers.
        topics: one or several.
        handlers, codecs: by topic; the handler and ``codec`` serve the topics not named.
        middleware: ``"module:function"`` each, the outermost first.
        max_rss: MiB.
        http: ``host:port`` of the status page and metrics; ``None``, the default: none.
        control: path of the control socket, or ``"auto"``; ``None``, the default: none.
        log_format, log_level: of the lines on standard error.
    """

    bootstrap_servers: str
    properties: Mapping[str, str]
    topics: str | Sequence[str]
    group: str
    handlers: Mapping[str, str]
    codec: str
    codecs: Mapping[str, str]
    middleware: Sequence[str]
    exactly_once: bool
    batch_size: int
    batch_timeout: float
    workers: int
    retries: int
    backoff: float
    backoff_max: float
    on_failure: Literal["dead-letter", "stop", "skip"]
    dead_letter_topic: str | None
    dead_letter_limit: float
    park_keys: bool
    max_parked_keys: int
    handler_timeout: float
    max_crashes: int
    max_records_per_worker: int
    max_rss: int
    drain_timeout: float
    commit_interval: float
    buffer_records: int
    buffer_bytes: int
    offset_reset: Literal["earliest", "latest", "error"]
    on_out_of_range: Literal["stop", "earliest", "latest"]
    assignor: Literal["cooperative-sticky", "roundrobin", "range"]
    http: str | None
    http_payloads: bool
    control: str | None
    until_caught_up: bool
    create_topic: bool
    partitions: int
    replication: int
    trace_log: str | None
    traces: Literal["off", "otlp", "console"]
    log_format: Literal["console", "json"]
    log_level: Literal["debug", "info", "warning", "error"]


_FIELDS = {
    "backoff": "backoff_seconds",
    "backoff_max": "backoff_max_seconds",
    "batch_timeout": "batch_seconds",
    "handler_timeout": "handler_timeout_seconds",
    "max_rss": "max_rss_mib",
    "drain_timeout": "drain_seconds",
    "commit_interval": "commit_interval_seconds",
}
"""Options by another name than the field of ``RunConfig``, which has its unit."""


def kafka_config(bootstrap_servers: str, properties: Mapping[str, str]) -> KafkaConfig:
    """Where the cluster is. Raises ``ConfigError`` as ``-X`` does, but for a plain secret."""
    given = {name: str(value) for name, value in properties.items()}
    return KafkaConfig(
        bootstrap_servers=bootstrap_servers,
        properties=parse(tuple(f"{n}={v}" for n, v in given.items()), on_argv=False),
        secret_variables=tuple(
            v.removeprefix("env:") for v in given.values() if v.startswith("env:")
        ),
        references={n: v for n, v in given.items() if v.startswith(("env:", "file:"))},
    )


def run_config(handler: str, options: Mapping[str, Any]) -> RunConfig:
    """The configuration that the options amount to.

    Raises:
        ConfigError: an unknown option, or a value of a wrong type or out of bounds.
    """
    _check_known(options)
    given = dict(options)
    kafka = kafka_config(
        given.pop("bootstrap_servers", KafkaConfig().bootstrap_servers),
        given.pop("properties", {}),
    )
    log = {name: given.pop(f"log_{name}") for name in ("format", "level") if f"log_{name}" in given}
    if isinstance(topics := given.get("topics"), str):
        given["topics"] = (topics,)
    fields = {_FIELDS.get(name, name): value for name, value in given.items()}
    fields = {"http": None, **fields, "handler": handler, "search_path": search_path()}
    try:
        config = msgspec.convert(fields, RunConfig)
        return msgspec.structs.replace(config, kafka=kafka, log=msgspec.convert(log, LogConfig))
    except msgspec.ValidationError as error:
        raise ConfigError(f"Pool: {error}") from None


def _check_known(options: Mapping[str, Any]) -> None:
    known = PoolOptions.__annotations__
    for name in options:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise ConfigError(f"Pool has no option {name!r}{hint}")
