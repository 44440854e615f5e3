"""Values that a forked child must not share with its parent: locks, pools of threads, objects with own threads.

A fork copies the memory of a process and only the thread that forks. In the child, a pool has no threads, and a lock
that another thread held is held for ever. ``PerProcess`` makes such a value on first use in every process.
"""

import os
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Generic, TypeVar

T = TypeVar("T")

_FIRST = os.getpid()


class PerProcess(Generic[T]):
    """``get()`` is the value that ``make`` made in this process; a child that was forked makes its own.

    ``make`` may run twice when two threads ask for the first time; both then get the same value, and the other one is
    dropped, so it must not hold anything that has to be closed.
    """

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._values: dict[int, T] = {}

    def get(self) -> T:
        """The value of this process."""
        values, process = self._values, os.getpid()
        if process not in values:
            values.setdefault(process, self._make())
            for other in [one for one in values if one != process]:
                # The parent's; a later process may get its id.
                values.pop(other, None)
        return values[process]


class ProcessLock:
    """A ``threading.Lock`` that is free in a forked child, whichever thread of the parent held it."""

    def __init__(self) -> None:
        self._lock = PerProcess(threading.Lock)

    def __enter__(self) -> None:
        self._lock.get().acquire()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lock.get().release()


def was_forked() -> bool:
    """Whether this process is a fork of the one that imported faceagent."""
    return os.getpid() != _FIRST
