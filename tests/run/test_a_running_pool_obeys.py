"""Pause, move, scale and drain change what they say and nothing else: under load, each ticket is
handled once and in order, and the group does not rebalance.

In doubt because lanes change their process while records are in it, and because other
projects restart a consumer for that, with a rebalance and repetitions.
"""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.broker import Broker
from tests.run.conftest import Run
from tests.run.journal import Journal, assert_in_order
from tests.run.topics import committed, ends, places, tickets, write
from tests.support import Command, eventually
from ticketpool.cli import cli
from ticketpool.errors import TicketpoolError

pytestmark = pytest.mark.e2e

Produce = Callable[..., Command]


def soon(condition: Callable[[], object]) -> None:
    eventually(condition, seconds=40, every=0.1)


class Hands:
    """Asks one supervisor by the command line, in this process: that is quicker."""

    def __init__(self, socket: Path) -> None:
        self.socket = socket

    def __call__(self, *arguments: str, code: int = 0) -> str:
        """What it says, which must be with that exit code."""
        result = CliRunner().invoke(cli, [*arguments, "--control", str(self.socket)])
        error = result.exception
        found = error.exit_code if isinstance(error, TicketpoolError) else result.exit_code
        assert found == code, (result.output, error)
        return result.output


@pytest.fixture
def hands(tmp_path: Path) -> Hands:
    """Give ``hands.socket`` to ``--control``."""
    return Hands(tmp_path / "s.sock")


def test_under_load_nothing_is_lost_repeated_or_overtaken(
    kafka: Broker, topic: str, group: str, run: Run, produce: Produce, journal: Journal,
    hands: Hands, command: Callable[..., Command], tmp_path: Path,
) -> None:  # fmt: skip
    service = run(
        "journal", topic, "--workers", "2", "--control", str(hands.socket),
        "--trace-log", str(tmp_path / "trace"),
    )  # fmt: skip
    service.await_event("ready")
    producer = produce(topic, "--rate", "400", "--duration", "600")
    soon(lambda: journal.count() > 200)
    check_pause(hands, journal, service)
    check_scale(hands, journal, service)
    check_move(hands, journal, service)
    producer.signal(signal.SIGTERM)
    total = producer.expect(0).json()["delivered"]
    soon(lambda: len(journal.finished()) == total)
    drained = command("drain", "--control", str(hands.socket)).expect(0)
    assert drained.stdout.startswith("drained: ")
    service.expect(0)
    assert committed(kafka, group, topic) == ends(kafka, topic)
    assert set(journal.finished()) == places(kafka, topic)
    assert set(journal.finished().values()) == {1}
    assert_in_order(journal.entries())
    assert len(service.events("assigned")) == 8
    assert len(service.events("revoked")) == 8  # at the end
    assert service.events("lost") == []
    proof = command("verify", "--trace", str(tmp_path / "trace"), "--json").expect(0).json()
    assert (proof["lost"], proof["duplicates"], proof["out_of_order"]) == (0, 0, 0)
    assert proof["worker_deaths"] == 3  # those that scaling let go


def check_pause(hands: Hands, journal: Journal, service: Command) -> None:
    assert hands("pause", "--partition", "3", "--partition", "5").splitlines()[0].endswith("[3,5]")
    before, others = len(journal.of(3)), journal.count()
    soon(lambda: journal.count() > others + 400)
    assert len(journal.of(3)) == before
    assert "nothing to do" in hands("pause", "--partition", "3")
    assert hands("resume", "--all").splitlines()[0].endswith("[3,5]")
    soon(lambda: len(journal.of(3)) > before + 100)
    (told, *_) = service.events("command")
    assert (told["command"], told["partitions"], told["by_uid"]) == ("pause", [3, 5], os.geteuid())


