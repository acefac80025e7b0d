"""What a person is told of a partition that does not get on: one sentence, and what to do."""

from shlex import quote

import msgspec

from ticketpool.core.causes import Cause
from ticketpool.core.model import Partition
from ticketpool.core.status import Blame


class Remedies(msgspec.Struct, frozen=True, kw_only=True):
    """What the sentences and commands have to name.

    Attributes:
        group, bootstrap_servers: as the options of these names.
        retries, max_crashes: as the options of these names.
        timeout_seconds: of a handler's call; 0: none.
    """

    group: str = "ticket-processor-group"
    bootstrap_servers: str = "localhost:9092"
    retries: int = 5
    max_crashes: int = 3
    timeout_seconds: float = 300.0

    def blame(self, at: Partition, cause: Cause, dead_letter_topic: str) -> Blame:
        """``cause`` of a partition in words."""
        reason, remedy = getattr(self, f"_{cause.kind.replace('-', '_')}")(
            at, cause, dead_letter_topic
        )
        return Blame(
            kind=cause.kind,
            offset=cause.offset,
            since_seconds=round(cause.seconds or 0.0, 3),
            reason=reason,
            remedy=remedy,
        )

    def _command(self, name: str, at: Partition) -> str:
        where = f"--topic {at.topic} --partition {at.number}"
        return f"ticketpool {name} --group {quote(self.group)} {where}"

    def _check(self) -> str:
        return f"ticketpool check --bootstrap-servers {self.bootstrap_servers}"

    def _running(self, at: Partition, cause: Cause, _: str) -> tuple[str, str]:
        end = f"; killed after {self.timeout_seconds:g} s (--handler-timeout)"
        reason = "the handler has not returned" + (end if self.timeout_seconds else "")
        return reason, self._command("trace", at)

    def _retrying(self, at: Partition, cause: Cause, _: str) -> tuple[str, str]:
        reason = f"the handler raised {cause.detail or 'an exception'}; it is tried again"
        return reason, f"mend what it names; given up after {self.retries} retries (--retries)"

    def _crashed(self, at: Partition, cause: Cause, _: str) -> tuple[str, str]:
        stacks = "read the log's 'worker exited': it has the signal, the record and the stacks"
        if cause.offset is None:
            return f"waits while {cause.detail} is run alone: a worker died with it", stacks
        if not cause.deaths:
            return "a supervisor died here: lanes run one by one for a while", stacks
        times = "once" if cause.deaths == 1 else f"{cause.deaths} times"
        last = f"; a dead letter after {self.max_crashes} (--max-crashes)"
        return f"the worker died {times} with this record{last}", stacks

    def _dead_letter(self, at: Partition, cause: Cause, topic: str) -> tuple[str, str]:
        why = cause.detail or "no answer yet"
        return f"its dead letter is not written to {topic}: {why}", self._writable(topic, why)

    def _output(self, at: Partition, cause: Cause, _: str) -> tuple[str, str]:
        where, why = f" to {cause.topic}" if cause.topic else "", cause.detail or "no answer yet"
        return (
            f"what its handler sent is not written{where}: {why}",
            self._writable(cause.topic, why),
        )

    def _writable(self, topic: str, why: str) -> str:
        if "too large" in why:
            return f"raise max.message.bytes of topic {topic}"
        if "uthoriz" in why:
            return f"allow this user to write to topic {topic}"
        named = topic or "NAME"
        return f"ticketpool topics create {named} --bootstrap-servers {self.bootstrap_servers}"

    def _out_of_range(self, at: Partition, cause: Cause, _: str) -> tuple[str, str]:
        reason = "the next offset was deleted before it was read (retention?)"
        return reason, "start again with --on-out-of-range earliest (or latest)"

    def _paused(self, at: Partition, cause: Cause, _: str) -> tuple[str, str]:
        return "a person has paused it", self._command("resume", at)

    def _worker(self, at: Partition, cause: Cause, _: str) -> tuple[str, str]:
        reason = cause.detail or "its worker has the record and does not begin it"
        return reason, self._command("trace", at)

    def _commit(self, at: Partition, cause: Cause, _: str) -> tuple[str, str]:
        reason = "the broker has not confirmed its commit"
        check = f"{self._check()} --group {quote(self.group)}"
        return f"{reason}: {cause.detail}" if cause.detail else reason, check

    def _broker(self, at: Partition, cause: Cause, _: str) -> tuple[str, str]:
        return f"no broker answers at {self.bootstrap_servers}", self._check()

    def _fetch(self, at: Partition, cause: Cause, _: str) -> tuple[str, str]:
        if cause.detail:
            return f"its leader says: {cause.detail}", f"{self._check()} --topic {at.topic}"
        return "the broker has records and none arrives", f"{self._check()} --topic {at.topic}"
