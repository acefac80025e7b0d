"""What is not well, in order of urgency, with the remedy; and the exit code that sums it up.

In doubt because a state that nobody thought of must not count as well.
"""

from typing import Any

import msgspec
import pytest

from tests import statuses
from tests.terminal import worlds
from ticketpool.core.status import Cluster, ServiceStatus
from ticketpool.terminal.answers import BROKER, Answer, View
from ticketpool.terminal.findings import findings
from ticketpool.terminal.sheet import as_json, exit_code, sheet, verdict

HERE = "127.0.0.1:9464"


def view(status: ServiceStatus | None, **changes: Any) -> View:
    return View((Answer(source=HERE, status=status, **changes),))


LOST = view(None, trouble="can't be reached: connection refused", reached=False)


def printed(seen: View, width: int = 200) -> list[str]:
    return [line.plain for line in sheet(seen, width)]


def test_all_well_is_said_and_0() -> None:
    seen = view(worlds.well())
    assert exit_code(seen) == 0
    assert verdict(seen) == ""
    assert findings(seen) == []
    assert printed(seen)[-1] == "✓ all partitions are ok"


def test_the_most_urgent_goes_first_with_record_and_remedy() -> None:
    found = findings(view(worlds.ill()))
    assert [one.about for one in found] == ["tickets[3]", "tickets[5]", "tickets[1]"]
    assert found[0].words == f"blocked for 12 s at offset 107: {worlds.BLOCKED.reason}"
    assert found[0].remedy == worlds.BLOCKED.remedy
    assert found[2].words == "warn for 31 s, 640 behind, 0.2 s late"
    assert [one.mild for one in found] == [False, False, True]
    assert exit_code(view(worlds.ill())) == 8


def test_of_two_in_the_same_state_the_larger_lag_goes_first() -> None:
    two = worlds.pool(worlds.blocked(0, lag=5), worlds.blocked(1, lag=7))
    assert [one.about for one in findings(view(two))] == ["tickets[1]", "tickets[0]"]


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (worlds.well(problems=["the loop is stuck"]), "the loop is stuck"),
        (worlds.well(cluster=Cluster(reachable=False, since_seconds=7)),
         "no broker has answered it for 7.0 s"),
        (worlds.well(ready=False, state="joining"), "is not ready: joining"),
        (worlds.well(workers=[statuses.worker(state="dead", last_end="SIGKILL")]),
         "is dead, to be started again: SIGKILL"),
        (worlds.pool(worlds.partition(0, held=True, state="stop")),
         "paused for 0.0 s, 3 behind, 0.2 s late"),
        (worlds.pool(worlds.partition(0, state="odd")), "odd for 0.0 s, 3 behind, 0.2 s late"),
        (worlds.pool(worlds.partition(0, state="warn", lag=None, time_lag_seconds=None)),
         "warn for 0.0 s, of unknown lag"),
    ],
)  # fmt: skip
def test_each_of_these_is_not_well(status: ServiceStatus, told: str) -> None:
    (finding,) = findings(view(status))
    assert finding.words == told
    assert exit_code(view(status)) == 8


def test_a_pause_that_keeps_nothing_waiting_is_well_and_seen() -> None:
    seen = view(worlds.pool(worlds.partition(0, held=True)))
    assert exit_code(seen) == 0
    assert "‖ paused" in "".join(printed(seen))


def test_an_unhealthy_one_without_a_problem_is_stuck() -> None:
    (finding,) = findings(view(worlds.well(), healthy=False, age_seconds=14.0))
    assert finding.words == "its figures are 14 s old: the supervisor's loop is stuck"


def test_one_that_is_starting_is_reached_and_not_well() -> None:
    seen = view(None, trouble="no status yet: the service is starting")
    assert exit_code(seen) == 8
    assert "starting" in printed(seen)[0]


def test_one_that_can_t_be_reached_goes_before_what_others_tell() -> None:
    seen = View((*LOST.answers, Answer(source="b:1", status=worlds.ill())))
    assert exit_code(seen) == 3
    assert verdict(seen) == f"{HERE} can't be reached: connection refused, 3 partitions not ok"
    assert findings(seen)[0].about == HERE
    assert "--group" in findings(seen)[0].remedy


def test_below_the_table_stand_reason_and_remedy() -> None:
    lines = printed(view(worlds.ill()))
    assert lines[0].split()[:3] == ["ticket-processor-group", "8", "partitions"]
    assert "pid 4700" in lines[1] and "version 0.1.0" in lines[1]
    assert lines[2].split()[:5] == ["partition", "state", "for", "lag", "behind"]
    assert lines[6].split()[:5] == ["tickets[3]", "✗", "blocked", "12", "s"]
    assert f"✗ tickets[3] blocked for 12 s at offset 107: {worlds.BLOCKED.reason}" in lines
    assert f"  → {worlds.BLOCKED.remedy}" in lines


def test_the_table_is_as_wide_as_the_terminal_and_loses_columns_of_least_rank() -> None:
    narrow = [line for line in printed(view(worlds.ill()), 80) if line.startswith("tickets[")]
    assert len(narrow) == 8
    assert max(map(len, narrow)) <= 80
    head = printed(view(worlds.ill()), 80)[2]
    assert "lag" in head and "worker" in head and "buffered" not in head


def test_each_group_has_a_table() -> None:
    two = View(
        (
            Answer(source="a:1", status=worlds.well(2, group="orders")),
            Answer(source="b:1", status=worlds.well(3, group="billing")),
        )
    )
    lines = printed(two)
    titles = [line.split("   ")[0] for line in lines if "partitions   lag" in line]
    assert titles == ["billing", "orders"]
    assert sum(line.startswith("tickets[") for line in lines) == 5


def test_the_object_says_ok_and_holds_each_partition() -> None:
    told = msgspec.json.decode(msgspec.json.encode(as_json(view(worlds.ill()))))
    assert told["ok"] is False
    (group,) = told["groups"]
    assert (group["group"], group["ok"], group["not_ok"]) == ("ticket-processor-group", False, 3)
    assert group["lag"] == 1_234 + 88_200 + 640 + 5 * 3
    assert group["partitions"][3]["blame"]["remedy"] == worlds.BLOCKED.remedy
    assert told["findings"][0]["about"] == "tickets[3]"
    assert told["sources"][0]["source"] == HERE
    assert msgspec.json.decode(msgspec.json.encode(as_json(view(worlds.well()))))["ok"] is True
    assert as_json(LOST)["ok"] is False
    assert as_json(LOST)["sources"][0]["reached"] is False


def test_the_broker_s_name_brings_the_broker_s_remedy() -> None:
    (finding,) = findings(View((Answer(source=BROKER, trouble="nobody answers", reached=False),)))
    assert "--bootstrap-servers" in finding.remedy


def test_nothing_from_outside_is_obeyed_by_the_terminal() -> None:
    evil = "\x1b[2J\x1b]0;x\x07\n\u202e"
    blame = msgspec.structs.replace(worlds.BLOCKED, reason=evil, remedy=evil)
    one = worlds.blocked(topic=evil, state=evil, blame=blame)
    seen = view(worlds.pool(one, group=evil, handler=evil, state=evil, problems=[evil]))
    for line in printed(seen):
        assert line.isprintable(), ascii(line)
