import numpy as np

from evals.views import drawn, portrait
from faceagent.tools.base import View
from faceagent.tools.likeness import Likeness, region_thresholds


def test_a_face_is_alike_itself_region_by_region_and_says_how_often_that_errs(astronaut, settings):
    face = portrait(drawn(astronaut), settings)
    other = np.clip(astronaut.astype(np.int16) + 9, 0, 255).astype(np.uint8)
    reference = portrait(drawn(other, "R1"), settings)
    reference = View(
        reference.picture.model_copy(update={"sha256": "1" * 64}), reference.pixels, reference.original, reference.face
    )
    (found,) = Likeness(settings).run([View(face.picture, face.pixels, face.original, face.face, (reference,))])
    assert [item.id.partition("_")[2] for item in found] == list(region_thresholds())
    assert {item.label for item in found} == {"same"} and all(item.score.value > 0.9 for item in found)
    assert all("of strangers come out so too" in item.statement for item in found)
    assert Likeness(settings).run([face]) == [()]


def test_a_region_outside_the_picture_is_not_visible(astronaut, settings):
    face = portrait(drawn(astronaut), settings)
    x0, y0, x1, y1 = (round(value) for value in face.face.box)
    half = astronaut[: (y0 + y1) // 2]
    cut = drawn(half, "R1")
    reference = View(cut.picture.model_copy(update={"sha256": "1" * 64}), cut.pixels, cut.original, face.face)
    (found,) = Likeness(settings).run([View(face.picture, face.pixels, face.original, face.face, (reference,))])
    labels = {str(item.region): item.label for item in found}
    assert labels["mouth"] == "not visible" and labels["left_eye"] != "not visible"
