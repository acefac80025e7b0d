"""One way to measure for all steps."""

from collections.abc import Callable
from typing import Any

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.micro.steps import Measure

ROUNDS = 150


@pytest.fixture
def measure(benchmark: BenchmarkFixture) -> Measure:
    """``measure(step, prepare=None, rounds=150)``: time ``step(*prepare())`` so often, each on
    fresh arguments; the last result, for the test to look at."""

    def run(
        step: Callable[..., Any],
        prepare: Callable[[], tuple[Any, ...]] | None = None,
        rounds: int = ROUNDS,
    ) -> Any:
        def setup() -> tuple[tuple[Any, ...], dict[str, Any]]:
            return (prepare() if prepare else ()), {}

        return benchmark.pedantic(  # type: ignore[no-untyped-call]
            step, setup=setup, rounds=rounds, warmup_rounds=5
        )

    return run
