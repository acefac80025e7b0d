"""Leaving a ``with`` block: what the leaving raises must not hide what the block has raised."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ticketpool.errors import TicketpoolError


@contextmanager
def beside(
    error: BaseException | None, words: Callable[[TicketpoolError], str] = str
) -> Iterator[None]:
    """For what is done at the end of a block that ended with ``error``, if with any.

    A ``TicketpoolError`` of it is raised when the block has ended well; else ``error``
    goes on, with a note of it in these words.
    """
    try:
        yield
    except TicketpoolError as failure:
        if error is None:
            raise
        error.add_note(f"and {words(failure)}")
