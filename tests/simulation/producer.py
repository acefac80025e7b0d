"""confluent_kafka's Producer on the simulated cluster: it carries dead letters only."""

from collections import deque
from collections.abc import Callable
from typing import Any

from confluent_kafka import KafkaError

from tests.simulation.broker import Entry


class Producer:
    """``confluent_kafka.Producer``: acknowledges dead letters, or does not."""

    def __init__(self, world: Any, process: Any, properties: dict[str, Any]) -> None:
        self._world, self._process = world, process
        self._reports: deque[Callable[[], None]] = deque()
        self._unreported = 0

    def __len__(self) -> int:
        return self._unreported

    def produce(
        self,
        topic: str,
        *,
        value: bytes | None,
        key: bytes | None,
        headers: list[tuple[str, bytes]],
        on_delivery: Callable[[KafkaError | None, None], None],
    ) -> None:
        kernel, rng = self._world.kernel, self._world.rng
        kernel.check()
        entry = self._world.oracle.letter_sent(self._process, topic, value, headers)
        if rng.random() < 0.02:
            raise BufferError
        self._unreported += 1
        kernel.later(rng.choice([1e-3, 0.05]), lambda: self._arrive(entry, on_delivery))

    def _arrive(self, entry: Entry, report: Callable[[KafkaError | None, None], None]) -> None:
        broker = self._world.broker
        if not broker.up or self._world.kernel.now < broker.letters_refused_until:
            error = KafkaError(KafkaError._MSG_TIMED_OUT, "not written")
            self._reports.append(lambda: report(error, None))
        elif not self._process.killed:
            self._world.oracle.letter_written(self._process, entry)
            self._reports.append(lambda: report(None, None))

    def poll(self, timeout: float) -> int:
        self._world.kernel.check()
        count = len(self._reports)
        for _ in range(count):
            self._unreported -= 1
            self._reports.popleft()()
        return count

    def flush(self, timeout: float = 0.0) -> int:
        return self.poll(timeout)
