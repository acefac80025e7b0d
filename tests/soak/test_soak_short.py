"""A minute of random faults: the promise is kept while everything goes wrong at once.

In doubt because each fault is harmless alone, and the fault suite shows them one by one; what
peers lost was lost when a second fault met the recovery from the first. The long form is
``tox -e soak -- --minutes 30``; this one has a fixed seed, so that a failure is a change of ours.
"""

from collections.abc import Callable
from itertools import takewhile
from pathlib import Path

import pytest

from tests.broker import Broker
from tests.broker.external import ExternalBroker
from tests.soak.plan import FAULTS, plan
from tests.soak.soak import soak
from tests.soak.verdict import table
from tests.support import missing

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(420)]

SEED = 65
EVERY_SECONDS = 4.0
SECONDS = 55.0


def test_the_seed_brings_every_sort_of_fault() -> None:
    drawn = takewhile(lambda fault: fault.at < SECONDS, plan(SEED, EVERY_SECONDS))
    assert {fault.what for fault in drawn} == set(FAULTS)


def test_a_minute_of_everything(
    kafka: Broker, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    if isinstance(kafka, ExternalBroker):
        missing("a Kafka broker that may be stopped", "unset TICKETPOOL_TEST_BOOTSTRAP")
    rows = soak(kafka, tmp_path, SEED, SECONDS, print, every=EVERY_SECONDS)
    verdict = table(rows)
    record_property("verdict", verdict)
    assert len(rows) == 14
    assert all(row.ok for row in rows), f"\n{verdict}"
