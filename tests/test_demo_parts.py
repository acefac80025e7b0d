"""The demo's judge sees what a run could do wrong, and its screen fits a terminal.

In doubt because the demo itself only ever shows clean runs.
"""

from pathlib import Path

import msgspec
import pytest
from rich.console import Console

from ticketpool.core.status import LatencyMs, PartitionStatus, ServiceStatus, WorkerStatus
from ticketpool.demo.children import child_environment
from ticketpool.demo.journal import Entry, Journals, line
from ticketpool.demo.judge import Crash, Evidence, Stood, Verdict, judge
from ticketpool.demo.scene import BIN_NS, DemoConfig, Meter, Scene
from ticketpool.demo.shows import line as plain
from ticketpool.demo.verdict import notes, panel, sentence
from ticketpool.demo.view import render
from ticketpool.demo.watch import ask_status, free_address, kill_child_of

KILLED = Crash(worker=1, pid=100, at_ticket=5, restart_seconds=0.5)


def entry(at: int, offset: int, *, pid: int = 100, partition: int = 0) -> Entry:
    name, key = f"0123abcd-{offset}", b"k%d" % partition
    return Entry(at * 10**6, 2_000_000, pid, partition, offset, offset, name, key)


def stood(one: Entry) -> Stood:
    return Stood(one.partition, one.offset, one.order_id, one.id, one.key)


def evidence(entries: list[Entry], **changes: object) -> Evidence:
    topic = list({(one.partition, one.offset): stood(one) for one in entries}.values())
    clean = Evidence(delivered=len(topic), failed=0, topic=topic, entries=entries)
    return msgspec.structs.replace(clean, **changes)


CLEAN = [entry(n, n, partition=n % 2) for n in range(10)]


def test_a_clean_run_is_ok() -> None:
    verdict = judge(evidence(CLEAN))
    assert verdict.ok
    assert (verdict.produced, verdict.processed, verdict.duplicates) == (10, 10, 0)
    assert verdict.throughput_per_s == 1000.0
    assert verdict.latency_ms.p50 == verdict.latency_ms.max == 2.0
    assert "none lost, none twice" in sentence(verdict)


def test_a_ticket_that_nobody_handled_is_lost() -> None:
    verdict = judge(evidence(CLEAN[1:], topic=[stood(one) for one in CLEAN], delivered=10))
    assert (verdict.lost, verdict.problems) == (1, ["1 lost"])


def test_a_ticket_that_left_the_topic_is_lost() -> None:
    assert judge(evidence(CLEAN, delivered=12)).problems == ["2 lost"]


def test_a_step_back_is_out_of_order() -> None:
    swapped = [entry(1, 0), entry(2, 2), entry(3, 1), entry(4, 3)]
    assert judge(evidence(swapped)).problems == ["1 out of order"]


def test_order_is_judged_by_time_not_by_file() -> None:
    assert judge(evidence(list(reversed(CLEAN)))).ok


def test_order_is_judged_per_key_across_partitions() -> None:
    stray = msgspec.structs.replace(entry(20, 1, partition=1), key=b"k0")
    assert judge(evidence([entry(1, 0), entry(2, 5), stray])).problems == ["1 out of order"]


def test_a_repetition_without_a_crash_fails() -> None:
    assert judge(evidence([*CLEAN, entry(50, 9, partition=1)])).duplicates == 1
    assert not judge(evidence([*CLEAN, entry(50, 9, partition=1)])).ok


def test_what_the_killed_worker_had_at_hand_may_come_again() -> None:
    again = [entry(20, 6, pid=200), entry(21, 8, pid=200), entry(22, 9, pid=200, partition=1)]
    verdict = judge(evidence([*CLEAN, *again], crash=KILLED, crash_wanted=True))
    assert verdict.ok
    assert verdict.duplicates == verdict.redelivered == 3
    assert "none twice" not in sentence(verdict)
    assert "3 tickets that it had handled" in next(iter(notes(verdict)))


@pytest.mark.parametrize(
    "again",
    [
        [entry(20, 6, pid=200)],  # not its last in that partition
        [entry(20, 8, pid=200), entry(21, 8, pid=300)],  # twice
        [entry(20, 8, pid=100)],  # by itself
    ],
)
def test_a_crash_does_not_excuse_other_repetitions(again: list[Entry]) -> None:
    verdict = judge(evidence([*CLEAN, *again], crash=KILLED))
    assert [problem for problem in verdict.problems if "no crash explains" in problem]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"failed": 2}, "2 not delivered by the producer"),
        ({"uncommitted": 3}, "3 processed and not committed"),
        ({"crash_wanted": True}, "no worker could be killed half-way"),
        (
            {"crash": msgspec.structs.replace(KILLED, restart_seconds=None)},
            "the killed worker was not replaced",
        ),
        ({"topic": [stood(one) for one in CLEAN[1:]]}, "1 handled that do not stand in the topic"),
    ],
)
def test_other_faults_fail_the_proof(changes: dict[str, object], problem: str) -> None:
    verdict = judge(evidence(CLEAN, **changes))
    assert problem in verdict.problems
    assert not verdict.ok
    assert "The proof failed" in shown(panel(verdict))


