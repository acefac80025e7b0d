"""Topics for people, as tables, and for programs."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.markup import escape

from ticketpool.cli.tables import console, table
from ticketpool.kafka.topics import Setting, TopicInfo, Wanted

_MATTER = (
    "cleanup.policy",
    "max.message.bytes",
    "min.insync.replicas",
    "retention.bytes",
    "retention.ms",
)

_TIMES = (("d", 86_400_000), ("h", 3_600_000), ("min", 60_000), ("s", 1000))
_SIZES = (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10))


def overview(topics: Sequence[TopicInfo]) -> None:
    """Print a line for each, and below what is wrong."""
    out = console()
    columns = "<topic", "partitions", "records", "replicas", "<retention", "<cleanup"
    out.print(table(columns, map(_line, topics)))
    for topic in topics:
        for trouble, numbers in topic.troubles().items():
            where = ", ".join(map(str, numbers))
            out.print(f"[red]✗[/] {escape(topic.name)}[dim] partition {where}:[/] {trouble}")


def _line(topic: TopicInfo) -> tuple[str | int | None, ...]:
    return (
        topic.name,
        len(topic.partitions),
        topic.records,
        topic.replicas,
        _words("retention.ms", topic.value("retention.ms")),
        topic.value("cleanup.policy"),
    )


def detail(topic: TopicInfo) -> None:
    """Print its partitions, and its settings as far as they matter."""
    out = console()
    out.print()
    columns = "partition", "start", "end", "records", "leader", "<replicas", "<in sync"
    out.print(f"[bold]{escape(topic.name)}[/]")
    out.print(table(columns, map(_partition, topic.partitions)))
    out.print()
    if topic.settings is None:
        out.print("settings: no right to see them (DescribeConfigs on the topic)")
        return
    rows = (
        (name, setting.value, _words(name, setting.value), "this topic" if setting.own else "all")
        for name, setting in mattering(topic.settings).items()
    )
    out.print(table(("<setting", "<value", "<in words", "<set for"), rows))


def _partition(one: Any) -> tuple[str | int | None, ...]:
    start, end = one.extent or (None, None)
    records = None if one.extent is None else one.extent.records
    replicas, in_sync = (", ".join(map(str, ids)) for ids in (one.replicas, one.in_sync))
    return one.number, start, end, records, one.leader, replicas, in_sync


def mattering(settings: dict[str, Setting]) -> dict[str, Setting]:
    """Those that decide what is kept and taken, and those that were set for this topic."""
    return {n: s for n, s in sorted(settings.items()) if n in _MATTER or s.own}


def _words(name: str, value: str | None) -> str | None:
    """The value in a unit that a person can read; ``None`` when it is plain."""
    if value is None or not value.lstrip("-").isdigit():
        return None
    number = int(value)
    if name.endswith(".ms"):
        return _in_units(number, _TIMES, "ms")
    return _in_units(number, _SIZES, "B") if name.endswith("bytes") else None


def _in_units(number: int, units: Iterable[tuple[str, int]], least: str) -> str:
    if number < 0:
        return "no limit"
    for unit, size in units:
        if number >= size:
            return f"{number / size:.4g} {unit}"
    return f"{number} {least}"


def as_json(topics: Sequence[TopicInfo]) -> dict[str, Any]:
    """All of it as one object."""
    return {"ok": True, "topics": [_as_json(topic) for topic in topics]}


def _as_json(topic: TopicInfo) -> dict[str, Any]:
    return {
        "topic": topic.name,
        "records": topic.records,
        "partitions": [
            {
                "partition": one.number,
                "start": None if one.extent is None else one.extent.start,
                "end": None if one.extent is None else one.extent.end,
                "leader": one.leader,
                "replicas": one.replicas,
                "in_sync": one.in_sync,
            }
            for one in topic.partitions
        ],
        "settings": None if topic.settings is None else mattering(topic.settings),
        "troubles": topic.troubles(),
    }


def plan(wanted: Sequence[Wanted], there: Sequence[TopicInfo]) -> None:
    """Print what is to be made, and what is there already."""
    known = {topic.name: topic for topic in there}
    rows = (_planned(one, known.get(one.name)) for one in wanted)
    columns = "<topic", "partitions", "<replicas", "<settings", "<plan"
    console().print(table(columns, rows))


def _planned(one: Wanted, there: TopicInfo | None) -> tuple[str | int | None, ...]:
    replicas = "default" if one.replication == -1 else str(one.replication)
    settings = _below_each_other(one.config)
    if there is None:
        return one.name, one.partitions, replicas, settings, "make"
    own = {n: s.value for n, s in (there.settings or {}).items() if s.own}
    size = len(there.partitions), str(there.replicas)
    return one.name, *size, _below_each_other(own), "stays as it is"


def _below_each_other(settings: Mapping[str, str | None]) -> str | None:
    return "\n".join(f"{key}={value}" for key, value in settings.items()) or None


def made(topics: Sequence[TopicInfo], new: Sequence[str]) -> None:
    """Print what the broker shows now."""
    out = console()
    out.print()
    for topic in topics:
        if topic.name in new:
            size = f"{len(topic.partitions)} partitions, {topic.replicas} replicas"
            out.print(f"[bold green]✓[/] {escape(topic.name)} is made: {size}")
    if not new:
        out.print("nothing to do: all is there")


def made_as_json(topics: Sequence[TopicInfo], new: Sequence[str]) -> dict[str, Any]:
    """The same as one object."""
    return {"ok": True, "created": list(new), "topics": [_as_json(topic) for topic in topics]}
