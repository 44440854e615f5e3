"""The report in a real browser: it renders, obeys its own security policy, and loads nothing from elsewhere."""

import functools
import subprocess
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from evals.benchmarks import chromium
from faceagent import Analyst, Settings

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import skimage.data

    folder = tmp_path_factory.mktemp("report")
    with Analyst(Settings()) as analyst:
        analyst.analyze(skimage.data.astronaut(), out=folder)
    return folder / "report.html"


def browse(page: Path, profile: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    start = [chromium.path(), "--headless", "--enable-logging=stderr", *chromium.FLAGS]
    command = [*start, f"--user-data-dir={profile}", *flags, page.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)


def test_the_page_says_what_the_report_says(page: Path, tmp_path: Path) -> None:
    done = browse(page, tmp_path, "--dump-dom")
    for needed in ("Face F1", "What this report cannot tell", "Explanation, step by step", "F1:AU12"):
        assert needed in done.stdout


def test_the_page_obeys_its_own_policy_and_asks_for_nothing(page: Path, tmp_path: Path) -> None:
    done = browse(page, tmp_path, "--dump-dom")
    assert "Content Security Policy" not in done.stderr
    assert "ERR_" not in done.stderr
    assert "http-equiv" in done.stdout
    source = page.read_text(encoding="utf-8")
    assert 'src="http' not in source
    assert "<script" not in source


@pytest.mark.parametrize(
    ("flags", "dark"), [((), False), (("--force-dark-mode", "--blink-settings=preferredColorScheme=0"), True)]
)
def test_the_picture_is_drawn_with_its_box_in_light_and_dark(
    page: Path, tmp_path: Path, flags: tuple[str, ...], dark: bool
) -> None:
    shot = tmp_path / "shot.png"
    browse(page, tmp_path / "profile", f"--screenshot={shot}", "--window-size=1200,1400", *flags)
    pixels = screenshot(shot)
    assert pixels.shape[:2] == (1400, 1200)
    assert (pixels.mean(axis=2)[:, :20].mean() < 60) == dark
    # The photograph itself, below the answer: far more colours than any style sheet has.
    assert len(np.unique(pixels[200:1300, 60:600].reshape(-1, 3), axis=0)) > 2000


@functools.cache
def screenshot(path: Path) -> NDArray[np.uint8]:
    return np.asarray(Image.open(path).convert("RGB"))
