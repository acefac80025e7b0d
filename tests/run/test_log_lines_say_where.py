"""What is logged about a partition names it and its assignment; what a handler logs, its record.

In doubt because a handler's own lines come from threads and tasks that the supervisor never sees.
"""

from pathlib import Path
from typing import Any

import pytest

from tests.broker import Broker
from tests.run.conftest import Run
from tests.run.topics import tickets, write
from tests.support import Command

pytestmark = pytest.mark.e2e

HANDLER = """
import asyncio
import logging
from ticketpool import Reject, Ticket

log = logging.getLogger("shop")

def plain(ticket: Ticket) -> None:
    log.warning("seen %s", ticket.order_id)
    if ticket.data == "reject":
        raise Reject("not here")

async def waiting(ticket: Ticket) -> None:
    await asyncio.sleep(0)
    plain(ticket)
"""
CANARY = "canary-7fe2c1"


def place(event: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(event.get(name) for name in ("topic", "partition", "offset", "worker"))


@pytest.mark.parametrize("name", ["plain", "waiting"])
def test_lines_say_where(run: Run, topic: str, kafka: Broker, tmp_path: Path, name: str) -> None:
    (tmp_path / "handlers.py").unlink()
    (tmp_path / "handlers.py").write_text(HANDLER)
    write(kafka, topic, [*tickets(3, ["", "reject"]), *tickets(5, [""])])
    service: Command = run(
        name, topic, "--workers", "2", "--until-caught-up", "--create-topic",
        "-X", "sasl.password=env:SHOP_PASSWORD", environment={"SHOP_PASSWORD": CANARY},
    )  # fmt: skip
    service.expect(0)
    workers = {event["partition"]: event["worker"] for event in service.events("assigned")}
    seen = sorted(place(event) for event in service.events() if event["event"].startswith("seen"))
    assert seen == [
        (topic, 3, 0, workers[3]), (topic, 3, 1, workers[3]), (topic, 5, 0, workers[5]),
    ]  # fmt: skip
    epochs = {event["partition"]: event["epoch"] for event in service.events("assigned")}
    assert sorted(epochs) == list(range(8)) and len(set(epochs.values())) == 8
    (dead,) = service.events("dead-lettered")
    assert (dead["partition"], dead["offset"], dead["epoch"]) == (3, 1, epochs[3])
    assert {e["partition"]: e["epoch"] for e in service.events("revoked")} == epochs
    assert CANARY not in service.stderr and CANARY not in service.stdout
