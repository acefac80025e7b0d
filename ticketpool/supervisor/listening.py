"""The HTTP listener beside the loop."""

import contextlib
from collections.abc import Callable, Iterator

from ticketpool.core.status import ServiceStatus


@contextlib.contextmanager
def listening(address: str | None, latest: Callable[[], ServiceStatus | None]) -> Iterator[None]:
    """Serve status, metrics and health as long as this lasts, unless ``address`` is ``None``."""
    if address is None:
        yield
        return
    from ticketpool.http import HttpServer  # brings a web server along; only when wanted
    from ticketpool.metrics import Metrics

    server = HttpServer(address, latest, Metrics(latest).render)
    server.start()
    try:
        yield
    finally:
        server.stop()
