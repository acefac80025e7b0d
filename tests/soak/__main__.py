"""``python -m tests.soak --minutes 30 [--seed N]``: exit code 0 when the promise was kept."""

import argparse
import random
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

from tests.broker import Unavailable, launch
from tests.broker.external import ExternalBroker
from tests.soak.plan import EVERY_SECONDS
from tests.soak.soak import soak
from tests.soak.verdict import table


def main() -> int:
    """Run it with a broker of its own."""
    options = _options()
    for number in (signal.SIGINT, signal.SIGTERM):  # both clean up, also where nohup ignores one
        signal.signal(number, signal.default_int_handler)
    began = time.monotonic()

    def say(line: str) -> None:
        print(f"{time.monotonic() - began:7.1f} s  {line}", flush=True)

    say(f"seed {options.seed}, {options.minutes:g} minutes; the same plan: --seed {options.seed}")
    try:
        kafka = launch()
    except Unavailable as reason:
        say(f"no broker: {reason}")
        return 1
    folder = Path(tempfile.mkdtemp(prefix="ticketpool-soak-"))
    try:
        if isinstance(kafka, ExternalBroker):
            say("a broker is needed that may be stopped; unset TICKETPOOL_TEST_BOOTSTRAP")
            return 1
        rows = soak(kafka, folder, options.seed, options.minutes * 60, say, every=options.every)
    finally:
        kafka.close()
    print(table(rows))
    ok = all(row.ok for row in rows)
    _leave(folder, ok, options.seed)
    return 0 if ok else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--every", type=float, default=EVERY_SECONDS, help="seconds between faults")
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    return parser.parse_args()


def _leave(folder: Path, ok: bool, seed: int) -> None:
    """Evidence is kept when it is needed."""
    if ok:
        shutil.rmtree(folder)
        print(f"the promise was kept (seed {seed})")
    else:
        print(f"the promise was NOT kept (seed {seed}); evidence: {folder}")


if __name__ == "__main__":
    sys.exit(main())
