"""The jars of Kafka's broker, resolved by Maven once per user and pom."""

import fcntl
import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.broker.base import Unavailable

POM = Path(__file__).with_name("pom.xml")
_FETCH_SECONDS = 600


def folder() -> Path:
    """A folder with all jars; fetched (54 MB) unless the cache has it.

    Raises:
        Unavailable: not cached and no Maven, or Maven failed.
    """
    ready = _ready()
    if not ready.is_dir():
        maven = shutil.which("mvn")
        if maven is None:
            raise Unavailable("Maven (mvn) is not on PATH, and Kafka's jars are not cached")
        with _locked(ready.with_suffix(".lock")):
            if not ready.is_dir():  # another session may have been first
                _fetch(maven, ready)
    return ready


def _ready() -> Path:
    """Where the jars of this pom belong; there is such a folder when they are complete."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    cache = Path(base) / "ticketpool-tests"
    cache.mkdir(parents=True, exist_ok=True)
    return cache / f"kafka-{hashlib.sha256(POM.read_bytes()).hexdigest()[:16]}"


def _fetch(maven: str, ready: Path) -> None:
    """All or nothing: the final name appears when everything is there."""
    partial = ready.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    command = [maven, "-q", "-B", "-f", str(POM), "dependency:copy-dependencies"]
    options = ["-DincludeScope=runtime", f"-DoutputDirectory={partial}"]
    try:
        done = subprocess.run(
            [*command, *options], capture_output=True, text=True, timeout=_FETCH_SECONDS
        )
    except subprocess.TimeoutExpired:
        raise Unavailable(f"Maven did not finish within {_FETCH_SECONDS} s") from None
    if done.returncode:
        raise Unavailable(f"Maven failed: {(done.stdout + done.stderr).strip()[:500]}")
    partial.rename(ready)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
