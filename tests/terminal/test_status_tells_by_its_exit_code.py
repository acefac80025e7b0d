"""``ticketpool status`` against supervisors that tell what the test wants.

In doubt because scripts go by the exit code and the one object: 3 must never look like 8, nor a
later version's answer like no answer.
"""

import socket
import threading
from collections.abc import Callable, Iterator

import msgspec
import pytest

from tests.support import Command
from tests.terminal import worlds
from tests.terminal.fake import FakeSupervisor
from ticketpool.core.status import ServiceStatus
from ticketpool.terminal.ask import ask

Start = Callable[..., Command]
Fake = Callable[..., FakeSupervisor]
pytestmark = pytest.mark.e2e


@pytest.fixture
def fake() -> Iterator[Fake]:
    """``fake(STATUS, ok=…)``: a supervisor that tells this."""
    started: list[FakeSupervisor] = []

    def start(status: ServiceStatus | None, *, ok: bool = True) -> FakeSupervisor:
        started.append(FakeSupervisor(status, ok=ok))
        started[-1].start()
        return started[-1]

    yield start
    for one in started:
        one.stop()


@pytest.fixture
def nobody() -> str:
    """An address where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


def test_well_is_0_and_said_on_standard_output_alone(command: Start, fake: Fake) -> None:
    status = command("status", "--http", fake(worlds.well()).address).expect(0)
    assert "all partitions are ok" in status.stdout
    assert status.stdout.count("tickets[") == 8
    assert status.stderr == ""


def test_not_well_is_8_with_record_reason_and_remedy(command: Start, fake: Fake) -> None:
    status = command("status", "--http", fake(worlds.ill()).address).expect(8)
    assert f"✗ tickets[3] blocked for 12 s at offset 107: {worlds.BLOCKED.reason}" in status.stdout
    assert f"→ {worlds.BLOCKED.remedy}" in status.stdout
    assert "3 partitions not ok" in status.stderr
    assert "\x1b[" not in status.stdout  # no terminal, no colour


def test_two_are_merged_and_one_that_is_away_is_named_with_3(
    command: Start, fake: Fake, nobody: str
) -> None:
    first = fake(worlds.pool(*map(worlds.partition, range(4))))
    second = fake(worlds.pool(*map(worlds.partition, range(4, 9))))
    asked = ["--http", first.address, "--http", second.address]
    told = command("status", *asked, "--json").expect(0).json()
    assert [one["partition"] for one in told["groups"][0]["partitions"]] == list(range(9))
    assert {one["source"] for one in told["groups"][0]["partitions"]} == set(asked[1::2])
    away = command("status", *asked, "--http", nobody, "--json").expect(3)
    assert away.json()["ok"] is False
    assert [one["reached"] for one in away.json()["sources"]] == [True, True, False]
    assert f"{nobody} can't be reached" in away.stderr


def test_one_that_is_starting_or_stuck_is_not_well(command: Start, fake: Fake) -> None:
    starting = command("status", "--http", fake(None).address).expect(8)
    assert "the service is starting" in starting.stdout
    stuck = command("status", "--http", fake(worlds.well(), ok=False).address).expect(8)
    assert "the supervisor's loop is stuck" in stuck.stdout


def test_addresses_come_from_the_environment_too(command: Start, fake: Fake) -> None:
    one = fake(worlds.well())
    command("status", environment={"TICKETPOOL_HTTP": one.address}).expect(0)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (["--http", "9464"], "not HOST:PORT"),
        (["--http", "off"], "nobody to ask"),
        (["--http", "a:1", "--group", "g"], "give one kind"),
    ],
)
def test_what_can_t_be_meant_is_2(command: Start, asked: list[str], told: str) -> None:
    assert told in command("status", *asked).expect(2).stderr


def test_a_later_version_s_fields_are_passed_over(fake: Fake) -> None:
    one = fake(worlds.ill())
    one.extra = {"a_new_field": {"of": ["a", "later", "version"]}}
    assert ask(one.address).status == one.status


@pytest.mark.parametrize(
    ("code", "body", "told"),
    [
        (404, b"<html>", "HTTP status 404"),
        (200, b"<html>", "does not answer as ticketpool does"),
        (200, msgspec.json.encode({"ok": True}), "does not answer as ticketpool does"),
        (503, b"busy", "does not answer as ticketpool does"),
    ],
)
def test_another_service_is_told_as_one(fake: Fake, code: int, body: bytes, told: str) -> None:
    one = fake(worlds.well())
    one.code, one.body = code, body
    answer = ask(one.address)
    assert not answer.reached
    assert told in (answer.trouble or "")


def test_one_that_speaks_no_http_is_told_as_one() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        listener.settimeout(5)

        def greet() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
                connection.recv(4096)

        thread = threading.Thread(target=greet)
        thread.start()
        answer = ask(address)
        thread.join()
    assert answer.trouble == "does not speak HTTP: BadStatusLine"


def test_a_name_that_no_host_can_have_is_told_as_one() -> None:
    answer = ask(f"{'a' * 64}.example:80")
    assert (answer.reached, answer.trouble) == (False, "can't be reached: no legal name of a host")


def test_one_that_never_answers_is_waited_for_two_seconds_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ticketpool.terminal.ask.PATIENCE_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        answer = ask(f"127.0.0.1:{listener.getsockname()[1]}")
    assert answer.trouble == "can't be reached: no answer within 0.2 s"
