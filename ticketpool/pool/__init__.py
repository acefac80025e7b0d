"""Keeps a number of slots filled with child processes: start, watch, restart with back-off."""

from ticketpool.pool.pool import Pool, Signal, Slot, SlotState

__all__ = ["Pool", "Signal", "Slot", "SlotState"]
