"""``python -m tests.simulation``: random lives until so many events have happened.

``--seed N`` lives that one life alone and, when a promise breaks, shows how it
came to that.
"""

import argparse
import sys
import time

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
    """Lives one after the other."""
    begun, done, seed = time.perf_counter(), 0, first
    while done < events:
        lived = live(seed, tail)
        if lived is None:
            return 1
        done += lived
        seed += 1
    took = time.perf_counter() - begun
    print(f"{done:,} events in {seed - first} lives, all promises kept; {took:.0f} s")
    return 0


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
        return None


if __name__ == "__main__":
    sys.exit(main())
