"""Why a record was not delivered, in words that say what to change."""

from collections import Counter
from collections.abc import Sequence

from ticketpool.errors import NotDelivered
from ticketpool.kafka.sender import Report

_MEND = {
    "MSG_SIZE_TOO_LARGE": "raise the topic's max.message.bytes, or message.max.bytes in properties",
    "UNKNOWN_TOPIC_OR_PART": "create the topic",
    "_UNKNOWN_TOPIC": "create the topic",
    "_UNKNOWN_PARTITION": "create the topic",
    "TOPIC_AUTHORIZATION_FAILED": "allow this user to write there (ACLs)",
    "CLUSTER_AUTHORIZATION_FAILED": "allow this user to write there (ACLs)",
    "NOT_ENOUGH_REPLICAS": "bring replicas back, or lower min.insync.replicas of the topic",
    "TOPIC_EXCEPTION": "name a legal topic",
}


def why_not(report: Report, topic: str, servers: str, timeout_seconds: float) -> str:
    """The message for one record."""
    where = f"topic {topic!r}"
    if report.partition >= 0:
        where += f" partition {report.partition}"
    if report.name == "_MSG_TIMED_OUT":
        return (
            f"{where}: not acknowledged within delivery_timeout={timeout_seconds:g} s; the broker "
            f"may have it or not. Is one up at {servers}?"
        )
    mend = _MEND.get(report.name)
    return f"{where}: {report.error}" + (f"; {mend}" if mend else "")


def undelivered(errors: Sequence[NotDelivered]) -> NotDelivered:
    """One error for several: how many, and each reason with its count, the frequent first."""
    if len(errors) == 1:
        return errors[0]
    reasons = Counter(map(str, errors)).most_common()
    shown = "".join(f"\n  {count} times: {reason}" for reason, count in reasons[:10])
    more = f"\n  and {len(reasons) - 10} other reasons" if len(reasons) > 10 else ""
    return NotDelivered(f"{len(errors)} records were not delivered:{shown}{more}")


def too_large_for_buffer(topic: str, value: bytes | None) -> str:
    """The message for a record that waits for room in vain."""
    return (
        f"topic {topic!r}: a record of {len(value or b'')} bytes does not fit into the empty "
        "buffer; raise queue.buffering.max.kbytes in properties"
    )
