"""A batch that was not committed is formed anew, without what is another's or void by then.

In doubt because the broker may fail any of a transaction's requests, or say nothing at all:
then its outcome has to be found out, and both mistakes are bad ones.
"""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from confluent_kafka import KafkaError

from ticketpool.config import KafkaConfig
from ticketpool.core.model import Partition
from ticketpool.core.trouble import Position
from ticketpool.errors import NotAuthorised
from ticketpool.kafka.committer import STUCK_SECONDS, Batch, Committer, Result
from ticketpool.kafka.listener import Outcome
from ticketpool.kafka.outlet import Outgoing
from ticketpool.kafka.transactions import EVERY_SECONDS, Transactions

HERE, THERE = Partition("in", 0), Partition("in", 1)
UNKNOWN = KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART, "no such topic")
TOO_LARGE = KafkaError(KafkaError.MSG_SIZE_TOO_LARGE, "too large")


class Sent(Outgoing):
    """An output of one byte, which notes what becomes of it."""

    def __init__(self, bench: "Bench", origin: Partition, offset: int) -> None:
        super().__init__(origin, offset, "out", None, b"x", ())
        self._bench = bench

    @property
    def name(self) -> str:
        return f"{self.origin.number}:{self.offset}"

    @property
    def void(self) -> bool:
        return (self.origin, self.offset) in self._bench.dead

    def written(self) -> None:
        self._bench.written.append(self.name)

    def refused(self, why: str) -> bool:
        self._bench.dead.add((self.origin, self.offset))
        self._bench.refused.append(self.name)
        return True

    def delayed(self, why: str, failures: int, seconds: float) -> None:
        self._bench.delays.append(self.name)


class Bench:
    """Transactions whose committer does what the test says; also their owner."""

    def __init__(self) -> None:
        self.now = 0.0
        self.positions: dict[Partition, int] = {}
        self.dead: set[tuple[Partition, int]] = set()
        self.written: list[str] = []
        self.refused: list[str] = []
        self.delays: list[str] = []
        self.outcomes: list[Outcome] = []
        self.transactions = Transactions(KafkaConfig(), "g", lambda: self.now)
        self.committer: Any = self.transactions._committer
        self.transactions._owner = self
        self.transactions._member = lambda: "member"

    def send(self, *offsets: int, origin: Partition = HERE) -> None:
        """Records of tickets, which are settled with that."""
        for offset in offsets:
            self.transactions.send(Sent(self, origin, offset))
            self.positions[origin] = offset + 1

    def commit_soon(self) -> None:
        places = filter(self.transactions.may_commit, self.positions)
        at = [(place, Position(self.positions[place])) for place in places]
        if at and not self.transactions.busy:
            self.transactions.commit_soon(at)

    def committed(self, outcomes: Sequence[Outcome]) -> None:
        self.outcomes += outcomes

    def tend(self, after: float = 0.0) -> None:
        self.now += after
        self.transactions.tend()

    def begun(self) -> Batch:
        """The batch that the committer has been given."""
        self.tend(after=60)
        batch: Batch = self.committer.todo.get(block=False)
        return batch

    def end(self, batch: Batch, error: str | None = None, **more: Any) -> None:
        """What became of it."""
        self.committer.done.put(Result(batch, error, **more))
        self.tend()


@pytest.fixture
def bench() -> Bench:
    return Bench()


def names(batch: Batch) -> list[str]:
    return [one.name for one in batch.records if isinstance(one, Sent)]


def test_what_comes_while_a_batch_is_under_way_goes_with_the_next(bench: Bench) -> None:
    bench.send(1, 2)
    first = bench.begun()
    bench.send(3)
    bench.tend(after=20)
    assert bench.committer.todo.empty()
    bench.end(first)
    assert bench.written == ["0:1", "0:2"]
    assert bench.outcomes == [(HERE, Position(3), None)]
    assert names(bench.begun()) == ["0:3"]


def test_records_wait_a_moment_for_others(bench: Bench) -> None:
    bench.send(1)
    first = bench.begun()
    bench.send(2)
    bench.end(first)
    bench.tend(after=EVERY_SECONDS * 0.9)
    assert bench.committer.todo.empty()
    bench.tend(after=EVERY_SECONDS * 0.2)
    assert names(bench.committer.todo.get()) == ["0:2"]


def test_no_record_is_written_before_its_ticket_can_be_committed(bench: Bench) -> None:
    bench.send(1, 2, 3)
    bench.positions[HERE] = 2  # pinned there, as --on-failure stop does
    assert names(bench.begun()) == ["0:1"]


def test_an_aborted_batch_is_formed_anew_in_order(bench: Bench) -> None:
    bench.send(1, 2)
    first = bench.begun()
    bench.send(3)
    bench.end(first, "illegal generation")
    assert bench.written == []
    assert bench.outcomes == [(HERE, Position(3), "illegal generation")]
    again = bench.begun()
    assert names(again) == ["0:1", "0:2", "0:3"]
    assert again.positions == [(HERE, Position(4))]
    bench.end(again)
    assert bench.written == ["0:1", "0:2", "0:3"]


@pytest.mark.parametrize("error", [None, "fenced"])
def test_what_was_given_up_meanwhile_is_neither_told_nor_tried_again(
    bench: Bench, error: str | None
) -> None:
    bench.send(1)
    bench.send(7, origin=THERE)
    first = bench.begun()
    bench.transactions.forget(HERE)
    del bench.positions[HERE]
    bench.end(first, error)
    assert [place for place, _, _ in bench.outcomes] == [THERE]
    bench.send(8, origin=THERE)
    assert names(bench.begun()) == (["1:8"] if error is None else ["1:7", "1:8"])
    assert bench.written == (["1:7"] if error is None else [])


