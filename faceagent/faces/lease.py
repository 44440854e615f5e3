"""Sharing objects that only one thread may use at a time, such as an OpenCV network.

``Lease`` keeps as many copies as were ever needed at once. Unlike thread-local copies they outlive the threads
of a short-lived pool. It knows nothing of what it lends.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

T = TypeVar("T")

_BUILDING = threading.Lock()
"""One network at a time, of whatever kind: OpenCV fills its table of layer types while the first one is read, and a
second reader finds it half full ("Problem during import of operator")."""


class Lease(Generic[T]):
    """Lends objects made by ``build``; two borrowers never hold the same one."""

    def __init__(self, build: Callable[[], T]) -> None:
        self._build = build
        self._idle: list[T] = []
        self._guard = threading.Lock()

    @contextmanager
    def borrow(self) -> Iterator[T]:
        """An object of one's own until the block ends. Raises whatever ``build`` raises."""
        with self._guard:
            item = self._idle.pop() if self._idle else None
        if item is None:
            with _BUILDING:
                item = self._build()
        try:
            yield item
        finally:
            with self._guard:
                self._idle.append(item)
