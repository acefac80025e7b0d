"""The handler that ``ticketpool run`` uses when it is given none."""

import threading
import time

from ticketpool import log
from ticketpool.core.model import Ticket

_EVERY_SECONDS = 2.0

_log = log.get("ticketpool.summary")


class _Tally:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count = 0
        self._last: Ticket | None = None
        self._reporter: threading.Thread | None = None

    def add(self, ticket: Ticket) -> None:
        with self._lock:
            self._count += 1
            self._last = ticket
            if self._reporter is None:
                self._reporter = threading.Thread(target=self._report, daemon=True)
                self._reporter.start()

    def _report(self) -> None:
        while True:
            time.sleep(_EVERY_SECONDS)
            with self._lock:
                count, last, self._count = self._count, self._last, 0
            if count and last is not None:
                rate = round(count / _EVERY_SECONDS, 1)
                _log.info("summary", tickets=count, per_second=rate, last_order_id=last.order_id)


_tally = _Tally()


def summary(ticket: Ticket) -> None:
    """Count the ticket; every two seconds log one line about what came."""
    _tally.add(ticket)
