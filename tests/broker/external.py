"""A broker that somebody else runs, named by TICKETPOOL_TEST_BOOTSTRAP."""

from typing import NoReturn

from tests.broker.base import Broker
from tests.support import missing

_ANSWER_SECONDS = 5.0  # it should be running already


class ExternalBroker(Broker):
    """Not ours to stop: a test that wants to is skipped, or fails where CI=true."""

    def __init__(self, bootstrap: str) -> None:
        super().__init__()
        self.bootstrap = bootstrap
        self.description = f"the one at {bootstrap} (TICKETPOOL_TEST_BOOTSTRAP)"

    def close(self) -> None:
        """Nothing: it is not ours."""

    def _check_alive(self) -> None:
        """Nothing: we have no process to look at."""

    def _start(self) -> None:
        self.await_answer(_ANSWER_SECONDS)

    def _refuse(self) -> NoReturn:
        missing(
            "a Kafka broker that may be stopped and paused",
            f"the one at {self.bootstrap} is not ours; unset TICKETPOOL_TEST_BOOTSTRAP",
        )

    _stop = _kill = _pause = _resume = _refuse


def launch(bootstrap: str) -> Broker:
    """The broker at ``bootstrap``. Raises ``Unavailable`` when it does not answer."""
    broker = ExternalBroker(bootstrap)
    broker.start()
    return broker
