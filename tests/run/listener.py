"""What a running service tells over HTTP."""

from typing import Any

import httpx

from tests.broker.settings import free_port


class Listener:
    """A free address for ``--http``, and a client of what will listen there."""

    def __init__(self) -> None:
        self.address = f"127.0.0.1:{free_port()}"

    def get(self, path: str) -> httpx.Response:
        return httpx.get(f"http://{self.address}{path}", timeout=5, trust_env=False)

    def status(self) -> dict[str, Any]:
        """``/api/status``."""
        found: dict[str, Any] = self.get("/api/status").raise_for_status().json()
        return found

    def pids(self) -> list[int]:
        """The workers' processes, in order of their slots; those that are being replaced left
        out."""
        return [one["pid"] for one in self.status()["workers"] if one["pid"] is not None]

    def metric(self, name: str) -> float:
        """The sum of a metric's samples over all labels."""
        lines = [line for line in self.get("/metrics").text.splitlines() if line.startswith(name)]
        samples = [line for line in lines if line[len(name)] in " {"]
        assert samples, f"no metric {name}"
        return sum(float(line.rsplit(" ", 1)[1]) for line in samples)
