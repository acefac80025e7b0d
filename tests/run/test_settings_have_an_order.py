"""A flag goes before the environment, that before the file, that before the default.

In doubt because four sources meet in one value, and a file's key that nobody reads
would be believed for months.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.broker import Broker
from tests.run.conftest import Run
from tests.run.listener import Listener
from tests.run.topics import committed, tickets, write
from tests.support import Command

pytestmark = pytest.mark.e2e

Start = Callable[..., Command]


def ran_with(service: Command) -> int:
    """How many workers it started."""
    service.expect(0)
    return len(service.events("worker started"))


def test_precedence(run: Run, topic: str, tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text("[run]\nworkers = 2\n")
    config, ended = ("--config", str(file)), ("--until-caught-up",)
    three = {"TICKETPOOL_WORKERS": "3"}
    assert ran_with(run("journal", topic, *ended, *config)) == 2
    assert ran_with(run("journal", topic, *ended, *config, environment=three)) == 3
    flag = ("--workers", "4")
    assert ran_with(run("journal", topic, *ended, *config, *flag, environment=three)) == 4


def test_everything_from_a_file(
    command: Start, run: Run, kafka: Broker, make_topic: Callable[..., str], group: str,
    tmp_path: Path,
) -> None:  # fmt: skip
    topic, other = make_topic(1), make_topic(1)
    write(kafka, topic, tickets(0, ["", "raise torn"]))
    write(kafka, other, tickets(0, [""]))
    letters = kafka.create_topic(f"{topic}-letters", 1)
    (tmp_path / "ticketpool.toml").write_text(f"""
        bootstrap-servers = "{kafka.bootstrap}"
        group = "{group}"
        topic = ["{topic}", "{other}"]
        [run]
        retries = 1
        backoff = 0.01
        dead-letter-topic = "{letters}"
        until-caught-up = true
        json = true
        http = "off"
        [produce]
        rate = 7.5
        [kafka]
        session.timeout.ms = 7000
        "socket.keepalive.enable" = true
    """)
    environment = {"TICKETPOOL_CONFIG": "ticketpool.toml", "JOURNAL": str(tmp_path / "journal")}
    service = command("run", "handlers:obey", environment=environment)
    told = service.expect(0).json()
    assert (told["processed"], told["retried"], told["dead_lettered"]) == (2, 1, 1)
    assert told["partitions"] == 2
    assert committed(kafka, group, topic) == {0: 2}
    assert committed(kafka, group, other) == {0: 1}


def test_a_secret_reaches_the_client_and_nobody_else(
    run: Run, kafka: Broker, topic: str, listener: Listener, tmp_path: Path
) -> None:
    secret = tmp_path / "password"
    secret.write_text("hunter2\n")
    secret.chmod(0o600)
    (tmp_path / "peek.py").write_text(
        "import os\n\n\ndef handle(ticket: bytes) -> None:\n    print(sorted(os.environ.items()))\n"
    )
    write(kafka, topic, tickets(0, [""]))
    service = run(
        "obey", topic, "-X", "sasl.password=env:CANARY", "-X", f"ssl.key.password=file:{secret}",
        "--http", listener.address, "--log-level", "debug", "--workers", "1",
        environment={"CANARY": "canary-in-the-mine"},
    )  # fmt: skip
    service.await_event("ready")
    worker = service.children()[0]
    assert "CANARY" not in worker.environ()
    shown = "".join([*worker.cmdline(), *worker.environ().values(), service.stderr])
    shown += listener.get("/").text + listener.get("/api/status").text
    shown += listener.get("/metrics").text
    assert "canary-in-the-mine" not in shown
    assert "hunter2" not in shown


def test_a_secret_file_that_others_can_read(run: Run, topic: str, tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("hunter2\n")
    secret.chmod(0o644)
    service = run("obey", topic, "-X", f"sasl.password=file:{secret}").expect(2, 10)
    assert "chmod 600" in service.stderr
    assert "hunter2" not in service.stderr


def test_flags_add_to_the_files_properties(
    run: Run, topic: str, tmp_path: Path, kafka: Broker
) -> None:
    file = tmp_path / "settings.toml"
    file.write_text('[kafka]\n"client.id" = "from-the-file"\n"no.such" = "x"\n')
    service = run("obey", topic, "--config", str(file), "-X", "client.id=mine").expect(2, 10)
    assert '"no.such"' in service.stderr
    file.write_text('[kafka]\n"session.timeout.ms" = "nonsense"\n')
    known = ("-X", "session.timeout.ms=7000", "--until-caught-up")
    run("obey", topic, "--config", str(file), *known).expect(0)


FILES = {
    "unknown key": ("[run]\nworkres = 2\n", "'workres'; did you mean workers?"),
    "unknown shared key": ("gruop = 'x'\n", "'gruop'; did you mean group?"),
    "a key of another command": ("[run]\nrate = 5\n", "'rate'"),
    "not TOML": ("[run\n", "not TOML"),
    "a wrong value": ("[run]\nworkers = 0\n", "--workers"),
    "a wrong type": ("[run]\nretries = 'many'\n", "--retries"),
    "a refused property": ("[kafka]\n'group.id' = 'x'\n", "--group"),
    "no table": ("run = 5\n", "[run]"),
    "no properties": ("kafka = 'localhost'\n", "[kafka]"),
}


@pytest.mark.parametrize(("content", "told"), FILES.values(), ids=FILES.keys())
def test_a_file_that_is_wrong(command: Start, tmp_path: Path, content: str, told: str) -> None:
    file = tmp_path / "settings.toml"
    file.write_text(content)
    service = command("run", "--config", str(file), "--bootstrap-servers", "127.0.0.1:1")
    service.expect(2, 10)
    assert told in service.stderr
    assert "Traceback" not in service.stderr


def test_a_file_that_is_not_there(command: Start) -> None:
    service = command("run", "--config", "no-such.toml").expect(2, 10)
    assert "no-such.toml" in service.stderr
