"""An ack's way back: made by the lane, read by the supervisor, settled and counted."""

from benchmarks.micro.steps import BATCH, Measure, messages, per, receive, supervisor
from ticketpool.core.latency import Histogram, count_sorted
from ticketpool.ipc.frames import Ack, FromWorker, Parser, encode

RECORDS = messages(BATCH, BATCH)
DURATIONS = [300 + n * n % 997 for n in range(BATCH)]  # some 12 buckets, in no order
PAIRS = list(count_sorted(sorted(DURATIONS)))


@per(BATCH)
def test_count(measure: Measure) -> None:
    """Durations of a frame into buckets, as the lane does it."""

    def step(durations: list[int]) -> tuple[list[tuple[int, int]], int]:
        durations.sort()
        return list(count_sorted(durations)), sum(durations)

    assert measure(step, lambda: (list(DURATIONS),)) == (PAIRS, sum(DURATIONS))


@per(BATCH)
def test_encode(measure: Measure) -> None:
    data = measure(lambda: encode(Ack(1, BATCH - 1, 0, [], PAIRS, sum(DURATIONS))))
    assert data[4:] and len(data) < 200


@per(BATCH)
def test_decode(measure: Measure) -> None:
    ack = Ack(1, BATCH - 1, 0, [], PAIRS, sum(DURATIONS))
    data, parser = encode(ack), Parser[FromWorker](FromWorker)
    assert measure(lambda: list(parser.feed(data))) == [ack]


@per(BATCH)
def test_add(measure: Measure) -> None:
    def step(histogram: Histogram) -> int:
        histogram.add(PAIRS, 1)
        return histogram.count

    assert measure(step, lambda: (Histogram(),)) == BATCH


@per(BATCH)
def test_acknowledged(measure: Measure) -> None:
    """The crew's part: router, ledger, counts, breaker, recycler."""
    parts = supervisor()
    (lane,) = parts.router.lanes.values()

    def prepare() -> tuple[Ack]:
        receive(lane, RECORDS)
        assert lane.ledger.take(BATCH, 1 << 20)
        return (Ack(lane.number, (lane.ledger.next or 0) - 1, 0, [], PAIRS, 1),)

    def step(ack: Ack) -> int | None:
        parts.crew._acknowledged(ack)
        return lane.ledger.settled

    assert measure(step, prepare) == lane.ledger.next
    assert lane.counts.processed == lane.ledger.next
