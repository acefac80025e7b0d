"""What the workers may know of our environment."""

import os

from ticketpool.config import RunConfig

_SYSTEMD = {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "CREDENTIALS_DIRECTORY"}


def worker_environment(config: RunConfig) -> dict[str, str]:
    """Our environment without the variables that hold Kafka secrets (``-X name=env:NAME``)
    and without systemd's: user code can neither read our credentials nor speak for the unit."""
    hidden = _SYSTEMD | set(config.kafka.secret_variables)
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    if config.search_path:
        environment["PYTHONPATH"] = os.pathsep.join(config.search_path)
    return environment
