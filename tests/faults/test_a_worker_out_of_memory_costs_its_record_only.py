"""A worker that the kernel kills for want of memory is replaced; after as many deaths as allowed
its record is a dead letter, which says so. Nothing else is lost, late, or handled twice.

In doubt because the supervisor shares the cgroup, and its limit, with its workers, and because
such a death looks like any SIGKILL.
"""

from collections.abc import Callable, Iterator, Sequence
from signal import SIGTERM

import pytest

from tests.broker import Broker
from tests.faults.conftest import Start
from tests.faults.judge import await_settled, longest_silence, pids_of
from tests.faults.memory import limited
from tests.run.journal import Journal
from tests.run.topics import raw_headers, read, tickets, write
from tests.support import Command, eventually

pytestmark = pytest.mark.e2e

Kept = Callable[..., None]
ROOM, TOO_MUCH = 400, 2000
"""MiB: for three processes that need some 50 each, and what a handler takes."""


@pytest.fixture
def room() -> Iterator[Sequence[str]]:
    """Takes a service into a cgroup of ``ROOM``. To be asked for before ``member``."""
    with limited(ROOM) as by:
        yield by


@pytest.fixture
def topic(make_topic: Callable[..., str], kafka: Broker) -> str:
    """Two partitions, so that each worker has one, and a topic for dead letters."""
    made = make_topic(2)
    kafka.create_topic(f"{made}.dlq", 1)
    return made


def alongside(kafka: Broker, topic: str, deed: str) -> None:
    """Partition 0 does the deed at its third record; partition 1 is busy for 6 s."""
    write(kafka, topic, tickets(0, ["", "", deed, "", ""]))
    write(kafka, topic, tickets(1, ["sleep 0.02"] * 300))


def exits(service: Command) -> list[str]:
    return [event["reason"] for event in service.events("worker exited")]


def assert_others_undisturbed(service: Command, journal: Journal) -> None:
    assert service.events("revoked") == service.events("lost") == []
    assert len({entry.pid for entry in journal.of(1)}) == 1
    entries = journal.of(1, "end")
    silence = longest_silence(entries, entries[0].at_ns, entries[-1].at_ns)
    assert silence < 1, f"the other worker stood still for {silence:.2f} s"


def test_a_record_that_takes_too_much(
    kafka: Broker, topic: str, group: str, journal: Journal, room: Sequence[str], member: Start,
    kept: Kept,
) -> None:  # fmt: skip
    alongside(kafka, topic, f"hoard {TOO_MUCH}")
    service = member("a", "--max-crashes", "2", by=room)
    poison = {(topic, 0, 2)}
    await_settled(kafka, topic, group, journal, without=poison)
    assert exits(service) == ["SIGKILL (out of memory)"] * 2
    assert len(pids_of(service)) == 4
    assert_others_undisturbed(service, journal)
    service.signal(SIGTERM)
    service.expect(0)
    (letter,) = read(kafka, f"{topic}.dlq")
    told = dict(raw_headers(letter))
    assert (told["ticketpool-partition"], told["ticketpool-offset"]) == (b"0", b"2")
    assert "the worker died 2 times" in (why := (told["ticketpool-message"] or b"").decode())
    assert "SIGKILL (out of memory), peak memory" in why
    kept(without=poison)


@pytest.mark.slow
def test_a_record_that_takes_too_much_once(
    kafka: Broker, topic: str, group: str, journal: Journal, room: Sequence[str], member: Start,
    kept: Kept,
) -> None:  # fmt: skip
    alongside(kafka, topic, f"once hoard {TOO_MUCH}")
    service = member("a", by=room)
    await_settled(kafka, topic, group, journal)
    assert exits(service) == ["SIGKILL (out of memory)"]
    assert [entry.offset for entry in journal.of(0, "begin")] == [0, 1, 2, 2, 3, 4]
    assert_others_undisturbed(service, journal)
    service.signal(SIGTERM)
    service.expect(0)
    kept()


@pytest.mark.slow
def test_another_kill_is_not_taken_for_one(
    kafka: Broker, topic: str, group: str, journal: Journal, room: Sequence[str], member: Start,
    kept: Kept,
) -> None:  # fmt: skip
    """Neither after one, nor before: the kernel's count is compared at each death."""
    write(kafka, topic, tickets(0, ["once kill", f"once hoard {TOO_MUCH}", "once kill", ""]))
    service = member("a", by=room)
    eventually(lambda: len(exits(service)) == 3, seconds=30)
    await_settled(kafka, topic, group, journal)
    unclear, clear = "SIGKILL (out of memory?)", "SIGKILL (out of memory)"
    assert exits(service) == [unclear, clear, unclear]
    service.signal(SIGTERM)
    service.expect(0)
    kept()
