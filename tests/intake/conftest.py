import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from faceagent.intake import MemoryBlobs

Encode = Callable[..., bytes]


@pytest.fixture
def blobs() -> MemoryBlobs:
    return MemoryBlobs()


@pytest.fixture(scope="session")
def gradient() -> Image.Image:
    """48×32, red grows to the right, green downwards, blue is 40: every orientation looks different."""
    pixels = np.zeros((32, 48, 3), np.uint8)
    pixels[..., 0] = np.linspace(0, 255, 48).astype(np.uint8)[None, :]
    pixels[..., 1] = np.linspace(0, 255, 32).astype(np.uint8)[:, None]
    pixels[..., 2] = 40
    return Image.fromarray(pixels)


@pytest.fixture(scope="session")
def encode() -> Encode:
    """PIL picture and format → the bytes of a file."""

    def encoded(picture: Image.Image, kind: str = "PNG", **options: object) -> bytes:
        out = io.BytesIO()
        picture.save(out, kind, **options)
        return out.getvalue()

    return encoded
