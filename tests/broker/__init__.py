"""A real Kafka for the tests: found, started, broken on purpose, and surely gone."""

from tests.broker.base import Broker, Listener, Unavailable
from tests.broker.find import launch

__all__ = ["Broker", "Listener", "Unavailable", "launch"]
