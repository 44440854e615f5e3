"""The record of one run: every value of ``types`` under its key, see ``keys``. A graph's state holds keys only.

Writing the same key twice, as a retried node does, leaves one entry.
"""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TypeVar

from faceagent.storage.keys import item_of
from faceagent.types import FrozenModel

N = TypeVar("N", bound=FrozenModel)


class Record:
    """Values by key, and the time each part of the run took. Safe for the graph's parallel nodes."""

    def __init__(self, values: Mapping[str, FrozenModel] | None = None) -> None:
        """``values``: what is recorded from the start, such as the references that several runs share."""
        self._values: dict[str, FrozenModel] = dict(values or {})
        self._seconds: dict[str, float] = {}
        self._lock = threading.Lock()

    def put(self, key: str, value: FrozenModel) -> str:
        """Store ``value``; returns ``key``, so that a node can return what it stored."""
        with self._lock:
            self._values[key] = value
        return key

    def get(self, key: str, kind: type[N]) -> N:
        """The value under ``key``. Raises KeyError if there is none, TypeError if it is of another type."""
        value = self._values[key]
        if not isinstance(value, kind):
            raise TypeError(f"{key} is a {type(value).__name__}, not a {kind.__name__}")
        return value

    def is_a(self, key: str, kind: type[FrozenModel]) -> bool:
        """Whether the value under ``key`` is of that type."""
        return isinstance(self._values.get(key), kind)

    def all(self, kind: type[N]) -> list[N]:
        """Every value of that type."""
        with self._lock:
            return [value for value in self._values.values() if isinstance(value, kind)]

    def keys(self, item: str, kind: type[FrozenModel]) -> list[str]:
        """Keys of one item's values of that type, in the order they were recorded."""
        with self._lock:
            found = [key for key, value in self._values.items() if isinstance(value, kind)]
        return [key for key in found if item_of(key) == item]

    def values(self) -> dict[str, FrozenModel]:
        """Everything recorded so far, by key."""
        with self._lock:
            return dict(self._values)

    @contextmanager
    def clock(self, part: str) -> Iterator[None]:
        """Add the time spent inside to ``part``."""
        start = time.perf_counter()
        try:
            yield
        finally:
            with self._lock:
                self._seconds[part] = self._seconds.get(part, 0.0) + time.perf_counter() - start

    def timings_ms(self, pictures: int) -> dict[str, float]:
        """Milliseconds per picture and part; parallel parts add up to more than the wall clock shows."""
        with self._lock:
            return {part: 1000 * seconds / max(pictures, 1) for part, seconds in sorted(self._seconds.items())}
