"""Bad lines as they are told: each of the first ones, then how many more, once a second."""

import time

from ticketpool.log import get
from ticketpool.produce.items import Bad

EACH = 10
"""Bad lines that are told one by one."""
_EVERY_SECONDS = 1.0

log = get(__name__)


class Complaints:
    """Tells of bad lines. ``kept_in``: the ``--failed`` file, ``None``: there is none."""

    def __init__(self, kept_in: str | None) -> None:
        self._kept_in = kept_in or "nothing; add --failed FILE"
        self._told = 0
        self._more = 0
        self._last: Bad | None = None
        self._due = 0.0

    def tell(self, bad: Bad) -> None:
        """Log the line, or count it for ``tell_more``."""
        if self._told < EACH:
            self._told += 1
            log.warning("bad line", line=bad.line, reason=bad.reason, kept_in=self._kept_in)
        else:
            self._more += 1
            self._last = bad

    def tell_more(self, *, at_end: bool = False) -> None:
        """Log how many came beyond the first ones, if a second has passed or it is the end."""
        if self._last is None or (time.monotonic() < self._due and not at_end):
            return
        last, more = self._last, self._more
        self._last, self._more = None, 0
        self._due = time.monotonic() + _EVERY_SECONDS
        log.warning("more bad lines", lines=more, last=last.line, reason=last.reason)
