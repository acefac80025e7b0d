"""What the README says works, word for word: newcomers copy it."""

import re
import shlex
import sqlite3
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import click
import pytest

from tests.broker.base import Broker
from tests.run.topics import Raw, ticket, write
from tests.support import Command
from ticketpool.cli import run
from ticketpool.cli.options import defaults_from

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
OPERATING = (ROOT / "deploy" / "OPERATING.md").read_text()


def _blocks(opening: str) -> list[str]:
    """The fenced blocks whose opening line ends with these words."""
    return re.findall(rf"^```{re.escape(opening)}\n(.*?)^```$", README, re.S | re.M)


@pytest.mark.e2e
@pytest.mark.smoke
@pytest.mark.kafka
def test_the_tour_works_by_copy_and_paste(
    kafka: Broker, command: Callable[..., Command], tmp_path: Path
) -> None:
    (source,) = _blocks("python file=shop.py")
    (tmp_path / "shop.py").write_text(source)
    environment = {"TICKETPOOL_BOOTSTRAP_SERVERS": kafka.bootstrap, "TICKETPOOL_HTTP": "off"}
    produce, process, verify = (shlex.split(block) for block in _blocks("sh tour"))

    assert command(*produce[1:], environment=environment).wait(60) == 0
    running = command(*process[1:], environment=environment)
    assert running.wait(60) == 0
    assert command(*verify[1:], environment=environment).wait(60) == 0

    outcome = running.json()
    claimed = re.search(r"(\d+) processed, (\d+) dead-lettered, (\d+) retried", README)
    assert claimed is not None
    found = (outcome["processed"], outcome["dead_lettered"], outcome["retried"])
    assert found == tuple(map(int, claimed.groups()))


def test_the_file_of_settings_is_understood(tmp_path: Path) -> None:
    (text,) = _blocks("toml")
    path = tmp_path / "ticketpool.toml"
    path.write_text(text)
    ctx = click.Context(run.command, info_name="run")
    values = defaults_from(path, ctx)
    assert values["handler"] == "shop:handle"
    assert values["topics"] == ["tickets", "refunds"]
    assert "sasl.mechanism=SCRAM-SHA-512" in ctx.meta["ticketpool.properties"]


@pytest.mark.parametrize("text", [README, OPERATING], ids=["README", "OPERATING"])
def test_every_option_it_names_exists(text: str) -> None:
    from ticketpool.cli import COMMANDS, cli

    known = {"--help"}
    for name in COMMANDS:
        found = cli.get_command(click.Context(cli), name)
        assert found is not None
        further = found.commands.values() if isinstance(found, click.Group) else ()
        for one in (found, *further):
            known |= {opt for parameter in one.params for opt in parameter.opts}
    foreign = {"--wait", "--bind"}  # of docker compose, of python -m http.server
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", text)) - foreign <= known


def test_every_file_and_heading_that_it_links_to_is_there() -> None:
    for source, text in ((ROOT / "README.md", README), (ROOT / "deploy/OPERATING.md", OPERATING)):
        for link in re.findall(r"\]\(([^)\s:]+)\)|src(?:set)?=\"([^\"]+)\"", text):
            path, _, heading = "".join(link).partition("#")
            target = source.parent / path if path else source
            assert target.exists(), f"{source.name}: {path}"
            if heading:
                titles = re.findall(r"^#+ (.*)$", target.read_text(), re.M)
                found = {re.sub(r"[^\w -]", "", one.lower()).replace(" ", "-") for one in titles}
                assert heading in found, f"{source.name}: {path}#{heading}"


