"""Answers of an admin client, and what it means when there are none."""

from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from confluent_kafka import KafkaError, KafkaException

from ticketpool.config import KafkaConfig
from ticketpool.errors import BrokerUnreachable, NotAuthorised, TicketpoolError
from ticketpool.kafka.cluster import DENIED
from ticketpool.kafka.insist import insist

T = TypeVar("T")

ANSWER_SECONDS = 10.0
"""For one request with all its steps: finding the coordinator, asking it."""

_AWAY = {
    KafkaError._TIMED_OUT,
    KafkaError._TRANSPORT,
    KafkaError._ALL_BROKERS_DOWN,
    KafkaError.REQUEST_TIMED_OUT,
}


def answer(ask: Callable[[], "Future[T]"], what: str, kafka: KafkaConfig) -> T:
    """What the future of ``ask`` brings. Blocks up to some ``ANSWER_SECONDS``; a coordinator that
    is just moving is asked again.

    Args:
        what: was asked, for messages: "group 'g': its offsets".

    Raises:
        NotAuthorised, BrokerUnreachable, TicketpoolError: each says ``what``.
    """
    return explained(lambda: insist(lambda: ask().result()), lambda: what, kafka)


def explained(take: Callable[[], T], what: Callable[[], str], kafka: KafkaConfig) -> T:
    """What ``take`` brings; ``what`` it was is asked only when it fails. Raises as ``answer``."""
    try:
        return take()
    except KafkaException as error:
        raise failure(error.args[0], what(), kafka) from None


def failure(error: KafkaError, what: str, kafka: KafkaConfig) -> TicketpoolError:
    """The error of ours that an answer amounts to."""
    if error.code() in DENIED:
        return NotAuthorised(
            f"{what}: {kafka.bootstrap_servers} refuses it ({_plain(error)}); ask for an ACL, or "
            "check the sasl.* and ssl.* properties (-X)"
        )
    if error.code() in _AWAY:
        return BrokerUnreachable(
            f"{what}: no answer from {kafka.bootstrap_servers} ({_plain(error)}); try again, or "
            "set --bootstrap-servers"
        )
    return TicketpoolError(f"{what}: {_plain(error)}")


def _plain(error: KafkaError) -> str:
    """Without librdkafka's own words for its inner workings."""
    return error.str().rpartition("request failed: ")[2].removeprefix("Broker: ")
