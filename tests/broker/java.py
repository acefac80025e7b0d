"""Apache Kafka's own broker on the local Java, its jars from Maven."""

import base64
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.broker import jars
from tests.broker.base import Broker, Listener, Unavailable
from tests.broker.settings import free_port, settings

LEAST_JAVA = 17  # Kafka 4's brokers (upgrade notes of 4.0)
_STOP_SECONDS = 30
_GUARD = Path(__file__).with_name("guard.py")

_LOGGING = """\
log4j.rootLogger=WARN, out
log4j.appender.out=org.apache.log4j.ConsoleAppender
log4j.appender.out.layout=org.apache.log4j.PatternLayout
log4j.appender.out.layout.ConversionPattern=%d %p %m (%c)%n
"""


class JavaBroker(Broker):
    """A JVM in a temporary folder, on the leash of a guard process (guard.py).

    Attributes:
        pids: of the guard and, while it runs, of the JVM.
        folder: everything that the broker writes.
    """

    def __init__(self, java: str, libraries: Path, listeners: Sequence[Listener] = ()) -> None:
        super().__init__()
        port = free_port()
        self.bootstrap = f"127.0.0.1:{port}"
        self.description = f"Java on {self.bootstrap}"
        self.folder = Path(tempfile.mkdtemp(prefix="ticketpool-kafka-"))
        _write_settings(self.folder, Listener("CLIENT", port, port), listeners)
        self._java = [java, *_flags(self.folder), "-cp", f"{libraries}/*"]
        self._pid = self._pidfd = -1
        self._guard = _leashed(self.folder, [*self._java, "kafka.Kafka", "server.properties"])

    @property
    def pids(self) -> list[int]:
        return [self._guard.pid] + ([self._pid] if self._pidfd >= 0 else [])

    def close(self) -> None:
        self._guard.communicate()  # end of file: it kills and removes everything
        self._forget()

    def _start(self) -> None:
        if not (self.folder / "data").exists():
            _format(self._java, self.folder)
        assert self._guard.stdin is not None
        assert self._guard.stdout is not None
        self._guard.stdin.write(b"start\n")
        self._guard.stdin.flush()
        self._pid = int(self._guard.stdout.readline())
        self._pidfd = os.pidfd_open(self._pid)
        self.await_answer()

    def _stop(self) -> None:
        self._signal(signal.SIGTERM)
        if not self._ended(_STOP_SECONDS):
            self._signal(signal.SIGKILL)
            self._ended(_STOP_SECONDS)
        self._forget()

    def _kill(self) -> None:
        self._signal(signal.SIGKILL)
        self._ended(_STOP_SECONDS)
        self._forget()

    def _pause(self) -> None:
        self._signal(signal.SIGSTOP)

    def _resume(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        signal.pidfd_send_signal(self._pidfd, number)

    def _ended(self, seconds: float) -> bool:
        poller = select.poll()
        poller.register(self._pidfd, select.POLLIN)
        return bool(poller.poll(seconds * 1000))

    def _forget(self) -> None:
        if self._pidfd >= 0:
            os.close(self._pidfd)
        self._pidfd = -1

    def _check_alive(self) -> None:
        if self._ended(0):
            log = (self.folder / "broker.log").read_text(errors="replace")
            raise Unavailable(f"the broker ended by itself: {log[-2000:]}")


def launch(listeners: Sequence[Listener] = ()) -> Broker:
    """A running broker. Raises ``Unavailable`` without Java, or jars, or when it fails."""
    broker = JavaBroker(_java(), jars.folder(), listeners)
    try:
        broker.start()
    except BaseException:
        broker.close()
        raise
    return broker


def _leashed(folder: Path, command: Sequence[str]) -> subprocess.Popen[bytes]:
    """The guard process; it runs the command when told to by a line."""
    return subprocess.Popen(
        [sys.executable, "-I", str(_GUARD), str(folder), *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,  # the terminal's Ctrl-C is not for it
    )


def _java() -> str:
    home = os.environ.get("JAVA_HOME")
    java = shutil.which("java", path=f"{home}/bin" if home else None) or shutil.which("java")
    if java is None:
        raise Unavailable("java is not on PATH")
    told = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=60).stderr
    found = re.search(r'version "(\d+)', told)
    if found is None or int(found[1]) < LEAST_JAVA:
        raise Unavailable(f"Kafka needs Java {LEAST_JAVA}; {java} says {told.splitlines()[:1]}")
    return java


def _flags(folder: Path) -> list[str]:
    return [
        "-Xms256m",
        "-Xmx768m",
        "-XX:+UseSerialGC",  # no concurrent collector threads beside the tests on few cores
        "-XX:-UsePerfData",  # no file in /tmp that a SIGKILL would leave
        "-Djava.awt.headless=true",
        f"-Dlog4j.configuration=file:{folder}/log4j.properties",
    ]


def _write_settings(folder: Path, client: Listener, further: Sequence[Listener]) -> None:
    content = settings("127.0.0.1", client, free_port(), str(folder / "data"), further)
    lines = [f"{name}={value}\n" for name, value in content.items()]
    (folder / "server.properties").write_text("".join(lines))
    (folder / "log4j.properties").write_text(_LOGGING)


def _format(command: Sequence[str], folder: Path) -> None:
    """Make the data folder of a new cluster; KRaft refuses to start without."""
    cluster = base64.urlsafe_b64encode(b"\0" + os.urandom(15)).decode().rstrip("=")
    tool = [*command, "kafka.tools.StorageTool", "format", "--cluster-id", cluster]
    done = subprocess.run(
        [*tool, "--config", "server.properties"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
    )
    if done.returncode:
        raise Unavailable(f"StorageTool: {(done.stdout + done.stderr).strip()[-500:]}")
