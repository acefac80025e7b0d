"""The promise, checked at every event. Whoever breaks it ends the run with the evidence.

=====  =======================================================================
check  promise
=====  =======================================================================
loss   nothing is committed that is not finished; nothing is begun out of order
fence  one handler per partition; none is left after a revocation or a loss
owner  commits only for what one owns, never backwards, never past what was read
twice  what has ended is run again only if a fault explains it
blame  a dead letter is deserved: by the record itself
count  the summary's numbers are what happened
flow   buffers, windows and pauses are as configured, and agree
=====  =======================================================================
"""

from collections import Counter
from typing import Any

from tests.simulation.broker import Entry, Log
from tests.simulation.children import Worker, running
from ticketpool.config import OnFailure
from ticketpool.core.model import Partition
from ticketpool.core.trouble import trouble_of

FAILING = ("hopeless", "reject", "undecodable", "flaky")


class Broken(AssertionError):
    """A promise is broken."""


class Oracle:
    """Sees everything that happens in a world."""

    def __init__(self, world: Any) -> None:
        self.world = world
        self.runs: dict[Log, dict[Worker, Entry]] = {}
        self.done: dict[str, set[tuple[int, int]]] = {}  # handled, by supervisor
        self.letters: Counter[str] = Counter()  # acknowledged, by supervisor
        self.takeovers: Counter[Log] = Counter()
        self.lone: Counter[tuple[Entry, Any]] = Counter()  # deaths alone, by record and epoch
        self.again = 0  # handler calls for what had ended
        self.paused: dict[Any, int] = {}  # lanes held by people, and what they had in flight
        self.progress = 0  # rises with everything that can't happen for ever

    def expect(self, holds: object, check: str, what: str) -> None:
        """Fail the run unless it holds. User code is caught by workers, so tell the kernel."""
        if not holds:
            self.world.kernel.fail(Broken(f"{check}: {what}"))
            self.world.kernel.check()

    def expect_in_time(self, holds: object, what: str) -> None:
        """For the driver, whose failure ends the run by itself."""
        if not holds:
            raise Broken(f"live: {what}")

    # -- handlers ------------------------------------------------------------------------

    def started(self, worker: Worker, lane: int, entry: Entry, attempt: int) -> None:
        log, where = entry.log, f"{entry.log} offset {entry.offset} in {worker.name}"
        self.world.note("started", worker.name, str(log), entry.offset, attempt)
        runs = self.runs.setdefault(log, {})
        for other in runs:
            zombie = self._is_zombie(other, log) or self._is_zombie(worker, log)
            excused = zombie and other.supervisor is not worker.supervisor
            self.expect(excused, "fence", f"{where} begins while {other.name} runs one of it")
        first = log.unended
        self.expect(entry.ended or entry is first, "loss",
                    f"{where} begins, but {first and first.offset} has not ended")  # fmt: skip
        once = not entry.ended or entry.excused or self._is_unaware(worker)
        self.expect(once, "twice", f"{where} runs again, unexplained")
        last = worker.begun.get(lane, (-1, 0))
        self.expect((entry.offset, attempt) > last, "loss", f"{where} after {last} in one lane")
        worker.begun[lane] = (entry.offset, attempt)
        entry.calls += 1
        self.again += entry.ended
        runs[worker] = entry

    def _is_zombie(self, worker: Worker, log: Log) -> bool:
        """Whether the group has taken the partition from its supervisor, which can't know yet."""
        consumer = self.world.consumers.get(worker.supervisor)
        owner = self.world.broker.owner.get(log.partition)
        return worker.supervisor.killed or consumer is not owner

    def _is_unaware(self, worker: Worker) -> bool:
        """Whether its supervisor was expelled just now, while it was stopped, perhaps: so long
        its workers may go on without having heard from it (``silence_seconds``)."""
        consumer = self.world.consumers[worker.supervisor]
        since = self.world.kernel.now - consumer.expelled_at
        return bool(consumer.expelled and since < self.world.config.silence_seconds)

    def ended(self, worker: Worker, entry: Entry, *, ok: bool, final: bool) -> None:
        self.world.note(
            "ended", worker.name, str(entry.log), entry.offset, "ok" if ok else "failed"
        )
        self.runs[entry.log].pop(worker, None)
        if not (ok or final):
            return
        self.progress += not entry.ended
        entry.ended = True
        entry.excused = self._is_zombie(worker, entry.log)
        skip = self.world.config.on_failure is OnFailure.SKIP and entry.script != "reject"
        entry.finished = entry.finished or ok or skip
        worker.results.append(entry)
        if ok:
            fetch = self.world.consumers[worker.supervisor].fetches.get(entry.log.partition)
            did = (fetch.epoch if fetch else -1, entry.offset)
            self.done.setdefault(worker.supervisor.name, set()).add(did)

    def worker_died(self, worker: Worker) -> None:
        """What it ran may be run again; and all that it did, if it wrote garbage."""
        found = running(worker)
        where = [(str(log), offset) for log, offset in found]
        self.world.note("died", worker.name, worker.status, where)
        for log, offset in found:
            entry = log.entries[log.since(offset)]
            entry.excused = True
            worker.supervisor.ever_unclean |= entry.ended  # done, and not told
            if not worker.spared:
                entry.deaths += 1
                entry.alone += len(found) == 1
                self.progress += 1
                if len(found) == 1:
                    self._died_alone(worker, entry)
        for runs in self.runs.values():
            runs.pop(worker, None)
        if worker.garbled:
            self._excuse(worker.results)

    def _died_alone(self, worker: Worker, entry: Entry) -> None:
        """Often enough is enough, in one assignment."""
        fetch = self.world.consumers[worker.supervisor].fetches.get(entry.log.partition)
        self.lone[entry, fetch and fetch.epoch] += 1
        deaths = self.lone[entry, fetch and fetch.epoch]
        enough = deaths <= self.world.config.max_crashes or worker.supervisor.ever_unclean
        self.expect(enough, "blame", f"{entry.log} offset {entry.offset} killed {deaths} workers")

    def _excuse(self, entries: list[Entry]) -> None:
        for entry in entries:
            kept = self.world.broker.committed.get(entry.log.partition, (0, ""))
            entry.excused = entry.excused or (entry.ended and entry.offset >= kept[0])

    # -- ownership ------------------------------------------------------------------------

    def taken_over(self, consumer: Any, partition: Partition, start: int) -> None:
        log = consumer.fetches[partition].log
        self.takeovers[log] += 1
        self.world.note("begins", consumer.name, str(partition), start)

    def given_up(self, consumer: Any, partitions: list[Partition]) -> None:
        """Its callback has returned: nothing of it may run there any more."""
        for partition in partitions:
            log = consumer.fetches[partition].log
            left = [w.name for w in self.runs.get(log, {}) if w.supervisor is consumer.process]
            self.expect(not left, "fence", f"{partition} given up while {left} run it")
            lanes = self.world.lanes(consumer.process)
            self.expect(partition not in lanes, "fence", f"{partition} given up, its lane is not")

    def ownership_ended(self, consumer: Any, partition: Partition) -> None:
        """What was done and not committed will be done again: explained by a fault, or a bug."""
        log = self.world.broker.logs.get(partition)
        if log is None:
            return
        kept, _ = self.world.broker.committed.get(partition, (0, ""))
        since = log.entries[log.since(kept) :]
        again = [entry for entry in since if entry.ended and not entry.excused]
        dirty = consumer.expelled or consumer.process.killed or partition in consumer.unclean
        offsets = [entry.offset for entry in again]
        what = f"{consumer.name} gave up {partition} at {kept}, {offsets} had ended"
        self.expect(dirty or not again, "twice", what)
        self._excuse(again)
        if dirty:
            self._charge(log)

    def _charge(self, log: Log) -> None:
        """The record that was announced when its supervisor died, or lost it, may be to blame."""
        memo = trouble_of(self.world.broker.committed.get(log.partition, (0, ""))[1])
        if memo is not None and memo.crashes and memo.offset in log.offsets:
            entry = log.entries[log.since(memo.offset)]
            entry.deaths += 1
            entry.alone += memo.alone

    # -- commits ----------------------------------------------------------------------------

    def commit_sent(self, consumer: Any, partition: Partition, offset: int) -> None:
        what = f"{consumer.name} commits {partition} at {offset}"
        self.world.note("commits", consumer.name, str(partition), offset)
        fetch = consumer.fetches.get(partition)
        self.expect(fetch is not None, "owner", f"{what}, which is not its")
        self.expect(not consumer.losing, "owner", f"{what}, which it has lost")
        first = fetch.log.unfinished if fetch.log else None
        self.expect(first is None or offset <= first.offset, "loss",
                    f"{what}, but {first and first.offset} is not finished")  # fmt: skip
        self.expect(fetch.kept <= offset <= fetch.position, "owner",
                    f"{what}, after {fetch.kept}, read up to {fetch.position}")  # fmt: skip
        fetch.kept = offset

    def commit_accepted(self, consumer: Any, partition: Partition, offset: int, memo: str) -> None:
        what = f"{consumer.name} committed {partition} at {offset}"
        self.world.note("committed", consumer.name, str(partition), offset, memo)
        owner = self.world.broker.owner.get(partition)
        self.expect(owner is consumer, "owner", f"{what}, of {owner and owner.name}")
        before, _ = self.world.broker.committed.get(partition, (0, ""))
        self.progress += offset > before
        self.expect(offset >= before, "owner", f"{what}, after {before}")
        self.expect(len(memo) <= 4096, "owner", f"{what}, with {len(memo)} bytes beside it")

    # -- dead letters ---------------------------------------------------------------------------

    def letter_sent(
        self, process: Any, topic: str, value: bytes | None, headers: list[tuple[str, bytes]]
    ) -> Entry:
        told = {name: text.decode() for name, text in headers}
        entry: Entry = self.world.entry_of(value)
        log, error = entry.log, told["ticketpool-error"]
        what = f"dead letter of {log} offset {entry.offset} ({entry.script}) for {error}"
        self.world.note("letter", process.name, str(log), entry.offset, error)
        right = (f"{log.partition.topic}.dlq", str(log.partition.number), str(entry.offset))
        given = (topic, told["ticketpool-partition"], told["ticketpool-offset"])
        self.expect(given == right, "blame", f"{what}: {given}")
        self._deserved(entry, error, what)
        return entry

    def _deserved(self, entry: Entry, error: str, what: str) -> None:
        if error == "WorkerDied":
            enough = entry.deaths >= self.world.config.max_crashes and entry.alone
            self.expect(enough, "blame", f"{what}: {entry.deaths} deaths, {entry.alone} alone")
            entry.ended = True
        else:
            self.expect(entry.script in FAILING and entry.ended, "blame", what)

    def skipped(self, consumer: Any, partition: Partition, offset: int, reason: str) -> None:
        """Policy passes it over."""
        log = consumer.fetches[partition].log
        entry = log.entries[log.since(offset)]
        what = f"{log} offset {offset} ({entry.script}) skipped for {reason}"
        self._deserved(entry, reason.partition(":")[0], what)
        entry.finished = True

    def letter_written(self, process: Any, entry: Entry) -> None:
        self.world.note("written", process.name, str(entry.log), entry.offset)
        self.progress += not entry.finished
        entry.finished = True
        entry.letters += 1
        self.letters[process.name] += 1

    # -- from time to time ------------------------------------------------------------------------

    def look_at(self, consumer: Any) -> None:
        """At each poll: buffers and windows within their bounds, pauses agreed on."""
        limits = self.world.limits
        most = limits.buffer_records + self.world.batch + 2 * limits.batch_records
        most += limits.window_records
        for partition, lane in self.world.lanes(consumer.process).items():
            fetch, ledger = consumer.fetches.get(partition), lane.ledger
            self.expect(fetch is not None, "flow", f"{partition} has a lane and is not assigned")
            what = f"{partition} paused: {fetch.paused}, its lane says {lane.paused}"
            self.expect(fetch.paused == lane.paused, "flow", what)
            self.expect(ledger.buffered <= most, "flow", f"{partition}: {ledger.buffered} buffered")
            sent = ledger.in_flight
            self.expect(sent < limits.window_records + limits.batch_records, "flow",
                        f"{partition}: {sent} in flight")  # fmt: skip
            self.expect(not lane.held or sent <= self.paused.get(lane, sent), "flow",
                        f"{partition} is held, and was sent more")  # fmt: skip
            if lane.held:
                self.paused[lane] = sent
            else:
                self.paused.pop(lane, None)

    def summed_up(self, process: Any, processed: int, dead: int, *, clean: bool) -> None:
        """A supervisor has stopped in order and says what it did."""
        did, letters = len(self.done.get(process.name, ())), self.letters[process.name]
        text = f"{process.name}: processed {processed} of {did}, dead {dead} of {letters}"
        exact = processed == did and dead == letters
        self.expect(exact or (not clean and processed <= did and dead <= letters), "count", text)
