"""Two supervisors with one ``group.instance.id``: one of them ends, with words and exit code 2.

In doubt because each would fence the other for ever under a service manager that restarts
what fails; the fenced one's error says ``.fatal()`` False; and the new protocol refuses the
second one where the classic one throws out the first.
"""

from collections.abc import Callable
from signal import SIGTERM

import pytest

from tests.broker import Broker
from tests.faults.conftest import Start
from tests.faults.judge import await_settled
from tests.faults.kinds import KINDS, Kind
from tests.run.journal import Journal
from tests.run.topics import tickets, write
from tests.support import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]


@pytest.mark.parametrize(
    ("kind", "loser"),
    [
        pytest.param(KINDS["cooperative-sticky-static"], 0, id="cooperative-sticky"),
        pytest.param(KINDS["range-static"], 0, id="range", marks=pytest.mark.slow),
        pytest.param(KINDS["consumer-static"], 1, id="consumer", marks=pytest.mark.slow),
    ],
)
def test_one_ends_and_the_other_serves_on(
    kafka: Broker, topic: str, group: str, journal: Journal, member: Start,
    kept: Callable[..., None], kind: Kind, loser: int,
) -> None:  # fmt: skip
    write(kafka, topic, [one for p in range(8) for one in tickets(p, ["sleep 0.01"] * 200)])
    both = [member("same", kind=kind)]
    both[0].await_event("ready")
    eventually(lambda: journal.count() > 100, seconds=30)
    both.append(member("same", kind=kind))
    fenced, other = both[loser], both[1 - loser]
    fenced.expect(2, 40)
    told = fenced.stderr.strip().splitlines()[-1]
    assert told.startswith("error: ")
    assert "group.instance.id" in told
    assert "Traceback" not in fenced.stderr
    await_settled(kafka, topic, group, journal)
    assert other.running
    other.signal(SIGTERM)
    other.expect(0)
    kept(twice=None, apart=False)  # the first is told with its next heartbeat only
