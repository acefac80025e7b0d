"""The lower half of ``top``: the chosen partition, the workers, the events, the keys. Pure."""

from collections.abc import Container, Iterator, Sequence
from itertools import pairwise

from rich.text import Text

from ticketpool.core.status import Event, PartitionStatus, WorkerStatus
from ticketpool.terminal import words
from ticketpool.terminal.answers import Answer, Row, View, labels
from ticketpool.terminal.columns import fit, state_style
from ticketpool.terminal.findings import behind

_MOST_LINES = 4  # of a reason
_LEVELS = {"info": "", "warning": "yellow", "error": "bold red"}
_WORKER_STATES = {"ready": "green", "starting": "yellow", "draining": "cyan", "dead": "bold red"}
_Buckets = Sequence[tuple[float | None, int]]


def rule(title: str, width: int) -> Text:
    """A line across with a title in it."""
    line = Text.assemble(("── ", "dim"), (title, "bold"), " ")
    return line.append("─" * max(width - line.cell_len, 0), "dim")


def partition(row: Row, view: View, width: int) -> Iterator[Text]:
    """Everything about one partition: what it waits for, what to do, figures, its events."""
    one = row.partition
    yield from _blame(row, width)
    yield _pairs(
        committed=words.number(one.committed),
        position=words.number(one.position),
        end=words.number(one.high_watermark),
        lag=words.number(one.lag),
        uncommitted=words.number(one.commit_lag),
        late=words.span(one.time_lag_seconds),
    )
    if row.member:
        yield _pairs(member=row.member)
    if view.by_broker:
        return
    yield _at_hand(one)
    yield _pairs(
        processed=words.number(one.processed),
        retried=words.number(one.retried),
        dead=words.number(one.dead_lettered),
        skipped=words.number(one.skipped),
        redelivered=words.number(one.redelivered),
        parked=words.number(one.parked_keys),
    )
    yield _bars("handler", one.latency_ms.p50, one.latency_ms.p99, one.handler_buckets)
    yield _bars("waiting", one.queue_wait.p50_ms, one.queue_wait.p99_ms, one.queue_wait.buckets)
    yield _bars("in all", one.end_to_end.p50_ms, one.end_to_end.p99_ms, one.end_to_end.buckets)
    for happened in _events_of(row, view):
        yield event(happened, without=("topic", "partition"))


def _blame(row: Row, width: int) -> Iterator[Text]:
    one, style = row.partition, state_style(row.state)
    if not row.known:
        yield Text("these figures are old: its supervisor does not answer", style)
    elif row.state == "ok":
        return
    elif one.blame is None:
        yield Text(f"{row.state} for {words.span(one.state_seconds)}, {behind(one)}", style)
    else:
        at = "" if one.blame.offset is None else f"offset {one.blame.offset:,} "
        since = f"{at}for {words.span(one.blame.since_seconds)}: "
        for part in words.wrapped(since + one.blame.reason, width, _MOST_LINES):
            yield Text(part, style)
        if one.blame.remedy:
            yield from remedy(one.blame.remedy, style, width)


def remedy(text: str, style: str, width: int) -> Iterator[Text]:
    """What to do, behind an arrow."""
    for at, part in enumerate(words.wrapped(text, width - 2, _MOST_LINES)):
        yield Text.assemble(("  " if at else "→ ", style), (part, "bold"))


def _at_hand(one: PartitionStatus) -> Text:
    running = "nothing"
    if one.in_flight_offset is not None:
        running = f"{one.in_flight_offset:,} for {words.span(one.in_flight_age_seconds)}"
    line = _pairs(
        running=running,
        pid=str(one.pid or words.NONE),
        **{"in flight": words.number(one.in_flight)},
        buffered=words.number(one.buffered),
    )
    if one.waiting_letters:
        line.append(f"  {one.waiting_letters:,} not acknowledged", "yellow")
    return line.append("  fetching paused", "yellow") if one.paused else line


def _pairs(**pairs: str) -> Text:
    line = Text()
    for name, value in pairs.items():
        line.append("  " if line else "").append(f"{name} ", "dim").append(value)
    return line


