"""Where bytes and pixels live: a content-addressed store, in memory or in a folder.

Bytes are kept under their own sha256. Decoded pixels are kept under the sha256 of the bytes they were decoded
from. This module does not know what the bytes mean; it neither decodes nor deletes anything on its own.

On disk pixels are ``.npy`` files: a 512×512 picture is stored in well under a millisecond and read back without
a copy, where even the fastest PNG setting costs ten times that on every picture. The price is disk space.
"""

import hashlib
import os
import re
import tempfile
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
"""H×W×3, RGB, upright."""

_KEY = re.compile(r"[0-9a-f]{64}")


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
    """Everything in one dictionary; forgotten with the object.

    With ``restore``, a function from bytes to their pixels, at most ``budget`` bytes of pixels are held, besides the
    newest picture: older ones are dropped and decoded again when asked for. A batch of large photographs would
    otherwise lie decoded in memory all at once.
    """

    def __init__(self, *, budget: int = 2**29, restore: Callable[[bytes], Pixels] | None = None) -> None:
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
        # Many threads look at the same array, so nobody may write to it.
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


class DiskBlobs:
    """Files below ``folder``, sharded by the first two digits of the key. Several processes may share it."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self._folder = Path(folder)

    def put(self, data: bytes) -> str:
        """Keep ``data``; returns its sha256 in hex."""
        key = hashlib.sha256(data).hexdigest()
        path = self._path(key, "bin")
        if not path.exists():
            with _Replacing(path) as temporary, open(temporary, "wb") as file:
                file.write(data)
        return key

    def get(self, key: str) -> bytes:
        """The bytes as received. Raises KeyError."""
        try:
            return self._path(key, "bin").read_bytes()
        except FileNotFoundError:
            raise KeyError(key) from None

    def put_pixels(self, key: str, pixels: Pixels) -> None:
        """Keep the pixels decoded from the bytes under ``key``."""
        with _Replacing(self._path(key, "npy")) as temporary, open(temporary, "wb") as file:
            np.save(file, _checked(pixels), allow_pickle=False)

    def pixels(self, key: str) -> Pixels:
        """Read-only pixels, mapped from the file. Raises KeyError."""
        try:
            mapped = np.load(self._path(key, "npy"), mmap_mode="r", allow_pickle=False)
        except FileNotFoundError:
            raise KeyError(key) from None
        return np.asarray(mapped)

    def forget(self, keys: Iterable[str]) -> None:
        """Drop bytes and pixels under ``keys``."""
        for key in keys:
            if _KEY.fullmatch(key):
                for suffix in ("bin", "npy"):
                    self._path(key, suffix).unlink(missing_ok=True)

    def _path(self, key: str, suffix: str) -> Path:
        # A key is never trusted as a path: only 64 hex digits can name a file here.
        if not _KEY.fullmatch(key):
            raise KeyError(key)
        return self._folder / key[:2] / f"{key}.{suffix}"


class _Replacing:
    """A temporary file that takes the place of ``path`` on success, so that readers never see half of it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
        os.close(handle)
        self._temporary = Path(name)

    def __enter__(self) -> Path:
        return self._temporary

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            os.replace(self._temporary, self._path)
        else:
            self._temporary.unlink(missing_ok=True)


def _checked(pixels: Pixels) -> Pixels:
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3:
        raise ValueError(f"pixels must be H×W×3 uint8, not {pixels.shape} {pixels.dtype}")
    return np.ascontiguousarray(pixels)
