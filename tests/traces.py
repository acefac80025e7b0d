"""Trace logs for the tests: one that is begun, and what logs hold."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ticketpool import trace


def lines(path: str | Path | None) -> list[dict[str, Any]]:
    """What a log holds."""
    assert path is not None
    return [msgspec.json.decode(line) for line in Path(path).read_bytes().splitlines()]


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Path]:
    """This process's log, begun."""
    trace.open_supervisor(str(tmp_path / "traces"), "g")
    yield Path(trace.path() or "")
    trace.close()
