"""Apache Kafka's own broker on the local Java, its jars from Maven."""

import base64
import contextlib
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
from tests.broker.base import READY_SECONDS, Broker, Listener, Unavailable
from tests.broker.settings import Seat, free_port, settings

LEAST_JAVA = 17  # Kafka 4's brokers (upgrade notes of 4.0)
_STOP_SECONDS = 30
_GUARD = Path(__file__).with_name("guard.py")

_COMMAND = """\
[ -e data/meta.properties ] || "$@" kafka.tools.StorageTool format --config server.properties \
  --cluster-id "$0" || exit
exec "$@" kafka.Kafka server.properties
"""
"""Makes the data folder of a new node: KRaft refuses to start without."""

_ON_A_DISK = 'mount -t tmpfs -o size="$0"m disk data && exec "$@"'

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

    Args:
        seat: its place in a cluster of several; ``None``: it is alone.
        cluster: the id that all of a cluster share.
        heap_mib: the most that the JVM takes for objects.
        disk_mib: its data folder is a disk of this size, to be filled: a tmpfs in a mount
            namespace of its own, so that it is gone with its guard.
    """

    def __init__(
        self,
        java: str,
        libraries: Path,
        listeners: Sequence[Listener] = (),
        *,
        seat: Seat | None = None,
        cluster: str | None = None,
        heap_mib: int = 768,
        disk_mib: int = 0,
    ) -> None:
        super().__init__()
        if disk_mib and shutil.which("unshare") is None:
            raise Unavailable("unshare (util-linux) is not on PATH")
        port = free_port()
        self.bootstrap = f"127.0.0.1:{port}"
        self.description = f"Java on {self.bootstrap}"
        self.folder = Path(tempfile.mkdtemp(prefix="ticketpool-kafka-"))
        client = Listener("CLIENT", port, port)
        _write_settings(self.folder, client, seat or Seat(free_port()), listeners)
        jvm = [java, *_flags(self.folder, heap_mib), "-cp", f"{libraries}/*"]
        command = ["sh", "-c", _COMMAND, cluster or new_cluster_id(), *jvm]
        self._pid = self._pidfd = -1
        self._guard = _leashed(self.folder, command, disk_mib)

    @property
    def pids(self) -> list[int]:
        return [self._guard.pid] + ([self._pid] if self._pidfd >= 0 else [])

    def fill_disk(self) -> None:
        """Leave no byte of its disk, until ``free_disk``."""
        with self._ballast.open("wb", buffering=0) as ballast, contextlib.suppress(OSError):
            while True:
                ballast.write(b"x" * 4096)

    def free_disk(self) -> None:
        """Undo ``fill_disk``."""
        self._ballast.unlink()

    @property
    def _ballast(self) -> Path:
        """As the guard sees its disk."""
        return Path(f"/proc/{self._guard.pid}/root/{self.folder}/data/ballast")

    def await_end(self, seconds: float = READY_SECONDS) -> None:
        """Wait until it has ended by itself. It can be started again then."""
        assert self._ended(seconds), f"the broker still runs after {seconds:g} s"
        self.kill()

    def close(self) -> None:
        self._guard.communicate()  # end of file: it kills and removes everything
        shutil.rmtree(self.folder, ignore_errors=True)  # if it never came to run
        self._forget()

    def _start(self) -> None:
        assert self._guard.stdin is not None
        assert self._guard.stdout is not None
        try:
            self._guard.stdin.write(b"start\n")
            self._guard.stdin.flush()
            self._pid = int(self._guard.stdout.readline())
        except (OSError, ValueError):
            raise Unavailable("its guard did not start; is there no disk for it?") from None
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
        # Some thread must run to take the signal; the others go on meanwhile.
        self._wait(lambda: _stopped(self._pid), "the broker does not stop")

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


def _stopped(pid: int) -> bool:
    """Whether each of its threads is (proc_pid_stat(5): the state follows the name)."""
    threads = Path(f"/proc/{pid}/task").iterdir()
    return all(one.joinpath("stat").read_text().rpartition(") ")[2][0] == "T" for one in threads)


def launch(listeners: Sequence[Listener] = ()) -> Broker:
    """A running broker. Raises ``Unavailable`` without Java, or jars, or when it fails."""
    broker = JavaBroker(find_java(), jars.folder(), listeners)
    try:
        broker.start()
    except BaseException:
        broker.close()
        raise
    return broker


def _leashed(folder: Path, command: Sequence[str], disk_mib: int) -> subprocess.Popen[bytes]:
    """The guard process; it runs the command when told to by a line."""
    (folder / "data").mkdir()
    apart = ["unshare", "--map-root-user", "--mount", "sh", "-c", _ON_A_DISK, str(disk_mib)]
    return subprocess.Popen(
        [*(apart if disk_mib else ()), sys.executable, "-I", str(_GUARD), str(folder), *command],
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,  # the terminal's Ctrl-C is not for it
    )


def find_java() -> str:
    """The ``java`` to run. Raises ``Unavailable`` without, or when it is too old."""
    home = os.environ.get("JAVA_HOME")
    java = shutil.which("java", path=f"{home}/bin" if home else None) or shutil.which("java")
    if java is None:
        raise Unavailable("java is not on PATH")
    told = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=60).stderr
    found = re.search(r'version "(\d+)', told)
    if found is None or int(found[1]) < LEAST_JAVA:
        raise Unavailable(f"Kafka needs Java {LEAST_JAVA}; {java} says {told.splitlines()[:1]}")
    return java


def _flags(folder: Path, heap_mib: int) -> list[str]:
    return [
        f"-Xms{heap_mib // 3}m",
        f"-Xmx{heap_mib}m",
        "-XX:+UseSerialGC",  # no concurrent collector threads beside the tests on few cores
        "-XX:-UsePerfData",  # no file in /tmp that a SIGKILL would leave
        "-Djava.awt.headless=true",
        f"-Dlog4j.configuration=file:{folder}/log4j.properties",
    ]


def _write_settings(
    folder: Path, client: Listener, seat: Seat, further: Sequence[Listener]
) -> None:
    content = settings("127.0.0.1", client, seat, str(folder / "data"), further)
    lines = [f"{name}={value}\n" for name, value in content.items()]
    (folder / "server.properties").write_text("".join(lines))
    (folder / "log4j.properties").write_text(_LOGGING)


def new_cluster_id() -> str:
    """16 bytes as Kafka writes them; the first is 0, since no id may begin with a dash."""
    return base64.urlsafe_b64encode(b"\0" + os.urandom(15)).decode().rstrip("=")
