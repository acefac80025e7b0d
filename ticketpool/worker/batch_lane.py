"""A lane of a batch handler: consecutive records together, and the culprit by itself."""

from contextlib import suppress
from itertools import takewhile
from time import monotonic, monotonic_ns
from typing import Any

from ticketpool import crash
from ticketpool.core.model import Drain, PartialFailure
from ticketpool.ipc.channel import Port
from ticketpool.ipc.frames import Closed, Open, Records
from ticketpool.worker.batch_call import BatchCall, named
from ticketpool.worker.batch_notes import BatchNotes
from ticketpool.worker.decoding import Undecodable
from ticketpool.worker.lane import Lane, Rules
from ticketpool.worker.outputs import LaneOutputs
from ticketpool.worker.place import Place

_NOT_YET = object()


class Item:
    """A record of a batch.

    Attributes:
        calls: that were made with it.
        undecodable: why there is no payload, if there is none.
    """

    __slots__ = ("calls", "frame", "i", "offset", "payload", "undecodable")

    def __init__(self, frame: Records, i: int, call: BatchCall) -> None:
        self.frame = frame
        self.i = i
        self.offset = frame.offset(i)
        self.calls = frame.attempts if i == 0 else 0
        self.payload: Any = _NOT_YET
        self.undecodable: Undecodable | None = None
        try:
            self.payload = call.payload(frame, i)
        except Undecodable as error:
            self.undecodable = error
        except BaseException:  # a registry that is away, say: the call tries again, and tells
            self.payload = _NOT_YET

    def ready(self, call: BatchCall) -> Any:
        """The payload. Raises why there is none yet, if decoding it fails again."""
        if self.payload is _NOT_YET:
            self.payload = call.payload(self.frame, self.i)
        return self.payload


class _Unfinished(Exception):
    """The lane ends with records at hand: they will be delivered again."""


