"""The graphs of the last minutes: rates and quantiles of each two seconds, and no more than fit."""

import pytest

from tests.supervisor.lanes import sent
from ticketpool.core.lane import Lane
from ticketpool.core.latency import bucket_of
from ticketpool.supervisor.history import EVERY_SECONDS, MOST, History
from ticketpool.supervisor.totals import Totals


def made() -> tuple[History, Totals, Lane]:
    totals, lane = Totals(), sent([0], read_at=0.0)
    totals.assigned(lane, 1)
    return History(totals, wall=lambda: 100.0), totals, lane


def handled(totals: Totals, lane: Lane, count: int, milliseconds: int) -> None:
    totals.finished(lane, count, [(bucket_of(milliseconds * 1_000_000), count)], 0)


def test_a_sample_tells_of_its_two_seconds_alone() -> None:
    history, totals, lane = made()
    handled(totals, lane, 1000, 500)  # before the first look
    assert history.tend(0.0, 7) == []
    handled(totals, lane, 10, 100)
    history.tend(EVERY_SECONDS, 5)
    handled(totals, lane, 30, 1)
    totals.dead_lettered(lane)
    first, second = history.tend(2 * EVERY_SECONDS, None)
    assert (first.at, first.rate_per_s, first.lag) == (100.0, 5.0, 5)
    assert (second.rate_per_s, second.lag) == (15.5, None)
    assert second.p99_ms == pytest.approx(1, rel=0.13)


def test_a_sample_comes_when_it_is_due_and_is_kept() -> None:
    history, _, _ = made()
    history.tend(0.0, 0)
    assert history.tend(EVERY_SECONDS - 0.01, 0) == []
    assert len(history.tend(EVERY_SECONDS, 0)) == len(history.tend(EVERY_SECONDS + 0.5, 0)) == 1


def test_without_records_there_are_no_quantiles() -> None:
    history, totals, lane = made()
    handled(totals, lane, 5, 1)
    history.tend(0.0, 0)
    history.tend(EVERY_SECONDS, 0)
    (_, sample) = history.tend(2 * EVERY_SECONDS, 0)
    assert (sample.rate_per_s, sample.p50_ms, sample.p99_ms) == (0.0, None, None)


def test_a_partition_that_is_given_up_takes_nothing_along() -> None:
    history, totals, lane = made()
    handled(totals, lane, 5, 1000)
    history.tend(0.0, 0)
    other = sent([0], read_at=0.0)
    totals.assigned(other, 1)  # the same one, back with what it had
    handled(totals, other, 8, 1)
    history.tend(EVERY_SECONDS, 0)
    (sample,) = history.tend(EVERY_SECONDS, 0)
    assert sample.rate_per_s == 4.0
    assert other.counts.processed == 13


def test_only_the_newest_are_kept() -> None:
    history, _, _ = made()
    for n in range(MOST + 50):
        samples = history.tend(n * EVERY_SECONDS, n)
    assert len(samples) == MOST
    assert samples[-1].lag == MOST + 49
