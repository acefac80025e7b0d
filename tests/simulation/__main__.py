"""``python -m tests.simulation``: random lives until so many events have happened.

``--seed N`` lives that one life alone and, when a promise breaks, shows how it
came to that.
"""

import argparse
import os
import sys
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import count, islice
from multiprocessing import get_context

from tests.simulation.faults import Episode


def main() -> int:
    """The exit code: 1 when a promise is broken."""
    parser = argparse.ArgumentParser(prog="simulate", description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000, help="stop after so many")
    parser.add_argument("--first", type=int, default=0, help="seed of the first life")
    parser.add_argument("--seed", type=int, help="live this one life only")
    parser.add_argument("--tail", type=int, default=80, help="lines of history to show")
    given = parser.parse_args()
    if given.seed is not None:
        return 0 if live(given.seed, given.tail) is not None else 1
    return simulate(given.events, given.first, given.tail)


def simulate(events: int, first: int, tail: int) -> int:
    """Lives by rising seeds, one on each core; which ones they are does not depend on the cores."""
    begun, done, lives = time.perf_counter(), 0, 0
    for lived in side_by_side(first, tail):
        if lived is None:
            return 1
        done, lives = done + lived, lives + 1
        if done >= events:
            break
    took = time.perf_counter() - begun
    print(f"{done:,} events in {lives} lives, all promises kept; {took:.0f} s")
    return 0


def side_by_side(first: int, tail: int) -> Iterator[int | None]:
    """What ``live`` returns for each seed, in their order, for as long as more are asked for."""
    cores = len(os.sched_getaffinity(0))
    seeds = count(first)
    with ProcessPoolExecutor(cores, get_context("spawn")) as pool:
        ahead: deque[Future[int | None]] = deque(
            pool.submit(live, seed, tail) for seed in islice(seeds, 2 * cores)
        )
        try:
            while True:
                yield ahead.popleft().result()
                ahead.append(pool.submit(live, next(seeds), tail))
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def live(seed: int, tail: int) -> int | None:
    """How many events the life had; ``None`` when a promise broke, which is told."""
    episode = Episode(seed)
    try:
        return episode.run().events
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        print("\n".join(episode.world.history().splitlines()[-tail:]))
        print(f"\n{episode.world.config}")
        print(f"\n{type(error).__name__}: {error}\nagain: python -m tests.simulation --seed {seed}")
        sys.stdout.flush()
        return None


if __name__ == "__main__":
    sys.exit(main())
