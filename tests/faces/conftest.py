"""Pictures held in memory, and what the faces room finds in them."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from evals.views import drawn
from faceagent.faces import find_faces
from faceagent.settings import Settings
from faceagent.types import Face

Pixels = NDArray[np.uint8]


@pytest.fixture(scope="session")
def find(settings: Settings) -> Callable[[Pixels], tuple[Face, ...]]:
    def call(pixels: Pixels) -> tuple[Face, ...]:
        pixels = np.ascontiguousarray(pixels)
        return find_faces(drawn(pixels).picture, pixels, settings)

    return call


@pytest.fixture(scope="session")
def head(astronaut: Pixels) -> Pixels:
    """200×200, the astronaut's head and some room around it; her face is about 90×113."""
    return astronaut[20:220, 123:323]


@pytest.fixture(scope="session")
def face(find: Callable[[Pixels], tuple[Face, ...]], astronaut: Pixels) -> Face:
    (only,) = find(astronaut)
    return only
