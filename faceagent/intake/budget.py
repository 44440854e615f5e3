"""How many bytes all decoders of this process may hold at a time.

A picture whose decoding would not fit waits until others are done; smaller ones are let past it. Whoever decodes has a
deadline, so nobody waits for ever.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

MOST_DECODING = 3 * 2**28
"""Bytes, about 800 MB. What one picture alone would exceed is refused before it is decoded."""

_CHANGED = threading.Condition()
_HELD: list[int] = []


@contextmanager
def decoding(size: int) -> Iterator[None]:
    """Hold ``size`` bytes of the budget; waits until they are free."""
    with _CHANGED:
        _CHANGED.wait_for(lambda: not _HELD or sum(_HELD) + size <= MOST_DECODING)
        _HELD.append(size)
    try:
        yield
    finally:
        with _CHANGED:
            _HELD.remove(size)
            _CHANGED.notify_all()
