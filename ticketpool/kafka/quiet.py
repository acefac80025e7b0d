"""librdkafka's own log lines, at a rate that a person can read.

With its brokers down it writes some twenty lines a second (facts, measured).
They go to the logger ``ticketpool.librdkafka``: one line of a kind in half a
minute, and then how many more there were.
"""

import logging
import re
from contextlib import suppress

import msgspec
from confluent_kafka import KafkaError

from ticketpool import log
from ticketpool.kafka.statistics import Statistics, statistics_of
from ticketpool.repeats import Kind, Repeats

_EVERY_SECONDS = 30.0
_log = log.get("ticketpool.kafka")
_VARYING = re.compile(r"\d+")


def _kind_of(record: logging.LogRecord) -> Kind:
    """Numbers don't make a new kind."""
    kind = _VARYING.sub("#", record.getMessage())
    return Kind(kind, 1, _EVERY_SECONDS, {"of": kind})


def quiet_logger() -> logging.Logger:
    """The logger to give to a librdkafka client (``logger``); its lines come out of ``poll``."""
    logger = logging.getLogger("ticketpool.librdkafka")
    if not logger.filters:
        logger.addFilter(Repeats(_kind_of, logger.handle))
    return logger


class BrokerWatch:
    """Says once that no broker answers, and once that one does again.

    ``error`` is for a client's ``error_cb``, ``statistics`` for its ``stats_cb``. Neither ever
    raises: an exception there destroys the batch in flight.

    Attributes:
        told: the newest statistics; empty before the first.
    """

    def __init__(self, bootstrap_servers: str) -> None:
        self._bootstrap_servers = bootstrap_servers
        self.told = Statistics()
        self.down = False

    @property
    def callbacks(self) -> dict[str, object]:
        """For a client's configuration; what they tell comes out of ``poll``."""
        return {"error_cb": self.error, "stats_cb": self.statistics, "logger": quiet_logger()}

    def statistics(self, text: str) -> None:
        """librdkafka tells of itself, as often as ``statistics.interval.ms`` says."""
        with suppress(msgspec.DecodeError):  # of another version: then we do without
            self.told = statistics_of(text)
            if self.told.connected:
                self.answered()

    def error(self, error: KafkaError) -> None:
        """librdkafka reports an error of the whole client."""
        if error.code() == KafkaError._ALL_BROKERS_DOWN and not self.down:
            self.down = True
            _log.warning(
                "brokers unreachable, trying on",
                bootstrap_servers=self._bootstrap_servers,
                error=error.str(),
            )

    def answered(self) -> None:
        """A broker has answered."""
        if self.down:
            self.down = False
            _log.info("brokers reachable again", bootstrap_servers=self._bootstrap_servers)
