"""Builds each contender's environment once, from pins, and reuses it while they stay the same."""

import json
import platform
import shutil
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import distributions
from pathlib import Path

from benchmarks.peers.contender import CONTENDERS, Contender, Kind, Ready, ours

ROOT = Path(__file__).parents[2]
BUILD_SECONDS = 900
MICROS = 80
"""What the handler ``cpu`` costs a ticket, in each language, on a core of its own."""


class Missing(Exception):
    """This contender cannot be built here; the message says what is lacking."""


def prepare(contender: Contender, envs: Path) -> Ready:
    """The contender, built and calibrated. Raises ``Missing``."""
    match contender.kind:
        case Kind.OURS:
            versions = {one.name: one.version for one in distributions()}
            return Ready(contender, ours(), versions | _of_python(sys.executable))
        case Kind.GO:
            return _go(contender, envs / contender.name)
        case Kind.PYTHON:
            return _python(contender, envs / contender.name)


def calibrate(ready: Ready) -> int:
    """Turns of ``spin`` for ``MICROS``, by its language's own clock."""
    if ready.contender.kind is Kind.GO:
        return int(_output([*ready.program, "calibrate", str(MICROS)]))
    return int(_output([sys.executable, "-m", "benchmarks.peers.handlers", str(MICROS)]))


def _go(contender: Contender, folder: Path) -> Ready:
    compiler = shutil.which("go")
    if compiler is None:
        raise Missing("go is not on PATH (apt-get install golang)")
    program = folder / "peer"
    source = CONTENDERS / "sarama"
    build = [compiler, "build", "-mod=readonly", "-buildvcs=false", "-o", str(program), "."]
    folder.mkdir(parents=True, exist_ok=True)
    _build(build, cwd=source)  # Go's own cache makes it quick the second time
    lines = [
        line.split() for line in _output([compiler, "version", "-m", str(program)]).split("\n")
    ]
    versions = {line[1]: line[2] for line in lines if line[:1] == ["dep"]}
    return Ready(contender, (str(program),), versions | {"go": _output([compiler, "version"])})


def _python(contender: Contender, folder: Path) -> Ready:
    interpreter = _interpreter(contender)
    python = folder / "bin" / "python"
    mark, wanted = (
        folder / "built",
        f"{_output([interpreter, '-VV'])}\n{contender.pins.read_text()}",
    )
    if not mark.exists() or mark.read_text() != wanted:
        _build([interpreter, "-m", "venv", "--clear", str(folder)])
        _build([str(python), "-m", "pip", "install", "-q", "-r", str(contender.pins)])
        mark.write_text(wanted)
    listed = json.loads(_output([str(python), "-m", "pip", "list", "--format", "json"]))
    versions = {one["name"]: one["version"] for one in listed} | _of_python(str(python))
    program = (str(python), "-m", f"benchmarks.peers.contenders.{contender.name}")
    return Ready(contender, program, versions)


def _interpreter(contender: Contender) -> str:
    """The running one where it is new enough: the same for all, then. Raises ``Missing``."""
    if sys.version_info >= contender.least_python:
        return sys.executable
    for minor in range(contender.least_python[1], 15):
        name = f"python3.{minor}"
        if shutil.which(name) and _output([name, "-VV"], default=""):  # a shim may lead nowhere
            return name
    wanted = "{}.{}".format(*contender.least_python)
    raise Missing(f"Python {wanted} or newer is not on PATH (under pyenv: activate it)")


def _of_python(python: str) -> dict[str, str]:
    if python == sys.executable:
        return {"python": platform.python_version()}
    return {"python": _output([python, "-V"]).removeprefix("Python ")}


def _build(line: Sequence[str], cwd: Path = ROOT) -> None:
    try:
        done = subprocess.run(line, cwd=cwd, capture_output=True, text=True, timeout=BUILD_SECONDS)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Missing(str(error)) from None
    if done.returncode:
        raise Missing(f"{' '.join(line)}: {(done.stdout + done.stderr).strip()[-500:]}")


def _output(line: Sequence[str], default: str | None = None) -> str:
    """Standard output; ``default``, if given, where the command fails."""
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, timeout=60)
    if done.returncode and default is not None:
        return default
    done.check_returncode()
    return done.stdout.strip()
