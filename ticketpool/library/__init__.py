"""Both ends for programs: ``ticketpool.Pool`` and ``ticketpool.Producer``."""
