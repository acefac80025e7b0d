"""What the status tells beside the partitions' offsets: times, processes, events, the brokers."""

import contextlib
import os
import socket
from collections.abc import Iterator
from typing import Any

import msgspec

from ticketpool import __version__, log
from ticketpool.config import RunConfig
from ticketpool.core.lane import Lane
from ticketpool.core.status import Cluster, LatencyMs
from ticketpool.ipc.frames import FromWorker
from ticketpool.pool import Slot
from ticketpool.supervisor.assignment import Assignment
from ticketpool.supervisor.chronicle import Chronicle
from ticketpool.supervisor.crew import Crew
from ticketpool.supervisor.history import History
from ticketpool.supervisor.vitals import Vitals

MANY_PARTITIONS = 64
TURNS = 4
"""With more partitions than those, one of four snapshots makes a partition's histograms anew:
each takes some 10 µs. A snapshot comes every half second."""

_AGE_SECONDS = 10.0  # older ones are made anew in any case


class Figures:
    """*Supervisor side.* Fields of the statuses by name, made when a snapshot is."""

    def __init__(self, config: RunConfig, crew: Crew, assignment: Assignment) -> None:
        self._crew = crew
        self._assignment = assignment
        self._chronicle = Chronicle()
        self._history = History(crew.totals)
        self._vitals = Vitals()
        self._turn = 0
        self._constant = {
            "version": __version__,
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "dead_letter_topics": list(config.dead_letter_topics),
        }

    @contextlib.contextmanager
    def recording(self) -> Iterator[None]:
        """Events of the log are kept as long as this lasts."""
        with log.watched(self._chronicle.note):
            yield

    def of_service(self, now: float, lag: int | None) -> dict[str, Any]:
        """Fields of ``ServiceStatus``, the last to be made of a snapshot. ``lag``: over all
        partitions."""
        self._turn += 1
        return {
            **self._constant,
            "events": self._chronicle.newest(),
            "history": self._history.tend(now, lag),
        }

    def timed(self, cluster: Cluster) -> Cluster:
        """The same with the brokers' times, as the consumer's statistics have them."""
        told = self._assignment.consumer.watch.told
        if not cluster.reachable:
            return cluster
        return msgspec.structs.replace(cluster, rtt_ms=told.rtt_ms, throttle_ms=told.throttle_ms)

    def of_worker(self, slot: Slot[FromWorker], now: float) -> dict[str, Any]:
        """Fields of ``WorkerStatus``."""
        pid = slot.child.pid if slot.child else None
        vital, cpu_seconds_total = self._vitals.of(slot.index, pid, now)
        ends = self._crew.undertaker.ends
        return {
            "restarts_by_reason": ends.by_kind(slot.index),
            "last_end": ends.last(slot.index),
            "cpu_seconds_total": cpu_seconds_total,
            **(vital._asdict() if vital is not None else {}),
        }

    def of_partition(self, lane: Lane, now: float, partitions: int) -> dict[str, Any]:
        """Fields of ``PartitionStatus``, of one of so many partitions."""
        counts = lane.counts
        turn = partitions <= MANY_PARTITIONS or (lane.partition.number + self._turn) % TURNS == 0
        age = 0.0 if turn else _AGE_SECONDS
        calls = counts.durations.spread(now, age)
        return {
            "latency_ms": LatencyMs(p50=calls.p50_ms, p99=calls.p99_ms),
            "handler_seconds": calls.seconds,
            "handler_buckets": calls.buckets,
            "queue_wait": counts.queue_wait.spread(now, age),
            "end_to_end": counts.end_to_end.spread(now, age),
        }
