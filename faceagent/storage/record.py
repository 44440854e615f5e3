"""The record of one run: every noun under its key. The graph's state holds keys only, never nouns or pixels.

Keys are ``item/noun-id``, so "0/F1:AU12" is evidence about face F1 of the first picture of the run; references are
shared by all items and stand under their bare id ("R1", "R1F1"). Writing the same key twice is how a retry looks,
and leaves one entry.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

from faceagent.types import FrozenModel

N = TypeVar("N", bound=FrozenModel)


class Record:
    """Nouns by key, and the time each part of the run took. Safe for the graph's parallel nodes."""

    def __init__(self) -> None:
        self._nouns: dict[str, FrozenModel] = {}
        self._seconds: dict[str, float] = {}
        self._lock = threading.Lock()

    def put(self, key: str, noun: FrozenModel) -> str:
        """Store ``noun``; returns ``key``, so that a node can return what it stored."""
        with self._lock:
            self._nouns[key] = noun
        return key

    def get(self, key: str, kind: type[N]) -> N:
        """The noun under ``key``. Raises KeyError if there is none, TypeError if it is of another kind."""
        noun = self._nouns[key]
        if not isinstance(noun, kind):
            raise TypeError(f"{key} is a {type(noun).__name__}, not a {kind.__name__}")
        return noun

    def is_a(self, key: str, kind: type[FrozenModel]) -> bool:
        """Whether the noun under ``key`` is of that kind."""
        return isinstance(self._nouns.get(key), kind)

    def all(self, kind: type[N]) -> list[N]:
        """Every noun of that kind."""
        with self._lock:
            return [noun for noun in self._nouns.values() if isinstance(noun, kind)]

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
