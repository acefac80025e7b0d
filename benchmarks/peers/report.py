"""What was measured: a table for people, a file with every single figure."""

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.table import Table

from benchmarks.peers.contender import GO, RAW, Ready
from benchmarks.peers.figures import Run, Spread, rates, ratios


def table(peers: Sequence[Ready], runs: Sequence[Run], title: str) -> Table:
    """Medians, with the least and the most in brackets."""
    shown = Table(title=title, caption="median (least-most) of the rounds; ratios within a round")
    shown.add_column("contender")
    for heading in ("tickets", "tickets/s", "to the raw loop", "to Go"):
        shown.add_column(heading, justify="right")
    for peer in peers:
        tickets = next((run.tickets for run in runs if run.contender == peer.name), 0)
        shown.add_row(
            peer.title,
            f"{tickets:,}",
            _shown(rates(runs, peer.name), ",.0f"),
            _shown(ratios(runs, peer.name, RAW.name), ".2f"),
            _shown(ratios(runs, peer.name, GO.name), ".2f"),
        )
    return shown


def _shown(found: Spread | None, form: str) -> str:
    if found is None:
        return "-"
    return f"{found.median:{form}} ({found.least:{form}}-{found.most:{form}})"


def write(path: Path, peers: Sequence[Ready], runs: Sequence[Run], **settings: Any) -> None:
    """Every run, warm-up and void ones too, with all versions and the machine."""
    content = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {
            "cores": os.cpu_count(), "kernel": platform.release(), "load": os.getloadavg(),
            "processor": _processor(),
        },
        "settings": settings,
        "contenders": {
            peer.name: {
                "title": peer.title, "loops": peer.loops, "versions": peer.versions,
            }
            for peer in peers
        },
        "summary": {
            peer.name: {
                "tickets_per_s": rates(runs, peer.name),
                "by_raw": ratios(runs, peer.name, RAW.name),
                "by_go": ratios(runs, peer.name, GO.name),
            }
            for peer in peers
        },
        "runs": [asdict(run) for run in runs],
    }  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2) + "\n")


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
