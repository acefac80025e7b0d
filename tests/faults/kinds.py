"""The kinds of groups that the promises are kept in: protocol x membership."""

from typing import NamedTuple

SESSION_SECONDS = 6
"""After so much silence a member is dead to the coordinator (classic and new protocol)."""


class Kind(NamedTuple):
    """How a group shares its partitions, and whether its members have names that outlive them."""

    protocol: str
    static: bool

    @property
    def incremental(self) -> bool:
        """Whether a rebalance leaves the partitions that stay where they are alone."""
        return self.protocol != "range"

    def options(self, name: str) -> list[str]:
        """What to give to ``ticketpool run`` for the member of that name."""
        if self.protocol == "consumer":  # its session's length is the broker's to set
            found = ["-X", "group.protocol=consumer"]
        else:
            found = ["--assignor", self.protocol]
            found += ["-X", f"session.timeout.ms={SESSION_SECONDS}000"]
            found += ["-X", "heartbeat.interval.ms=500"]
        return found + (["-X", f"group.instance.id={name}"] if self.static else [])


PROTOCOLS = ("cooperative-sticky", "range", "consumer")
KINDS = {
    f"{protocol}-{'static' if static else 'dynamic'}": Kind(protocol, static)
    for protocol in PROTOCOLS
    for static in (False, True)
}
USUAL = KINDS["cooperative-sticky-dynamic"]
