"""Apache Kafka's own image, where a Docker engine answers and has or can pull it."""

import gc
import os
import subprocess
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

import docker
from docker.errors import APIError, DockerException, ImageNotFound
from docker.models.containers import Container

from tests.broker.base import Broker, Listener, Unavailable
from tests.broker.settings import Seat, free_port, settings

IMAGE = "apache/kafka:4.1.1"
ANSWER_SECONDS = 5
"""How long the engine may take to say that it is there."""
PULL_SILENCE_SECONDS = 30
"""How long a pull may bring nothing; a registry out of reach fails sooner."""
_STOP_SECONDS = 30
_DATA = "/tmp/kafka-data"  # noqa: S108 - inside the container; its user may write there
_GUARD = Path(__file__).with_name("container_guard.py")


class DockerBroker(Broker):
    """A container on ports of this machine's loopback, with a guard (container_guard.py)."""

    def __init__(
        self, engine: docker.DockerClient, image: str, listeners: Sequence[Listener] = ()
    ) -> None:
        super().__init__()
        port = free_port()
        self.bootstrap = f"127.0.0.1:{port}"
        self.description = f"Docker ({image}) on {self.bootstrap}"
        self._engine = engine
        self._container = _create(engine, image, Listener("CLIENT", port, port), listeners)
        self._guard = subprocess.Popen(
            [sys.executable, str(_GUARD), str(self._container.id)],
            stdin=subprocess.PIPE,
            start_new_session=True,  # the terminal's Ctrl-C is not for it
        )

    def close(self) -> None:
        self._guard.communicate()  # end of file: it removes the container
        self._engine.close()

    def _start(self) -> None:
        self._container.start()
        self.await_answer()

    def _stop(self) -> None:
        self._container.stop(timeout=_STOP_SECONDS)

    def _kill(self) -> None:
        self._container.kill()
        self._container.wait()

    def _pause(self) -> None:
        self._container.pause()

    def _resume(self) -> None:
        self._container.unpause()

    def _check_alive(self) -> None:
        self._container.reload()
        if self._container.status in ("exited", "dead"):
            log = self._container.logs(tail=30).decode(errors="replace")
            raise Unavailable(f"the container ended by itself: {log[-2000:]}")


def launch(listeners: Sequence[Listener] = ()) -> Broker:
    """A running broker. Raises ``Unavailable`` without an engine, or image, or when it fails."""
    image = os.environ.get("TICKETPOOL_TEST_KAFKA_IMAGE", IMAGE)
    _ask_engine()
    try:
        return _launch(image, listeners)
    except (DockerException, OSError) as error:  # OSError: silence, from the HTTP client
        raise Unavailable(f"{error}"[:300]) from None


def _ask_engine() -> None:
    """Raise ``Unavailable`` unless the engine answers within ``ANSWER_SECONDS``."""
    complaint = ""
    with warnings.catch_warnings():
        # The docker package leaves the socket of a failed connection to the collector.
        warnings.simplefilter("ignore", ResourceWarning)
        try:
            docker.from_env(timeout=ANSWER_SECONDS).close()  # asks for the version
        except (DockerException, OSError) as error:
            complaint = f"no engine answers ({error})"[:200]
        gc.collect()
    if complaint:
        raise Unavailable(complaint)


def _launch(image: str, listeners: Sequence[Listener]) -> Broker:
    engine = docker.from_env(timeout=PULL_SILENCE_SECONDS + _STOP_SECONDS)
    try:
        _ensure(engine, image)
        broker = DockerBroker(engine, image, listeners)
    except BaseException:
        engine.close()
        raise
    try:
        broker.start()
    except BaseException:
        broker.close()
        raise
    return broker


def _ensure(engine: docker.DockerClient, image: str) -> None:
    try:
        engine.images.get(image)
    except ImageNotFound:
        puller = docker.from_env(timeout=PULL_SILENCE_SECONDS)
        try:
            puller.images.pull(image)
        except APIError as error:
            raise Unavailable(f"cannot pull {image}: {error.explanation}") from None
        finally:
            puller.close()


def _create(
    engine: docker.DockerClient, image: str, client: Listener, further: Sequence[Listener]
) -> Container:
    content = settings("0.0.0.0", client, Seat(free_port()), _DATA, further)  # noqa: S104 - published below
    environment = {
        f"KAFKA_{name.upper().replace('.', '_')}": value for name, value in content.items()
    }
    ports = {f"{one.port}/tcp": ("127.0.0.1", one.port) for one in (client, *further)}
    return engine.containers.create(
        image,
        environment=environment | {"KAFKA_HEAP_OPTS": "-Xms256m -Xmx768m"},
        ports=ports,
        labels={"ticketpool": "tests"},
    )
