"""*Worker side.* What its threads and tasks are doing at this moment, without stopping them.

Frames are read from outside, one interpreter step after the other, as a sampling profiler does:
what runs meanwhile may have gone on a line. Values are not shown, only places and source lines;
and of what a handler was called by, nothing.
"""

import asyncio
import linecache
import sys
import threading
import traceback
from collections.abc import Iterator
from itertools import dropwhile
from pathlib import Path
from types import FrameType
from typing import Any

import ticketpool
from ticketpool.ipc.frames import Stack
from ticketpool.worker.loop import Loop

MOST = 500
"""Stacks that are told of, those of tasks first."""

_FRAMES = 50  # of one stack, the innermost

_OURS = (
    threading.__file__,
    str(Path(asyncio.__file__).parent),
    str(Path(ticketpool.__file__).parent),
)


def stacks(loop: Loop | None) -> list[Stack]:
    """Of all tasks of the event loop, and of all threads but the one that asks."""
    frames = sys._current_frames()
    found: list[Stack] = [] if loop is None else list(_tasks(loop, frames))
    for thread in threading.enumerate():
        frame = frames.get(thread.ident or 0)
        if frame is not None and thread is not threading.current_thread():
            found.append(Stack(thread.name, "thread", _lines(_outwards(frame))))
    return found[:MOST]


def _tasks(loop: Loop, frames: dict[int, FrameType]) -> Iterator[Stack]:
    running = asyncio.current_task(loop.asyncio)
    for task in asyncio.all_tasks(loop.asyncio):
        if task is running and loop.thread in frames:  # it keeps all others from running
            yield Stack(task.get_name(), "task", _lines(_outwards(frames[loop.thread])))
        else:
            yield Stack(task.get_name(), "task", _lines(_inwards(task.get_coro())))


def _outwards(frame: FrameType | None) -> list[FrameType]:
    """The frames of a thread, the innermost last."""
    found: list[FrameType] = []
    while frame is not None and len(found) < _FRAMES:
        found.append(frame)
        frame = frame.f_back
    return found[::-1]


def _inwards(awaited: Any) -> list[FrameType]:
    """The frames of what a suspended task awaits, the innermost last."""
    found: list[FrameType] = []
    while awaited is not None:
        kind = next((k for k in ("cr", "gi", "ag") if hasattr(awaited, f"{k}_frame")), None)
        if kind is None:
            break  # a future, or what a C extension awaits
        if (frame := getattr(awaited, f"{kind}_frame")) is not None:
            found.append(frame)
        awaited = getattr(awaited, "gi_yieldfrom" if kind == "gi" else f"{kind}_await")
    return found[-_FRAMES:]


def _lines(frames: list[FrameType]) -> list[str]:
    theirs = list(dropwhile(_is_ours, frames)) or frames[-1:]  # a lane that waits has none
    places = [(frame, frame.f_lineno) for frame in theirs if frame.f_lineno is not None]
    linecache.checkcache()  # a file that was edited since shows its present text
    summary = traceback.StackSummary.extract(iter(places), capture_locals=False)
    return "".join(summary.format()).splitlines()


def _is_ours(frame: FrameType) -> bool:
    return frame.f_code.co_filename.startswith(_OURS)
