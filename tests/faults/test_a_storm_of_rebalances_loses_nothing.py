"""Members that join and leave for 20 seconds, cleanly and killed, lose nothing and reorder
nothing; what is repeated had not been settled when its supervisor was killed.

In doubt because each rebalance may begin before the one before it has ended.
"""

import time
from collections.abc import Callable
from itertools import cycle
from signal import SIGKILL, SIGTERM, Signals
from typing import Any

import pytest

from tests.broker import Broker
from tests.faults.conftest import Start, Stream
from tests.faults.judge import await_settled, held, repeated
from tests.faults.kinds import KINDS, Kind
from tests.run.journal import Journal
from tests.support import Command, eventually

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(180)]

STORM_SECONDS = 20


@pytest.mark.parametrize("ends", [(SIGTERM,), (SIGTERM, SIGKILL)], ids=["clean", "killed"])
@pytest.mark.parametrize("kind", [pytest.param(k, id=n) for n, k in KINDS.items() if not k.static])
def test_nothing_is_lost(
    kafka: Broker, topic: str, group: str, journal: Journal, member: Start, stream: Stream,
    kept: Callable[..., None], prove: Callable[[], dict[str, Any]], kind: Kind,
    ends: tuple[Signals, ...], note: Callable[[str, object], None],
) -> None:  # fmt: skip
    stays = member("stays", kind=kind)
    stays.await_event("ready")
    guests = storm(stream, lambda name: member(name, kind=kind), ends)
    keep_writing(stream, lambda: len(held(stays)) == 8)
    stream.end()
    await_settled(kafka, topic, group, journal)
    stays.signal(SIGTERM)
    stays.expect(0)
    assert [guest.wait() for guest in guests[:-1]].count(0) >= len(guests[:-1]) // len(ends)
    note("repeated", len(repeated(journal)))
    kept(twice=None if SIGKILL in ends else ())
    assert prove()["duplicates"] == len(repeated(journal)) or SIGKILL in ends


def storm(
    stream: Stream, start: Callable[[str], Command], ends: tuple[Signals, ...]
) -> list[Command]:
    """Guests that come and go, two of them at a time, for 20 seconds or longer."""
    guests: list[Command] = []
    over = time.monotonic() + STORM_SECONDS
    for number, end in enumerate(cycle(ends)):
        guests.append(start(f"guest-{number}"))
        came = guests[-1]
        keep_writing(stream, lambda came=came: came.events("assigned"))  # type: ignore[misc]
        if len(guests) > 1:
            guests[-2].signal(end)
        if time.monotonic() > over and len(guests) >= 3:
            break
    guests[-1].signal(SIGTERM)
    return guests


def keep_writing(stream: Stream, until: Callable[[], object]) -> None:
    def written_and_done() -> object:
        stream.write(1)
        return until()

    eventually(written_and_done, seconds=40, every=0.05)
