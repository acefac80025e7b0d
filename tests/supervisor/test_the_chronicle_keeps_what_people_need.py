"""The newest events are kept with their fields: bounded, safe to show, from any thread.

In doubt because it listens to the whole log: a flood must not push out what matters, and
nothing that is secret or long may get from there onto a page.
"""

import logging
import threading
from collections.abc import Iterator

import pytest

from ticketpool import log
from ticketpool.config import LogConfig
from ticketpool.supervisor.chronicle import MOST, MOST_ALIKE, Chronicle


def note(chronicle: Chronicle, name: str, level: str = "info", **fields: object) -> None:
    chronicle.note(level, {"event": name, **fields})


@pytest.fixture
def logging_set_up() -> Iterator[None]:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    log.setup(LogConfig(format="json", level="error"))
    yield
    root.handlers[:] = before
    root.setLevel(level)


def test_an_event_is_kept_with_its_fields_and_its_time() -> None:
    chronicle = Chronicle(wall=lambda: 12.5)
    note(chronicle, "assigned", topic="tickets", partition=3, offset=None, whole=True)
    (event,) = chronicle.newest()
    assert (event.at, event.level, event.name) == (12.5, "info", "assigned")
    assert event.fields == {"topic": "tickets", "partition": 3, "offset": None, "whole": True}


def test_the_newest_are_kept_and_told_last() -> None:
    chronicle = Chronicle()
    for n in range(3 * MOST):
        note(chronicle, f"event {n}")
    assert [event.name for event in chronicle.newest()] == [
        f"event {n}" for n in range(2 * MOST, 3 * MOST)
    ]


def test_a_flood_of_one_kind_pushes_out_itself_only() -> None:
    chronicle = Chronicle()
    note(chronicle, "worker exited", "warning")
    for n in range(1000):
        note(chronicle, "retrying", "warning", offset=n)
    names = [event.name for event in chronicle.newest()]
    assert names == ["worker exited"] + ["retrying"] * MOST_ALIKE
    assert chronicle.newest()[-1].fields == {"offset": 999}


def test_floods_of_several_kinds_push_out_none_of_another() -> None:
    chronicle = Chronicle()
    note(chronicle, "worker exited", "warning")
    for n in range(1000):
        for name in ("retrying", "dead-lettered", "key parked"):
            note(chronicle, name, offset=n)
    names = [event.name for event in chronicle.newest()]
    assert (names[0], len(names)) == ("worker exited", MOST)
    assert {names.count(name) for name in names[1:]} == {33}
    assert chronicle.newest()[-1].fields == {"offset": 999}


def test_debug_is_left_out_and_an_exception_is_an_error() -> None:
    chronicle = Chronicle()
    note(chronicle, "offsets jumped", "debug")
    note(chronicle, "it failed", "exception", exc_info=True)
    (event,) = chronicle.newest()
    assert (event.name, event.level, event.fields) == ("it failed", "error", {})


def test_what_must_not_be_shown_is_not() -> None:
    chronicle = Chronicle()
    note(chronicle, "x", **{"sasl.password": "hunter2"}, dump="a stack", error="e" * 10_000)
    fields = chronicle.newest()[0].fields
    assert "hunter2" not in str(fields)
    assert "dump" not in fields
    assert len(str(fields["error"])) == 300


def test_what_is_no_scalar_becomes_text() -> None:
    class Broken:
        def __str__(self) -> str:
            raise RuntimeError

    where = [{"topic": "tickets", "partition": 3, "offset": 17}]
    chronicle = Chronicle()
    note(chronicle, "worker exited", running=where, nothing=[], odd=Broken())
    assert chronicle.newest()[0].fields == {
        "running": "tickets[3] offset 17",
        "nothing": "",
        "odd": "(Broken)",
    }


@pytest.mark.usefixtures("logging_set_up")
def test_it_hears_our_own_log_whatever_level_is_written() -> None:
    chronicle = Chronicle()
    ours, other = log.get("ticketpool.supervisor"), log.get("shop.orders")
    with log.watched(chronicle.note):
        ours.info("assigned", topic="tickets")
        ours.bind(worker=2).debug("offsets jumped")
        other.error("theirs")
        logging.getLogger("ticketpool.librdkafka").error("noise")
    ours.info("after it")
    assert [event.name for event in chronicle.newest()] == ["assigned"]


def test_threads_do_not_lose_each_other_s_events() -> None:
    chronicle = Chronicle()

    def write(name: str) -> None:
        for _ in range(20):
            note(chronicle, name)
            chronicle.newest()

    threads = [threading.Thread(target=write, args=(f"t{n}",)) for n in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    names = [event.name for event in chronicle.newest()]
    assert {name: names.count(name) for name in set(names)} == {f"t{n}": 20 for n in range(5)}
