"""A supervisor's whole life, as the command and a program's main have it."""

from collections.abc import Callable

from ticketpool import trace
from ticketpool.config import RunConfig
from ticketpool.supervisor.garbage import rare_collections
from ticketpool.supervisor.service import Supervisor
from ticketpool.supervisor.signals import StopSignals
from ticketpool.supervisor.totals import Summary


def run(
    config: RunConfig,
    tell: Callable[[Summary], object] | None = None,
    begin: Callable[[Supervisor, StopSignals], object] | None = None,
) -> None:
    """Run the supervisor until it is told to stop. Main thread only.

    Args:
        tell: gets the outcome, however it ends.
        begin: gets the supervisor before it runs, to ask for its ``status``, and what stops it.

    Raises:
        TicketpoolError: any of ``ticketpool.errors``, with its exit code.
    """
    trace.open_supervisor(config.trace_log, config.group)
    try:
        with StopSignals() as signals, rare_collections():
            supervisor, ok = Supervisor(config, signals), False
            if begin is not None:
                begin(supervisor, signals)
            try:
                supervisor.run()
                ok = True
            finally:
                if tell is not None:
                    tell(supervisor.summary(ok))
    finally:
        trace.close()
