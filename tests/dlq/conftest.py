"""A topic with its dead-letter topic, and ``ticketpool dlq`` on them."""

from collections.abc import Callable

import pytest

from tests.broker import Broker
from tests.support import Command

Dlq = Callable[..., Command]


@pytest.fixture
def origin(kafka: Broker, make_topic: Callable[..., str]) -> str:
    """A topic with two partitions, whose dead-letter topic is there, with two as well."""
    topic = make_topic(2)
    kafka.create_topic(f"{topic}.dlq", 2)
    return topic


@pytest.fixture
def dlq(kafka: Broker, command: Callable[..., Command]) -> Dlq:
    """``dlq("list", TOPIC, *OPTIONS)``."""

    def start(what: str, topic: str, *options: str) -> Command:
        servers = ("--bootstrap-servers", kafka.bootstrap)
        return command("dlq", what, *servers, "--topic", topic, *options)

    return start
