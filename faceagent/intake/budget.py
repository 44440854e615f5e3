"""How many bytes all decoders of this process may hold at a time.

A picture whose decoding would not fit waits until others are done; smaller ones are let past it. Whoever decodes has a
deadline, so nobody waits for ever.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from faceagent.per_process import PerProcess

MOST_DECODING = 3 * 2**28
"""Bytes, about 800 MB. What one picture alone would exceed is refused before it is decoded."""


class _Budget:
    """The sizes that are held, and the condition on which others wait."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.held: list[int] = []


# What threads of the parent hold is not held in a forked child.
_BUDGET = PerProcess(_Budget)


@contextmanager
def decoding(size: int) -> Iterator[None]:
    """Hold ``size`` bytes of the budget; waits until they are free."""
    budget = _BUDGET.get()
    with budget.changed:
        budget.changed.wait_for(lambda: not budget.held or sum(budget.held) + size <= MOST_DECODING)
        budget.held.append(size)
    try:
        yield
    finally:
        with budget.changed:
            budget.held.remove(size)
            budget.changed.notify_all()
