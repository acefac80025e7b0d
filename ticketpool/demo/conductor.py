"""Runs the demo: cluster, service, producer, an accident if asked for, and the verdict."""

import contextlib
import queue
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

import msgspec

from ticketpool.config import KafkaConfig
from ticketpool.core.status import ServiceStatus
from ticketpool.demo.children import Command, child_environment
from ticketpool.demo.evidence import read_back, uncommitted
from ticketpool.demo.journal import FOLDER_VARIABLE, Journals
from ticketpool.demo.judge import Crash, Evidence, Verdict, judge
from ticketpool.demo.scene import DemoConfig, Meter, Scene
from ticketpool.demo.watch import ask_status, free_address, kill_child_of
from ticketpool.kafka.embedded import FETCH_PROPERTY, EmbeddedCluster

TOPIC = "tickets"
GROUP = "ticketpool-demo"
_TICK_SECONDS = 0.1
_STATUS_SECONDS = 0.25  # the supervisor makes a new one every half second
_PATIENCE_SECONDS = 20.0  # without a single ticket handled, before it is called a loss
_DRAIN_SECONDS = 10.0


class _Produced(msgspec.Struct):
    delivered: int
    failed: int


class Conductor:
    """*Main thread only*: it starts processes that die with their starting thread.

    Args:
        show: called about ten times a second with what there is to see.
    """

    def __init__(self, config: DemoConfig, show: Callable[[Scene], None]) -> None:
        self._config = config
        self._show = show
        self._events: queue.SimpleQueue[str] = queue.SimpleQueue()  # put() is safe in a handler
        self._heard: set[str] = set()
        self._stopping = False
        self._stage = "starting"
        self._began: float | None = None
        self._meter = Meter()
        self._status: ServiceStatus | None = None
        self._status_due = 0.0
        self._crash: Crash | None = None
        self._crashed_at = 0.0

    def run(self) -> Verdict | None:
        """The whole demo; ``None`` when stopped before the first ticket.

        A first SIGINT or SIGTERM ends the production early, a second one raises
        KeyboardInterrupt. No process is left behind in either case.

        Raises:
            ChildFailed: a command ended when it should not have.
        """
        with contextlib.ExitStack() as stack:
            stack.enter_context(self._signals())
            folder = Path(
                stack.enter_context(tempfile.TemporaryDirectory(prefix="ticketpool-demo-"))
            )
            journal = folder / "journal"
            journal.mkdir()
            self._journals = Journals(journal)
            cluster = stack.enter_context(EmbeddedCluster([TOPIC]))
            self._kafka = KafkaConfig(bootstrap_servers=cluster.bootstrap)
            self._address = free_address()
            self._service = stack.enter_context(self._start(self._run_arguments(), folder))
            self._until(lambda: "ready" in self._heard or self._stopping)
            if self._stopping:
                return None
            produced = self._produce(
                stack.enter_context(self._start(self._produce_arguments(), folder))
            )
            self._finish(produced.delivered)
            return self._judge(produced)

    def _start(self, arguments: list[str], folder: Path) -> Command:
        shared = ["--bootstrap-servers", self._kafka.bootstrap_servers, "--topic", TOPIC]
        return Command(
            [*arguments, *shared, "--log-format", "json"],
            output=folder / f"{arguments[0]}.out",
            environment=child_environment({FOLDER_VARIABLE: str(folder / "journal")}),
            heard=self._events.put,
        )

    def _run_arguments(self) -> list[str]:
        handler, workers = "ticketpool.demo.handler:handle", str(self._config.workers)
        drain = str(_DRAIN_SECONDS)
        run = ["run", handler, "--workers", workers, "--group", GROUP, "--http", self._address]
        run += ["--control", "off"]  # it is nobody's to steer, and leaves nothing behind
        return [*run, "--drain-timeout", drain, "-X", FETCH_PROPERTY]

    def _produce_arguments(self) -> list[str]:
        config = self._config
        pace = ["--rate", str(config.rate), "--duration", str(config.seconds)]
        processes = str(min(2, config.keys))
        return ["produce", *pace, "--keys", str(config.keys), "--workers", processes, "--json"]

    def _produce(self, producer: Command) -> _Produced:
        """See the production through; stopped early, what was delivered still counts."""
        self._stage = "producing"
        asked_to_stop = False
        while (code := producer.ended()) is None:
            self._tick()
            self._crash_when_due()
            if self._stopping and not asked_to_stop:
                asked_to_stop = True
                producer.stop()
        try:
            return msgspec.json.decode(producer.result(), type=_Produced)
        except msgspec.DecodeError:
            raise producer.failure(code) from None

    def _finish(self, delivered: int) -> None:
        """Wait for the last tickets, then stop the service as a user would."""
        self._stage = "finishing"
        self._until(lambda: self._all_handled(delivered) and self._recovered(), patient=False)
        self._stage = "draining"
        self._service.stop()
        while (code := self._service.ended()) is None:
            self._tick(running=False)
        if code:
            raise self._service.failure(code)

    def _all_handled(self, delivered: int) -> bool:
        return self._meter.handled >= delivered and self._scene().lag == 0

    def _recovered(self) -> bool:
        return self._crash is None or self._crash.restart_seconds is not None

    def _judge(self, produced: _Produced) -> Verdict:
        self._stage = "checking"
        self._tick(running=False)
        return judge(
            Evidence(
                delivered=produced.delivered,
                failed=produced.failed,
                topic=read_back(self._kafka, TOPIC),
                entries=self._journals.entries,
                uncommitted=uncommitted(self._kafka, TOPIC, GROUP),
                crash=self._crash,
                crash_wanted=self._config.crash,
            )
        )

    def _until(self, done: Callable[[], bool], *, patient: bool = True) -> None:
        """Tick until ``done``; if not ``patient``, or until nothing has moved for long."""
        handled, moved = -1, time.monotonic()
        while not done():
            self._tick()
            if self._meter.handled != handled:
                handled, moved = self._meter.handled, time.monotonic()
            if not patient and time.monotonic() - moved > _PATIENCE_SECONDS:
                return

    def _tick(self, *, running: bool = True) -> None:
        """Wait for an event or a moment, take in what is new, and show it."""
        with contextlib.suppress(queue.Empty):
            self._heard.add(self._events.get(timeout=_TICK_SECONDS))
        if running:
            self._service.expect_running()
        self._meter.add(self._journals.poll())
        if self._began is None and self._meter.handled:
            self._began = time.monotonic()
        self._refresh_status()
        self._show(self._scene())

    def _refresh_status(self) -> None:
        now = time.monotonic()
        if now < self._status_due:
            return
        self._status_due = now + _STATUS_SECONDS
        self._status = ask_status(self._address) or self._status
        crash = self._crash
        if crash and crash.restart_seconds is None and self._replaced(crash):
            seconds = round(now - self._crashed_at, 2)
            self._crash = msgspec.structs.replace(crash, restart_seconds=seconds)

    def _replaced(self, crash: Crash) -> bool:
        workers = self._status.workers if self._status else []
        return any(
            one.slot == crash.worker and one.state == "ready" and one.pid not in (None, crash.pid)
            for one in workers
        )

    def _crash_when_due(self) -> None:
        due = self._config.crash and self._crash is None
        if not due or self._meter.handled < self._config.expected / 2 or not self._status:
            return
        busiest = sorted(self._status.partitions, key=lambda one: -one.processed)
        for one in busiest:
            if one.pid is None or one.worker is None:
                continue
            if kill_child_of(self._service.pid, one.pid):
                self._crashed_at = time.monotonic()
                handled = self._meter.handled
                self._crash = Crash(worker=one.worker, pid=one.pid, at_ticket=handled)
                return

    def _scene(self) -> Scene:
        now_ns = time.monotonic_ns()
        return Scene(
            config=self._config,
            stage=self._stage,
            seconds=0.0 if self._began is None else time.monotonic() - self._began,
            handled=self._meter.handled,
            rate=self._meter.rate(now_ns),
            p50_ms=self._meter.quantile_ms(0.5),
            p99_ms=self._meter.quantile_ms(0.99),
            pulse=self._meter.pulse(now_ns),
            status=self._status,
            crash=self._crash,
        )

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        for number in before:
            signal.signal(number, self._on_signal)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self._stopping:
            raise KeyboardInterrupt
        self._stopping = True
        self._events.put("stop")
