"""Several supervisors are one view; one that is lost is named, and its figures are called old.

In doubt because what a lost supervisor told last looks like what is so now.
"""

import msgspec
import pytest

from tests.terminal import worlds
from ticketpool.core.status import Sample, ServiceStatus
from ticketpool.terminal.answers import Answer, View, history, labels, totals
from ticketpool.terminal.sightings import Sightings

A, B = "127.0.0.1:1", "127.0.0.1:2"


def told(source: str, status: ServiceStatus) -> Answer:
    return Answer(source=source, status=status)


def lost(source: str) -> Answer:
    return Answer(source=source, trouble="can't be reached", reached=False)


def test_rows_stand_in_order_of_group_and_partition() -> None:
    view = View(
        (
            told(A, worlds.pool(worlds.partition(3), worlds.partition(1))),
            told(B, worlds.pool(worlds.partition(2))),
            told("c", worlds.pool(worlds.partition(9), group="a-group")),
        )
    )
    assert [(row.group[0], row.place.number, row.source) for row in view.rows()] == [
        ("a", 9, "c"), ("t", 1, A), ("t", 2, B), ("t", 3, A),
    ]  # fmt: skip
    assert view.groups == ["a-group", "ticket-processor-group"]


def test_sums_are_over_all_that_are_known() -> None:
    one = worlds.partition(0, lag=None, time_lag_seconds=None, rate_per_s=1.5, retried=2)
    other = worlds.partition(1, lag=7, time_lag_seconds=9.0, rate_per_s=2.5, dead_lettered=3)
    sums = totals(View((told(A, worlds.pool(one)), told(B, worlds.pool(other)))).rows())
    assert (sums.lag, sums.behind_seconds, sums.rate_per_s) == (7, 9.0, 4.0)
    assert (sums.retried, sums.dead_lettered, sums.p99_ms) == (2, 3, 13.375)
    assert totals([]).lag is None


def test_histories_add_up_by_moment() -> None:
    def samples(at: float, *rates: float) -> list[Sample]:
        return [
            Sample(at=at + 2 * n, rate_per_s=rate, lag=n, p50_ms=None, p99_ms=rate)
            for n, rate in enumerate(rates)
        ]

    view = View(
        (
            told(A, worlds.pool(history=samples(1000.4, 1.0, 2.0, 3.0))),
            told(B, worlds.pool(history=samples(1003.1, 10.0, 20.0))),
        )
    )
    assert [(one.rate_per_s, one.lag) for one in history(view)] == [(1.0, 0), (12.0, 1), (23.0, 3)]


@pytest.mark.parametrize(
    ("sources", "short"),
    [
        (["h:1", "h:2"], [":1", ":2"]),
        (["a:1", "b:1"], ["a", "b"]),
        (["a:1", "b:2"], ["a:1", "b:2"]),
        ([], []),
    ],
)
def test_labels_are_short_and_tell_apart(sources: list[str], short: list[str]) -> None:
    assert list(labels(sources).values()) == short


def test_a_lost_one_keeps_its_figures_as_old_ones() -> None:
    seen = Sightings([A, B], 5.0, 100.0)
    seen.add(told(A, worlds.well(1)), 101.0)
    seen.add(told(B, worlds.well(2)), 101.0)
    seen.add(lost(A), 104.0)
    view = seen.view(106.0)
    assert [row.state for row in view.rows()] == ["unknown", "ok", "ok"]
    first = view.answers[0]
    assert (first.trouble, first.lost_seconds) == ("can't be reached", 2.0)
    assert totals(view.rows()).lag == 6
    seen.add(told(A, worlds.well(1)), 111.0)
    assert seen.view(111.0).answers[0].trouble is None


def test_one_that_was_never_reached_is_lost_since_it_was_asked() -> None:
    seen = Sightings([A], 5.0, 100.0)
    assert seen.view(100.0).answers[0].trouble == "is being asked"
    seen.add(lost(A), 102.0)
    assert seen.view(103.0).answers[0].lost_seconds == 3.0


def test_one_that_says_nothing_at_all_is_lost() -> None:
    seen = Sightings([A], 5.0, 100.0)
    seen.add(told(A, worlds.well(1)), 101.0)
    assert seen.view(106.0).answers[0].trouble is None
    silent = seen.view(106.5).answers[0]
    assert (silent.trouble, silent.reached, silent.lost_seconds) == ("has not answered", False, 5.5)


def test_cpu_is_what_was_spent_between_two_answers() -> None:
    def status(at: float, spent: float) -> ServiceStatus:
        one = msgspec.structs.replace(worlds.well().workers[0], pid=7, cpu_seconds=spent)
        return worlds.well(made_at=at, workers=[one])

    seen = Sightings([A], 5.0, 0.0)
    seen.add(told(A, status(50.0, 10.0)), 1.0)
    assert seen.view(1.0).answers[0].cpu == {}
    seen.add(told(A, status(52.0, 10.5)), 2.0)
    assert seen.view(2.0).answers[0].cpu == {7: 0.25}
