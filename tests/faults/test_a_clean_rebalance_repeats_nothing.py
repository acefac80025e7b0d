"""A member that joins and one that leaves cost no record, no order and no repetition, and no
handler of the old owner still runs when the new owner's begins.

In doubt because records are in the midst of their handlers when their partition moves, and
because six kinds of groups move them in four ways.
"""

from collections.abc import Callable
from signal import SIGTERM
from typing import Any

import pytest

from tests.broker import Broker
from tests.faults.conftest import Start, Stream
from tests.faults.judge import await_settled, held, longest_silence
from tests.faults.kinds import KINDS, Kind
from tests.run.journal import Journal
from tests.support import Command, eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(150)]

Prove = Callable[[], dict[str, Any]]
ALL = set(range(8))
SLOW = {"range-dynamic", "range-static", "consumer-static", "cooperative-sticky-static"}


def shared(first: Command, second: Command) -> bool:
    a, b = held(first), held(second)
    return len(a) == len(b) == 4 and a | b == ALL


@pytest.mark.parametrize(
    "kind",
    [pytest.param(k, id=n, marks=[pytest.mark.slow] * (n in SLOW)) for n, k in KINDS.items()],
)
def test_one_joins_and_one_leaves(
    kafka: Broker, topic: str, group: str, journal: Journal, member: Start, stream: Stream,
    kept: Callable[..., None], prove: Prove, kind: Kind,
) -> None:  # fmt: skip
    first = member("a", kind=kind)
    eventually(lambda: held(first) == ALL, seconds=30)
    flowing(stream, journal)
    before = last_at(journal)
    second = member("b", kind=kind)
    flowing(stream, journal, lambda: shared(first, second))
    stayed, until = held(first), last_at(journal)
    flowing(stream, journal)
    first.signal(SIGTERM)
    flowing(stream, journal, lambda: held(second) == ALL)
    flowing(stream, journal)
    stream.end()
    first.expect(0)
    await_settled(kafka, topic, group, journal)
    second.signal(SIGTERM)
    second.expect(0)
    kept(twice=())
    assert prove()["duplicates"] == 0
    if kind.incremental:
        assert_flowed(journal, stayed, before, until)


def last_at(journal: Journal) -> int:
    return journal.entries()[-1].at_ns


def flowing(stream: Stream, journal: Journal, until: Callable[[], bool] | None = None) -> None:
    """Write on, a few each tenth of a second, until the condition holds, or 200 more are done."""
    goal = journal.count() + 400

    def written_and_done() -> bool:
        stream.write(1)
        return until() if until is not None else journal.count() > goal

    eventually(written_and_done, seconds=40, every=0.05)


def assert_flowed(journal: Journal, partitions: set[int], since: int, until: int) -> None:
    """The partitions that stayed were not held up while others moved."""
    for partition in partitions:
        silence = longest_silence(journal.of(partition, "end"), since, until)
        assert silence < 1.5, f"partition {partition} stood still for {silence:.2f} s"
