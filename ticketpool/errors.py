"""Everything that stops ticketpool on purpose, as one tree.

::

    TicketpoolError                 1  anything below, or a bug with evidence
    ├── ConfigError                 2  a setting is wrong; the message names it
    │   ├── TopicMissing            2  the topic does not exist
    │   └── ControlError            2  a supervisor was asked for what it can't do
    ├── NoSupervisor                3  no supervisor answers on a control socket
    ├── BrokerUnreachable           3  no broker answers at the given addresses
    ├── NotAuthorised               3  the broker answers, and refuses us
    ├── HandlerError                4  the handler cannot be loaded or opened
    │   ├── HandlerNotFound         4  no such module or attribute
    │   └── HandlerUnsupported      4  wrong signature, annotation or kind
    ├── WorkerStartFailed           4  a worker process dies before it is ready
    ├── StoppedByPolicy             5  ``--on-failure stop`` met a failing record
    ├── DrainTimeout                6  work was cut off; it will be delivered again
    ├── VerificationFailed          7  a proof of order or completeness failed
    ├── NotDelivered                7  the broker did not acknowledge a record that was sent
    ├── NotReached                  3  no supervisor answers at the given addresses
    ├── NotWell                     8  ``status`` found something that is not well
    ├── SupervisorDied              1  an embedded pool's process ended without a word
    ├── OutOfOrder                  1  an invariant of order broke: a bug, with evidence
    └── FrameError                  1  bytes on a pipe that are no frame of ours

The number is the exit code of the command (``exit_code``). 130 and 143 are
left to the shell: a clean stop by SIGINT or SIGTERM exits with 0.
"""


class TicketpoolError(Exception):
    """Base of all errors that ticketpool raises on purpose."""

    exit_code = 1


class ConfigError(TicketpoolError):
    """A setting is wrong; the message names the setting and how to mend it."""

    exit_code = 2


class TopicMissing(ConfigError):
    """A topic does not exist on the cluster."""


class ControlError(ConfigError):
    """What was asked of a running supervisor makes no sense there; the message says why."""


class NoSupervisor(TicketpoolError):
    """No supervisor answers on a control socket, or several do and none was named."""

    exit_code = 3


class BrokerUnreachable(TicketpoolError):
    """No broker answered at the configured addresses."""

    exit_code = 3


class NotAuthorised(TicketpoolError):
    """The broker refused our identity or our right to a resource."""

    exit_code = 3


class HandlerError(TicketpoolError):
    """The handler cannot be used."""

    exit_code = 4


class HandlerNotFound(HandlerError):
    """The module or the attribute that names the handler does not exist."""


class HandlerUnsupported(HandlerError):
    """The handler's kind, parameters or annotation cannot be served."""


class WorkerStartFailed(TicketpoolError):
    """A worker process ended before it was ready."""

    exit_code = 4


class StoppedByPolicy(TicketpoolError):
    """A record failed for good and the failure policy says stop."""

    exit_code = 5


class DrainTimeout(TicketpoolError):
    """The drain deadline passed with handlers still running."""

    exit_code = 6


class VerificationFailed(TicketpoolError):
    """Records are missing, repeated, out of order or undelivered."""

    exit_code = 7


class NotDelivered(TicketpoolError):
    """A record that was sent has not been acknowledged, and will not be sent again."""

    exit_code = 7


class NotReached(TicketpoolError):
    """A supervisor, or the broker, does not answer: how it stands is not known."""

    exit_code = 3


class NotWell(TicketpoolError):
    """All have answered, and something is not well."""

    exit_code = 8


class SupervisorDied(TicketpoolError):
    """The process of an embedded pool ended without saying why: killed, most likely."""


class OutOfOrder(TicketpoolError):
    """An offset went backwards, or an acknowledgement did not fit the ledger."""


class FrameError(TicketpoolError):
    """Bytes that cannot be a frame: too long, undecodable, of unknown type."""
