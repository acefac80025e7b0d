"""Fixtures and hooks for tests/ and benchmarks/: a real Kafka, commands, no strays."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from uuid import uuid4

import pytest

import ticketpool
from tests.broker import Broker, Unavailable, launch
from tests.broker.find import REMEDY
from tests.processes import no_stray
from tests.support import NEEDS, Command, missing

_BROKER = pytest.StashKey[Broker | Unavailable]()


def pytest_report_header() -> str:
    """Show which ticketpool is under test: the installed one, in tox."""
    return f"ticketpool: {ticketpool.__version__} from {Path(ticketpool.__file__).parent}"


@pytest.hookimpl(tryfirst=True)  # before -m deselects
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what uses the broker or a browser, so that no one has to remember it."""
    for item in items:
        for name in ("kafka", "browser"):
            if name in getattr(item, "fixturenames", ()):
                item.add_marker(name)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Start the broker here, outside of any test's timeout: the first time it is downloaded."""
    wanted = any(item.get_closest_marker("kafka") for item in session.items)
    if not wanted or session.config.option.collectonly:
        return
    try:
        broker = launch()
    except Unavailable as reason:
        session.config.stash[_BROKER] = reason
        return
    session.config.stash[_BROKER] = broker
    session.config.add_cleanup(broker.close)
    _say(session.config, f"kafka: {broker.description}")


def _say(config: pytest.Config, line: str) -> None:
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None:
        reporter.write_line(line)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One loud line for each thing for want of which tests were skipped."""
    reasons: Counter[str] = Counter()
    for report in terminalreporter.stats.get("skipped", []):
        if isinstance(report.longrepr, tuple):
            reasons[report.longrepr[2].removeprefix("Skipped: ")] += 1
    for reason, count in reasons.items():
        if reason.startswith(NEEDS):
            terminalreporter.write_line(
                f"NOT TESTED: {count} skipped; {reason}", red=True, bold=True
            )


@pytest.fixture(scope="session")
def kafka(pytestconfig: pytest.Config) -> Broker:
    """A real Kafka, one for the session. What a test stops or pauses runs again for the next."""
    broker = pytestconfig.stash[_BROKER]
    if isinstance(broker, Unavailable):
        missing("a Kafka broker", f"{REMEDY} ({broker})")
    return broker


@pytest.fixture(autouse=True)
def _kafka_restored(request: pytest.FixtureRequest) -> Iterator[None]:
    if "kafka" not in request.fixturenames:
        yield
        return
    broker: Broker = request.getfixturevalue("kafka")
    yield
    broker.restore()


@pytest.fixture
def make_topic(kafka: Broker, request: pytest.FixtureRequest) -> Callable[..., str]:
    """``make_topic(partitions=8, **config)``: a new topic under a name of its own."""

    def make(partitions: int = 8, **config: str) -> str:
        return kafka.create_topic(_unique(request.node.name), partitions, **config)

    return make


@pytest.fixture
def topic(make_topic: Callable[..., str]) -> str:
    """A new topic with 8 partitions, for this test alone."""
    return make_topic()


@pytest.fixture
def group(request: pytest.FixtureRequest) -> str:
    """The name of a consumer group that nobody else uses."""
    return _unique(request.node.name)


def _unique(name: str) -> str:
    return f"{re.sub(r'[^A-Za-z0-9]+', '-', name)[:60].strip('-')}-{uuid4().hex[:8]}"


@pytest.fixture(autouse=True)
def _no_stray_process(request: pytest.FixtureRequest) -> Iterator[None]:
    """After a test marked ``e2e`` no process of its is left; first set up, so last torn down."""
    if request.node.get_closest_marker("e2e") is None:
        yield
        return
    with no_stray():
        yield


@pytest.fixture
def command(tmp_path: Path) -> Iterator[Callable[..., Command]]:
    """``command("run", "--workers", "2", …)``: starts ``ticketpool`` in ``tmp_path``.

    Takes ``environment=`` and ``by=`` as ``Command``. What still runs at the end is killed.
    """
    started: list[Command] = []

    def start(
        *arguments: str, environment: Mapping[str, str] | None = None, by: Sequence[str] = ()
    ) -> Command:
        started.append(Command(*arguments, folder=tmp_path, environment=environment, by=by))
        return started[-1]

    yield start
    for one in started:
        one.close()
