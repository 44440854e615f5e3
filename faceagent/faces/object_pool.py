"""A pool of objects that only one thread may use at a time, such as an OpenCV network.

``ObjectPool`` keeps as many objects as were ever needed at once. Unlike thread-local objects they outlive the threads
of a short-lived thread pool.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

from faceagent.per_process import ProcessLock

T = TypeVar("T")

_BUILDING = ProcessLock()
"""Only one network is built at a time: OpenCV fills its table of layer types while the first one is read, and a
concurrent read fails on the incomplete table ("Problem during import of operator")."""


class ObjectPool(Generic[T]):
    """Objects made by ``build``; each is used by one borrower at a time."""

    def __init__(self, build: Callable[[], T]) -> None:
        self._build = build
        self._idle: list[T] = []
        self._guard = ProcessLock()

    @contextmanager
    def borrow(self) -> Iterator[T]:
        """An object for exclusive use until the block ends. Raises whatever ``build`` raises."""
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
