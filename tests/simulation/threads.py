"""What ticketpool uses of ``threading`` and ``queue``, for actors of the kernel."""

from collections import deque
from collections.abc import Callable
from typing import Any

from tests.simulation.kernel import TICK, Actor, Kernel


class Lock:
    """``threading.Lock`` for actors."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._held = False
        self._waiting: deque[Actor] = deque()

    def __enter__(self) -> None:
        while self._held:
            self._waiting.append(self._kernel.current)
            self._kernel.wait()
        self._held = True

    def __exit__(self, *_: object) -> None:
        self._held = False
        if self._waiting:
            self._kernel.wake(self._waiting.popleft())


class Event:
    """``threading.Event`` for actors."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._set = False
        self._waiting: list[Actor] = []

    def set(self) -> None:
        self._set = True
        for actor in self._waiting:
            self._kernel.wake(actor)

    def is_set(self) -> bool:
        return self._set

    def wait(self, timeout: float | None = None) -> bool:
        until = None if timeout is None else self._kernel.now + timeout
        while not self._set:
            left = None if until is None else until - self._kernel.now
            if left is not None and left < TICK / 2:
                return False
            self._waiting.append(self._kernel.current)
            self._kernel.wait(left)
        return True


class Queue:
    """``queue.SimpleQueue`` for actors."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._items: deque[Any] = deque()
        self._waiting: deque[Actor] = deque()

    def put(self, item: Any) -> None:
        self._items.append(item)
        if self._waiting:
            self._kernel.wake(self._waiting.popleft())

    def get(self) -> Any:
        while not self._items:
            self._waiting.append(self._kernel.current)
            self._kernel.wait()
        return self._items.popleft()


class Threading:
    """What ticketpool uses of ``threading``, for actors."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel

    def Lock(self) -> Lock:  # noqa: N802 - as in threading
        return Lock(self._kernel)

    def Event(self) -> Event:  # noqa: N802
        return Event(self._kernel)

    def Thread(  # noqa: N802
        self, *, target: Callable[[], object], name: str = "", daemon: bool = True
    ) -> "Thread":
        return Thread(self._kernel, target, name)


class Leaving:
    """``ticketpool.supervisor.leaving.Leaving``, with an actor in the thread's place."""

    def __init__(self, kernel: Kernel, task: Callable[[], None]) -> None:
        self._kernel, self._task = kernel, task
        self._error: Exception | None = None

    def start(self) -> None:
        self._actor = self._kernel.spawn(self._kernel.current.process, "leaving", self._run)

    def _run(self) -> None:
        try:
            self._task()
        except Exception as error:
            self._error = error

    def wait(self, enough: Callable[[], bool]) -> None:
        while not self._actor.over and not enough():
            self._kernel.sleep(0.02)
        if self._error is not None:
            raise self._error


class Thread:
    """``threading.Thread`` for actors, in the process of the one that starts it."""

    def __init__(self, kernel: Kernel, target: Callable[[], object], name: str) -> None:
        self._kernel, self._target, self._name = kernel, target, name

    def start(self) -> None:
        self._kernel.spawn(self._kernel.current.process, self._name, self._target)
