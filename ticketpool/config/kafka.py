"""How to reach the cluster."""

import msgspec

from ticketpool.config.bounds import named

MASK = "***"
_SECRET_MARKS = ("password", "secret", "token", "key.pem", "private", "sasl.oauthbearer.config")


def is_secret(name: str) -> bool:
    """Whether a librdkafka property of this name must never be shown."""
    return any(mark in name for mark in _SECRET_MARKS)


class KafkaConfig(msgspec.Struct, frozen=True, kw_only=True):
    """How to reach the cluster. ``repr`` masks secrets.

    Attributes:
        bootstrap_servers: comma-separated ``host:port``.
        properties: further librdkafka properties by name (``-X name=value``).
        secret_variables: environment variables that properties came from; workers
            don't get to see them.
        references: ``env:NAME`` or ``file:PATH`` by the property whose value came from there.
    """

    bootstrap_servers: str = "localhost:9092"
    properties: dict[str, str] = {}
    secret_variables: tuple[str, ...] = ()
    references: dict[str, str] = {}

    def __post_init__(self) -> None:
        named("--bootstrap-servers", self.bootstrap_servers)

    def __repr__(self) -> str:
        shown = {k: MASK if is_secret(k) else v for k, v in self.properties.items()}
        return f"KafkaConfig(bootstrap_servers={self.bootstrap_servers!r}, properties={shown!r})"
