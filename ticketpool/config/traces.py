"""Where OpenTelemetry's spans may go, and whether what that takes is there."""

import os
from importlib.util import find_spec

from ticketpool.errors import ConfigError

TRACES = ("off", "otlp", "console")

_NEEDED = ("opentelemetry", "opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")


def check_traces(how: str) -> None:
    """Raises ``ConfigError``: no such way, not installed, or a protocol that we don't speak."""
    if how not in TRACES:
        raise ConfigError(f"--traces {how}: one of {', '.join(TRACES)}")
    if how == "off":
        return
    if not all(map(_is_installed, _NEEDED)):
        raise ConfigError(
            f"--traces {how}: OpenTelemetry is not installed; pip install 'ticketpool[otel]', or "
            "leave it off"
        )
    for name in _PROTOCOLS if how == "otlp" else ():
        protocol = os.environ.get(name) or "http/protobuf"
        if protocol != "http/protobuf":
            raise ConfigError(f"{name}={protocol}: only http/protobuf (port 4318) is spoken here")


def _is_installed(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:  # what it would be a part of
        return False
