"""A broker of a module's own, with a way in that leads through our proxy."""

from collections.abc import Iterator

import pytest

from tests.broker import Broker, Listener, Unavailable, launch
from tests.broker.settings import free_port
from tests.faults.proxy import Proxy
from tests.support import missing


@pytest.fixture(scope="module")
def way_in() -> Listener:
    return Listener("PROXIED", free_port(), free_port())


@pytest.fixture(scope="module")
def kafka(way_in: Listener) -> Iterator[Broker]:  # instead of the session's
    """A broker with a second listener, which sends its clients to a port of our own."""
    try:
        broker = launch([way_in])
    except Unavailable as reason:
        missing("a Kafka broker", str(reason))
    yield broker
    broker.close()


@pytest.fixture
def proxy(kafka: Broker, way_in: Listener) -> Iterator[Proxy]:
    with Proxy(way_in.advertised_port, way_in.port) as running:
        yield running
