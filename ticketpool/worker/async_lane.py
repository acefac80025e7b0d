"""A lane of an async handler: a task on the worker's event loop."""

from ticketpool import crash
from ticketpool.ipc.frames import Records
from ticketpool.worker.lane import Lane


class AsyncLane(Lane):
    """*Worker side.* As ``Lane``, and awaits what the handler's calls return.

    While it awaits, the other lanes of the worker go on. Acks leave from the loop's thread,
    by a write that blocks until the pipe has taken it: as briefly as a thread's lane holds up
    the others that have something to send. The supervisor reads its pipes before all else.
    """

    async def _work(self, batch: Records) -> None:
        self._expect_acks()
        attempt = batch.attempts + 1  # of the first record
        crash.point("worker:before-batch")
        for i, offset in enumerate(batch.offsets):
            if not await self._may_begin():
                break
            began = self._begin(offset)
            try:
                await self._call_again(batch, i, attempt)
            except BaseException as error:  # as in a thread; asyncio.CancelledError too
                if not await self._recover(batch, i, error, attempt):
                    break
            attempt = 1
            if self._finished(offset, began):
                await self._place.breathe()  # a handler that never waits keeps nobody off
        self._acknowledge()
        await self._place.breathe()

    async def _call_again(self, batch: Records, i: int, attempt: int) -> None:
        try:
            await self._call(batch, i, attempt)
        finally:
            await self._place.calm()
