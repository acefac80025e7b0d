"""The configuration as it may be shown to others: each setting by its option, without secrets."""

import re
from collections.abc import Iterator
from enum import Enum

import msgspec

from ticketpool.config.kafka import MASK, KafkaConfig, is_secret
from ticketpool.config.run import RunConfig

_OPTION = {
    "topics": "--topic",
    "handler": "HANDLER",
    "handlers": "--handler",
    "backoff_seconds": "--backoff",
    "backoff_max_seconds": "--backoff-max",
    "handler_timeout_seconds": "--handler-timeout",
    "max_rss_mib": "--max-rss",
    "drain_seconds": "--drain-timeout",
    "commit_interval_seconds": "--commit-interval",
    "batch_seconds": "--batch-timeout",
}
"""Where the option is not simply the setting's name."""
_OF_NONE = {"dead_letter_topic": "<topic>.dlq"}
_BY_TOPIC = ("codec", "codecs")  # one option
_NO_OPTION = ("kafka", "log", "quiet_stdout", "search_path", *_BY_TOPIC)
_MARKS = ("password", "secret", "token", "key", "jaas")
_CREDENTIALS = re.compile(r"://[^/@\s]+@")  # user:password in a URL


class Setting(msgspec.Struct, frozen=True):
    """One setting.

    Attributes:
        option: how it is set: ``--workers``, ``HANDLER``, ``-X sasl.mechanism``.
        value: as one would write it; ``off`` for none.
        given: it differs from the default.
    """

    option: str
    value: str
    given: bool


def shown(config: RunConfig) -> list[Setting]:
    """All that a configuration holds, librdkafka's properties last.

    A property that was given as ``env:NAME`` or ``file:PATH`` shows just that; one whose name
    speaks of a password, secret, token, key or JAAS, or whose value is a URL with credentials in
    it, shows ``***``.
    """
    return [*_kafka(config.kafka), *_log(config), *_settings(config), *_properties(config.kafka)]


def _settings(config: RunConfig) -> Iterator[Setting]:
    default = RunConfig()
    for name in config.__struct_fields__:
        value = getattr(config, name)
        if name not in _NO_OPTION:
            option = _OPTION.get(name, "--" + name.replace("_", "-"))
            text = _OF_NONE.get(name, "off") if value is None else _written(value)
            yield Setting(option, text, value != getattr(default, name))
        elif name == "codec":
            both = [value, *(f"{topic}={codec}" for topic, codec in config.codecs.items())]
            yield Setting("--codec", ", ".join(both), both != [default.codec])


def _kafka(kafka: KafkaConfig) -> Iterator[Setting]:
    servers = kafka.bootstrap_servers
    yield Setting("--bootstrap-servers", servers, servers != KafkaConfig().bootstrap_servers)


def _log(config: RunConfig) -> Iterator[Setting]:
    default = RunConfig().log
    for name in config.log.__struct_fields__:
        value = getattr(config.log, name)
        yield Setting(f"--log-{name}", _written(value), value != getattr(default, name))


def _properties(kafka: KafkaConfig) -> Iterator[Setting]:
    for name, value in sorted(kafka.properties.items()):
        yield Setting(f"-X {name}", kafka.references.get(name) or _masked(name, value), True)


def _masked(name: str, value: str) -> str:
    named = is_secret(name) or any(mark in name.lower() for mark in _MARKS)
    return MASK if named or _CREDENTIALS.search(value) else value


def _written(value: object) -> str:
    match value:
        case bool():
            return "on" if value else "off"
        case Enum():
            return str(value.value)
        case float():
            return f"{value:g}"
        case dict():
            return ", ".join(f"{name}={one}" for name, one in value.items()) or "none"
        case tuple() | list():
            return ", ".join(map(str, value)) or "none"
        case _:
            return str(value)
