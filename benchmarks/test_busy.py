"""A backlog that arrives partition by partition: is every worker busy all the same?

Highly compressed, so that one fetch holds tens of thousands of records of one
partition; a client that reads on only when all is handled would keep one worker
busy and let the other wait.
"""

import pytest

from benchmarks.backlog import in_turn, write
from benchmarks.contenders import Contenders
from benchmarks.figures import Figures
from benchmarks.measure import work_for
from benchmarks.presence import await_count, busy
from tests.broker import Broker

MICROS = 80
TARGET = 0.9
FLOOR = 0.5


@pytest.mark.timeout(600)
@pytest.mark.parametrize("each", [12_500, pytest.param(100_000, marks=pytest.mark.slow)])
def test_every_worker(
    kafka: Broker, topic: str, group: str, contenders: Contenders, figures: Figures, each: int
) -> None:
    write(kafka, topic, in_turn(8, each))
    work = {"WORK": str(work_for(MICROS))}

    def once() -> list[float]:
        contenders.ours("spin_noted", topic, group, 8 * each, "--workers", "2", environment=work)
        return busy(await_count(contenders.journal, 8 * each, 1))

    shares = figures.once(once)
    assert len(shares) == 2
    figures.tell(
        "backlog partition by partition, CPU-bound handler, 2 workers",
        "a record at hand for " + " and ".join(f"{share:.1%}" for share in shares) + " of the time",
        f"each ≥ {TARGET:.0%}",
        min(shares) >= TARGET,
        least=min(shares),
    )
    assert min(shares) >= FLOOR
