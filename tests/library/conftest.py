"""Options of pools for these tests."""

from collections.abc import Callable

import pytest

from tests.broker import Broker
from ticketpool.library.options import PoolOptions


@pytest.fixture
def options(kafka: Broker, make_topic: Callable[..., str], group: str) -> PoolOptions:
    """For a pool of one worker on a topic of two partitions."""
    return {
        "bootstrap_servers": kafka.bootstrap,
        "topics": make_topic(2),
        "group": group,
        "workers": 1,
        "commit_interval": 0.1,
    }
