"""What a fork has to wait for, so that the child can compute.

A forked child gets the locks of the libraries in use as they are at that moment. A lock that another thread of the
parent holds, such as the one of MKL's buffers during a matrix product, is never opened in the child. So a fork waits
until no computation of ours is inside such a library, and no new one begins before the fork is done.
"""

import os
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from faceagent.per_process import PerProcess, ProcessLock

PATIENCE = 20.0
"""Seconds that a fork waits for computations in other threads, and they for a fork, before they go on all the same."""


class _Computations:
    """How many computations each thread is inside of, and how many forks wait for them or happen."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.inside: Counter[int] = Counter()
        self.forks = 0

    def elsewhere(self) -> bool:
        """Whether a thread other than the caller's is inside a computation."""
        return any(thread != threading.get_ident() for thread in self.inside)


_computations = PerProcess(_Computations)


@contextmanager
def unforked() -> Iterator[None]:
    """For a computation of a second or so whose library has locks: a fork in another thread waits for its end.

    May be nested. A thread may fork inside its own computation, which holds none of the locks at that moment.
    """
    ours, thread = _computations.get(), threading.get_ident()
    with ours.changed:
        # Who is inside already goes on: the fork waits for it.
        ours.changed.wait_for(lambda: not ours.forks or thread in ours.inside, PATIENCE)
        ours.inside[thread] += 1
    try:
        yield
    finally:
        with ours.changed:
            ours.inside[thread] -= 1
            if not ours.inside[thread]:
                del ours.inside[thread]
            ours.changed.notify_all()


def _opencv_threads(wanted: int | None = None) -> int | None:
    """OpenCV's number of threads before it is set to ``wanted``; None where no program has imported OpenCV."""
    opencv = sys.modules.get("cv2")
    before: int | None = getattr(opencv, "getNumThreads", int)() if opencv is not None else None
    if opencv is not None and wanted is not None and before != wanted:
        opencv.setNumThreads(wanted)
    return before


opencv_guard = ProcessLock()
"""Held by whoever changes OpenCV's number of threads, which a fork does for a moment."""


class _Fork:
    """Waits for the computations, and ends OpenCV's pool: a child that changes its size would crash."""

    def __init__(self) -> None:
        self._threads: int | None = None
        self._held = _computations.get()

    def before(self) -> None:
        ours = _computations.get()
        with ours.changed:
            ours.forks += 1
            ours.changed.wait_for(lambda: not ours.elsewhere(), PATIENCE)
        # A run that began in that moment would take the one thread for the host's own number.
        opencv_guard.__enter__()
        self._threads = _opencv_threads(1)
        # Held during the fork, so that no thread is halfway through a change of it in the child.
        self._held = ours
        ours.changed.acquire()

    def in_parent(self) -> None:
        self._held.forks -= 1
        self._held.changed.notify_all()
        self._held.changed.release()
        _opencv_threads(self._threads)
        opencv_guard.__exit__(None, None, None)

    def in_child(self) -> None:
        # For the computations that the forking thread is inside of; the child counts in an object of its own.
        self._held.changed.release()


_fork = _Fork()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_fork.before, after_in_parent=_fork.in_parent, after_in_child=_fork.in_child)
