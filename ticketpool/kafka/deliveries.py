"""What became of the records of a producer, until it is taken."""

from collections.abc import Callable
from typing import Any

from confluent_kafka import KafkaError

DeliveryCallback = Callable[[KafkaError | None, Any], None]
"""As librdkafka calls it: the error or ``None``, and the message."""


class Deliveries:
    """What a batch's delivery reports told, until it is taken.

    Attributes:
        latencies: seconds from produce to acknowledgement, one for each delivered record.
        failures: number of records that failed, by reason.
        timed_out: records have timed out, and none was delivered since.
    """

    def __init__(self) -> None:
        self.timed_out = False
        self.latencies: list[float] = []
        self.failures: dict[str, int] = {}

    def report(self, error: KafkaError | None, message: Any) -> None:
        """librdkafka's delivery callback. Never raises: that would surface from ``poll``."""
        self.note(error)
        if error is None:
            self.latencies.append(message.latency())
        else:
            self.fail(error.str())

    def note(self, error: KafkaError | None) -> None:
        """A record was delivered, or was not, as far as ``timed_out`` goes."""
        late = error is not None and error.code() == KafkaError._MSG_TIMED_OUT
        self.timed_out = late or (error is not None and self.timed_out)

    def fail(self, reason: str) -> None:
        """Count a record that will not be delivered."""
        self.failures[reason] = self.failures.get(reason, 0) + 1

    def take(self) -> tuple[list[float], dict[str, int]]:
        """Latencies and failures since the last call."""
        taken = self.latencies, self.failures
        self.latencies, self.failures = [], {}
        return taken
