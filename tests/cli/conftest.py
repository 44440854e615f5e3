"""How the tests of the command line run it: as a process, as a person or a script does."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

Run = Callable[..., subprocess.CompletedProcess[bytes]]


@pytest.fixture(scope="session")
def run() -> Run:
    """``run("analyze", "a.jpg", stdin=b"", FACEAGENT_CACHE="…")``: one command in a wide terminal."""

    def run_command(*arguments: str, stdin: bytes = b"", **environment: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [sys.executable, "-m", "faceagent", *arguments],
            input=stdin,
            capture_output=True,
            timeout=180,
            env={**os.environ, "COLUMNS": "160", **environment},
        )

    return run_command


@pytest.fixture(scope="session")
def photo(tmp_path_factory: pytest.TempPathFactory, astronaut: NDArray[np.uint8]) -> Path:
    path = tmp_path_factory.mktemp("photo") / "astronaut.jpg"
    Image.fromarray(astronaut).save(path, quality=92)
    return path
