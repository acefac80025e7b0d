"""A service that cannot start ends soon, with the exit code of its cause and the setting to change.

In doubt because much of it is found out by others: librdkafka, the broker, the worker that
imports the handler. Whatever it is, no group is joined: a rebalance for nothing would
stop the members that work.
"""

import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.broker import Broker
from tests.run.conftest import Run
from tests.run.listener import Listener
from tests.run.topics import groups, tickets, write
from tests.support import Command

pytestmark = pytest.mark.e2e

Start = Callable[..., Command]
NOBODY = "127.0.0.1:1"

WRONG = {
    "unknown option": (["--wrokers", "2"], "--workers"),
    "no worker": (["--workers", "0"], "--workers"),
    "retries": (["--retries", "-1"], "--retries"),
    "retries in words": (["--retries", "many"], "--retries"),
    "backoff": (["--backoff", "-1"], "--backoff"),
    "backoff that is no number": (["--backoff", "nan"], "--backoff"),
    "endless handler timeout": (["--handler-timeout", "inf"], "--handler-timeout"),
    "crashes": (["--max-crashes", "0"], "--max-crashes"),
    "drain timeout": (["--drain-timeout", "nan"], "--drain-timeout"),
    "commit interval": (["--commit-interval", "0"], "--commit-interval"),
    "buffer": (["--buffer-records", "0"], "--buffer-records"),
    "a batch of none": (["--batch-size", "0"], "--batch-size"),
    "a batch that never fills": (["--batch-size", "3001"], "--batch-size 3001: at most 3000"),
    "endless batch": (["--batch-timeout", "inf"], "--batch-timeout"),
    "policy": (["--on-failure", "panic"], "dead-letter"),
    "offset reset": (["--offset-reset", "middle"], "earliest"),
    "assignor": (["--assignor", "fair"], "cooperative-sticky"),
    "no group": (["--group", ""], "--group"),
    "no topic": (["--topic", ""], "--topic"),
    "no servers": (["--bootstrap-servers", ""], "--bootstrap-servers"),
    "letters into the topic itself": (["--dead-letter-topic", "tickets"], "--dead-letter-topic"),
    "log level": (["--log-level", "loud"], "warning"),
    "an address that is none": (["--http", "9464"], "--http 9464"),
    "a port that is none": (["--http", "127.0.0.1:99999"], "--http 127.0.0.1:99999"),
    "unknown property": (["-X", "nosuch.property=1"], '"nosuch.property"'),
    "property without a value": (["-X", "session.timeout.ms"], "name=value"),
    "property out of range": (["-X", "session.timeout.ms=-1"], '"session.timeout.ms"'),
    "a refused property": (["-X", "enable.auto.commit=true"], "only past finished records"),
    "a property that has an option": (["-X", "group.id=mine"], "--group"),
    "a secret for all to see": (["-X", "sasl.password=hunter2"], "sasl.password=env:NAME"),
    "a secret that is not there": (["-X", "sasl.password=env:NO_SUCH"], "NO_SUCH is not set"),
    "two handlers": (["handlers:obey", "handlers:journal"], "handlers:journal"),
}


@pytest.mark.parametrize(("options", "told"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_setting(command: Start, options: list[str], told: str) -> None:
    defaults = ["--bootstrap-servers", NOBODY, "--http", "off"]
    service = command("run", *defaults, *options).expect(2, 10)
    assert told in service.stderr
    assert "hunter2" not in service.stderr + service.stdout
    assert "Traceback" not in service.stderr
    assert service.events("worker started") == []


def test_no_broker(command: Start) -> None:
    began = time.monotonic()
    service = command("run", "--bootstrap-servers", NOBODY, "--http", "off").expect(3, 20)
    assert time.monotonic() - began < 10
    assert NOBODY in service.stderr
    assert "--bootstrap-servers" in service.stderr
    assert "Traceback" not in service.stderr


def test_no_topic(run: Run, kafka: Broker, group: str) -> None:
    service = run("journal", "no-such-topic").expect(2, 15)
    assert "'no-such-topic'" in service.stderr
    assert "--create-topic" in service.stderr
    assert group not in groups(kafka)


def test_missing_topics_are_made_when_told_to(run: Run, kafka: Broker, group: str) -> None:
    made = ("--create-topic", "--partitions", "3", "--until-caught-up")
    service = run("journal", group, *made).expect(0)
    assert {event["topic"] for event in service.events("topic created")} == {group, f"{group}.dlq"}
    assert len(service.events("assigned")) == 3
    write(kafka, f"{group}.dlq", tickets(2, [""]))  # it has three as well
    again = run("journal", group, *made).expect(0)
    assert again.events("topic created") == []


HANDLERS = {
    "no_such": "no_such",
    "no_parameter": "one parameter",
    "three_parameters": "one parameter",
    "wrong_context": "Context",
    "undecodable_annotation": "Thread",
    "batch_of_what": "list[Ticket]",
    "one_context_for_a_batch": "list[Context]",
    "WithoutCall": "class without __call__",
    "Unmakable": "constructing it failed: LookupError",
    "Unopenable": "its open() failed: ConnectionError: no database",
    "not_callable": "int",
}


@pytest.mark.parametrize(("handler", "told"), HANDLERS.items(), ids=HANDLERS.keys())
def test_a_handler_that_cannot_be_served(
    run: Run, kafka: Broker, topic: str, group: str, handler: str, told: str
) -> None:
    service = run(handler, topic, "--workers", "2").expect(4, 20)
    assert f"handlers:{handler}" in service.stderr
    assert told in service.stderr
    assert "Traceback" not in service.stderr
    assert group not in groups(kafka)


@pytest.mark.parametrize(
    ("name", "told"),
    [("nomodule:handle", "'nomodule'"), ("handlers", "module:function"),
     ("broken:handle", "ZeroDivisionError"), ("quits:handle", "SystemExit"),
     ("dies:handle", "SIGSEGV")],
)  # fmt: skip
def test_a_module_that_cannot_be_imported(
    command: Start, tmp_path: Path, kafka: Broker, topic: str, group: str,
    name: str, told: str,
) -> None:  # fmt: skip
    for module, line in MODULES.items():
        (tmp_path / f"{module}.py").write_text(line)
    service = command(
        "run", name, "--bootstrap-servers", kafka.bootstrap, "--topic", topic, "--group", group,
        "--http", "off", "--workers", "2",
    ).expect(4, 30)  # fmt: skip
    assert told in service.stderr
    assert name in service.stderr
    assert group not in groups(kafka)


MODULES = {
    "broken": "1 / 0\n",
    "quits": "raise SystemExit('no licence')\n",
    "dies": "import ctypes\nctypes.string_at(0)\n",
}


def test_an_address_that_is_taken(run: Run, kafka: Broker, topic: str, group: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = f"127.0.0.1:{other.getsockname()[1]}"
        service = run("journal", topic, "--http", address).expect(2, 15)
    assert f"--http {address}" in service.stderr
    assert group not in groups(kafka)


def test_a_second_service_beside_it_without_a_listener(
    run: Run, kafka: Broker, topic: str, group: str, listener: Listener
) -> None:
    run("journal", topic, "--workers", "1", "--http", listener.address).await_event("ready")
    run("journal", topic, "--workers", "1", "--http", listener.address).expect(2, 15)
    run("journal", topic, "--workers", "1", "--http", "off").await_event("ready")
    assert group in groups(kafka)  # as it is not in the other tests
