"""Every cause has a sentence for people, and something to do that names the place."""

import pytest

from ticketpool.core.causes import Cause
from ticketpool.core.model import Partition
from ticketpool.core.remedies import Remedies

AT = Partition("tickets", 3)
REMEDIES = Remedies(group="the shop", bootstrap_servers="kafka:9092")
TRACE = "ticketpool trace --group 'the shop' --topic tickets --partition 3"
CHECK = "ticketpool check --bootstrap-servers kafka:9092"
CREATE = "ticketpool topics create"


@pytest.mark.parametrize(
    ("cause", "reason", "remedy"),
    [
        (Cause("running", 7), "killed after 300 s (--handler-timeout)", TRACE),
        (Cause("retrying", 7, "OSError: away"), "the handler raised OSError: away", "(--retries)"),
        (Cause("retrying", 7), "raised an exception", "5 retries"),
        (Cause("crashed", 7, deaths=1), "died once with this record", "'worker exited'"),
        (Cause("crashed", 7, deaths=2), "died 2 times with this record", "'worker exited'"),
        (Cause("crashed", None, "a[1] offset 2"), "waits while a[1] offset 2 is run alone", "log"),
        (Cause("crashed", 7), "a supervisor died here", "log"),
        (Cause("dead-letter", 7), "not written to t.dlq: no answer yet", f"{CREATE} t.dlq"),
        (
            Cause("dead-letter", 7, "Broker: Unknown topic", topic="t.dlq"),
            "t.dlq: Broker: Unknown topic",
            f"{CREATE} t.dlq --bootstrap-servers kafka:9092",
        ),
        (
            Cause("dead-letter", 7, "Broker: Message size too large"),
            "too large",
            "raise max.message.bytes of topic t.dlq",
        ),
        (
            Cause("output", 7, "Broker: Topic authorization failed", topic="out"),
            "what its handler sent is not written to out",
            "allow this user to write to topic out",
        ),
        (Cause("output", 7), "not written: no answer yet", f"{CREATE} NAME --bootstrap"),
        (Cause("out-of-range", 7), "deleted before it was read", "--on-out-of-range earliest"),
        (
            Cause("paused"),
            "a person",
            "ticketpool resume --group 'the shop' --topic tickets --partition 3",
        ),
        (Cause("worker", 7, "worker 2 is down"), "worker 2 is down", TRACE),
        (Cause("worker", 7), "does not begin it", TRACE),
        (Cause("commit", 7), "not confirmed its commit", f"{CHECK} --group 'the shop'"),
        (Cause("commit", 7, "moved"), "its commit: moved", CHECK),
        (Cause("broker"), "no broker answers at kafka:9092", CHECK),
        (Cause("fetch", 7, "no leader"), "its leader says: no leader", f"{CHECK} --topic tickets"),
        (Cause("fetch", 7), "none arrives", f"{CHECK} --topic tickets"),
    ],
)
def test_every_cause_in_words(cause: Cause, reason: str, remedy: str) -> None:
    blame = REMEDIES.blame(AT, cause, "t.dlq")
    assert reason in blame.reason
    assert remedy in blame.remedy
    assert (blame.kind, blame.offset, blame.since_seconds) == (cause.kind, cause.offset, 0.0)


def test_without_a_timeout_none_is_promised() -> None:
    cause = Cause("running", 7, seconds=4.0)
    blame = Remedies(timeout_seconds=0).blame(AT, cause, "t.dlq")
    assert blame.reason == "the handler has not returned"
    assert blame.since_seconds == 4.0
