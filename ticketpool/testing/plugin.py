"""The pytest plugin: the fixture ``ticket_pool``.

pytest imports it at every start in an environment that has ticketpool: so nothing
else of ticketpool is imported before a test asks for the fixture.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from ticketpool.testing import Start


@pytest.fixture
def ticket_pool() -> "Iterator[Start]":
    """``ticket_pool(handler, topics=[…], …)``: the real pool on an embedded cluster."""
    import contextlib

    from ticketpool.testing import real

    with contextlib.ExitStack() as stack:
        yield lambda handler, *, timeout=30.0, **options: real.start(
            stack, handler, timeout, options
        )
