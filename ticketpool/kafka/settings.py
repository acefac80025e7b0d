"""librdkafka properties: our defaults, the user's, and those that we refuse."""

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from ticketpool.config import KafkaConfig, is_secret
from ticketpool.errors import ConfigError
from ticketpool.masking import hide

Properties = dict[str, object]

REFUSED: Mapping[str, str] = {
    "enable.auto.commit": "offsets are committed only past finished records, by ticketpool itself",
    "enable.auto.offset.store": "offsets are committed by ticketpool itself",
    "auto.offset.reset": "use --offset-reset",
    "group.id": "use --group",
    "bootstrap.servers": "use --bootstrap-servers",
    "metadata.broker.list": "use --bootstrap-servers",
    "partition.assignment.strategy": "use --assignor",
    "enable.idempotence": "without it a retry may reorder or repeat tickets",
    "acks": "acks=all is what keeps an acknowledged ticket through the loss of a broker",
    "request.required.acks": "acks=all is what keeps an acknowledged ticket",
    "partitioner": "use --partitioner",
    "compression.type": "use --compression",
    "compression.codec": "use --compression",
    "delivery.timeout.ms": "use --delivery-timeout",
    "message.timeout.ms": "use --delivery-timeout",
    "enable.partition.eof": "ticketpool sets it where it needs it",
    "transactional.id": "use --exactly-once",
    "transaction.timeout.ms": "use --exactly-once, which sets it",
    "test.mock.num.brokers": "use `ticketpool broker`",
}
"""Properties that would break a promise, or that have an option, with the reason."""


def parse(assignments: tuple[str, ...], *, on_argv: bool = True) -> dict[str, str]:
    """``name=value`` strings as a dict; ``env:NAME`` and ``file:PATH`` values are looked up.

    Raises:
        ConfigError: no ``=``, a refused property, a secret given in the clear
            (``on_argv``: the process list shows it to everybody), or a source
            that cannot be read.
    """
    properties: dict[str, str] = {}
    for assignment in assignments:
        name, equals, value = assignment.partition("=")
        if not equals or not name:
            raise ConfigError(f"-X {assignment!r}: write name=value")
        properties[name] = value
    return {name: _checked(name, value, on_argv) for name, value in properties.items()}


def _checked(name: str, value: str, on_argv: bool) -> str:
    if reason := REFUSED.get(name):
        raise ConfigError(f"-X {name}: refused; {reason}")
    if value.startswith("env:"):
        return _from_environment(name, value.removeprefix("env:"))
    if value.startswith("file:"):
        return _from_file(name, Path(value.removeprefix("file:")))
    if on_argv and is_secret(name):
        raise ConfigError(
            f"-X {name}: a secret on the command line can be read by every user of this machine; "
            f"write {name}=env:NAME or {name}=file:PATH"
        )
    return value


def _from_environment(name: str, variable: str) -> str:
    try:
        return os.environ[variable]
    except KeyError:
        raise ConfigError(f"-X {name}: the environment variable {variable} is not set") from None


def _from_file(name: str, path: Path) -> str:
    try:
        mode = path.stat().st_mode
        if is_secret(name) and mode & (stat.S_IRGRP | stat.S_IROTH):
            raise ConfigError(f"-X {name}: {path} is readable by others; chmod 600 it")
        return path.read_text().strip()
    except OSError as error:
        raise ConfigError(f"-X {name}: cannot read {path}: {error.strerror}") from None


def _base(kafka: KafkaConfig) -> Properties:
    hide(*(value for name, value in kafka.properties.items() if is_secret(name)))
    return {
        "bootstrap.servers": kafka.bootstrap_servers,
        "client.id": "ticketpool",
        "topic.metadata.refresh.interval.ms": 30_000,  # how soon new partitions are seen
        "log.connection.close": False,  # brokers close idle connections; not news
    }


def consumer_properties(kafka: KafkaConfig, *, group: str, assignor: str) -> Properties:
    """Properties of the group's member in the supervisor."""
    # KIP-848's protocol leaves the assignment to the broker and refuses the property.
    strategy = {} if new_protocol(kafka) else {"partition.assignment.strategy": assignor}
    return {
        **_base(kafka),
        **strategy,
        "group.id": group,
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "auto.offset.reset": "error",  # starts are resolved by us: out of range must be seen
        # The end of a log may be a transaction's marker, which comes with no record; told once
        # when a fetch finds nothing new, so a backlog pays nothing.
        "enable.partition.eof": True,
        # 1000 by default: holds a fast consumer to a fifth of its speed (CONFIGURATION.md).
        "fetch.queue.backoff.ms": 10,
        # A fetch brings compressed bytes; small ones let other partitions come round sooner.
        "max.partition.fetch.bytes": 256 << 10,
        "fetch.max.bytes": 2 << 20,
        # Twice as much gave no more speed, and a pause throws its share of it away.
        "queued.max.messages.kbytes": 8 << 10,
        # 500 by default. There is one fetch at a time: a partition that goes on after a pause
        # waits for it so long when the others have nothing new.
        "fetch.wait.max.ms": 250,
        "statistics.interval.ms": 5000,  # the brokers' times, and whether one is back
        **kafka.properties,
    }


def new_protocol(kafka: KafkaConfig) -> bool:
    """Whether the group uses KIP-848 (``group.protocol=consumer``)."""
    return kafka.properties.get("group.protocol", "classic").lower() == "consumer"


def reader_properties(kafka: KafkaConfig) -> Properties:
    """Properties of a consumer outside of any group, which reads topics from end to end."""
    return {
        **_base(kafka),
        "group.id": "ticketpool-reader",  # required by the client, never joined or committed
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "auto.offset.reset": "earliest",
        "enable.partition.eof": True,
        "fetch.queue.backoff.ms": 10,
        **kafka.properties,
    }


def producer_properties(
    kafka: KafkaConfig,
    *,
    partitioner: str,
    compression: str,
    delivery_timeout_seconds: float | None,
) -> Properties:
    """Properties of a producer: acks=all, idempotent, in order (librdkafka INTRODUCTION.md).

    ``delivery_timeout_seconds``: ``None``: it never gives a record up.
    """
    return {
        **_base(kafka),
        "enable.idempotence": True,
        "acks": "all",
        "partitioner": partitioner,
        "compression.type": compression,
        "delivery.timeout.ms": int((delivery_timeout_seconds or 0) * 1000),
        **kafka.properties,
    }


TRANSACTION_SECONDS = 10.0
"""How long a transaction may take; that of a killed supervisor keeps readers waiting as long,
and its partitions' new owner."""


def transactional_properties(kafka: KafkaConfig, name: str) -> Properties:
    """Properties of the supervisor's transactional producer."""
    return {
        **producer_properties(
            kafka, partitioner="murmur2_random", compression="lz4",
            delivery_timeout_seconds=TRANSACTION_SECONDS,
        ),
        "message.max.bytes": 64 << 20,  # let the topic's own limit decide
        "topic.metadata.propagation.max.ms": 3_000,
        "transaction.timeout.ms": int(TRANSACTION_SECONDS * 1000),
        "transactional.id": name,
    }  # fmt: skip


def admin_properties(kafka: KafkaConfig) -> Properties:
    """Properties of an admin client."""
    return {**_base(kafka), **kafka.properties}
