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


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(os.environ.get("FACEAGENT_TEST_PICTURES") or tmp_path_factory.mktemp("pictures"))


def test_the_page_of_a_case(desk: Desk, case_id: str, folder: Path) -> None:
    desk.page.set_viewport_size({"width": 1600, "height": 1300})
    desk.open_case(case_id)
    desk.page.get_by_role("button", name="What does the face express?").click()
    expect(desk.page.locator(".turn.answer .cited").first).to_be_visible(timeout=60_000)
    desk.page.evaluate("scrollTo(0, 0)")
    shoot(desk, folder / "desk-case.jpg")


def test_the_queue(desk: Desk, case_id: str, analyse: Analyse, astronaut: NDArray[np.uint8], folder: Path) -> None:
    face = (slice(80, 170), slice(189, 259))
    turned, dark = astronaut.copy(), (astronaut * 0.3).astype(np.uint8)
    turned[face] = astronaut[face][:, ::-1]
    pictures = {"dark.jpg": dark, "suit.jpg": astronaut[256:], "head.jpg": astronaut[:280, 90:370], "face.jpg": turned}
    for name, pixels in pictures.items():
        analyse(jpeg(pixels), name)
    desk.page.set_viewport_size({"width": 1440, "height": 820})
    desk.open("/queue")
    expect(desk.page.locator(".side-picture")).to_have_js_property("complete", True)
    shoot(desk, folder / "desk-queue.jpg")


def shoot(desk: Desk, path: Path) -> None:
    """What the window shows, once nothing loads any more. A page that drew its picture has many colours."""
    desk.page.wait_for_load_state("networkidle")
    desk.page.screenshot(path=path, type="jpeg", quality=88)
    assert len(Image.open(path).getcolors(1 << 24) or []) > 5000