FOUND: dict[str, tuple[dict[Partition, int], Callable[[Bench], None], bool]] = {
    "committed": ({HERE: 2, THERE: 8}, lambda _: None, True),
    "aborted": ({HERE: 1, THERE: 7}, lambda _: None, False),
    "no commit yet": ({HERE: -1001, THERE: -1001}, lambda _: None, False),
    "aborted, then one moved on by its new owner": (
        {HERE: 99, THERE: 7}, lambda b: b.transactions.forget(HERE), False),
    "committed, then one moved on by its new owner": (
        {HERE: 99, THERE: 8}, lambda b: b.transactions.forget(HERE), True),
}  # fmt: skip


@pytest.mark.parametrize("name", FOUND)
def test_an_outcome_in_doubt_is_told_by_the_offsets_of_what_is_ours(
    bench: Bench, name: str
) -> None:
    found, meanwhile, committed = FOUND[name]
    bench.send(1)
    bench.send(7, origin=THERE)
    first = bench.begun()
    meanwhile(bench)
    bench.end(first, "timed out", found=found)
    assert ("1:7" in bench.written) is committed
    assert (bench.outcomes[-1][2] is None) is committed


def test_without_records_an_outcome_in_doubt_is_a_failure_for_a_repetition_does_no_harm(
    bench: Bench,
) -> None:
    bench.positions[HERE] = 5
    bench.commit_soon()
    bench.end(bench.committer.todo.get(block=False), "timed out", found={HERE: 5})
    assert bench.outcomes == [(HERE, Position(5), "timed out")]


def test_a_ticket_of_which_one_record_is_refused_leaves_nothing_behind(bench: Bench) -> None:
    bench.send(1, 2, 2, 2, 3)
    bench.committer.made_singly = True
    first = bench.begun()
    bench.end(first, "too large", failed=[(first.records[2], TOO_LARGE)])
    assert bench.refused == ["0:2"] * 3
    assert names(bench.begun()) == ["0:1", "0:3"]


def test_of_records_that_went_together_none_is_refused_before_each_went_alone(
    bench: Bench,
) -> None:
    bench.send(1, 2)
    first = bench.begun()
    bench.end(first, "too large", failed=[(one, TOO_LARGE) for one in first.records])
    assert bench.refused == []
    assert bench.committer.singly
    assert names(bench.begun()) == ["0:1", "0:2"]


def test_partitions_that_send_to_a_topic_that_is_shut_wait_and_no_others(bench: Bench) -> None:
    bench.send(1)
    bench.send(7, origin=THERE)
    first = bench.begun()
    bench.end(first, "no such topic", failed=[(first.records[0], UNKNOWN)])
    assert bench.delays == ["0:1"]
    bench.transactions.forget(THERE)  # so that only HERE waits for that topic
    bench.now += 0.4
    assert not bench.transactions.may_commit(HERE)
    assert bench.transactions.may_commit(THERE)
    again = bench.begun()
    assert names(again) == ["0:1"]
    bench.end(again)
    assert bench.transactions.may_commit(HERE)


def test_who_may_not_use_transactions_is_told_once_which_right_is_missing(bench: Bench) -> None:
    bench.send(1)
    first = bench.begun()
    with pytest.raises(NotAuthorised, match=r"--exactly-once: no right; .*transactional ids"):
        bench.end(first, "no right", denied=True)
    bench.tend()


def test_a_call_that_never_ends_is_left_behind_and_its_outcome_looked_up(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Committer, "start", lambda _: None)
    bench.send(1)
    first, stuck = bench.begun(), bench.committer
    bench.tend(after=STUCK_SECONDS - 1)
    assert not stuck.abandoned
    bench.tend(after=2)
    assert stuck.abandoned
    stuck.done.put(Result(first))  # too late to be believed
    bench.tend()
    assert bench.written == []
    bench.committer = bench.transactions._committer
    doubted = bench.committer.todo.get(block=False)
    assert (doubted.doubted, names(doubted)) == (True, ["0:1"])
    bench.end(doubted, "no answer", found={HERE: 2})
    assert bench.written == ["0:1"]


def test_who_is_no_member_any_more_commits_nothing(bench: Bench) -> None:
    bench.send(1)
    bench.transactions._member = lambda: None
    bench.tend(after=60)
    assert bench.committer.todo.empty()
    bench.transactions._member = lambda: "member"
    assert names(bench.begun()) == ["0:1"]


class Echo:
    """As the committer's queue: each batch ends at once, the first ones with these errors."""

    def __init__(self, bench: Bench, *errors: str) -> None:
        self._done, self._errors = bench.committer.done, list(errors)

    def put(self, batch: Batch) -> None:
        self._done.put(Result(batch, self._errors.pop(0) if self._errors else None))


def test_commit_now_waits_for_the_batch_under_way_and_tries_until_it_is_committed(
    bench: Bench,
) -> None:
    bench.send(1)
    first = bench.begun()
    bench.committer.done.put(Result(first, "aborted"))
    bench.committer.todo = Echo(bench, "aborted, too")
    assert bench.transactions.commit_now([(HERE, Position(2))]) == []
    assert bench.written == ["0:1"]
    assert [error for _, _, error in bench.outcomes] == ["aborted", "aborted, too", None]
    assert bench.transactions.commit_now([]) == []
