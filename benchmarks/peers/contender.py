"""Who takes part, and what each is called with."""

import sys
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

CONTENDERS = Path(__file__).parent / "contenders"
WORKERS = 2


class Kind(Enum):
    """What has to be built for a contender, and how it is started."""

    OURS = "this Python, with ticketpool"
    PYTHON = "a virtual environment"
    GO = "a Go program"


@dataclass(frozen=True)
class Contender:
    """One of those that are compared.

    Attributes:
        name: on the command line, of its file and of its environment.
        title: in the table, with a place for the version.
        slow: it gets the short topic, so that a round takes seconds.
        least_python: the oldest Python that it installs on.
        package: whose version stands in the table.
    """

    name: str
    title: str
    kind: Kind
    package: str
    slow: bool = False
    least_python: tuple[int, int] = (3, 11)

    @property
    def pins(self) -> Path:
        """The file whose content decides whether a built environment is still the right one."""
        if self.kind is Kind.OURS:
            return CONTENDERS.with_name("ticketpool.txt")
        return CONTENDERS / ("sarama/go.mod" if self.kind is Kind.GO else f"{self.name}.txt")


OURS = Contender("ticketpool", f"ticketpool {{}}, {WORKERS} workers", Kind.OURS, "ticketpool")
RAW = Contender("raw", "raw loop on confluent-kafka {}", Kind.PYTHON, "confluent-kafka")
GO = Contender("go", "Go, Sarama {}", Kind.GO, "github.com/IBM/sarama")
ALL = (
    OURS,
    RAW,
    GO,
    Contender("aiokafka", "aiokafka {}", Kind.PYTHON, "aiokafka"),
    Contender("faststream", "FastStream {} on confluent-kafka", Kind.PYTHON, "faststream"),
    Contender(
        "arroyo", "sentry-arroyo {}, 2 processes", Kind.PYTHON, "sentry-arroyo", slow=True
    ),
    Contender(
        "pyrallel", "pyrallel-consumer {}, 2 processes", Kind.PYTHON, "pyrallel-consumer",
        slow=True, least_python=(3, 12),
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Ready:
    """A contender with its environment built.

    Attributes:
        program: how to start it, less the job.
        versions: of everything in its environment.
        loops: turns of its language's ``spin`` for the handler ``cpu``.
    """

    contender: Contender
    program: tuple[str, ...]
    versions: dict[str, str] = field(default_factory=dict)
    loops: int = 0

    @property
    def name(self) -> str:
        return self.contender.name

    @property
    def title(self) -> str:
        return self.contender.title.format(self.versions.get(self.contender.package, "?"))


@dataclass(frozen=True)
class Job:
    """What is to be done in one run; the group is new for each."""

    bootstrap: str
    topic: str
    count: int
    group: str
    handler: str


def command(ready: Ready, job: Job) -> list[str]:
    """The command line of one run."""
    if ready.contender.kind is not Kind.OURS:
        return [*ready.program, job.bootstrap, job.topic, str(job.count), job.group, job.handler]
    return [
        *ready.program, "run", f"benchmarks.peers.handlers:{job.handler}",
        "--bootstrap-servers", job.bootstrap, "--topic", job.topic, "--group", job.group,
        "--workers", str(WORKERS), "--http", "off", "--until-caught-up", "--json",
    ]  # fmt: skip


def ours() -> tuple[str, ...]:
    """The command ``ticketpool`` of this Python."""
    return (sys.executable, "-m", "ticketpool")
