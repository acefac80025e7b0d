"""Values that are out of their bounds, told by the option that has to change."""

import math

from ticketpool.errors import ConfigError


def named(option: str, value: str) -> None:
    """librdkafka takes an empty name for none; without a group it aborts the process."""
    if not value.strip():
        raise ConfigError(f"{option} is empty; name one")


def at_least(option: str, value: float | None, least: float) -> None:
    """``None`` is no value. Raises ``ConfigError``."""
    if value is not None and not least <= value < math.inf:  # not a number compares false
        raise ConfigError(f"{option} {value:g}: must be at least {least:g}, and finite")
