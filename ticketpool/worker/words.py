"""*Both sides.* Where in the shared words a lane says what it is doing.

Five words per lane, written by its thread with one store each, four of them per record:
the supervisor can read them at any time, also after the process was killed.
"""

LANES = 4096  # lanes that one worker can hold; 160 KiB of address space, touched as used
STRIDE = 5
HEARTBEAT = LANES * STRIDE  # ``monotonic_ns`` of the supervisor's last sign of life
LIFE = HEARTBEAT + 1  # the same of the worker, a second old at most while it runs at all
COUNT = LIFE + 1

LIFE_SECONDS = 1.0
"""How often a worker gives its sign of life."""

LANE, RUNNING, SINCE, SETTLED, HELD = range(STRIDE)
"""``LANE``: number of the lane that the other three belong to.
``RUNNING``: offset + 1 of the record last begun; 0 while a retry waits.
``SINCE``: ``time.monotonic_ns()`` when it was begun (CLOCK_MONOTONIC is the
same in all processes, clock_gettime(2)).
``SETTLED``: offset + 1 of the record last finished for good, its ack sent if it
is a dead one. A record is running while ``RUNNING > SETTLED``.
``HELD``: 0, or 1 + what ``SETTLED`` was before a record whose outputs no ack has
told yet: past that, ``SETTLED`` means finished but not settled."""


def running(cells: memoryview, index: int, lane: int) -> tuple[int, int] | None:
    """*Supervisor side.* (offset, since in ns) of the record that the lane runs, if any."""
    base = index * STRIDE
    if cells[base + LANE] != lane or cells[base + RUNNING] <= cells[base + SETTLED]:
        return None
    return cells[base + RUNNING] - 1, cells[base + SINCE]


def settled(cells: memoryview, index: int, lane: int) -> int | None:
    """*Supervisor side.* The last offset that the lane finished, acknowledged or not; of those
    before a record whose outputs have not been told."""
    base = index * STRIDE
    if cells[base + LANE] != lane:
        return None
    following: int = cells[base + SETTLED]  # before HELD: see ``LaneOutputs``
    if held := cells[base + HELD]:
        following = min(following, held - 1)
    return following - 1 if following else None
