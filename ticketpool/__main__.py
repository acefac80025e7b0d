"""``python -m ticketpool`` and the ``ticketpool`` command."""

from ticketpool.cli import main

if __name__ == "__main__":
    main()