class _Server(ThreadingHTTPServer):
    """Notes the orders that it is asked about."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Asked)
        self.orders: list[int] = []
        threading.Thread(target=self.serve_forever, daemon=True).start()


class _Asked(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, _Server)
        self.server.orders.append(int(self.path.removeprefix("/?order=")))
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None: ...


@pytest.mark.e2e
@pytest.mark.kafka
def test_the_three_shapes_work_by_copy_and_paste(
    kafka: Broker, command: Callable[..., Command], make_topic: Callable[..., str], tmp_path: Path
) -> None:
    for name in ("stores", "archive", "notify"):
        (source,) = _blocks(f"python file={name}.py")
        (tmp_path / f"{name}.py").write_text(source)
    topic, numbers = make_topic(4), list(range(300))
    write(kafka, topic, [Raw(n % 4, ticket(order_id=n)) for n in numbers])
    (block,) = _blocks("sh shapes")
    with _Server() as server:
        environment = {
            "TICKETPOOL_BOOTSTRAP_SERVERS": kafka.bootstrap, "TICKETPOOL_HTTP": "off",
            "TICKETPOOL_TOPIC": topic, "SHOP_PORT": str(server.server_port),
        }  # fmt: skip
        running = [
            command(*shlex.split(line)[1:], environment=environment) for line in block.splitlines()
        ]
        for one in running:
            one.expect(0)
        server.shutdown()
    ids = sorted(f"t-{n}" for n in numbers)
    for query in ("orders.db", "SELECT id FROM orders"), ("archive.db", "SELECT id FROM tickets"):
        assert sorted(id for (id,) in sqlite3.connect(tmp_path / query[0]).execute(query[1])) == ids
    assert sorted(server.orders) == numbers


PAYMENTS = [
    b"\x00\x00\x00\x00\x01\x92\xa1a\x05",  # schema 1: ["a", 5]
    b"\x00\x00\x00\x00\x02\x93\xa1b\xa3SEK\x06",  # schema 2: ["b", "SEK", 6]
    b"\x00\x00\x00\x00\x09\x90",
    b"\x00\x00",
    b"\x00\x00\x00\x00\x01\x92\xa1c\xa4many",
]


@pytest.mark.e2e
@pytest.mark.kafka
def test_the_codec_and_the_middleware_work_by_copy_and_paste(
    kafka: Broker, command: Callable[..., Command], make_topic: Callable[..., str], group: str,
    tmp_path: Path,
) -> None:  # fmt: skip
    for name in ("wire", "around", "shop"):
        (source,) = _blocks(f"python file={name}.py")
        (tmp_path / f"{name}.py").write_text(source)
    payments, tickets = kafka.create_topic("payments", 1), make_topic(1)
    write(kafka, payments, [Raw(0, value) for value in PAYMENTS])
    write(kafka, tickets, [Raw(0, ticket(order_id=number)) for number in (1, 2, 1)])
    common = {
        "TICKETPOOL_BOOTSTRAP_SERVERS": kafka.bootstrap, "TICKETPOOL_HTTP": "off",
        "TICKETPOOL_GROUP": group, "TICKETPOOL_UNTIL_CAUGHT_UP": "1", "TICKETPOOL_WORKERS": "1",
        "TICKETPOOL_CREATE_TOPIC": "1",
    }  # fmt: skip
    wire, around = (shlex.split(block) for block in (*_blocks("sh wire"), *_blocks("sh around")))

    ran = command(*wire[1:], environment=common).expect(0)
    assert ran.stdout.splitlines() == ["a: 5 EUR", "b: 6 SEK"]
    reasons = {event["offset"]: event["reason"] for event in ran.events("dead-lettered")}
    assert [reasons[offset] for offset in (2, 3, 4)] == [
        "Undecodable: ValueError: magic byte 0, schema 9: not known here",
        "Undecodable: error: unpack_from requires a buffer of at least 5 bytes for unpacking 5 "
        "bytes at offset 0 (actual buffer size is 2)",
        "Undecodable: ValidationError: Expected `int`, got `str` - at `$.amount`",
    ]

    ran = command(*around[1:], environment=common | {"TICKETPOOL_TOPIC": tickets}).expect(0)
    first, timed, second, _ = ran.stdout.splitlines()  # the third is skipped
    assert first.endswith("[0] 0: order 1")
    assert re.fullmatch(rf"{tickets} 0: 0\.\d{{6}} s", timed)
    assert second.endswith("[0] 1: order 2")