def _bars(name: str, p50: float | None, p99: float | None, buckets: _Buckets) -> Text:
    """A histogram from its first bucket with something in it to its last."""
    line = Text().append(f"{name:<9}", "dim")
    line.append("p50 ", "dim").append(f"{words.milliseconds(p50):>8}")
    line.append("  p99 ", "dim").append(f"{words.milliseconds(p99):>8}  ")
    counts = _counts(buckets)
    filled = [at for at, count in enumerate(counts) if count]
    if not filled:
        return line
    first, last = filled[0], filled[-1]
    least = words.bound(buckets[first - 1][0]) if first else "0"
    line.append(f"{least:>7} ", "dim")
    line.append(words.sparkline(counts[first : last + 1]), "cyan")
    return line.append(f" {words.bound(buckets[last][0])}", "dim")


def _counts(buckets: _Buckets) -> list[int]:
    """How many in each bucket, of how many up to each bound."""
    cumulative = [0, *(count for _, count in buckets)]
    return [after - before for before, after in pairwise(cumulative)]


def _events_of(row: Row, view: View) -> list[Event]:
    """The events of a partition, the newest first."""
    return [
        one
        for _, one in _all_events(view)
        if one.fields.get("topic") == row.place.topic
        and one.fields.get("partition") == row.place.number
    ]


def events(view: View, room: int) -> Iterator[Text]:
    """The newest events of all sources, the newest first."""
    short = labels([answer.source for answer, _ in view.told])
    for source, one in _all_events(view)[:room]:
        yield event(one, short[source] if len(short) > 1 else "")


def _all_events(view: View) -> list[tuple[str, Event]]:
    found = [(answer.source, one) for answer, status in view.told for one in status.events]
    return sorted(found, key=lambda pair: -pair[1].at)


def event(one: Event, source: str = "", without: Container[str] = ()) -> Text:
    """An event as the log would tell it, but for some fields."""
    line = Text().append(f"{words.clock(one.at)} ", "dim")
    line.append(f"{source} " if source else "", "dim")
    line.append(one.name, _LEVELS.get(one.level, "") or "bold")
    told = ((name, value) for name, value in one.fields.items() if name not in without)
    for name, value in told:
        line.append(f"  {name} ", "dim").append(str(value))
    return line


def workers(view: View, room: int) -> Iterator[Text]:
    """A line for each worker, those that are not ready first."""
    short = labels([answer.source for answer, _ in view.told])
    width = max((len(label) for label in short.values()), default=0) if len(short) > 1 else 0
    yield Text(_worker_head(width), "bold")
    found = [(answer, one) for answer, status in view.told for one in status.workers]
    found.sort(key=lambda pair: pair[1].state == "ready")
    for answer, one in found[: room - 1]:
        yield _worker(answer, one, short[answer.source] if width else "", width)


def _worker_head(width: int) -> str:
    at = f"{'at':<{width}}  " if width else ""
    return f"{at}worker      pid  state     partitions    cpu       rss     up  restarts  last end"


def _worker(answer: Answer, one: WorkerStatus, label: str, width: int) -> Text:
    share = answer.cpu.get(one.pid or 0)
    line = Text(style="dim" if answer.trouble else "")
    line.append(f"{label:<{width}}  " if width else "", "dim")
    line.append(f"{one.slot:>6}  {one.pid or words.NONE:>7}  ")
    line.append(fit(one.state, 8, True), _WORKER_STATES.get(one.state, ""))
    line.append(f"  {one.partitions:>10}  {words.NONE if share is None else f'{share:.0%}':>5}")
    line.append(f"  {words.size(one.rss_bytes):>8}  {words.span(one.uptime_seconds):>5}")
    line.append(f"  {one.restarts:>8}", "yellow" if one.restarts else "dim")
    why = ", ".join(f"{count} {why}" for why, count in one.restarts_by_reason.items())
    end = one.last_end or ""
    return line.append(f"  {end}" + (f" ({why})" if why else ""))
