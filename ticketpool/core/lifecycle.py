"""The states of the service; they go one way."""

from enum import IntEnum


class ServiceState(IntEnum):
    """In order: a service never goes back to an earlier one."""

    STARTING = 0  # workers start, the cluster is asked
    JOINING = 1  # subscribed, no assignment yet
    READY = 2  # assigned once, workers warm
    DRAINING = 3  # nothing new is fed; records at hand finish
    STOPPED = 4


class Lifecycle:
    """Where the service stands."""

    def __init__(self) -> None:
        self.state = ServiceState.STARTING

    def advance(self, to: ServiceState) -> bool:
        """Move on to a later state; False when it is there or past it already."""
        if to <= self.state:
            return False
        self.state = to
        return True