def check_scale(hands: Hands, journal: Journal, service: Command) -> None:
    assert hands("scale", "4") == "4 workers, before 2; 2 partitions each\n"
    assert serving(journal, service) == 4
    assert hands("scale", "1") == "1 worker, before 4; 8 partitions each\n"
    assert serving(journal, service) == 1
    assert len(service.children()) == 1
    assert hands("scale", "2") == "2 workers, before 1; 4 partitions each\n"


def serving(journal: Journal, service: Command) -> int:
    """How many workers share the work, once each of the eight partitions has gone on."""
    before = journal.count()

    def owners() -> dict[int, int]:
        entries = journal.entries()[before:]
        return {one.partition: one.pid for one in entries}

    soon(lambda: len(owners()) == 8)
    return len(set(owners().values()))


def check_move(hands: Hands, journal: Journal, service: Command) -> None:
    last = service.events("moved")[-1]
    partition, worker = last["partition"], last["from_worker"]
    said = hands("move", "--partition", str(partition), "--worker", str(worker))
    assert said.startswith(f"worker {worker} has ")
    pids = {one["worker"]: one["pid"] for one in service.events("worker started")}
    soon(lambda: journal.of(partition)[-1].pid == pids[worker])
    assert "there are 2, 0 to 1" in hands("move", "--partition", "0", "--worker", "7", code=2)
    assert "[8] is not held here: it holds" in hands("pause", "--partition", "8", code=2)
    assert "[0-7]" in hands("move", "--partition", "8", "--worker", "0", code=2)


def test_a_worker_that_cannot_start_leaves_the_pool_as_it_was(
    make_topic: Callable[..., str], run: Run, journal: Journal, hands: Hands, kafka: Broker,
    tmp_path: Path,
) -> None:  # fmt: skip
    topic = make_topic(2)
    service = run("journal", topic, "--workers", "1", "--control", str(hands.socket))
    service.await_event("ready")
    (tmp_path / "handlers.py").write_text("import nothing_of_this_name")
    said = hands("scale", "3", code=4)
    assert "still 1 worker: " in said
    assert "No module named 'nothing_of_this_name'" in said
    soon(lambda: len(service.children()) == 1)
    assert service.events("worker not started") == []  # that would end the service, the fifth time
    write(kafka, topic, tickets(0, [""]))
    soon(lambda: journal.count() == 1)
    assert hands("scale", "1") == "nothing to do: 1 worker already\n"
    assert hands("drain").startswith("drained: ")


# -- while a record blocks ------------------------------------------------------------------


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Path]:
    """Until this file is there, ``await`` blocks."""
    path = tmp_path / "gate"
    yield path
    path.touch()


def test_a_record_that_blocks_holds_up_itself_and_tells_where_it_stands(
    kafka: Broker, make_topic: Callable[..., str], group: str, run: Run, journal: Journal,
    hands: Hands, gate: Path,
) -> None:  # fmt: skip
    topic = make_topic(2)
    write(kafka, topic, [*tickets(0, ["", f"await {gate}", "", ""]), *tickets(1, [""])])
    service = run(
        "obey", topic, "--workers", "2", "--control", str(hands.socket), "--log-level", "info"
    )
    soon(lambda: len(journal.of(0, "begin")) == 2)
    check_trace(hands)
    assert "offset 1 is at hand: it is finished first" in hands("pause", "--partition", "0")
    assert "moves later" in hands(
        "move", "--partition", "0", "--worker", "1", "--wait", "0.2", code=1
    )
    check_log_level(hands, service)
    write(kafka, topic, tickets(1, ["", ""]))
    soon(lambda: len(journal.of(1, "end")) == 3)  # nobody waits for it
    gate.touch()
    soon(lambda: service.events("moved"))
    restart_all(service)
    assert [one.offset for one in journal.of(0, "begin")] == [0, 1]
    paused = "[0] is paused: ticketpool resume --partition 0"
    soon(lambda: paused in hands("trace", "--partition", "0"))  # once its worker is warm
    hands("resume", "--partition", "0")
    soon(lambda: len(journal.of(0, "end")) == 4)
    assert [one.offset for one in journal.of(0, "begin")] == [0, 1, 2, 3]
    assert hands("drain").endswith("exit code 0\n")
    service.expect(0)
    assert committed(kafka, group, topic) == ends(kafka, topic)


