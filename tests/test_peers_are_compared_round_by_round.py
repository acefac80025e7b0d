"""What the comparison with others (benchmarks/peers) says is what was measured, no more.

In doubt once: a mean over a busy machine tells of the machine; so ratios are taken within a
round. And a contender that lost tickets, or did not commit them, would look fast.
"""

import re

import pytest

from benchmarks.peers.contender import (
    ALL,
    CONTENDERS,
    GO,
    OURS,
    Contender,
    Job,
    Kind,
    Ready,
    command,
)
from benchmarks.peers.figures import Run, Spread, Void, order, parse, rates, ratios

JOB = Job("host:1", "topic", 10, "group", "cpu")


def runs(name: str, *rates: float, void: int | None = None) -> list[Run]:
    """A run per rate, of rounds 0 (the warm-up), 1, 2, ...; that of round ``void`` is void."""
    return [
        Run(name, turn, 100, 100 / rate, "lost" if turn == void else None)
        for turn, rate in enumerate(rates)
    ]


def test_rates_are_medians_without_the_warm_up() -> None:
    assert rates(runs("a", 999, 10, 20, 60), "a") == pytest.approx(Spread(20, 10, 60))


def test_ratios_are_taken_within_a_round() -> None:
    """The machine is three times slower in round 2: the ratio does not care."""
    both = runs("a", 1, 20, 10, 40) + runs("b", 1, 10, 5, 10)
    assert ratios(both, "a", "b") == pytest.approx(Spread(2, 2, 4))
    assert ratios(both, "b", "a") == pytest.approx(Spread(0.5, 0.25, 0.5))


def test_a_void_run_counts_on_neither_side() -> None:
    both = runs("a", 1, 20, 40, 60, void=1) + runs("b", 1, 10, 10, 10, void=3)
    assert rates(both, "a") == pytest.approx(Spread(50, 40, 60))
    assert ratios(both, "a", "b") == pytest.approx(Spread(4, 4, 4))


def test_nothing_is_said_of_nothing() -> None:
    assert rates(runs("a", 5), "a") is None
    assert ratios(runs("a", 5, 5), "a", "b") is None


def test_the_last_line_of_output_is_believed() -> None:
    assert parse('a warning\n{"tickets": 10, "seconds": 0.5}\n', 10) == 0.5
    assert parse('{"ok": true, "processed": 10, "seconds": 2}', 10) == 2.0


@pytest.mark.parametrize(
    "output",
    [
        "",
        "Traceback\n",
        "[10, 0.5]",
        '{"tickets": 9, "seconds": 0.5}',
        '{"tickets": 11, "seconds": 0.5}',
        '{"tickets": 10, "seconds": 0}',
        '{"tickets": 10}',
    ],
)
def test_a_contender_that_did_not_handle_all_is_void(output: str) -> None:
    with pytest.raises(Void):
        parse(output, 10)


def test_each_round_begins_with_another() -> None:
    turns = [order(["a", "b", "c"], turn) for turn in range(4)]
    assert [turn[0] for turn in turns] == ["a", "b", "c", "a"]
    assert all(sorted(turn) == ["a", "b", "c"] for turn in turns)


def test_all_get_the_same_job() -> None:
    for contender in ALL:
        line = command(Ready(contender, ("program",)), JOB)
        assert line[0] == "program"
        assert {"host:1", "topic", "group"} <= set(line)
        assert any(word.endswith("cpu") for word in line)


@pytest.mark.parametrize("contender", ALL, ids=lambda one: one.name)
def test_every_package_is_pinned(contender: Contender) -> None:
    pins = contender.pins.read_text()
    if contender is GO:
        assert re.search(r"^require github\.com/IBM/sarama v[\d.]+$", pins, re.MULTILINE)
    else:
        assert all(re.fullmatch(r"[\w.-]+==[\w.]+", line) for line in pins.splitlines())
        assert pins


def test_what_all_use_is_of_one_version() -> None:
    """Else a client's new release would pass for a contender's merit."""
    for package in ("confluent-kafka", "msgspec", "uvloop"):
        found = {
            line
            for contender in ALL
            if contender.kind is not Kind.GO
            for line in contender.pins.read_text().splitlines()
            if line.startswith(f"{package}==")
        }
        assert len(found) == 1
    assert OURS.pins.parent == CONTENDERS.parent
