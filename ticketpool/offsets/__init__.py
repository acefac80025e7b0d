"""A group's offsets from outside: looking at them, moving them. For the command of that name."""

from ticketpool.offsets.look import Look, look
from ticketpool.offsets.resetting import Done, Plan, Resetter

__all__ = ["Done", "Look", "Plan", "Resetter", "look"]
