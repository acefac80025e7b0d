"""What every kind of broker can do for a test, and what a test may do to it."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import NamedTuple

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

_LED_SECONDS = 20.0  # a new topic's leaders are there within one
READY_SECONDS = 60.0
"""How long a broker may take until it answers; a few seconds where nothing else runs."""


class Unavailable(Exception):
    """This kind of broker cannot be had here; the message says why."""


class Listener(NamedTuple):
    """A further way in: clients that come by ``port`` are told ``advertised_port``.

    With a proxy on ``advertised_port`` in front of ``port``, clients stay behind
    the proxy; without this they would learn the broker's own address and go round it.
    """

    name: str
    port: int
    advertised_port: int


class Broker(ABC):
    """A Kafka, empty at first, without automatic topics.

    Every method blocks until its effect is there: ``start`` until the broker
    answers, ``stop`` and ``kill`` until its process has ended.

    Attributes:
        bootstrap: ``host:port``; the same after a restart.
        description: one line for the head of the test report.
        replicas: how many brokers keep each record.
    """

    bootstrap: str
    description: str
    replicas = 1

    def __init__(self) -> None:
        self._running = False
        self._paused = False

    @property
    def running(self) -> bool:
        """Whether it was started and neither stopped nor killed by us since."""
        return self._running

    def start(self) -> None:
        """Start it, with the data and the port that it had. Nothing when it runs."""
        if not self._running:
            self._start()
            self._running = True
            self._paused = False

    def stop(self) -> None:
        """A clean shutdown. Nothing when it is stopped."""
        self.resume()
        if self._running:
            self._stop()
            self._running = False

    def kill(self) -> None:
        """SIGKILL: nothing flushed, nobody told."""
        if self._running:
            self._kill()
            self._running = self._paused = False

    def pause(self) -> None:
        """Freeze it: connections stay open and nothing answers."""
        if self._running and not self._paused:
            self._pause()
            self._paused = True

    def resume(self) -> None:
        """Undo ``pause``."""
        if self._paused:
            self._resume()
            self._paused = False

    def restore(self) -> None:
        """Whatever a test did: have it run and answer again."""
        self.resume()
        self.start()

    def create_topic(self, name: str, partitions: int = 1, **config: str) -> str:
        """Create a topic and wait until every partition has a leader; returns ``name``.

        Args:
            config: topic settings, ``_`` for ``.``: ``retention_ms="1000"``.
        """
        admin = self._admin()
        settings = {key.replace("_", "."): value for key, value in config.items()}
        new = NewTopic(
            name, num_partitions=partitions, replication_factor=self.replicas, config=settings
        )
        self._create(admin, new, partitions)
        return name

    def _create(self, admin: AdminClient, new: NewTopic, partitions: int) -> None:
        self._wait(lambda: _created(admin, new), f"topic {new.topic} was not created")
        complaint = f"topic {new.topic} has no leaders"
        try:
            self._wait(lambda: _is_led(admin, new.topic, partitions), complaint, _LED_SECONDS)
        except Unavailable:
            # Seen of a broker that a test before had frozen: it led nothing for a minute.
            self.kill()
            self.start()
            self._wait(lambda: _is_led(admin, new.topic, partitions), complaint)

    def await_answer(self, seconds: float = READY_SECONDS) -> None:
        """Wait until a client gets metadata. Raises ``Unavailable`` when it never does."""
        admin = self._admin()
        self._wait(lambda: _answers(admin), f"no Kafka answers at {self.bootstrap}", seconds)

    def _admin(self) -> AdminClient:
        return AdminClient({"bootstrap.servers": self.bootstrap, "log_level": 0})

    def _wait(
        self, condition: Callable[[], bool], complaint: str, seconds: float = READY_SECONDS
    ) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            self._check_alive()
            if time.monotonic() > deadline:
                raise Unavailable(f"{complaint} within {seconds:g} s")
            time.sleep(0.05)  # Kafka has nothing that we could wait on

    @abstractmethod
    def close(self) -> None:
        """Remove it with its data. It cannot be started again."""

    @abstractmethod
    def _check_alive(self) -> None:
        """Raise ``Unavailable`` when its process has ended by itself."""

    @abstractmethod
    def _start(self) -> None: ...
    @abstractmethod
    def _stop(self) -> None: ...
    @abstractmethod
    def _kill(self) -> None: ...
    @abstractmethod
    def _pause(self) -> None: ...
    @abstractmethod
    def _resume(self) -> None: ...


def _answers(admin: AdminClient) -> bool:
    try:
        return bool(admin.list_topics(timeout=1).brokers)
    except KafkaException:
        return False


_PASSING = {
    KafkaError.INVALID_REPLICATION_FACTOR,  # "all brokers are fenced": one that was frozen, a while
    KafkaError.REQUEST_TIMED_OUT,
    KafkaError._TIMED_OUT,
    KafkaError.NOT_CONTROLLER,
}


def _created(admin: AdminClient, new: NewTopic) -> bool:
    """Whether the topic exists now. A broker that was frozen may never answer a request."""
    try:
        admin.create_topics([new], request_timeout=5)[new.topic].result(10)
    except TimeoutError:
        return False
    except KafkaException as error:
        if error.args[0].code() not in _PASSING | {KafkaError.TOPIC_ALREADY_EXISTS}:
            raise
        return bool(error.args[0].code() == KafkaError.TOPIC_ALREADY_EXISTS)
    return True


def _is_led(admin: AdminClient, topic: str, partitions: int) -> bool:
    """Whether the metadata shows all partitions with a leader (it lags behind creation)."""
    try:
        found = admin.list_topics(topic, timeout=1).topics[topic]
    except KafkaException as error:
        if error.args[0].code() in (KafkaError._TRANSPORT, KafkaError._TIMED_OUT):
            return False
        raise
    led = [partition for partition in found.partitions.values() if partition.leader >= 0]
    return found.error is None and len(led) == partitions
