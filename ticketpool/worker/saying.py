"""*Worker side.* What a handler logs says where: its lane and the record at hand."""

from collections.abc import Callable, Coroutine
from typing import Any

from ticketpool import log
from ticketpool.ipc.frames import Open
from ticketpool.worker.words import RUNNING, STRIDE

Main = Callable[[], Coroutine[Any, Any, None]]


def saying(main: Main, opened: Open, cells: memoryview) -> Main:
    """The lane's coroutine, whose log lines, and those of whatever it calls, have the fields
    topic, partition and offset. Costs nothing until something is logged."""
    running = opened.index * STRIDE + RUNNING

    def where() -> dict[str, Any]:
        following = cells[running]
        at_hand = {"offset": following - 1} if following else {}
        return {"topic": opened.topic, "partition": opened.partition, **at_hand}

    async def run() -> None:
        log.in_place(where)
        await main()

    return run
