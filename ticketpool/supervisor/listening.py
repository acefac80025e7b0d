"""The HTTP listener beside the loop."""

import contextlib
from collections.abc import Callable, Iterator

from ticketpool.config import RunConfig
from ticketpool.core.status import ServiceStatus


@contextlib.contextmanager
def listening(config: RunConfig, latest: Callable[[], ServiceStatus | None]) -> Iterator[None]:
    """Serve page, status, metrics and health as long as this lasts, unless without ``--http``."""
    if config.http is None:
        yield
        return
    from ticketpool.config.shown import shown
    from ticketpool.http import HttpServer  # brings a web server along; only when wanted
    from ticketpool.kafka.tail import Tail
    from ticketpool.metrics import Metrics

    server = HttpServer(
        config.http,
        latest,
        Metrics(latest).render,
        settings=shown(config),
        letters=Tail(config.kafka).letters,
        letter_topics=config.dead_letter_topics,
        payloads=config.http_payloads,
    )
    server.start()
    try:
        yield
    finally:
        server.stop()
