"""Offsets that an open transaction may change are asked for again, and life is shown meanwhile.

In doubt because a supervisor that waits for them in silence is killed by its watchdog.
"""

import pytest
from confluent_kafka import KafkaError, KafkaException

from ticketpool.kafka import insist as module
from ticketpool.kafka.insist import insist_on_stable


def asked(*errors: int) -> tuple[int, int]:
    """After so many answers: how often it was asked, and how often life was shown."""
    left, calls, shown = list(errors), 0, 0

    def ask() -> None:
        nonlocal calls
        calls += 1
        if left:
            raise KafkaException(KafkaError(left.pop(0)))

    def show_life() -> None:
        nonlocal shown
        shown += 1

    insist_on_stable(ask, show_life)
    return calls, shown


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_EVERY_SECONDS", 0.0)


def test_until_they_are_stable() -> None:
    assert asked() == (1, 0)
    unstable, late = KafkaError.UNSTABLE_OFFSET_COMMIT, KafkaError._TIMED_OUT
    assert asked(unstable, unstable, late) == (4, 3)


def test_but_not_when_it_is_refused() -> None:
    with pytest.raises(KafkaException):
        asked(KafkaError.GROUP_AUTHORIZATION_FAILED)


def test_and_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_UNSTABLE_SECONDS", 0.0)
    with pytest.raises(KafkaException):
        asked(KafkaError.UNSTABLE_OFFSET_COMMIT)