def restart_all(service: Command) -> None:
    """A pause outlives its worker."""
    for child in service.children():
        child.kill()
    soon(lambda: len(service.events("worker started")) == 4)


def test_a_worker_that_hangs_is_replaced_and_its_record_called_again(
    kafka: Broker, make_topic: Callable[..., str], group: str, run: Run, journal: Journal,
    hands: Hands, tmp_path: Path,
) -> None:  # fmt: skip
    topic = make_topic(2)
    write(kafka, topic, [*tickets(0, ["", f"stick {tmp_path / 'mark'}", ""]), *tickets(1, [""])])
    service = run(
        "obey", topic, "--workers", "1", "--control", str(hands.socket), "--max-crashes", "1"
    )
    soon(lambda: len(journal.of(0, "begin")) == 2 and len(journal.of(1, "end")) == 1)
    said = hands("restart", "--partition", "0", "--wait", "0.5").splitlines()
    assert said[0].startswith("worker 0 restarted: pid ")
    assert said[1] == f"{topic}[0] offset 1 was cut off: it is called again"
    soon(lambda: len(journal.of(0, "end")) == 3)
    assert [one.offset for one in journal.of(0, "begin")] == [0, 1, 1, 2]
    old = service.children()[0].pid
    assert hands("restart", "--worker", "0").endswith(f"{service.children()[0].pid}\n")
    assert old != service.children()[0].pid
    assert "which worker?" in hands("restart", code=2)
    assert "there is 1, 0 to 0" in hands("restart", "--worker", "3", code=2)
    hands("drain")
    assert len(service.events("assigned")) == 2
    assert service.events("dead-lettered") == []  # nothing was held against the record
    assert committed(kafka, group, topic) == ends(kafka, topic)


def check_trace(hands: Hands) -> None:
    said = hands("trace", "--partition", "0")
    first, _, mark, *lines = said.splitlines()
    assert "[0] offset 1 runs for " in first
    assert mark.startswith("▶ thread ")
    assert any(line.endswith("in _await_file") for line in lines)
    assert "time.sleep(0.01)" in said
    assert "queue.get()" not in said  # another lane's
    assert "▶ thread" in hands("trace", "--worker", "0")
    assert "whose stack?" in hands("trace", code=2)


def check_log_level(hands: Hands, service: Command) -> None:
    assert hands("log-level", "error") == "log level error, in 2 workers too\n"
    quiet = len(service.events("command answered"))
    hands("trace", "--worker", "1")
    hands("log-level", "debug")
    assert len(service.events("command answered")) == quiet + 1  # that it is to be heard again


@pytest.mark.parametrize(
    ("handler", "deed", "mark", "line"),
    [
        ("obey_async", "sleep 90", "▶ task ", "await asyncio.sleep(float(argument))"),
        ("obey_async", "await /nowhere", "▶ task ", "in _await_file"),
        ("obey", "hold-the-gil", "did not answer", "in _hold_the_gil"),
    ],
    ids=["awaits", "holds up the event loop", "holds the interpreter's lock"],
)
def test_a_stack_is_shown_whatever_the_handler_does(
    kafka: Broker, make_topic: Callable[..., str], run: Run, journal: Journal, hands: Hands,
    handler: str, deed: str, mark: str, line: str,
) -> None:  # fmt: skip
    topic = make_topic(1)
    write(kafka, topic, tickets(0, [deed]))
    service = run(handler, topic, "--workers", "1", "--control", str(hands.socket))
    soon(lambda: journal.of(0, "begin"))
    said = hands("trace", "--partition", "0")
    assert "[0] offset 0 runs for " in said
    assert mark in said
    assert line in said
    assert "exited" not in service.stderr
