"""What lanes of every kind are tested with."""

from collections.abc import Iterator

import pytest

from ticketpool.worker.loop import Loop


@pytest.fixture(scope="session")
def loop() -> Iterator[Loop]:
    """The event loop of a worker."""
    loop = Loop()
    yield loop
    loop.stop()
