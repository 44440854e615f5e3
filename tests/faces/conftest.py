"""Pictures held in memory, and what the faces room finds in them."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from faceagent.faces import find_faces
from faceagent.settings import Settings
from faceagent.types import Face, Picture

Pixels = NDArray[np.uint8]


def picture_of(pixels: Pixels, name: str = "P1") -> Picture:
    height, width = pixels.shape[:2]
    return Picture(
        id=name,
        sha256="0" * 64,
        width=width,
        height=height,
        format="PNG",
        bytes=1,
        source="memory",
        mode="RGB",
        orientation=1,
    )


@pytest.fixture(scope="session")
def find(settings: Settings) -> Callable[[Pixels], tuple[Face, ...]]:
    def call(pixels: Pixels) -> tuple[Face, ...]:
        pixels = np.ascontiguousarray(pixels)
        return find_faces(picture_of(pixels), pixels, settings)

    return call


@pytest.fixture(scope="session")
def head(astronaut: Pixels) -> Pixels:
    """200×200, the astronaut's head and some room around it; her face is about 90×113."""
    return astronaut[20:220, 123:323]


@pytest.fixture(scope="session")
def face(find: Callable[[Pixels], tuple[Face, ...]], astronaut: Pixels) -> Face:
    (only,) = find(astronaut)
    return only
