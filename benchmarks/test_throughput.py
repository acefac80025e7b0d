"""A backlog through ``ticketpool run`` with a handler that does nothing, against a bare loop.

What it does not prove: anything about a handler that works. Then more workers are
faster than one loop; here all that counts is what the way to them costs. The two take
turns on the same broker; only their ratio means something on a machine that does
other work too.
"""

from collections.abc import Callable

import pytest

from benchmarks.contenders import Contenders
from benchmarks.figures import Figures
from benchmarks.measure import ratios, spread
from tests.support import Command

TARGET = 0.75
FLOOR = 0.3  # loose: two workers, the supervisor and the broker share two cores or worse


@pytest.mark.timeout(400)
@pytest.mark.parametrize(
    ("count", "rounds"), [(300_000, 3), pytest.param(2_000_000, 5, marks=pytest.mark.slow)]
)
def test_backlog(
    topic: str, group: str, contenders: Contenders, produce: Callable[..., Command],
    figures: Figures, count: int, rounds: int,
) -> None:  # fmt: skip
    produce(topic, "--rate", "0", "--count", str(count)).expect(0)
    found = figures.alternate(
        rounds,
        {
            "ours": lambda turn: contenders.ours(
                "noop", topic, f"{group}-{turn}", count, "--workers", "2"
            ),
            "bare": lambda turn: contenders.bare(topic, f"{group}-{turn}", count),
        },
    )
    ratio, ours, bare = ratios(found["ours"], found["bare"]), *map(spread, found.values())
    figures.tell(
        f"no-op handler, backlog of {count:,}, 2 workers against the bare loop",
        f"{ours.median:,.0f}/s of {bare.median:,.0f}/s, ratio {ratio:.2f}",
        f"ratio ≥ {TARGET}",
        ratio.median >= TARGET,
        ratio=ratio.median,
        ours_per_s=ours.median,
        bare_per_s=bare.median,
    )
    assert ratio.median >= FLOOR
