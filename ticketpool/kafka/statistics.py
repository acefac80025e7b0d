"""What librdkafka tells of itself, as far as we need it (its STATISTICS.md)."""

import msgspec


class _Eos(msgspec.Struct, frozen=True):
    idemp_state: str = ""


class _Broker(msgspec.Struct, frozen=True):
    state: str = ""


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


def statistics_of(text: str) -> Statistics:
    """Raises ``msgspec.DecodeError`` when it is something else."""
    return msgspec.json.decode(text, type=Statistics)
