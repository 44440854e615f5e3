"""The store of bytes and pixels of one run, addressed by content.

Bytes are stored under their own sha256. Decoded pixels are stored under the sha256 of the bytes they were decoded
from. This module does not decode, and deletes nothing unless asked to.
"""

import hashlib
import threading
from collections.abc import Callable, Iterable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
"""H×W×3, RGB, upright."""


class Blobs(Protocol):
    """A store for the bytes and pixels of one run. Safe to use from many threads."""

    def put(self, data: bytes) -> str:
        """Keep ``data``; returns its sha256 in hex. Storing the same bytes twice is storing them once."""
        ...

    def get(self, key: str) -> bytes:
        """The bytes as received. Raises KeyError."""
        ...

    def put_pixels(self, key: str, pixels: Pixels) -> None:
        """Keep the upright RGB pixels decoded from the bytes under ``key``."""
        ...

    def pixels(self, key: str) -> Pixels:
        """Read-only H×W×3 uint8 pixels; copy before drawing on them. Raises KeyError."""
        ...

    def forget(self, keys: Iterable[str]) -> None:
        """Drop bytes and pixels under ``keys``; unknown keys are fine."""
        ...


class MemoryBlobs:
    """A store in memory.

    With ``restore``, a function from bytes to their pixels, at most ``budget`` bytes of pixels are held in addition to
    the newest picture: older ones are dropped and decoded again when needed. Otherwise all photographs of a large batch
    would be decoded in memory at once.
    """

    def __init__(self, *, budget: int = 2**28, restore: Callable[[bytes], Pixels] | None = None) -> None:
        self._bytes: dict[str, bytes] = {}
        self._pixels: dict[str, Pixels] = {}
        self._budget = budget
        self._restore = restore
        self._lock = threading.Lock()

    def put(self, data: bytes) -> str:
        """Keep ``data``; returns its sha256 in hex."""
        key = hashlib.sha256(data).hexdigest()
        with self._lock:
            self._bytes.setdefault(key, bytes(data))
        return key

    def get(self, key: str) -> bytes:
        """The bytes as received. Raises KeyError."""
        return self._bytes[key]

    def put_pixels(self, key: str, pixels: Pixels) -> None:
        """Keep the pixels decoded from the bytes under ``key``."""
        kept = _checked(pixels).view()
        # Many threads read the same array, so it must not be writable.
        kept.flags.writeable = False
        with self._lock:
            self._pixels.pop(key, None)
            self._pixels[key] = kept
            if self._restore is not None:
                self._drop_oldest()

    def pixels(self, key: str) -> Pixels:
        """Read-only pixels. Raises KeyError."""
        held = self._pixels.get(key)
        if held is None and self._restore is not None:
            held = self._restore(self.get(key))
            self.put_pixels(key, held)
            held.flags.writeable = False
        if held is None:
            raise KeyError(key)
        return held

    def _drop_oldest(self) -> None:
        total = sum(pixels.nbytes for pixels in self._pixels.values())
        while total > self._budget and len(self._pixels) > 1:
            total -= self._pixels.pop(next(iter(self._pixels))).nbytes

    def forget(self, keys: Iterable[str]) -> None:
        """Drop bytes and pixels under ``keys``."""
        with self._lock:
            for key in keys:
                self._bytes.pop(key, None)
                self._pixels.pop(key, None)


def _checked(pixels: Pixels) -> Pixels:
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3:
        raise ValueError(f"pixels must be H×W×3 uint8, not {pixels.shape} {pixels.dtype}")
    return np.ascontiguousarray(pixels)
