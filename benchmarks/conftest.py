"""``ticketpool`` against the session's broker, run where the benchmarks' handlers are."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.contenders import Contenders
from benchmarks.figures import Figure, Figures, table
from tests.broker import Broker
from tests.run.listener import Listener
from tests.support import Command

Start = Callable[..., Command]

_TOLD = pytest.StashKey[list[Figure]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--figures", type=Path, metavar="FILE", help="write all figures there, as a Markdown table"
    )
    parser.addoption(
        "--full", action="store_true", help="leave out the short forms of slow benchmarks"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Of each benchmark one form only; without ``--full``, -m "not slow" has chosen already."""
    if not config.getoption("--full"):
        return
    slow = {_function(item) for item in items if item.get_closest_marker("slow")}
    short = [i for i in items if _function(i) in slow and not i.get_closest_marker("slow")]
    config.hook.pytest_deselected(items=short)
    items[:] = [item for item in items if item not in short]


def _function(item: pytest.Item) -> str:
    return item.nodeid.partition("[")[0]


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_TOLD] = list[Figure]()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Failed benchmarks have told their figures too, so the table is written in any case."""
    wanted: Path | None = session.config.getoption("--figures")
    told = session.config.stash[_TOLD]
    if wanted is not None:
        wanted.write_text(table(told))


@pytest.fixture
def figures(
    benchmark: BenchmarkFixture, capsys: pytest.CaptureFixture[str], pytestconfig: pytest.Config
) -> Figures:
    """Takes rounds and tells what came of them."""
    return Figures(benchmark, capsys, pytestconfig.stash[_TOLD])


@pytest.fixture
def contenders(kafka: Broker, command: Start, tmp_path: Path) -> Iterator[Contenders]:
    """Ours and the bare loop."""
    with Contenders(kafka, tmp_path, command) as both:
        yield both


@pytest.fixture
def journal(contenders: Contenders) -> Path:
    """The folder to which handlers write."""
    return contenders.journal


@pytest.fixture
def run(contenders: Contenders) -> Start:
    """``run(HANDLER, TOPIC, GROUP, *OPTIONS)``: ``ticketpool run`` without a listener."""
    return contenders.run


@pytest.fixture
def produce(kafka: Broker, command: Start) -> Start:
    """``produce(TOPIC, *OPTIONS)``: ``ticketpool produce`` over 500 keys from two processes."""

    def start(topic: str, *options: str) -> Command:
        return command(
            "produce", "--bootstrap-servers", kafka.bootstrap, "--topic", topic,
            "--keys", "500", "--workers", "2", "--json", *options,
        )  # fmt: skip

    return start


@pytest.fixture
def listener() -> Listener:
    """Give ``listener.address`` to ``--http``."""
    return Listener()
