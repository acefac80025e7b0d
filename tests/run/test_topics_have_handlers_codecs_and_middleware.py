"""One service for several topics: each has its handler and its codec; middleware is around all.

In doubt because all of it is chosen in one process, by another process's settings, and needs
other columns of the records for some topics than for others.
"""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from shutil import copy

import msgspec
import pytest

from tests.broker import Broker
from tests.run.topics import Raw, committed, raw_headers, read, ticket, write
from tests.support import Command

pytestmark = pytest.mark.e2e

SETTINGS = """
    topic = ["{tickets}", "{refunds}", "{plates}"]
    [run]
    handler = "mixed:tickets"
    codec = ["{refunds}=msgpack", "{plates}=mixed:pairs"]
    {middleware}
    dead-letter-topic = "{letters}"
    backoff = 0.01
    [handlers]
    "{refunds}" = "mixed:refunds"
    "{plates}" = "mixed:plates"
"""


def packed(**fields: object) -> bytes:
    return msgspec.msgpack.encode(fields)


def a_ticket(name: str, data: str = "") -> bytes:
    return ticket(data).replace(b"t-1", name.encode())


RECORDS = {
    "tickets": [
        Raw(0, a_ticket("a", "raise"), b"k"), Raw(0, a_ticket("a")), Raw(0, a_ticket("b")),
        Raw(0, ticket().replace(b'"order_id":1', b'"order_id":9223372036854775808')),
        Raw(0, ticket().replace(b"t-1", b"caf\xe9")),
    ],
    "refunds": [
        Raw(0, packed(id="r", amount=5)), Raw(0, packed(id="s", amount="secret")),
        Raw(0, packed(id="r", amount=6)),
    ],
    "plates": [Raw(0, b"id=7,n=1"), Raw(0, b"id=hunter2"), Raw(0, b"id=8,\xff")],
}  # fmt: skip

REASONS = {
    ("tickets", 3): "ValidationError: Expected `int` <= 9223372036854775807 - at `$.order_id`",
    ("tickets", 4): "UnicodeDecodeError: byte 0xe9 is no UTF-8 (unexpected end of data, byte 10, "
    "after the key 'id')",
    ("refunds", 1): "ValidationError: Expected `int`, got `str` - at `$.amount`",
    ("plates", 1): "ValidationError: Expected `int`, got `str` - at `$[...]`",
    ("plates", 2): "UnicodeDecodeError: byte 0xff is no UTF-8 (invalid start byte, byte 5)",
}


@pytest.fixture
def topics(kafka: Broker, make_topic: Callable[..., str]) -> dict[str, str]:
    """Their names on the broker; the records are there."""
    names = {name: make_topic(1) for name in RECORDS}
    for name, records in RECORDS.items():
        write(kafka, names[name], records)
    return {**names, "letters": make_topic(1)}


Service = Callable[[str], Command]


@pytest.fixture
def service(
    kafka: Broker, command: Callable[..., Command], group: str, topics: dict[str, str],
    tmp_path: Path,
) -> Service:  # fmt: skip
    """A service of two workers that ends when it has caught up, with this line of settings."""

    def start(middleware: str) -> Command:
        copy(Path(__file__).with_name("mixed.py"), tmp_path)
        settings = SETTINGS.format(middleware=middleware, **topics)
        (tmp_path / "mixed.toml").write_text(settings)
        return command(
            "run", "--config", "mixed.toml", "--bootstrap-servers", kafka.bootstrap,
            "--group", group, "--http", "off", "--workers", "2", "--until-caught-up", "--json",
            environment={"JOURNAL": str(tmp_path)},
        )  # fmt: skip

    return start


def noted(folder: Path) -> Counter[str]:
    return Counter(
        line for path in folder.glob("*.mixed") for line in path.read_text().splitlines()
    )


def letters(kafka: Broker, topics: dict[str, str]) -> dict[tuple[str, int], str]:
    """The reasons of the dead letters by topic and offset."""
    names = {topic: name for name, topic in topics.items()}
    found = {}
    for message in read(kafka, topics["letters"]):
        told = {name: (value or b"").decode() for name, value in raw_headers(message)}
        assert (told["ticketpool-error"], told["ticketpool-attempts"]) == ("Undecodable", "1")
        place = names[told["ticketpool-topic"]], int(told["ticketpool-offset"])
        found[place] = told["ticketpool-message"]
    return found


def test_each_topic_has_its_own_and_middleware_is_around_all(
    kafka: Broker, service: Service, topics: dict[str, str], group: str, tmp_path: Path
) -> None:
    ran = service('middleware = ["mixed:once", "mixed:timed"]').expect(0)
    told = ran.json()
    assert (told["processed"], told["retried"], told["dead_lettered"]) == (6, 1, 5)
    assert noted(tmp_path) == {
        "tickets a b'k'": 2,  # its first call failed; the second ticket "a" was skipped
        "tickets b None": 1,
        "refunds r 5": 1,
        "plates 7": 1,
        f"timed {topics['tickets']} 0": 1,
        f"timed {topics['tickets']} 2": 1,
        f"timed {topics['refunds']} 0": 1,
        f"timed {topics['plates']} 0": 1,
    }
    assert letters(kafka, topics) == REASONS
    for name, records in RECORDS.items():
        assert committed(kafka, group, topics[name]) == {0: len(records)}
    assert "secret" not in ran.stderr + ran.stdout
    assert "hunter2" not in ran.stderr + ran.stdout


def test_without_middleware_each_handler_gets_the_columns_that_it_wants(
    service: Service, tmp_path: Path
) -> None:
    told = service("").expect(0).json()
    assert (told["processed"], told["retried"], told["dead_lettered"]) == (6, 1, 5)
    assert noted(tmp_path) == {
        "tickets a b'k'": 2, "tickets a None": 1, "tickets b None": 1,
        "refunds r 5": 1, "refunds r 6": 1, "plates 7": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("middleware", "words"),
    [
        ('middleware = "mixed:pairs"', "middleware mixed:pairs: a middleware takes three"),
        ('middleware = "mixed:tmied"', "middleware mixed:tmied: mixed has no 'tmied'"),
    ],
)
def test_a_middleware_that_does_not_fit_ends_the_start(
    service: Service, middleware: str, words: str
) -> None:
    assert words in service(middleware).expect(4).stderr
