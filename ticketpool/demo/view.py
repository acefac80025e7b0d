"""The live view of the demo: one calm screen, 80 columns by 24 lines at least."""

from rich.align import Align
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from ticketpool.core.status import PartitionStatus, WorkerStatus
from ticketpool.demo.judge import Crash
from ticketpool.demo.scene import BIN_NS, PULSE_BINS, Scene
from ticketpool.terminal.words import NONE, milliseconds, number, sparkline

_STATES = {"ready": "green", "starting": "yellow", "draining": "cyan", "dead": "red"}
_NARROW_PULSE = 10
_MOST_WORKERS = 8  # more than partitions idle anyway

_STAGES = {
    "starting": "starting the cluster, the supervisor and its workers",
    "producing": "producing",
    "finishing": "waiting for the last tickets",
    "draining": "stopping: drain, commit, leave",
    "checking": "reading the topic back, comparing",
}


def render(scene: Scene, width: int = 80) -> RenderableType:
    """A moment as something that rich can print on a console of ``width`` columns."""
    parts = [_head(scene), _progress(scene), _figures(scene), Text()]
    if scene.status is not None and scene.status.partitions:
        parts += [_partitions(scene, _NARROW_PULSE if width < 110 else PULSE_BINS), Text()]
    if scene.status is not None:
        parts.append(_workers(scene.status.workers, scene.crash))
    return Padding(Group(*parts), (1, 1, 0, 1))


def _head(scene: Scene) -> RenderableType:
    config = scene.config
    grid = Table.grid(expand=True)
    grid.add_column()
    grid.add_column(justify="right")
    what = f"{config.rate:g} tickets/s  →  4 partitions  →  {config.workers} workers"
    grid.add_row(Text.assemble(("ticketpool demo", "bold"), "   ", (what, "dim")))
    stage = Text(_STAGES[scene.stage], style="cyan")
    if scene.stage == "producing":
        stage.append(f"  {scene.seconds:4.1f} s of {config.seconds:g} s", style="dim")
    return Group(grid, Text(), stage)


def _progress(scene: Scene) -> RenderableType:
    grid = Table.grid(expand=True, padding=(0, 2, 0, 0))
    grid.add_column(ratio=1)
    grid.add_column(justify="right")
    expected = scene.config.expected
    bar = ProgressBar(
        expected, min(scene.handled, expected), complete_style="cyan", finished_style="green"
    )
    count = Text.assemble((f"{scene.handled:,}", "bold"), (f" of {expected:,}", "dim"))
    grid.add_row(bar, count)
    return grid


def _figures(scene: Scene) -> RenderableType:
    figures = {
        "rate": f"{scene.rate:,.0f}/s",
        "lag": f"{scene.lag:,}",
        "latency p50": milliseconds(scene.p50_ms),
        "p99": milliseconds(scene.p99_ms),
    }
    text = Text()
    for name, value in figures.items():
        text.append(f"{name} ", style="dim").append(f"{value:<11}", style="bold")
    return text


def _table(*columns: tuple[str, str, int]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    for name, justify, least in columns:  # least widths: nothing moves when a number grows
        table.add_column(name, justify=justify, min_width=least, no_wrap=True)  # type: ignore[arg-type]
    return table


def _partitions(scene: Scene, bins: int) -> RenderableType:
    table = _table(
        ("partition", "left", 10),
        ("worker", "right", 6),
        ("pid", "right", 7),
        ("position", "right", 8),
        ("lag", "right", 4),
        ("in flight", "right", 9),
        ("processed", "right", 9),
        (f"last {bins * BIN_NS / 1e9:g} s", "left", bins),
    )
    pulses = {partition: counts[-bins:] for partition, counts in scene.pulse.items()}
    top = max((max(counts) for counts in pulses.values()), default=0)
    for one in scene.status.partitions if scene.status else []:
        table.add_row(*_partition(one, sparkline(pulses.get(one.partition, []), top)))
    return table


def _partition(one: PartitionStatus, pulse: str) -> list[RenderableType]:
    lag = Text(number(one.lag), style="yellow" if one.lag else "")
    return [
        f"{one.topic}[{one.partition}]",
        number(one.worker),
        str(one.pid or NONE),
        number(one.position),
        lag,
        f"{one.in_flight:,}",
        f"{one.processed:,}",
        Text(pulse, style="green"),
    ]


def _workers(workers: list[WorkerStatus], crash: Crash | None) -> RenderableType:
    table = _table(
        ("worker", "left", 6),
        ("pid", "right", 7),
        ("state", "left", 10),
        ("partitions", "right", 10),
        ("restarts", "right", 8),
        ("", "left", 1),
    )
    for one in workers[:_MOST_WORKERS]:
        table.add_row(
            str(one.slot),
            str(one.pid or NONE),
            Text(f"● {one.state}", style=_STATES.get(one.state, "")),
            str(one.partitions),
            Text(str(one.restarts), style="yellow" if one.restarts else ""),
            _mark(crash) if crash is not None and crash.worker == one.slot else "",
        )
    if len(workers) > _MOST_WORKERS:
        table.add_row("…", "", f"and {len(workers) - _MOST_WORKERS} more", "", "", "")
    return Align.left(table)


def _mark(crash: Crash) -> Text:
    text = Text("✗ killed", style="red")
    if crash.restart_seconds is None:
        return text
    return text.append(f"  ✓ back in {crash.restart_seconds:.1f} s", style="green")
