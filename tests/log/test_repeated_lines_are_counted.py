"""A flood of one kind of line is cut, and what was left out is told once, whatever happens.

In doubt because a limit that drops silently hides what an operator looks for, one that waits for
the next line never tells the end of a flood, and one that grows by each kind leaks.
"""

import logging
import threading
from collections.abc import Callable

import pytest

from tests.log.conftest import Setup
from ticketpool import log
from ticketpool.kafka.quiet import quiet_logger
from ticketpool.repeats import MOST_KINDS, Kind, Repeats


class Bench:
    """A filter with a clock and a timer of the test's own."""

    def __init__(self, most: int = 3, seconds: float = 10.0) -> None:
        self.now = 0.0
        self.told: list[logging.LogRecord] = []
        self.timers: list[tuple[float, Callable[[], None]]] = []
        self.limit = Repeats(
            lambda record: Kind(record.msg, most, seconds, {"of": record.msg}),
            self.told.append,
            lambda: self.now,
            self._timer,
        )

    def _timer(self, seconds: float, call: Callable[[], None]) -> "Bench":
        self.timers.append((self.now + seconds, call))
        return self

    def start(self) -> None: ...

    def cancel(self) -> None:
        self.timers.pop()

    def wait(self, seconds: float) -> None:
        """Time passes, and timers that are due go off."""
        self.now += seconds
        due = [one for one in self.timers if one[0] <= self.now]
        self.timers = [one for one in self.timers if one[0] > self.now]
        for _, call in due:
            call()

    def say(self, what: str, times: int = 1) -> int:
        """How many of them were written."""
        lines = [logging.makeLogRecord({"msg": what}) for _ in range(times)]
        return sum(self.limit.filter(line) for line in lines)

    @property
    def counts(self) -> list[tuple[str, int]]:
        return [(record.__dict__["of"], record.__dict__["count"]) for record in self.told]


def test_the_first_pass_and_the_others_are_told_once_when_the_time_is_over() -> None:
    bench = Bench()
    assert bench.say("lost", 100) == 3
    bench.wait(9.9)
    assert bench.say("lost") == 0
    assert bench.counts == []
    bench.wait(0.1)
    assert bench.counts == [("lost", 98)]
    assert bench.say("lost", 100) == 3  # a new window
    bench.wait(10)
    assert bench.counts == [("lost", 98), ("lost", 97)]


def test_nothing_is_told_where_nothing_was_left_out() -> None:
    bench = Bench()
    assert bench.say("lost", 3) == 3
    bench.wait(60)
    assert bench.say("lost", 3) == 3
    bench.limit.flush()
    assert bench.told == [] and bench.timers == []


def test_kinds_do_not_share_and_each_ends_in_its_time() -> None:
    bench = Bench()
    bench.say("early", 10)
    bench.wait(4)
    assert bench.say("late", 10) == 3
    bench.wait(6)
    assert bench.counts == [("early", 7)]
    bench.wait(4)
    assert bench.counts == [("early", 7), ("late", 7)]
    assert bench.timers == []


def test_the_end_of_the_process_tells_what_is_open() -> None:
    bench = Bench()
    bench.say("lost", 10)
    bench.limit.flush()
    assert bench.counts == [("lost", 7)] and bench.timers == []


def test_kinds_without_end_take_no_memory_without_end() -> None:
    bench = Bench(most=1)
    assert bench.say("first", 5) == 1
    for number in range(2 * MOST_KINDS):
        assert bench.say(f"kind {number}") == 1
    assert len(bench.limit._windows) == MOST_KINDS
    assert bench.counts == [("first", 4)]  # told when it made room


def test_threads_lose_no_line(setup: Setup) -> None:
    written = setup("json")
    logger, barrier = log.get("ticketpool.test"), threading.Barrier(8)

    def flood() -> None:
        barrier.wait()
        for _ in range(500):
            logger.warning("dead-lettered", topic="t")

    threads = [threading.Thread(target=flood) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log.flush()
    *lines, summary = written.lines()
    assert len(lines) == log.MOST
    assert (summary["event"], summary["of"], summary["topic"]) == (
        "more like it", "dead-lettered", "t",
    )  # fmt: skip
    assert summary["count"] == 8 * 500 - log.MOST
    assert (summary["level"], summary["seconds"]) == ("warning", log.SECONDS)
    assert "repeated" not in summary


def test_a_topic_s_flood_leaves_other_topics_and_what_is_promised_alone(setup: Setup) -> None:
    written = setup("json")
    logger = log.get("ticketpool.test")
    for number in range(500):
        logger.warning("dead-lettered", topic="busy", offset=number)
        logger.info("assigned", topic="busy", partition=number)
    logger.warning("dead-lettered", topic="other", offset=1)
    names = [(line["event"], line["topic"]) for line in written.lines()]
    assert names.count(("assigned", "busy")) == 500
    assert names.count(("dead-lettered", "busy")) == log.MOST
    assert names.count(("dead-lettered", "other")) == 1


def test_what_a_handler_logs_is_never_cut(setup: Setup) -> None:
    written = setup("json")
    for number in range(500):
        logging.getLogger("shop").warning("order %d", number)
    assert len(written.lines()) == 500


def test_what_complains_without_end_is_cut_short(setup: Setup) -> None:
    written = setup("json")
    for number in range(50):
        logging.getLogger("opentelemetry.exporter").error("no answer from 127.0.0.1:%d", number)
        quiet_logger().warning("FAIL: broker %d is down", number)
    assert [line["event"] for line in written.lines()] == [
        "no answer from 127.0.0.1:0",
        "FAIL: broker 0 is down",
    ]
    log.flush()
    (limit,) = quiet_logger().filters
    assert isinstance(limit, Repeats)
    limit.flush()
    told = [(line["of"], line["count"]) for line in written.lines()[2:]]
    ours = [one for one in told if "ticketpool#" not in one[0]]  # of a client of a test before
    assert sorted(ours) == [("FAIL: broker # is down", 49), ("no answer from #.#.#.#:#", 49)]


def test_a_real_timer_tells_it(caplog: pytest.LogCaptureFixture) -> None:
    told = threading.Event()
    limit = Repeats(lambda record: Kind("x", 1, 0.05, {}), lambda record: told.set())
    for _ in range(2):
        limit.filter(logging.makeLogRecord({"msg": "x"}))
    assert told.wait(10)
