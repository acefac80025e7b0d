"""``ticketpool check`` says of each thing that ``run`` needs whether it will do, and opens nothing.

In doubt because a check that knows the rules by itself soon knows other ones than ``run``.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.broker import Broker
from tests.support import Command

Start = Callable[..., Command]

pytestmark = pytest.mark.e2e

SHOP = """
from ticketpool import Context, Ticket
class Archive:
    def open(self) -> None:
        raise RuntimeError("opened")
    async def __call__(self, tickets: list[Ticket], contexts: list[Context]) -> None:
        raise RuntimeError("called")
def refund(payload: dict[str, int], context: Context) -> None: ...
def wrong(a, b, c): ...
"""


@pytest.fixture(autouse=True)
def _shop(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(SHOP)


@pytest.mark.kafka
def test_all_is_well(kafka: Broker, command: Start, make_topic: Callable[..., str]) -> None:
    orders, refunds, letters = make_topic(3), make_topic(1), make_topic(1)
    checked = command(
        "check", "shop:Archive", "--bootstrap-servers", kafka.bootstrap, "--topic", orders,
        "--topic", refunds, "--handler", f"{refunds}=shop:refund", "--codec", "msgpack",
        "--dead-letter-topic", letters, "--workers", "2", "--group", "g",
    ).expect(0)  # fmt: skip
    assert checked.stdout == (
        "✓ configuration  group g, 2 workers\n"
        "✓ handler        shop:Archive: an async class, gets batches of Ticket and their Contexts, "
        "opened once in each worker\n"
        "                 shop:refund: a plain function, gets a dict[str, int] and its Context\n"
        f"✓ broker         {kafka.bootstrap}, 1 of the cluster\n"
        f"✓ topics         {orders}: 3 partitions\n"
        f"                 {refunds}: 1 partitions\n"
        f"✓ dead letters   {letters}\n"
    )


@pytest.mark.kafka
def test_each_thing_that_is_wrong_is_told_and_the_first_decides(
    kafka: Broker, command: Start, topic: str
) -> None:
    options = "--bootstrap-servers", kafka.bootstrap, "--topic", topic
    checked = command("check", "shop:wrong", *options, "--topic", "no-such").expect(4)
    told = checked.stdout
    assert "✗ handler        handler shop:wrong(a, b, c): a handler takes one parameter" in told
    assert "✗ topics         no topic 'no-such'" in told
    assert f"! dead letters   no topic no-such.dlq, {topic}.dlq: unless the broker makes" in told
    made = command("check", "shop:refund", *options, "--topic", "no-such", "--create-topic")
    assert "no-such: not there, will be made with 8 partitions" in made.expect(0).stdout


@pytest.mark.parametrize(
    ("options", "code", "told"),
    [
        (("--bootstrap-servers", "127.0.0.1:1"), 3, "✗ broker         no Kafka broker answers"),
        (("--batch-size", "9000"), 2, "✗ configuration  --batch-size 9000: at most 3000"),
    ],
)
def test_the_exit_code_is_that_of_run(
    command: Start, options: tuple[str, ...], code: int, told: str
) -> None:
    for name in ("check", "run"):
        asked = command(name, "shop:refund", *options, "--http", "off").expect(code)
        if name == "check":
            assert told in asked.stdout


def test_settings_of_run_are_read_from_the_file(command: Start, tmp_path: Path) -> None:
    (tmp_path / "t.toml").write_text('[run]\nhandler = "shop:wrong"\ngroup = "from-file"\n')
    checked = command("check", "--config", "t.toml", "--bootstrap-servers", "127.0.0.1:1").expect(4)
    assert "group from-file" in checked.stdout
    assert "shop:wrong" in checked.stdout
