"""The tests' Kafka keeps its data, can be broken and mended, and is gone with its session.

In doubt once: a JVM outlives a killed pytest unless somebody holds its leash, and a
suite without a broker looks green when it skips in silence.
"""

import contextlib
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

from tests.broker import Broker, Listener, Unavailable, cluster, container, jars, java
from tests.broker.external import ExternalBroker
from tests.broker.settings import Seat, free_port, settings
from tests.support import NEEDS, eventually

ROOT = Path(__file__).parent.parent

SESSION = """
import sys, time
from tests.broker import java
broker = java.launch()
print(*broker.pids, broker.folder, flush=True)
time.sleep(600)
"""


def write(broker: Broker, topic: str, value: bytes) -> None:
    producer = Producer({"bootstrap.servers": broker.bootstrap, "log_level": 0})
    producer.produce(topic, value, partition=0)
    assert producer.flush(30) == 0


def read(broker: Broker, topic: str) -> list[bytes | None]:
    """All values of partition 0, up to the end offset of now."""
    consumer = Consumer(
        {"bootstrap.servers": broker.bootstrap, "group.id": "reader", "log_level": 0}
    )
    try:
        _, end = consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=30)
        consumer.assign([TopicPartition(topic, 0, 0)])
        messages = consumer.consume(end, timeout=30)
        return [message.value() for message in messages]
    finally:
        consumer.close()


def answers(broker: Broker) -> bool:
    try:
        broker._admin().list_topics(timeout=1)
    except KafkaException:
        return False
    return True


def test_what_is_written_can_be_read(kafka: Broker, topic: str) -> None:
    write(kafka, topic, b"one")
    assert read(kafka, topic) == [b"one"]


def test_a_topic_has_the_partitions_and_settings_asked_for(kafka: Broker) -> None:
    name = kafka.create_topic("asked-for", 3, retention_ms="7000")
    assert len(kafka._admin().list_topics(name, timeout=10).topics[name].partitions) == 3


def test_topics_do_not_appear_by_themselves(kafka: Broker) -> None:
    topics = kafka._admin().list_topics("never-created", timeout=10).topics
    assert topics["never-created"].error is not None


@pytest.mark.slow
@pytest.mark.parametrize("end", ["stop", "kill"])
def test_a_restart_keeps_data_and_port(kafka: Broker, topic: str, end: str) -> None:
    write(kafka, topic, b"before")
    getattr(kafka, end)()
    assert not answers(kafka)
    kafka.start()
    write(kafka, topic, b"after")
    assert read(kafka, topic) == [b"before", b"after"]


def test_a_paused_broker_keeps_connections_and_answers_nothing(kafka: Broker, topic: str) -> None:
    kafka.pause()
    host, port = kafka.bootstrap.split(":")
    with socket.create_connection((host, int(port)), timeout=5):
        assert not answers(kafka)
    kafka.resume()
    write(kafka, topic, b"awake")
    assert read(kafka, topic) == [b"awake"]


@pytest.mark.slow
def test_a_broker_left_broken_runs_again_for_the_next_test(kafka: Broker) -> None:
    kafka.pause()
    kafka.restore()
    assert answers(kafka)
    kafka.stop()
    kafka.restore()
    assert answers(kafka)


def test_clients_of_a_further_listener_are_sent_to_its_proxy() -> None:
    content = settings(
        "127.0.0.1", Listener("CLIENT", 1, 1), Seat(2), "data", [Listener("PROXIED", 3, 4)]
    )
    assert "PROXIED://127.0.0.1:3" in content["listeners"].split(",")
    assert "PROXIED://127.0.0.1:4" in content["advertised.listeners"].split(",")
    assert "PROXIED:PLAINTEXT" in content["listener.security.protocol.map"].split(",")


@pytest.fixture
def java_here() -> None:
    """Skip, not loudly, where the broker comes from elsewhere: these are about Java's."""
    try:
        java.find_java()
        jars.folder()
    except Unavailable as reason:
        pytest.skip(str(reason))


@pytest.fixture
def session() -> Iterator[subprocess.Popen[str]]:
    """A process that launched a broker of its own, as a pytest would."""
    command = [sys.executable, "-c", SESSION]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


@pytest.mark.slow
@pytest.mark.usefixtures("java_here")
@pytest.mark.parametrize("victim", ["session", "guard"])
def test_the_broker_is_gone_after_sigkill(session: subprocess.Popen[str], victim: str) -> None:
    assert session.stdout is not None
    guard, jvm, folder = session.stdout.readline().split()
    processes = [psutil.Process(int(guard)), psutil.Process(int(jvm))]
    assert processes[1].name() == "java"
    if victim == "session":
        session.kill()
    else:
        processes[0].kill()
    eventually(lambda: not processes[1].is_running())
    if victim == "session":
        eventually(lambda: not processes[0].is_running() and not Path(folder).exists())
    shutil.rmtree(folder, ignore_errors=True)  # a killed guard cannot


