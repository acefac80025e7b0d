"""What librdkafka tells of itself, as far as we need it (its STATISTICS.md)."""

import msgspec


class _Eos(msgspec.Struct, frozen=True):
    idemp_state: str = ""


class _Window(msgspec.Struct, frozen=True):
    avg: int = 0
    cnt: int = 0  # of throttle: answers that were held back at all


class _Broker(msgspec.Struct, frozen=True):
    state: str = ""
    rtt: _Window = _Window()  # microseconds
    throttle: _Window = _Window()  # milliseconds


class Statistics(msgspec.Struct, frozen=True):
    """One emission of the statistics callback."""

    eos: _Eos = _Eos()
    brokers: dict[str, _Broker] = {}

    @property
    def identified(self) -> bool:
        """Whether the idempotent producer has its id."""
        return self.eos.idemp_state == "Assigned"

    @property
    def connected(self) -> bool:
        """Whether some broker is there."""
        return any(broker.state == "UP" for broker in self.brokers.values())

    @property
    def rtt_ms(self) -> float | None:
        """Average time to an answer of the slowest broker; ``None`` without answers."""
        averages = [one.rtt.avg / 1e3 for one in self.brokers.values() if one.rtt.cnt]
        return max(averages, default=None)

    @property
    def throttle_ms(self) -> float | None:
        """Average time by which the broker that throttles most held its answers back."""
        return max((float(one.throttle.avg) for one in self.brokers.values()), default=None)


def statistics_of(text: str) -> Statistics:
    """Raises ``msgspec.DecodeError`` when it is something else."""
    return msgspec.json.decode(text, type=Statistics)
