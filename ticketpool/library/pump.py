"""The thread behind a ``Producer``: it takes librdkafka's reports, and keeps what is under way."""

import atexit
import logging
import os
import threading
import time
from collections.abc import Sequence

from ticketpool.errors import NotDelivered, TicketpoolError
from ticketpool.kafka.sender import Report, Sender
from ticketpool.library.delivery import Delivery, Written
from ticketpool.library.reasons import too_large_for_buffer, undelivered, why_not

_POLL_SECONDS = 0.1
_MOST_FAILURES = 10_000  # that nobody was told of; then the log is told

_log = logging.getLogger("ticketpool.producer")  # in whatever way the program has set up


class Pump:
    """One ``Sender``, fed by any thread, polled by a thread of its own.

    Args:
        servers, timeout_seconds: the sender's, for messages.
    """

    def __init__(self, sender: Sender, servers: str, timeout_seconds: float) -> None:
        self._sender = sender
        self._servers = servers
        self._timeout_seconds = timeout_seconds
        self._turn = threading.Lock()  # one submit at a time
        self.told = threading.Condition(threading.RLock())
        self._under_way: dict[Delivery, None] = {}  # in the order sent
        self._failed: list[Delivery] = []
        self._closed = self._ended = False
        self._pid = os.getpid()
        self._thread = threading.Thread(target=self._run, name="ticketpool-producer", daemon=True)
        self._thread.start()
        atexit.register(self._at_exit)

    def offer(
        self,
        delivery: Delivery,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes | None]],
        timestamp_ms: int,
    ) -> bool:
        """Take one record, unless there is no room: then wait for ``oldest``, and come again.

        Raises:
            TicketpoolError: closed, of another process, the client has failed for good, or
                the record is larger than the whole buffer.
        """

        def settle(report: Report) -> None:
            self._settle(delivery, report)

        if self._pid != os.getpid():
            raise TicketpoolError(
                f"the producer was made in process {self._pid}, before a fork; "
                "make one in each process"
            )
        taken = False
        with self._turn:
            empty = self._enter(delivery)
            try:
                taken = self._sender.submit(
                    delivery.topic, value, delivery.key, headers, timestamp_ms, settle
                )
            finally:
                if not taken:
                    self._leave(delivery)
        if empty and not taken:
            raise NotDelivered(too_large_for_buffer(delivery.topic, value))
        return taken

    def _enter(self, delivery: Delivery) -> bool:
        """Under way from before librdkafka has it: its report may be quicker than we are.

        Returns whether nothing else is.
        """
        with self.told:
            if self._closed:
                raise TicketpoolError("the producer is closed; nothing more can be sent by it")
            empty = not self._under_way and not len(self._sender)
            self._under_way[delivery] = None
        return empty

    def _leave(self, delivery: Delivery) -> None:
        with self.told:
            self._under_way.pop(delivery, None)
            self.told.notify_all()  # somebody may be waiting to close

    def oldest(self) -> Delivery | None:
        """Of those under way; when it is settled there may be room again."""
        with self.told:
            return next(iter(self._under_way), None)

    def under_way(self) -> list[Delivery]:
        """Not settled yet, in the order sent."""
        with self.told:
            return list(self._under_way)

    def _settle(self, delivery: Delivery, report: Report) -> None:
        """On the polling thread, or on that of a submit that was refused at once."""
        if report.error is None:
            self._keep(delivery, Written(delivery.topic, report.partition, report.offset))
        else:
            why = why_not(report, delivery.topic, self._servers, self._timeout_seconds)
            self._keep(delivery, NotDelivered(why))

    def _keep(self, delivery: Delivery, outcome: Written | NotDelivered) -> None:
        with self.told:
            self._under_way.pop(delivery, None)
            delivery.settle(outcome)
            if isinstance(outcome, NotDelivered):
                self._failed.append(delivery)
                self.told.notify_all()
            if len(self._failed) >= _MOST_FAILURES and (error := self._take_failures()):
                _log.error("%s", error)

    def _run(self) -> None:
        try:
            while not (self._closed and not self._under_way):
                if self._sender.poll(_POLL_SECONDS):
                    with self.told:
                        self.told.notify_all()
        except BaseException as error:
            _log.exception("the producer's thread failed")
            self._give_up(f"the producer's thread failed ({type(error).__name__}: {error})")

    def _give_up(self, why: str) -> None:
        """Take no more, and wait for nothing that is under way."""
        with self.told:
            self._closed = True
            for delivery in self.under_way():
                self._keep(delivery, NotDelivered(_unknown(delivery, why)))

    def flush(self, timeout: float | None = None) -> None:
        """Wait until all that was sent is acknowledged.

        Raises:
            NotDelivered: some of it was not, and nobody has been told.
            TimeoutError: some is still under way.
        """
        with self.told:
            if not self.told.wait_for(lambda: not self._under_way, timeout):
                raise TimeoutError(
                    f"{len(self._under_way)} records are not acknowledged within {timeout:g} s"
                )
        self.raise_failures()

    def raise_failures(self) -> None:
        """Raise ``NotDelivered`` for what was not, as far as nobody has been told."""
        if (error := self._take_failures()) is not None:
            raise error

    def _take_failures(self) -> NotDelivered | None:
        """What was not delivered, as far as nobody has been told."""
        with self.told:
            failed, self._failed = self._failed, []
        reasons = [error for delivery in failed if (error := delivery.unseen)]
        return undelivered(reasons) if reasons else None

    def close(self, timeout: float | None = None) -> None:
        """Take no more, and wait as ``flush`` does; what is still under way then is given up.

        Raises:
            NotDelivered: something was not acknowledged, and nobody has been told.
        """
        with self.told:
            self._closed = True
            self.told.wait_for(lambda: not self._under_way, timeout)
        self._give_up(f"the producer was closed and waited {timeout or 0:g} s; give close() more")
        self._thread.join()
        if not self._ended:
            self._ended = True
            self._sender.close()
            atexit.unregister(self._at_exit)
        self.raise_failures()

    def _at_exit(self) -> None:
        """The program ends, and has not closed us."""
        if self._pid != os.getpid():
            return
        began = time.monotonic()
        try:
            self.close()
        except TicketpoolError as error:
            _log.error("%s", error)
        if (took := time.monotonic() - began) > 1:
            _log.warning("the end waited %.1f s for a producer that was not closed", took)


def _unknown(delivery: Delivery, why: str) -> str:
    return f"topic {delivery.topic!r}: not acknowledged, the broker may have it or not: {why}"
