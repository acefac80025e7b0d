"""Letters go back to where they came from, in their order, and that is remembered."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing

from ticketpool.config import KafkaConfig
from ticketpool.core.letter import Letter, letter_of
from ticketpool.core.model import Partition
from ticketpool.core.replayed import Replayed
from ticketpool.dlq.obstacles import Obstacles
from ticketpool.dlq.order import Order, Outcome, Stay
from ticketpool.dlq.pace import Pace
from ticketpool.dlq.returning import headers_of, size_of
from ticketpool.dlq.scan import reader_of
from ticketpool.errors import ConfigError, TicketpoolError
from ticketpool.kafka.cluster import Cluster
from ticketpool.kafka.progress import Progress
from ticketpool.kafka.reader import Reader, Span
from ticketpool.kafka.replayer import Replayer

COMMIT_SECONDS = 0.25
"""How often the progress is committed: a kill repeats the letters of so long at most."""

FINISH_SECONDS = 10.0
"""How long acknowledgements are waited for at the end."""

_LOOK_EVERY = 200  # letters between two looks whether the progress still fits
_WAIT_SECONDS = 0.05
EXAMPLES = 20
"""Of letters that stay: so many are told one by one."""


class Replay:
    """*Command side.* One replay. See ``run``.

    Args:
        stop: asked all the time: whether to end in order (1), or at once (2).
        tell: is given the outcome so far and the number of letters to be read, now and then.
    """

    def __init__(
        self,
        kafka: KafkaConfig,
        order: Order,
        stop: Callable[[], int],
        tell: Callable[[Outcome, int], None] = lambda outcome, total: None,
    ) -> None:
        self._kafka, self._order, self._stop, self._tell = kafka, order, stop, tell
        self.outcome = Outcome(dry_run=order.dry_run)
        self._stayed: Counter[str] = Counter()
        self._to: Counter[str] = Counter()
        self._obstacles = Obstacles(Cluster(kafka), order.max_replays)
        self._released: set[tuple[str | None, bytes | None]] = set()
        self._replayed: dict[Partition, Replayed] = {}
        self._given = self._read = self._total = 0
        self._crowded = ""

    def run(self) -> Outcome:
        """Replay what is meant of the letters that stand there now.

        However it ends, what was acknowledged is committed, but for a kill: then the next
        run repeats what was written in the last ``COMMIT_SECONDS``.

        Raises:
            NotAuthorised, NotDelivered, BrokerUnreachable: a letter could not be written.
            ConfigError: the progress can't be kept, or somebody else is at it.
            TopicMissing: no such dead-letter topic.
        """
        began = time.monotonic()
        progress = Progress(self._kafka, self._order.progress)
        with closing(progress):
            reader = reader_of(self._kafka, self._order.topics, self._from_progress(progress))
            self._total = sum(max(span.high - span.low, 0) for span in reader.spans.values())
            try:
                with closing(reader):
                    self._replay(reader, progress)
            finally:
                self._sum_up(time.monotonic() - began)
        if self._crowded:
            raise ConfigError(self._crowded)
        return self.outcome

    def _from_progress(self, progress: Progress) -> Callable[[Partition, Span], Span]:
        """Begin with the first letter that is not replayed."""

        def narrow(place: Partition, span: Span) -> Span:
            replayed = progress.load([place])[place]
            replayed.pass_to(span.low)
            self._replayed[place] = replayed
            return Span(replayed.low, span.high)

        return narrow

    # -- the loop ------------------------------------------------------------------------

    def _replay(self, reader: Reader, progress: Progress) -> None:
        writer = Replayer(self._kafka)
        self._pace = Pace(self._order.rate)
        self._commit_due = time.monotonic() + COMMIT_SECONDS
        try:
            for letter in self._wanted(reader):
                self._write(writer, letter)
                self._wait(writer, progress)
                if writer.failure or self._over:
                    break
        finally:
            self._finish(writer, progress)

    @property
    def _over(self) -> bool:
        return self._stop() > 0 or bool(self._crowded)

    def _wanted(self, reader: Reader) -> Iterator[Letter]:
        """The letters that are to be written, in order; the others are told and passed."""
        for records in reader.batches():
            for record in records:
                self._read += 1
                if self._is_wanted(letter := letter_of(record)):
                    yield letter
            self._look_at_room()  # what is passed takes room, too
            if self._over:
                return
            self._tell(self.outcome, self._total)

    def _is_wanted(self, letter: Letter) -> bool:
        order, replayed = self._order, self._replayed[Partition(letter.topic, letter.partition)]
        if letter.origin_topic is None or letter.group != order.group:
            self.outcome.foreign += letter.origin_topic is None
            self.outcome.others += letter.origin_topic is not None
            self._pass(letter)  # nothing to be done here: another group has its own progress
            return False
        if not order.selection.takes(letter):
            return False
        if letter.offset in replayed:
            self.outcome.before += 1
            return False
        if why := self._obstacles.find(letter, size_of(letter)):
            self._stays(letter, why)
            return False
        return True

    def _pass(self, letter: Letter) -> None:
        if not self._order.dry_run:
            self._replayed[Partition(letter.topic, letter.partition)].add(letter.offset)

    def _stays(self, letter: Letter, why: str) -> None:
        self._stayed[why] += 1
        if len(self.outcome.examples) < EXAMPLES:
            place = letter.topic, letter.partition, letter.offset
            self.outcome.examples.append(Stay(*place, why))

    def _write(self, writer: Replayer, letter: Letter) -> None:
        topic = letter.origin_topic or ""
        partition = self._obstacles.partition_of(letter)
        if self._order.dry_run:
            self._written(letter)
            return
        who = topic, letter.key
        release = self._order.release and letter.key is not None and who not in self._released
        if release:
            self._released.add(who)
        headers = headers_of(letter, release=release, placed=partition is not None)
        done = lambda: self._written(letter)  # noqa: E731
        name = f"{letter.topic} {letter.partition}:{letter.offset}"
        writer.send(topic, partition, letter.key, letter.value, headers, done, name)
        self._given += 1

    def _written(self, letter: Letter) -> None:
        self.outcome.replayed += 1
        self._to[letter.origin_topic or ""] += 1
        self._pass(letter)

    def _wait(self, writer: Replayer, progress: Progress) -> None:
        """Until the next may be written."""
        if self._order.dry_run:
            return
        self._pace.next()
        writer.tend(0)
        while not (writer.failure or self._over) and (writer.full or self._pace.left() > 0):
            writer.tend(min(_WAIT_SECONDS, self._pace.left()) if not writer.full else _WAIT_SECONDS)
            self._save_when_due(progress)
        self._save_when_due(progress)
        if self._given % _LOOK_EVERY == 0:
            self._look_at_room()

    def _save_when_due(self, progress: Progress) -> None:
        now = time.monotonic()
        if now >= self._commit_due:
            self._commit_due = now + COMMIT_SECONDS
            progress.save(self._replayed)
            self._tell(self.outcome, self._total)

    def _look_at_room(self) -> None:
        for place, replayed in self._replayed.items():
            if replayed.crowded:
                self._crowded = (
                    f"{place}: the letters that were replayed lie too scattered among others for "
                    f"their progress to be kept beside one offset; stopped. Replay the others "
                    f"first, from offset {replayed.low} on (with fewer filters), or keep another "
                    "progress with --progress-group"
                )

    # -- the end -------------------------------------------------------------------------

    def _finish(self, writer: Replayer, progress: Progress) -> None:
        """Take the acknowledgements that still come, and commit."""
        if writer.failure:
            writer.recall()  # or it might overtake what has failed
        deadline = time.monotonic() + FINISH_SECONDS
        while writer.waiting and time.monotonic() < deadline and self._stop() < 2:
            writer.tend(_WAIT_SECONDS)
        writer.drop()
        if not self._order.dry_run:
            progress.save(self._replayed)
        if writer.failure is not None:
            raise self._with_place(writer.failure)

    def _with_place(self, failure: TicketpoolError) -> TicketpoolError:
        return type(failure)(
            f"{failure}. {self.outcome.replayed:,} letters were replayed and are remembered; the "
            "others stay. Run the same command again once that is mended, or leave that letter out "
            "by a filter"
        )

    def _sum_up(self, seconds: float) -> None:
        outcome = self.outcome
        outcome.stopped, outcome.seconds = self._stop() > 0, round(seconds, 3)
        outcome.stayed, outcome.to = dict(self._stayed), dict(self._to)
        outcome.left = max(self._total - self._read, 0)
        outcome.next = {str(place): one.low for place, one in sorted(self._replayed.items())}
        outcome.ok = not outcome.stayed and not outcome.stopped
