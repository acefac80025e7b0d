"""Did the promise hold? Judged from the trace logs of all processes. Pure.

See ``ticketpool.core.events`` for what the processes note, and ``INVARIANTS``
for what is checked.
"""

from ticketpool.core.oracle.oracle import Oracle
from ticketpool.core.oracle.verdict import INVARIANTS, Seen, Verdict, Violation

__all__ = ["INVARIANTS", "Oracle", "Seen", "Verdict", "Violation"]