class BatchLane(Lane):
    """*Worker side.* As ``Lane``, with up to ``rules.batch_size`` records in a call.

    A batch that fails is retried as a whole. Then halves of it are called until the culprit
    stands alone: what came before is settled, it becomes a dead letter, and what comes behind
    is a batch anew. The word RUNNING tells the first record of a call.
    """

    def __init__(
        self,
        opened: Open,
        call: BatchCall,
        rules: Rules,
        port: Port[Any],
        cells: memoryview,
        place: Place | None = None,
        drain: Drain | None = None,
        outputs: LaneOutputs | None = None,
    ) -> None:
        self._batch = call
        self._notes = BatchNotes(opened.lane, opened.topic, opened.partition)
        self._frame: Records | None = None
        self._at = 0  # of the frame's records, the next
        self._call_began = 0
        super().__init__(opened, _no_call, rules, port, cells, place, drain, outputs)

    async def _run(self) -> None:
        with suppress(_Unfinished):
            while items := await self._gather():
                crash.point("worker:before-batch")
                await self._settle(items)
                await self._place.breathe()
        self._acknowledge()
        self._port.send(Closed(self._number, self._cut_off))

    # -- gathering -------------------------------------------------------------------------

    async def _gather(self) -> list[Item]:
        """The next batch: full, or what has come within the time; empty: the lane is closed."""
        items: list[Item] = []
        due = 0.0
        while len(items) < self._rules.batch_size:
            frame = self._frame
            if frame is not None and self._at < len(frame.values):
                due = due or monotonic() + self._rules.batch_seconds
                items.append(Item(frame, self._at, self._batch))
                self._at += 1
            elif items and frame is not None and frame.no_more:
                break
            elif not await self._next_frame(due - monotonic() if items else None):
                break
        return [] if self._closing else items

    async def _next_frame(self, seconds: float | None) -> bool:
        """Wait for it; False when the time is over or the lane is closed."""
        self._acknowledge()
        try:
            frame = await self._place.get(seconds)
        except TimeoutError:
            return False
        self._frame, self._at = frame, 0
        self._expect_acks()
        return frame is not None

    # -- finishing -------------------------------------------------------------------------

    async def _settle(self, items: list[Item]) -> None:
        """All of them, in order. Raises ``_Unfinished`` when the lane ends before."""
        tries = items[0].calls  # by an earlier process
        while items := self._bury_undecodable(items):
            if self._closing:
                raise _Unfinished
            items, tries = await self._advance(items, tries), 0

    async def _advance(self, items: list[Item], tries: int) -> list[Item]:
        """Finish some of them, the first at least; what is left. The first is decoded."""
        part = self._together(items)
        while True:
            error = await self._attempt(part)
            if error is None:
                return self._pass(items, part)
            if (blamed := named(error, len(part))) is not None:
                return await self._end_named(items, part, blamed, error)
            self._notes.failed(part[0].offset, part[0].calls)
            tries += 1
            if self._is_final(error, tries):
                return await self._halve(items, part, error)
            await self._wait(part[0], tries, error)

    def _together(self, items: list[Item]) -> list[Item]:
        """What is called at once: all that is decoded; unless the policy stops at the first that
        is not, and what comes behind must not have run."""
        if self._rules.stop_on_failure:
            return _decoded(items)
        return [item for item in items if item.undecodable is None]

    async def _halve(self, items: list[Item], part: list[Item], error: BaseException) -> list[Item]:
        """The part has failed for good: call halves until the culprit stands alone."""
        alone = len(part) == 1
        while not alone:
            left = part[: max(len(part) // 2, 1)]
            found = await self._attempt(left)
            if found is None:
                items, part = self._pass(items, left), part[len(left) :]
                if not part:  # none of them fails alone
                    return items
            elif (blamed := named(found, len(left))) is not None:
                return await self._end_named(items, left, blamed, found)
            else:
                self._notes.failed(left[0].offset, left[0].calls)
                part, error, alone = left, found, len(left) == 1
        return self._bury(items, part[0], error)

    async def _end_named(
        self, items: list[Item], part: list[Item], blamed: int, error: BaseException
    ) -> list[Item]:
        """The handler says which record it was: that one is tried again by itself."""
        items = self._bury_undecodable(self._pass(items, part[:blamed]))
        culprit, error = part[blamed], _own(error)
        self._notes.failed(culprit.offset, culprit.calls)
        while not self._is_final(error, culprit.calls):
            await self._wait(culprit, culprit.calls, error)
            again = await self._attempt([culprit])
            if again is None:
                return self._pass(items, [culprit])
            error = _own(again)
            self._notes.failed(culprit.offset, culprit.calls)
        return self._bury(items, culprit, error)

    async def _attempt(self, part: list[Item]) -> BaseException | None:
        """One call; what it has raised. Raises ``_Unfinished`` when it may not be made, or was
        cancelled."""
        if not await self._may_begin():
            raise _Unfinished
        self._call_began = self._begin(part[0].offset)
        for item in part:
            item.calls += 1
        self._notes.begun(part[0].offset, part[0].calls)
        try:
            await self._batch.run(
                [item.ready(self._batch) for item in part],
                [(item.frame, item.i, item.calls) for item in part],
            )
        except BaseException as error:  # as in Lane
            if self._is_cut():
                self._notes.failed(part[0].offset, part[0].calls)
                raise _Unfinished from None
            return error
        finally:
            await self._place.calm()
        return None

    async def _wait(self, first: Item, tries: int, error: BaseException) -> None:
        if not await self._back_off(first.offset, tries, error):
            raise _Unfinished

    # -- telling ---------------------------------------------------------------------------

    def _pass(self, items: list[Item], done: list[Item]) -> list[Item]:
        """These are finished, and with them the undecodable ones in between; what is left."""
        while done:
            items = self._bury_undecodable(items)
            passed = _decoded(items)[: len(done)]
            for item in passed:
                self._notes.ok(item.offset, item.calls)
            self._finished(passed[-1].offset, self._call_began, len(passed))
            self._call_began = monotonic_ns()
            items, done = items[len(passed) :], done[len(passed) :]
        return items

    def _bury_undecodable(self, items: list[Item]) -> list[Item]:
        """Tell the first of them dead, as far as they can't be decoded; what is left."""
        while items and (error := items[0].undecodable) is not None:
            if self._closing and self._rules.stop_on_failure:
                break
            item = items[0]
            item.calls += 1
            self._call_began = self._begin(item.offset)
            self._notes.failed(item.offset, item.calls)
            items = self._end(items, error)
        return items

    def _bury(self, items: list[Item], culprit: Item, error: BaseException) -> list[Item]:
        """It has failed for good, and nothing before it is left but what can't be decoded."""
        items = self._bury_undecodable(items)
        assert items[0] is culprit  # noqa: S101 - or another would pay for it
        return self._end(items, error)

    def _end(self, items: list[Item], error: BaseException) -> list[Item]:
        self._give_up(items[0].offset, items[0].calls, error)
        self._finished(items[0].offset, self._call_began)
        return items[1:]


def _decoded(items: list[Item]) -> list[Item]:
    """The first of them, up to one that is not."""
    return list(takewhile(lambda item: item.undecodable is None, items))


def _own(error: BaseException) -> BaseException:
    """What was wrong with the record itself."""
    return error.error if isinstance(error, PartialFailure) else error


def _no_call(batch: Records, i: int, attempt: int) -> None:
    raise AssertionError("a batch handler has no call for a single record")
