"""*Worker side.* The outlet of a run that keeps what failed, and lets nothing overtake it."""

from ticketpool.ipc.channel import Port
from ticketpool.kafka.returning import Record, Returned, ReturningProducer
from ticketpool.produce import frames
from ticketpool.produce.frames import FromCoordinator, Hello
from ticketpool.produce.outlet import Outlet
from ticketpool.produce.tally import GIVE_UP

BEHIND_A_FAILED_ONE = "an earlier ticket of its key was not delivered"
GIVEN_UP = "a second signal came before its turn"
_FRAME_BYTES = 256 << 10
_ANY = 1 << 20
_ANSWER_SECONDS = 1.0  # for what is under way when the time is over


class Gate:
    """Lets a key's tickets pass until one of them fails; then no more of that key.

    Args:
        limit: bytes that key and value together may have.
        hold_back: whether failed keys are held back at all.

    Attributes:
        shut: nothing passes any more.

    >>> gate = Gate(10, hold_back=True)
    >>> gate.reason({"key": b"a", "value": b"longer than 10 bytes"})
    '21 bytes with its key, and message.max.bytes leaves 10'
    >>> gate.close(b"a")
    >>> gate.reason({"key": b"a", "value": b"short"})
    'an earlier ticket of its key was not delivered'
    """

    def __init__(self, limit: int, *, hold_back: bool) -> None:
        self._limit = limit
        self._hold_back = hold_back
        self._closed: set[bytes] = set()
        self.shut = False

    def close(self, key: bytes | None) -> None:
        """Hold that key back from now on, if there is an order to keep."""
        if key is not None and self._hold_back:
            self._closed.add(key)

    def has_order(self, record: Record) -> bool:
        """Whether others of its key, which may be on their way, must not overtake it."""
        return self._hold_back and record["key"] is not None

    def reason(self, record: Record) -> str | None:
        """Why a record may not pass; ``None``: it may."""
        key = record["key"]
        if self.shut:
            return GIVEN_UP
        if key in self._closed:
            return BEHIND_A_FAILED_ONE
        if (size := len(key or b"") + len(record["value"])) > self._limit:
            return f"{size:,} bytes with its key, and message.max.bytes leaves {self._limit:,}"
        return None


class ReturningOutlet(Outlet):
    """Gives the coordinator each ticket that was not delivered, and holds its key back.

    When a ticket fails, those of its key that wait in librdkafka's queue must not be
    sent any more. A queue can only be called back as a whole; so all that was not sent
    yet is, and is sent again, but for the failed keys, once the rest has been reported.

    Time-outs are ours for the same reason: librdkafka would drop what is too old and send
    what comes behind it in one go, before we hear of the first.
    """

    _kind = ReturningProducer
    _producer: ReturningProducer

    def __init__(self, hello: Hello, port: Port[FromCoordinator], cells: memoryview) -> None:
        super().__init__(hello, port, cells)
        self._keeps = hello.config.failed is not None
        self._gate = Gate(self._producer.max_record_bytes, hold_back=self._keeps)
        self._patience = hello.config.delivery_timeout_seconds if self._keeps else None
        self._recalling = False
        self._collected: list[Returned] = []
        self._returned: list[tuple[str, Record]] = []
        self._returned_bytes = 0

    @property
    def busy(self) -> bool:
        return self._recalling or super().busy

    def room(self, record_bytes: int) -> int:
        if self._gate.shut:
            return _ANY
        return 0 if self._recalling else super().room(record_bytes)

    def write(self, records: list[Record]) -> None:
        passed = []
        for record in records:
            if reason := self._gate.reason(record):
                self._fail(record, reason)
            else:
                passed.append(record)
        self._producer.send(self._topic, passed)
        self.poll(0)

    def account(self) -> None:
        if self._cells[GIVE_UP] and not self._gate.shut:
            self._gate.shut = self._recalling = True
            self._producer.abandon()
        self._mind_time()
        self._take(self._producer.take_returned())
        if self._recalling and not len(self._producer):
            self._go_on()
        self._give_back()
        super().account()

    def _mind_time(self) -> None:
        """Call back all when the oldest has waited too long; a little later also what is on its
        way to a broker that does not answer."""
        if self._patience is None or (waited := self._producer.waited_seconds) < self._patience:
            return
        if not self._recalling:
            self._producer.recall()
            self._recalling = True
        elif waited >= self._patience + _ANSWER_SECONDS:
            self._producer.abandon()

    def _is_late(self, each: Returned) -> bool:
        return self._patience is not None and each.waited_seconds >= self._patience

    def _take(self, returned: list[Returned]) -> None:
        if not self._recalling and any(self._gate.has_order(each.record) for each in returned):
            self._producer.recall()
            self._recalling = True
        if self._recalling:
            self._collected += returned
            return
        for each in returned:
            self._fail(each.record, each.reason)

    def _go_on(self) -> None:
        """All is reported: give back what failed, and what is behind it; send the rest again."""
        again = []
        for each in sorted(self._collected):  # by number: reports do not come in order
            if not each.recalled:
                self._fail(each.record, each.reason)
            elif self._is_late(each):
                self._fail(each.record, f"not sent within {self._patience:g} s, --delivery-timeout")
            elif reason := self._gate.reason(each.record):
                self._fail(each.record, reason)
            else:
                again.append(each.record)
        self._collected, self._recalling = [], False
        if not self._gate.shut:
            self._producer.renew()
            self.write(again)

    def _fail(self, record: Record, reason: str) -> None:
        self._producer.deliveries.fail(reason)
        self._gate.close(record["key"])
        if self._keeps:
            self._returned.append((reason, record))
            self._returned_bytes += len(record["value"])
            if self._returned_bytes > _FRAME_BYTES:
                self._give_back()

    def _give_back(self) -> None:
        if not self._returned:
            return
        reasons = [reason for reason, _ in self._returned]
        records = [record for _, record in self._returned]
        keys, values = [r["key"] for r in records], [r["value"] for r in records]
        timestamps = [record.get("timestamp") for record in records]
        self._port.send(frames.Returned(reasons, keys, values, timestamps))
        self._returned, self._returned_bytes = [], 0
