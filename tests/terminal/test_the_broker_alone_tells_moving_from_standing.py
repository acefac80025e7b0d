"""What two looks at a group tell without any supervisor.

In doubt because a group without a member and a group that is done commit the same: nothing.
"""

import pytest

from ticketpool.core.model import Partition
from ticketpool.core.reset import Extent
from ticketpool.core.status import PartitionStatus
from ticketpool.errors import BrokerUnreachable
from ticketpool.kafka.standing import Standing
from ticketpool.terminal.broker import BrokerSource, Moment, made

PLACE = Partition("tickets", 0)
MEMBER = {PLACE: "rdkafka /10.0.0.1"}


def look(
    committed: int | None, end: int = 100, *, held: bool = True, start: int = 0,
    state: str | None = "stable",
) -> Standing:  # fmt: skip
    return Standing(
        state=state,
        members=MEMBER if held else {},
        joined=int(held),
        committed={} if committed is None else {PLACE: committed},
        extents={PLACE: Extent(start, end)},
    )


def judged(*looks: Standing, every: float = 2.0) -> PartitionStatus:
    moments = [Moment(one, n * every) for n, one in enumerate(looks)]
    (partition,) = made("shop", moments).partitions
    return partition


def test_one_that_commits_is_ok_however_far_behind() -> None:
    moving = judged(look(10), look(30))
    assert (moving.state, moving.lag, moving.rate_per_s) == ("ok", 70, 10.0)


def test_one_that_is_at_the_end_is_ok_with_or_without_a_member() -> None:
    assert judged(look(100), look(100)).state == "ok"
    assert judged(look(100, held=False), look(100, held=False)).state == "ok"


def test_one_that_does_not_commit_stalls() -> None:
    standing = judged(look(10), look(30), look(30), look(30))
    assert standing.state == "ok"  # it has, within the time that looks count
    standing = judged(look(30), look(30))
    assert (standing.state, standing.state_seconds) == ("stall", 2.0)
    assert standing.blame is not None
    assert (standing.blame.offset, standing.blame.kind) == (30, "commit")
    assert "rdkafka /10.0.0.1" in standing.blame.reason


def test_one_look_accuses_nobody_of_standing() -> None:
    assert judged(look(30)).state == "ok"


def test_one_without_a_member_has_stopped() -> None:
    stopped = judged(look(30, held=False, state="empty"), look(30, held=False, state="empty"))
    assert stopped.state == "stop"
    assert stopped.blame is not None
    assert stopped.blame.remedy == "start a supervisor: ticketpool run --group shop --topic tickets"


def test_where_the_broker_knows_no_members_nobody_is_missed() -> None:
    assert judged(look(10, held=False, state=None), look(30, held=False, state=None)).state == "ok"


def test_one_that_went_back_is_told() -> None:
    assert judged(look(50), look(20)).state == "rewind"
    assert judged(look(50), look(100)).state == "ok"


def test_without_a_commit_all_that_is_there_waits() -> None:
    assert judged(look(None, start=40)).lag == 60
    assert judged(look(10, start=40)).lag == 60  # retention has removed the rest
    assert judged(look(130)).lag == 0


def test_the_source_forgets_looks_of_long_ago() -> None:
    now = iter([0.0, 10.0, 20.0])
    looks = iter([look(10), look(20), look(20)])
    source = BrokerSource(lambda: next(looks), "shop", lambda: next(now))
    states = [answer.status.partitions[0].state for answer in _asked(source) if answer.status]
    assert states == ["ok", "ok", "stall"]


def _asked(source: BrokerSource) -> list:  # type: ignore[type-arg]
    return [source.ask() for _ in range(3)]


def test_its_history_grows_with_the_looks() -> None:
    looks, now = iter([look(10), look(30)]), iter([0.0, 2.0])
    source = BrokerSource(lambda: next(looks), "shop", lambda: next(now))
    source.ask()
    status = source.ask().status
    assert status is not None
    assert [(one.rate_per_s, one.lag) for one in status.history] == [(0.0, 90), (10.0, 70)]
    assert status.state == "stable, 1 member"


def test_a_broker_that_does_not_answer_is_trouble_and_no_end() -> None:
    def fail() -> Standing:
        raise BrokerUnreachable("no Kafka broker answers at kafka:9092")

    answer = BrokerSource(fail, "shop").ask()
    assert (answer.reached, answer.status) == (False, None)
    assert answer.trouble == "does not tell: no Kafka broker answers at kafka:9092"


@pytest.mark.parametrize("joined", [0, 3])
def test_members_without_a_partition_are_counted(joined: int) -> None:
    standing = look(10)._replace(joined=joined)
    told = "stable, 3 members" if joined else "stable"
    assert made("shop", [Moment(standing, 0.0)]).state == told
