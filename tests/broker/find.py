"""Which broker the tests get: one that was given, else Docker, else Java."""

import os
from collections.abc import Callable, Sequence

from tests.broker import container, external, java
from tests.broker.base import Broker, Listener, Unavailable

REMEDY = (
    "set TICKETPOOL_TEST_BOOTSTRAP=host:port, or start Docker, "
    "or install Java 17 and Maven (apt-get install default-jre-headless maven)"
)


def launch(listeners: Sequence[Listener] = ()) -> Broker:
    """A broker that answers. Takes seconds, the first time up to minutes (downloads).

    Args:
        listeners: further ways in; only where the broker is started here.

    Raises:
        Unavailable: no kind of broker can be had; the message tells why for each.
    """
    if bootstrap := os.environ.get("TICKETPOOL_TEST_BOOTSTRAP"):
        return external.launch(bootstrap)  # asked for by name: nothing else will do
    reasons = []
    for name, attempt in _KINDS:
        try:
            return attempt(listeners)
        except Unavailable as reason:
            reasons.append(f"{name}: {reason}")
    raise Unavailable("; ".join(reasons))


_KINDS: Sequence[tuple[str, Callable[[Sequence[Listener]], Broker]]] = (
    ("Docker", container.launch),
    ("Java", java.launch),
)
