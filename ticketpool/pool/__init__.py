"""Keeps a number of slots filled with child processes: start, watch, restart with back-off."""

from ticketpool.pool.pool import Death, Pool, Signal, Slot, SlotState

__all__ = ["Death", "Pool", "Signal", "Slot", "SlotState"]
