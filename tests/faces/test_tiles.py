"""At which scales a very large picture is searched, how many pixels that may be, and what is told of it."""

import cv2
import numpy as np
import pytest
import skimage.data
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from evals.views import drawn
from faceagent.agent.views import put_faces
from faceagent.faces import search_faces, search_notes, tiles
from faceagent.faces.tiles import IN_ALL, PER_SEARCH, Allowance, pixels_at, scales
from faceagent.settings import Settings
from faceagent.storage.record import Record
from faceagent.types import Picture

Pixels = NDArray[np.uint8]


@pytest.mark.parametrize(
    ("size", "steps"),
    [
        ((600, 800), ()),
        ((3000, 4000), (1.0,)),
        ((4000, 6000), (pytest.approx(0.327, abs=0.001), 1.0)),
        ((7000, 7000), (pytest.approx(0.72, abs=0.02),)),
        ((20000, 20000), (pytest.approx(0.26, abs=0.02),)),
    ],
)
def test_pictures_up_to_24_megapixels_are_searched_at_full_size(size: tuple[int, int], steps: object) -> None:
    assert scales(*size, 640, PER_SEARCH) == steps


@given(st.integers(1, 60000), st.integers(1, 60000), st.integers(0, PER_SEARCH))
@settings(max_examples=40, deadline=None)
def test_a_search_never_takes_more_than_it_may(height: int, width: int, most: int) -> None:
    steps = scales(height, width, 640, most)
    assert sum(pixels_at(one, height, width) for one in steps) <= most
    assert all(0 < one <= 1 for one in steps)


def test_a_picture_is_searched_as_it_lies_and_once_turned_alike_and_then_no_more() -> None:
    allowance = Allowance()
    first, turned = allowance.take(9000, 5000, 640), allowance.take(5000, 9000, 640)
    assert first == turned != ()
    for _ in range(3):
        allowance.take(5000, 9000, 640)
    assert 0 <= allowance.left < IN_ALL - 1.8 * PER_SEARCH
    assert allowance.take(5000, 9000, 640) == () and allowance.incomplete_below == 24 / (800 / 9000)
    # Its small photographs, if it is a collage, need no tiles.
    assert allowance.take(700, 800, 640) == ()


def test_of_a_picture_that_is_searched_at_full_size_nothing_is_told() -> None:
    allowance = Allowance()
    allowance.take(4000, 6000, 640)
    allowance.take(300, 200, 640)
    assert allowance.incomplete_below is None


def test_a_small_face_is_found_in_a_picture_that_is_searched_reduced(
    head: Pixels, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    canvas = np.array(cv2.resize(skimage.data.coffee(), (2600, 1800)), np.uint8)
    canvas[1500:1580, 2300:2380] = cv2.resize(head, (80, 80), interpolation=cv2.INTER_AREA)
    assert search_faces(drawn(canvas).picture, canvas, settings).incomplete_below is None
    monkeypatch.setattr(tiles, "PER_SEARCH", 3_000_000)
    found = search_faces(drawn(canvas).picture, canvas, settings)
    (face,) = found.faces
    assert 2300 <= face.box[0] < face.box[2] <= 2380 and face.box[2] - face.box[0] < 48
    assert found.incomplete_below is not None and 30 < found.incomplete_below < 36
    record = Record({"0/P1": drawn(canvas).picture})
    put_faces(record, {"0/P1": found})
    (note,) = search_notes(record.get("0/P1", Picture), kept=1, most=64)
    assert "very large" in note and f"smaller than {found.incomplete_below:.0f} px" in note
