"""The page shows the letters of each topic into which this service may write some.

In doubt because what a handler rejects becomes a dead letter with each ``--on-failure``, and the
page had no topics for any but one.
"""

from typing import Any

import pytest

from ticketpool.config import OnFailure, RunConfig
from ticketpool.supervisor.listening import listening


@pytest.mark.parametrize("policy", list(OnFailure))
def test_rejected_tickets_are_found(policy: OnFailure, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}

    class Server:
        def __init__(self, *_: object, **given: object) -> None:
            asked.update(given)

        def start(self) -> None: ...
        def stop(self) -> None: ...

    monkeypatch.setattr("ticketpool.http.HttpServer", Server)
    config = RunConfig(topics=("tickets", "refunds"), on_failure=policy, http="127.0.0.1:0")
    with listening(config, lambda: None):
        assert asked["letter_topics"] == ("tickets.dlq", "refunds.dlq")


def test_a_topic_that_they_share_is_told_once() -> None:
    config = RunConfig(topics=("tickets", "refunds"), dead_letter_topic="dead")
    assert config.dead_letter_topics == ("dead",)
