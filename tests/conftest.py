"""Fixtures that every test may use. Real weights come from the user cache, pulled once before the tests."""

import logging
from collections.abc import Iterator

import numpy as np
import pytest
import skimage.data
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


@pytest.fixture(autouse=True)
def _quiet_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No FACEAGENT_* variable of the person who runs the tests may change what they see, but for the cache."""
    import os

    for name in [name for name in os.environ if name.startswith("FACEAGENT_") and name != "FACEAGENT_CACHE"]:
        monkeypatch.delenv(name)
    logging.getLogger("faceagent").setLevel(logging.WARNING)
    yield
