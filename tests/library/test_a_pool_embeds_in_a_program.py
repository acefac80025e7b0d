"""A pool started by a program lives beside it, ends with it, and keeps none of its errors.

In doubt because the supervisor is a process that nobody watches: what it ends by must reach
the program, and it must not outlive it, nor die with the thread that has started it.
"""

import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Unpack

import psutil
import pytest

from tests.broker import Broker
from tests.library import handlers
from tests.library.pools import topic_of
from tests.run.topics import committed, tickets, write
from tests.support import eventually
from ticketpool import Pool
from ticketpool.errors import (
    ConfigError,
    DrainTimeout,
    HandlerError,
    StoppedByPolicy,
    SupervisorDied,
    TicketpoolError,
    TopicMissing,
)
from ticketpool.library.options import PoolOptions

pytestmark = pytest.mark.e2e

Make = Callable[..., str]


@pytest.fixture
def seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """What the handler ``note`` has noted."""
    path = tmp_path / "seen"
    path.touch()
    monkeypatch.setenv("SEEN", str(path))
    return lambda: path.read_text().splitlines()


def changed(options: PoolOptions, **some: Unpack[PoolOptions]) -> PoolOptions:
    return {**options, **some}


def test_it_serves_from_start_to_stop(
    kafka: Broker, options: PoolOptions, group: str, seen: Callable[[], list[str]]
) -> None:
    topic = topic_of(options)
    write(kafka, topic, [*tickets(0, [""] * 3), *tickets(1, [""] * 2)])
    pool = Pool(handlers.note, **options)
    with pytest.raises(TicketpoolError, match="has not been started"):
        pool.status()
    starter = threading.Thread(target=pool.start)  # PR_SET_PDEATHSIG follows the thread
    starter.start()
    starter.join()
    eventually(lambda: sum(one.processed for one in pool.status().partitions) == 5)
    status = pool.status()
    assert (status.state, status.group, len(status.workers)) == ("ready", group, 1)
    assert status.handler == "tests.library.handlers:note"
    assert {(one.topic, one.lag) for one in status.partitions} == {(topic, 0)}
    with pytest.raises(TicketpoolError, match="runs already"):
        pool.start()
    with pytest.raises(TimeoutError, match=r"not ended within 0\.1 s"):
        pool.join(0.1)
    outcome = pool.stop()
    assert (outcome.ok, outcome.processed, outcome.partitions) == (True, 5, 2)
    assert pool.stop() == pool.join() == outcome
    assert pool.status().state == "ready"  # the last that was asked for
    assert committed(kafka, group, topic) == {0: 3, 1: 2}
    assert sorted(seen()) == ["0 0 1", "0 1 2", "0 2 3", "1 0 1", "1 1 2"]


def test_two_in_one_program_know_nothing_of_each_other(
    options: PoolOptions, make_topic: Make, group: str, tmp_path: Path
) -> None:
    other: PoolOptions = {**options, "topics": make_topic(1), "group": f"{group}-2"}
    other["trace_log"] = str(tmp_path / "trace")
    with Pool(handlers.note, **options) as one, Pool(handlers.note, **other) as two:
        assert one.status().group != two.status().group
    assert one.join().ok
    assert two.join().ok


def test_join_waits_for_an_end_of_its_own(options: PoolOptions) -> None:
    with Pool(handlers.note, **changed(options, until_caught_up=True)) as pool:
        assert pool.join(30).ok


@pytest.mark.parametrize(
    ("handler", "wrong", "error", "told"),
    [
        ("tests.library.handlers:nothing", {}, HandlerError, "has no 'nothing'"),
        (handlers.note, {"topics": "no-such-topic"}, TopicMissing, "no-such-topic"),
        (handlers.note, {"properties": {"no.such": "1"}}, ConfigError, "no.such"),
    ],
)
def test_what_keeps_it_from_starting_is_raised_by_start(
    options: PoolOptions,
    handler: str | Callable[..., None],
    wrong: PoolOptions,
    error: type[TicketpoolError],
    told: str,
) -> None:
    pool = Pool(handler, **changed(options, **wrong))
    with pytest.raises(error, match=told):
        pool.start()
    with pytest.raises(error, match=told):  # it stays told
        pool.status()


def test_what_ends_it_later_is_raised_wherever_one_looks(
    kafka: Broker, options: PoolOptions
) -> None:
    pool = Pool(handlers.reject, **changed(options, dead_letter_limit=0.1, create_topic=True))
    pool.start()
    write(kafka, topic_of(options), tickets(0, [""] * 30))
    with pytest.raises(StoppedByPolicy, match="--dead-letter-limit"):
        pool.join(30)
    for ask in (pool.status, pool.stop, pool.join):
        with pytest.raises(StoppedByPolicy):
            ask()


def test_leaving_the_block_tells_what_had_ended_it(options: PoolOptions) -> None:
    def killed() -> psutil.Process:
        process = psutil.Process(eventually(_supervisors)[0])
        process.kill()
        return process

    with pytest.raises(SupervisorDied, match="SIGKILL without a word"):
        with Pool(handlers.note, **options):
            killed()
    with pytest.raises(ZeroDivisionError) as caught:
        with Pool(handlers.note, **options):
            killed()
            raise ZeroDivisionError  # the program's own error goes first
    assert "SupervisorDied" in "".join(caught.value.__notes__)


def _supervisors() -> list[int]:
    children = psutil.Process().children()
    living = [one for one in children if one.status() != psutil.STATUS_ZOMBIE]
    return [one.pid for one in living if "ticketpool.library.process" in one.cmdline()]


def test_a_handler_that_does_not_end_is_cut_off_and_told(
    kafka: Broker, options: PoolOptions
) -> None:
    pool = Pool(handlers.hold, **changed(options, drain_timeout=0.2))
    pool.start()
    write(kafka, topic_of(options), tickets(0, [""]))
    eventually(lambda: any(one.in_flight_offset == 0 for one in pool.status().partitions))
    with pytest.raises(DrainTimeout, match="--drain-timeout"):
        pool.stop()


def test_a_process_that_does_not_end_is_killed_and_told(options: PoolOptions) -> None:
    pool = Pool(handlers.note, **options)
    pool.start()
    (pid,) = _supervisors()
    os.kill(pid, signal.SIGSTOP)
    with pytest.raises(DrainTimeout, match="was killed"):
        pool.stop(timeout=0.2)
    assert not psutil.pid_exists(pid)


def test_run_wants_the_main_thread(options: PoolOptions) -> None:
    told: list[str] = []

    def run() -> None:
        try:
            Pool(handlers.note, **options).run()
        except ConfigError as error:
            told.append(str(error))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert "main thread" in told[0]


def test_a_secret_is_the_workers_business_least_of_all(
    kafka: Broker, options: PoolOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PASSWORD", "hunter2")
    options["properties"] = {"sasl.password": "env:PASSWORD"}
    with Pool(handlers.note, **options) as pool:
        (worker,) = pool.status().workers
        assert worker.pid is not None
        (supervisor,) = map(psutil.Process, _supervisors())
        assert "hunter2" not in " ".join(supervisor.cmdline())
        assert "PASSWORD" not in psutil.Process(worker.pid).environ()
