"""The README's pictures of the desk, taken of real cases: ``make pictures`` writes them to docs/."""

import os
from pathlib import Path

import numpy as np
import pytest
from desk_page import Analyse, Desk, jpeg
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import expect

pytestmark = pytest.mark.e2e

COLOURS = 256
"""Of the palette of a picture in the repository, which is then small."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(os.environ.get("FACEAGENT_TEST_PICTURES") or tmp_path_factory.mktemp("pictures"))


def test_the_page_of_a_case(desk: Desk, case_id: str, folder: Path) -> None:
    desk.page.set_viewport_size({"width": 1600, "height": 1000})
    desk.open_case(case_id)
    desk.page.get_by_role("button", name="What does the face express?").click()
    expect(desk.page.locator(".turn.answer .cited").first).to_be_visible(timeout=60_000)
    shoot(desk, folder / "desk-case.png")


def test_the_queue(desk: Desk, case_id: str, analyse: Analyse, astronaut: NDArray[np.uint8], folder: Path) -> None:
    dark, small = (astronaut * 0.3).astype(np.uint8), np.asarray(Image.fromarray(astronaut).resize((96, 96)))
    swapped = astronaut.copy()
    swapped[120:170, 190:260] = astronaut[60:110, 190:260]
    pictures = {"dark.jpg": dark, "small.jpg": small, "suit.jpg": astronaut[256:], "pasted.jpg": swapped}
    for name, pixels in pictures.items():
        analyse(jpeg(pixels), name)
    desk.page.set_viewport_size({"width": 1440, "height": 820})
    desk.open("/queue")
    expect(desk.page.locator(".side-picture")).to_have_js_property("complete", True)
    shoot(desk, folder / "desk-queue.png")


def shoot(desk: Desk, path: Path) -> None:
    """What the window shows, once nothing loads any more. A page that drew its picture has many colours."""
    desk.page.wait_for_load_state("networkidle")
    desk.page.screenshot(path=path)
    shot = Image.open(path).convert("RGB")
    assert len(shot.getcolors(1 << 24) or []) > 5000
    shot.quantize(COLOURS, method=Image.Quantize.MAXCOVERAGE).save(path, optimize=True)