@pytest.mark.slow
@pytest.mark.usefixtures("java_here")
def test_a_paused_broker_is_gone_too(session: subprocess.Popen[str]) -> None:
    assert session.stdout is not None
    _, jvm, _ = session.stdout.readline().split()
    process = psutil.Process(int(jvm))
    process.send_signal(signal.SIGSTOP)
    session.kill()
    eventually(lambda: not process.is_running())


@pytest.mark.slow
@pytest.mark.usefixtures("java_here")
def test_a_broker_with_a_full_disk_ends_and_leaves_nothing() -> None:
    broker = java.JavaBroker(java.find_java(), jars.folder(), heap_mib=384, disk_mib=64)
    try:
        broker.start()
        broker.create_topic("full")
        broker.fill_disk()
        broker.await_end()
        broker.free_disk()
        broker.start()
        write(broker, "full", b"there is room again")
    except Unavailable as reason:
        pytest.skip(f"{NEEDS}the right to mount a small disk for a broker: {reason}")
    finally:
        broker.close()
    assert not broker.folder.exists()


@pytest.mark.slow
@pytest.mark.usefixtures("java_here")
def test_of_a_cluster_one_may_be_gone() -> None:
    with contextlib.closing(cluster.launch()) as three:
        three.create_topic_led_by([2], "kept", 1)
        write(three, "kept", b"before")
        three.node(2).kill()
        eventually(lambda: three.leaders("kept") != {0: 2})
        write(three, "kept", b"meanwhile")
        three.restore()
        assert three.leaders("kept") == {0: 2}
        assert read(three, "kept") == [b"before", b"meanwhile"]


def test_an_engine_that_is_not_there_is_given_up_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    began = time.monotonic()
    with pytest.raises(Unavailable):
        container.launch()
    assert time.monotonic() - began < container.ANSWER_SECONDS


def test_an_engine_that_is_silent_is_given_up_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(container, "ANSWER_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{silent.getsockname()[1]}")
        began = time.monotonic()
        with pytest.raises(Unavailable):
            container.launch()
    assert time.monotonic() - began < 5


def test_without_maven_cached_jars_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", "")
    with pytest.raises(Unavailable, match="Maven"):
        jars.folder()
    cached = jars._ready()
    cached.mkdir()
    assert jars.folder() == cached


def test_a_failed_download_is_no_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    maven = tmp_path / "mvn"
    maven.write_text("#!/bin/sh\necho no network\nexit 1\n")
    maven.chmod(0o755)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unavailable, match="no network"):
        jars.folder()
    assert not jars._ready().exists()


def test_a_broker_of_somebody_else_is_not_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    broker = ExternalBroker("127.0.0.1:1")
    broker._running = True
    with pytest.raises(pytest.skip.Exception, match="not ours"):
        broker.stop()


def pytest_without_broker(tmp_path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """This suite's first test of the broker, on a machine that has none of the three."""
    nothing = {
        "PATH": str(tmp_path),
        "HOME": str(tmp_path),
        "DOCKER_HOST": "unix:///nowhere/docker.sock",
        "XDG_CACHE_HOME": str(tmp_path),
    }
    test = "tests/test_broker_fixture.py::test_what_is_written_can_be_read"
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", test],
        cwd=ROOT,
        env=nothing | environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_without_a_broker_one_loud_line_tells_how_to_get_one(tmp_path: Path) -> None:
    done = pytest_without_broker(tmp_path)
    loud = [line for line in done.stdout.splitlines() if line.startswith("NOT TESTED")]
    assert done.returncode == 0, done.stdout
    assert len(loud) == 1
    assert "TICKETPOOL_TEST_BOOTSTRAP" in loud[0]
    assert "Docker" in loud[0]
    assert "Java" in loud[0]


def test_without_a_broker_ci_fails(tmp_path: Path) -> None:
    done = pytest_without_broker(tmp_path, CI="true")
    assert done.returncode == 1
    assert "needs a Kafka broker" in done.stdout


def test_a_broker_asked_for_by_name_that_is_silent_is_not_replaced(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        done = pytest_without_broker(tmp_path, TICKETPOOL_TEST_BOOTSTRAP=address)
    assert f"no Kafka answers at {address}" in done.stdout


def test_a_free_port_is_out_of_the_way_of_outgoing_connections() -> None:
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    port = free_port()
    assert port < lowest
    socket.create_server(("127.0.0.1", port)).close()
