"""Fixtures that every test may use. Real weights come from the user cache, pulled once before the tests."""

import logging
from collections.abc import Iterator

import cv2
import numpy as np
import pytest
import skimage.data
import skimage.transform
from numpy.typing import NDArray

from faceagent.settings import Settings


@pytest.fixture(scope="session")
def settings() -> Settings:
    """The embedded profile with one worker, so that tests are as repeatable as they can be."""
    return Settings(workers=2)


@pytest.fixture(scope="session")
def astronaut() -> NDArray[np.uint8]:
    """512×512 RGB, one smiling face near the top; public domain (NASA)."""
    pixels: NDArray[np.uint8] = skimage.data.astronaut()
    return pixels


@pytest.fixture(scope="session")
def stranger(astronaut: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """320×680 RGB, one face of nobody: the astronaut's with other eyes, nose and mouth, and far wider.

    Its SFace cosine with the astronaut is .02.
    """
    head = astronaut[:320, 60:400]
    right_eye, left_eye, nose, mouth = np.array([(140.7, 101.3), (187.2, 102.4), (163.0, 125.1), (162.2, 143.0)])
    changes = ((right_eye, 0.9, 28), (left_eye, 0.9, 28), (nose, -0.6, 33), (mouth, 0.7, 42))

    def source(points: NDArray[np.float64]) -> NDArray[np.float64]:
        for centre, strength, reach in changes:
            away = points - centre
            near = np.clip(1 - np.hypot(*away.T) / reach, 0, 1) ** 2
            points = centre + away * (1 + strength * near)[:, np.newaxis]
        return points

    changed = (255 * skimage.transform.warp(head, source, mode="edge")).astype(np.uint8)
    return np.asarray(cv2.resize(changed, None, fx=2.0, fy=1.0, interpolation=cv2.INTER_CUBIC), np.uint8)


KEPT = ("FACEAGENT_CACHE", "FACEAGENT_WORKERS")
"""The second one to run the tests with one worker: nothing may wait for a thread that is not there."""


@pytest.fixture(autouse=True)
def _quiet_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No FACEAGENT_* variable of the person who runs the tests may change what they see, but for ``KEPT``."""
    import os

    for name in [name for name in os.environ if name.startswith("FACEAGENT_") and name not in KEPT]:
        monkeypatch.delenv(name)
    logging.getLogger("faceagent").setLevel(logging.WARNING)
    yield
