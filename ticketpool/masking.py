"""Secrets that this process knows, so that what it writes can be kept free of them."""

import json

from ticketpool.config import MASK

_LEAST = 4
"""Shorter values are not looked for: masking them would make every text unreadable."""

_known: tuple[str, ...] = ()


def hide(*secrets: str) -> None:
    """These values appear in no text of ``masked`` any more, nor do the lines of a longer one."""
    global _known
    found = set(_known)
    for secret in secrets:
        for text in (secret, secret.strip(), *secret.split("\n")):
            if len(text) >= _LEAST:
                found |= _spellings(text)
    # The longest first: one may be part of another.
    _known = tuple(sorted(found, key=lambda text: (-len(text), text)))


def _spellings(text: str) -> set[str]:
    """As it stands, and as it does inside of a ``repr`` or of JSON, or of one in the other."""
    once = {text, json.dumps(text)[1:-1], repr(text)[1:-1]}
    return once | {spell(one)[1:-1] for one in once for spell in (json.dumps, repr)}


def masked(text: str) -> str:
    """The text, with ``***`` for each secret.

    >>> hide("hunter2!")
    >>> masked("password=hunter2!, user=shop")
    'password=***, user=shop'
    """
    for secret in _known:
        if secret in text:
            text = text.replace(secret, MASK)
    return text
