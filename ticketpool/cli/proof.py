"""What ``ticketpool verify --trace`` prints."""

from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ticketpool.core.oracle import INVARIANTS, Verdict, Violation
from ticketpool.proof import Proof
from ticketpool.terminal.words import plural


def in_words(proof: Proof) -> str:
    """What is wrong, in one line."""
    broken = [f"{name} ({count:,})" for name, count in sorted(proof.verdict.broken.items())]
    if proof.unreadable:
        broken.append(f"{proof.unreadable:,} unreadable lines")
    return f"broken: {', '.join(broken)}"


def show(proof: Proof, console: Console) -> None:
    """The counts, the invariants, and the evidence against those that are broken."""
    verdict = proof.verdict
    console.print(_table(verdict))
    for note in _notes(proof):
        console.print(f"[dim]·[/dim] {escape(note)}")
    for name, words in INVARIANTS.items():
        console.print(_invariant(name, words, verdict))
    for violation in verdict.violations:
        console.print(f"\n[red]✗ {violation.invariant}[/red] {escape(_where(violation))}")
        for piece in violation.evidence:
            console.print(f"  [dim]{escape(_evidence(piece))}[/dim]", soft_wrap=True)
    for one in proof.examples:
        console.print(f"[red]✗[/red] {escape(f'{one.log}:{one.line}: {one.reason}')}")
    if proof.ok and verdict.records:
        console.print("[bold green]✓[/] the promise held")


def _table(verdict: Verdict) -> Table:
    table = Table(box=None)
    table.add_column("what")
    table.add_column("count", justify="right")
    table.add_column("in words", style="dim")
    for what, count, words, bad in _rows(verdict):
        style = "" if bad is None else "red" if bad else "green"
        table.add_row(what, f"[{style}]{count:,}[/]" if style else f"{count:,}", words)
    return table


def _rows(verdict: Verdict) -> Iterator[tuple[str, int, str, bool | None]]:
    yield "records", verdict.records, f"given to the handler, in {verdict.calls:,} calls", None
    yield "processed", verdict.processed, "handled, dead-lettered or skipped", None
    yield "lost", verdict.lost, "committed past and never finished", verdict.lost > 0
    yield (
        "out of order",
        verdict.out_of_order,
        "finished behind a later one of their partition",
        verdict.out_of_order > 0,
    )
    causes = [f"{cause} {count:,}" for cause, count in verdict.duplicates_by_cause.items()]
    excused = "handled again after a fault" + (f": {', '.join(causes)}" if causes else "")
    yield "duplicates", verdict.duplicates, excused, bool(verdict.broken.get("I5"))
    refused = f", {verdict.refused_commits:,} refused" if verdict.refused_commits else ""
    yield "commits", verdict.commits, f"accepted by the broker{refused}", None
    yield "jumps", verdict.jumps, f"stretches without records, {verdict.jumped:,} offsets", None
    yield "worker exits", verdict.worker_deaths, "before their supervisor's end", None


def _notes(proof: Proof) -> Iterator[str]:
    verdict = proof.verdict
    if not verdict.records:
        yield "no handler was called, so nothing is proven"
    yield (
        f"{plural(proof.events, 'event')} of {plural(verdict.supervisors, 'supervisor')}, "
        f"{plural(verdict.workers, 'worker')} and {plural(verdict.partitions, 'partition')}, "
        f"read in {proof.seconds:.1f} s"
    )
    if proof.reread:
        yield f"held against {plural(proof.reread, 'record')} in Kafka"
    elif verdict.jumps:
        yield "whether no record stands in the jumps is told by Kafka: give --topic, too"
    if verdict.resumed:
        yield (
            f"after a worker's end its partitions went on in {verdict.resumed_ms_median:,.0f} ms "
            f"(median), {verdict.resumed_ms_max:,.0f} ms at most"
        )
    yield from _leftovers(verdict)


def _leftovers(verdict: Verdict) -> Iterator[str]:
    """What faults have left: nothing, where there were none."""
    if verdict.unfinished:
        yield f"{verdict.unfinished:,} records were begun and not finished: they will come again"
    if verdict.sudden_ends:
        yield (
            f"{plural(verdict.sudden_ends, 'supervisor')} ended without a stop, or still run; "
            f"workers' last events came at most {verdict.outlived_ms:,.0f} ms after theirs"
        )
    if verdict.zombies:
        yield (
            f"{plural(verdict.zombies, 'assignment')} ran on after another member had begun, "
            f"for {verdict.zombie_ms:,.0f} ms at most"
        )
    if verdict.resets:
        yield (
            f"{plural(verdict.resets, 'partition')} began anew without a commit after one had "
            "been confirmed: repetitions across that were not counted"
        )


def _invariant(name: str, words: str, verdict: Verdict) -> str:
    count = verdict.broken.get(name, 0)
    mark = "[green]✓[/]" if not count else "[red]✗[/]"
    times = f" [red]({plural(count, 'violation')})[/]" if count else ""
    return f"{mark} {name:<4}{words}{times}"


def _where(violation: Violation) -> str:
    if violation.topic is None:
        return f"{violation.words} ({violation.process})"
    return f"{violation.topic}[{violation.partition}], group {violation.group}: {violation.words}"


def _evidence(piece: dict[str, Any]) -> str:
    """``<log>:<line> <event> <field>=<value> …``; the time in seconds of the monotonic clock."""
    fields = dict(piece["event"])
    name, at = fields.pop("event"), fields.pop("at")
    shown = " ".join(f"{field}={value}" for field, value in fields.items())
    return f"{piece['log']}:{piece['line']} {at / 1e9:.6f} {name} {shown}"