def test_nothing_processed_is_no_proof() -> None:
    assert judge(evidence([])).problems == ["nothing was processed"]


def test_journals_are_followed_line_by_whole_line(tmp_path: Path) -> None:
    journals = Journals(tmp_path)
    first, second, other = entry(1, 0), entry(2, 1), entry(3, 2)
    file = tmp_path / "100"
    file.write_bytes(line(first) + line(second)[:7])
    assert journals.poll() == [first]
    assert journals.poll() == []
    file.write_bytes(line(first) + line(second))
    (tmp_path / "200").write_bytes(line(other))
    assert journals.poll() == [second, other]
    assert journals.entries == [first, second, other]


def test_the_meter_counts_each_ticket_once_and_feels_the_pulse() -> None:
    meter = Meter()
    half = BIN_NS // 10**6
    meter.add([entry(1, 0), entry(2, 1), entry(half + 1, 2), entry(half + 2, 2)])
    assert meter.handled == 3
    assert meter.pulse(2 * BIN_NS, 3) == {0: [0, 2, 2]}
    assert meter.rate(2 * BIN_NS) == 4.0
    p50 = meter.quantile_ms(0.5)
    assert p50 is not None and p50 == pytest.approx(2.0, rel=0.13)


def test_only_a_child_of_the_service_is_killed() -> None:
    assert not kill_child_of(parent=1, pid=2**22 + 1)  # beyond any pid
    assert not kill_child_of(parent=2**22 + 1, pid=1)


def test_a_silent_address_has_no_status() -> None:
    assert ask_status(free_address()) is None


def test_children_get_our_variables_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TICKETPOOL_TOPIC", "elsewhere")
    found = child_environment({"TICKETPOOL_DEMO_JOURNAL": "here"})
    assert "TICKETPOOL_TOPIC" not in found
    assert found["TICKETPOOL_DEMO_JOURNAL"] == "here"


# -- the screen ------------------------------------------------------------------------


def shown(renderable: object, width: int = 80) -> str:
    console = Console(width=width, record=True, force_terminal=True, file=open("/dev/null", "w"))
    with console.file:
        console.print(renderable)
        return console.export_text()


def partition(number: int) -> PartitionStatus:
    return PartitionStatus(
        topic="tickets",
        partition=number,
        worker=number,
        pid=4_000_000 + number,
        committed=99,
        position=12_345,
        high_watermark=22_345,
        lag=9_999,
        buffered=0,
        in_flight=128,
        paused=False,
        in_flight_offset=None,
        in_flight_age_seconds=None,
        processed=12_345,
        retried=0,
        dead_lettered=0,
        skipped=0,
        redelivered=0,
        latency_ms=LatencyMs(),
        handler_seconds=0.0,
        handler_buckets=[],
    )


def scene(workers: int, **changes: object) -> Scene:
    status = ServiceStatus(
        state="ready",
        ready=True,
        made_at=0.0,
        uptime_seconds=1.0,
        group="g",
        handler="h",
        partitions=[partition(number) for number in range(4)],
        workers=[
            WorkerStatus(slot=n, pid=4_000_000 + n, state="starting", restarts=n, partitions=1)
            for n in range(workers)
        ],
        rebalances={},
        commits=0,
        commit_failures=0,
    )
    made = Scene(
        config=DemoConfig(workers=workers, crash=True),
        stage="producing",
        seconds=5.0,
        handled=500,
        rate=100.0,
        p50_ms=1.5,
        p99_ms=1500.0,
        pulse={number: [number, 12] * 20 for number in range(4)},
        status=status,
        crash=KILLED,
    )
    return msgspec.structs.replace(made, **changes)


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("workers", [1, 4, 64])
def test_the_screen_fits_and_cuts_nothing_off(width: int, workers: int) -> None:
    lines = shown(render(scene(workers), width), width).splitlines()
    assert len(lines) <= 23
    assert max(map(len, lines)) <= width
    assert not [cut for cut in lines if "…" in cut and "more" not in cut]
    assert any("✗ killed  ✓ back in 0.5 s" in one for one in lines) == (workers > 1)


def test_the_screen_is_there_before_there_is_a_status() -> None:
    early = scene(4, status=None, crash=None, handled=0, p50_ms=None, p99_ms=None, pulse={})
    assert "0 of 1,000" in shown(render(early))


def test_a_plain_line_tells_the_same() -> None:
    text = plain(scene(4))
    for part in ("producing", "500 of 1,000", "100/s", "lag 39,996", "p99 1.5 s"):
        assert part in text
    assert text.endswith("worker 1 killed and replaced")


def test_the_panel_says_that_the_crash_repeated_nothing() -> None:
    verdict: Verdict = judge(evidence(CLEAN, crash=KILLED))
    words = shown(panel(verdict)).replace("│", "").split()
    assert "nothing was handled twice." in " ".join(words)
