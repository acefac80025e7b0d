"""Asking a coordinator that is just moving: a while, not for ever."""

import time
from collections.abc import Callable, Collection
from typing import TypeVar

from confluent_kafka import KafkaError, KafkaException

T = TypeVar("T")

SECONDS = 5.0
"""After a broker's restart its coordinator is back within a second or two."""

_EVERY_SECONDS = 0.1

PASSING = frozenset(
    {
        KafkaError.NOT_COORDINATOR,
        KafkaError.COORDINATOR_NOT_AVAILABLE,
        KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
        KafkaError.REQUEST_TIMED_OUT,
        KafkaError._WAIT_COORD,
        KafkaError._TRANSPORT,
    }
)
"""Errors of a coordinator that moves or loads (KIP-98, "COORDINATOR_LOAD_IN_PROGRESS")."""

_UNSTABLE_SECONDS = 25.0  # the time-out of a killed member's transaction, and the broker's own pace
_UNSTABLE = frozenset({KafkaError.UNSTABLE_OFFSET_COMMIT, KafkaError._TIMED_OUT})
"""Errors while a transaction that commits these offsets is open (KIP-447)."""


def insist(
    ask: Callable[[], T],
    seconds: float = SECONDS,
    passing: Collection[int] = PASSING,
    meanwhile: Callable[[], object] = lambda: None,
) -> T:
    """The answer to ``ask``, which is called again while it raises a passing error.

    ``meanwhile`` is called before each time that it is called again.

    Raises:
        KafkaException: another error, or still a passing one after ``seconds``.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            return ask()
        except KafkaException as error:
            if error.args[0].code() not in passing or time.monotonic() >= deadline:
                raise
        meanwhile()
        time.sleep(_EVERY_SECONDS)  # a coordinator tells nobody when it is ready


def insist_on_stable(ask: Callable[[], T], meanwhile: Callable[[], object]) -> T:
    """The group's offsets, also while a transaction is open that was about to commit some."""
    return insist(lambda: insist(ask), _UNSTABLE_SECONDS, _UNSTABLE, meanwhile)
