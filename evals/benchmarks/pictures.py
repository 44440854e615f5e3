"""The pictures that benchmarks analyse: one face, never the same pixels twice.

The encoder remembers the last crops by their digest, and so does a session's cache: a benchmark that repeats a picture
measures the memory. Drawn from scikit-image's astronaut (public domain).
"""

import io
from collections.abc import Iterator

import cv2
import numpy as np
import skimage.data
from numpy.typing import NDArray
from PIL import Image


def demo_picture(number: int = 0) -> bytes:
    """The astronaut as JPEG bytes, 512×512, one face: turned, moved and lit a little differently for every number."""
    pixels: NDArray[np.uint8] = skimage.data.astronaut()  # type: ignore[no-untyped-call]
    if number:
        rng = np.random.default_rng(number)
        angle, zoom = rng.uniform((-5, 0.95), (5, 1.05)).tolist()
        matrix = np.asarray(cv2.getRotationMatrix2D((220.0, 120.0), angle, zoom), np.float64)
        matrix[:, 2] = matrix[:, 2] + rng.uniform(-8, 8, 2)
        moved = cv2.warpAffine(pixels, matrix, (512, 512), borderMode=cv2.BORDER_REFLECT_101)
        pixels = np.clip(moved * rng.uniform(0.9, 1.08), 0, 255).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=92)
    return buffer.getvalue()


def demo_pictures(start: int = 1) -> Iterator[bytes]:
    """Endless different pictures."""
    number = start
    while True:
        yield demo_picture(number)
        number += 1
