"""The supervisor: the loop that polls, feeds, collects, commits and tends."""

from ticketpool.supervisor.running import run
from ticketpool.supervisor.totals import Summary

__all__ = ["Summary", "run"]
