"""The places where ticketpool meets the world outside, and what stands there in a simulation."""

import contextlib
import functools
import inspect
import random
import selectors
import sys
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any
from unittest import mock

import msgspec

from tests.simulation import children, pipes
from tests.simulation.kernel import Kernel
from tests.simulation.threads import Leaving, Queue, Threading
from tests.simulation.world import BATCH, LIMITS, World
from ticketpool.core.model import Partition
from ticketpool.ipc import channel
from ticketpool.kafka import consumer, outlet
from ticketpool.kafka.watermarks import Answer
from ticketpool.pool import pool
from ticketpool.supervisor import recruit, service
from ticketpool.worker import lane, place


class Cluster:
    """``ticketpool.kafka.cluster.Cluster``, always content."""

    def __init__(self, world: World, kafka: Any) -> None:
        self._logs = world.broker.logs

    def require(self, topics: Any) -> dict[str, int]:
        return {topic: sum(p.topic == topic for p in self._logs) for topic in topics}


class Watermarks:
    """``ticketpool.kafka.watermarks.Watermarks``, whose answers are always new."""

    silent_seconds = None

    def __init__(self, world: World, kafka: Any) -> None:
        self._logs = world.broker.logs

    def start(self) -> None: ...
    def close(self) -> None: ...
    def want(self, wanted: Any) -> None: ...

    def of(self, partition: Partition, epoch: int) -> Answer | None:
        log = self._logs.get(partition)
        return None if log is None else Answer(epoch, log.end, log.start)


class Log:
    """ticketpool's loggers, into the history."""

    def __init__(self, world: World) -> None:
        self._world = world

    def info(self, event: str, **fields: Any) -> None:
        self._world.tail.append((self._world.kernel.now, "  log:", event, fields))
        if event in ("skipped", "drain deadline passed"):
            where = Partition(fields["topic"], fields["partition"])
            member = self._world.consumers[self._world.kernel.current.process]
            if event == "skipped":
                self._world.oracle.skipped(member, where, fields["offset"], fields["reason"])
            else:
                member.cut_off.add(where)

    debug = warning = error = exception = info


@contextlib.contextmanager
def simulated(world: World) -> Iterator[World]:
    """ticketpool is in that world while the context lasts; on leaving, all threads have ended."""
    kernel = world.kernel
    state = random.getstate()
    random.seed(world.seed)
    with contextlib.ExitStack() as stack:
        for target, name, value in _replacements(world):
            stack.enter_context(mock.patch.object(target, name, value))
        stack.enter_context(_clock(kernel))
        try:
            yield world
        finally:
            kernel.close()
            random.setstate(state)


def _replacements(world: World) -> list[tuple[Any, str, Any]]:
    kernel = world.kernel
    limits = functools.partial(msgspec.structs.replace, LIMITS)
    for_pool = SimpleNamespace(
        DefaultSelector=lambda: pipes.Selector(kernel, world.descriptors),
        EVENT_READ=selectors.EVENT_READ,
        EVENT_WRITE=selectors.EVENT_WRITE,
    )
    logs = [module for name, module in sorted(sys.modules.items()) if _logs(name, module)]
    return [
        (service, "Limits", lambda **given: limits(**given)),
        (service, "Cluster", functools.partial(Cluster, world)),
        (service, "Leaving", functools.partial(Leaving, kernel)),
        (service, "Watermarks", functools.partial(Watermarks, world)),
        (recruit, "Child", functools.partial(children.Child, world)),
        (consumer, "make_client", world.connect),
        (consumer, "BATCH", BATCH),
        (outlet, "make_client", world.connect),
        (pool, "selectors", for_pool),
        (channel, "os", world.descriptors),
        (channel, "threading", Threading(kernel)),
        (place, "threading", Threading(kernel)),
        (place, "SimpleQueue", lambda: Queue(kernel)),
        (lane, "monotonic_ns", lambda: int(kernel.now * 1e9)),
        *((module, "_log", Log(world)) for module in logs),
    ]


def _logs(name: str, module: Any) -> bool:
    return name.startswith("ticketpool.") and hasattr(module, "_log")


@contextlib.contextmanager
def _clock(kernel: Kernel) -> Iterator[None]:
    """The simulated time for all of ticketpool: also where the real clock is a default."""
    real = time.monotonic
    functions = list(_functions_with_default(real))
    before = [function.__defaults__ for function in functions]

    def now() -> float:
        return kernel.now

    with (
        mock.patch.object(time, "monotonic", now),
        mock.patch.object(time, "monotonic_ns", lambda: int(kernel.now * 1e9)),
    ):
        for function in functions:
            function.__defaults__ = tuple(now if d is real else d for d in function.__defaults__)
        try:
            yield
        finally:
            for function, defaults in zip(functions, before, strict=True):
                function.__defaults__ = defaults


def _functions_with_default(value: Any) -> Iterator[Any]:
    for name, module in sorted(sys.modules.items()):
        if name.startswith("ticketpool."):
            for thing in vars(module).values():
                if inspect.isclass(thing) and thing.__module__ == name:
                    for member in vars(thing).values():
                        if value in (getattr(member, "__defaults__", None) or ()):
                            yield member
