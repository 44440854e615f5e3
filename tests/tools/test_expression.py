import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from faceagent import judge
from faceagent.encoder import expression_head
from faceagent.encoder.expression_head import ExpressionHead, load_head
from faceagent.errors import ModelUnavailable
from faceagent.faces import find_faces
from faceagent.judge.calibrate import Temperature, calibration_of
from faceagent.settings import Settings
from faceagent.tools.action_units import ActionUnits, activations
from faceagent.tools.base import View, measure
from faceagent.tools.expression import CALIBRATION, Expression, read
from faceagent.tools.facs import table
from faceagent.types import Evidence, FacePart, PartVisibility, Picture

LABELS = {"neutral", "happy", "surprise", "sadness", "fear", "anger", "disgust", "other"}


def pattern(*codes: int, strength: float = 3.0) -> dict[int, float]:
    return {unit.code: strength if unit.code in codes else 0.0 for unit in table().units}


@pytest.fixture(scope="module")
def smiling(settings: Settings) -> View:
    import skimage.data

    pixels: NDArray[np.uint8] = skimage.data.astronaut()
    picture = Picture(
        id="P1", sha256="0" * 64, width=512, height=512, format="PNG", bytes=1, source="x", mode="RGB", orientation=1
    )
    return View(picture, lambda: pixels, lambda: b"", find_faces(picture, pixels, settings)[0])


@pytest.fixture(scope="module")
def rules(settings: Settings) -> Settings:
    """The rules alone."""
    return settings.model_copy(update={"detectors": "fast"})


def leaning_head(label: str, strength: float = 30.0) -> ExpressionHead:
    """The shipped head, which says the same of every face."""
    head = load_head()
    bias = np.array([strength if name == label else 0.0 for name in head.card.labels], np.float32)
    return replace(head, state={**head.state, "bias": bias, "weight": 0 * head.state["weight"]})


def covered(view: View, *parts: FacePart) -> View:
    assert view.face is not None
    hidden = tuple(PartVisibility(part=part, visible=0.0, reason="occluded", covered_by="sunglasses") for part in parts)
    return replace(view, face=view.face.model_copy(update={"parts": hidden}))


def only(view: View, settings: Settings) -> Evidence:
    (item,) = measure(Expression(settings), [view])[0]
    return item


def test_the_labels_are_the_seven_and_other() -> None:
    assert set(table().labels) == LABELS
    assert set(read(pattern()).logits) == LABELS


@pytest.mark.parametrize(
    ("label", "codes"),
    [
        ("happy", (6, 12)),
        ("happy", (12,)),
        ("happy", (6, 12, 25)),
        ("surprise", (1, 2, 5, 25, 26)),
        ("surprise", (1, 2, 5)),
        ("sadness", (1, 4, 15)),
        ("sadness", (1, 4, 15, 17)),
        ("fear", (1, 2, 4, 5, 20, 25)),
        ("fear", (1, 4, 5, 20)),
        ("anger", (4, 5, 7, 17, 24)),
        ("anger", (4, 7, 24)),
        ("anger", (4, 5, 7, 16, 25, 26)),
        ("disgust", (7, 9)),
        ("disgust", (9, 10)),
        ("disgust", (9, 10, 17)),
        ("other", (14, 18, 22)),
        ("other", (4, 12, 15, 17)),
        ("neutral", ()),
    ],
)
def test_prototypes_are_read_as_emfacs_has_them(label: str, codes: tuple[int, ...]) -> None:
    assert read(pattern(*codes)).label == label


def test_noise_of_a_neutral_face_stays_neutral() -> None:
    rng = np.random.default_rng(0)
    found = [read({unit.code: float(rng.normal(0, 0.3)) for unit in table().units}).label for _ in range(100)]
    assert found.count("neutral") >= 98


def test_what_a_smile_brings_along_is_no_clash() -> None:
    assert read(pattern(6, 7, 10, 12, 16, 25)).label == "happy"


def test_a_real_smile(smiling: View, settings: Settings, rules: Settings) -> None:
    item = only(smiling, settings)
    assert item.label == "happy"
    assert "F1:AU12" in item.cites
    assert item.statement == "The apparent expression is happy, after EMFACS from AU6, AU12."
    assert item.score is not None
    assert item.score.value == item.distribution["happy"] == max(item.distribution.values())
    assert item.facts["by_units"] == item.facts["by_look"] == "happy"
    assert only(smiling, rules).statement == item.statement


def test_every_cited_unit_was_measured(smiling: View, settings: Settings) -> None:
    units = {item.id for item in measure(ActionUnits(settings), [smiling])[0] if item.status == "ok"}
    assert set(only(smiling, settings).cites) <= units


def test_a_unit_called_absent_is_named_at_most_as_faint(rules: Settings, settings: Settings, smiling: View) -> None:
    assert smiling.face is not None
    half = {name: 0.35 * value for name, value in smiling.face.blendshapes.items()}
    view = replace(smiling, face=smiling.face.model_copy(update={"blendshapes": half}))
    absent = {
        item.id.rpartition(":")[2] for item in measure(ActionUnits(settings), [view])[0] if item.label == "absent"
    }
    for some in (rules, settings):
        clearly = only(view, some).statement.partition("faintly")[0]
        assert not absent & set(re.findall(r"AU\d+", clearly))


@pytest.mark.parametrize("scale", [0.0, 0.5, 1.0])
def test_every_statement_says_apparent(smiling: View, settings: Settings, scale: float) -> None:
    assert smiling.face is not None
    still = {name: scale * value for name, value in smiling.face.blendshapes.items()}
    quiet = replace(smiling, face=smiling.face.model_copy(update={"blendshapes": still}))
    assert "apparent" in only(quiet, settings).statement


def test_a_batch_equals_its_singles(smiling: View, settings: Settings) -> None:
    assert smiling.face is not None
    flat = dict.fromkeys(smiling.face.blendshapes, 0.0)
    still = replace(smiling, face=smiling.face.model_copy(update={"blendshapes": flat}))
    tool = Expression(settings)
    assert tool.run([smiling, still]) == [*tool.run([smiling]), *tool.run([still])]


@pytest.mark.parametrize("way", ["rules", "both"])
def test_the_shipped_calibration_fits_the_labels(way: str, smiling: View, settings: Settings, rules: Settings) -> None:
    item = only(smiling, rules if way == "rules" else settings)
    fitted = calibration_of(item)
    assert isinstance(fitted, Temperature)
    assert fitted.id == (CALIBRATION if way == "rules" else load_head().card.calibration)
    assert set(fitted.labels) == LABELS
    chances = fitted.probabilities(item.distribution)
    assert max(chances, key=lambda name: chances[name]) == item.label
    assert sum(chances.values()) == pytest.approx(1)


@pytest.mark.parametrize(
    ("parts", "calibrated"),
    [
        (("right_brow", "left_brow", "right_eye", "left_eye"), False),
        (("right_eye", "left_eye"), False),
        (("left_brow",), True),
        (("left_eye", "left_brow"), True),
    ],
)
def test_the_mouth_alone_gives_a_reading_and_no_verdict(
    parts: tuple[FacePart, ...], calibrated: bool, smiling: View, settings: Settings
) -> None:
    """Where the eyes are hidden the look is not read: the head never learned from such faces."""
    view = covered(smiling, *parts)
    assert view.face is not None
    item = only(view, settings)
    assert (item.status, item.label) == ("ok", "happy")
    assert "Read in part" in item.statement and "by sunglasses" in item.statement
    assert ("by_look" in item.facts) == calibrated
    assert item.score is not None and (item.score.calibration is not None) == calibrated
    verdict = judge.weigh("expression", view.face, [item])
    if not calibrated:
        assert (verdict.label, verdict.reason) == ("inconclusive", "uncalibrated")
        assert "happy comes first, but without AU" in verdict.wording


def test_without_the_mouth_the_look_is_not_read(smiling: View, settings: Settings, rules: Settings) -> None:
    """Not from the chin either, which shows beside it."""
    for some in (settings, rules):
        assert only(covered(smiling, "mouth"), some).status == "not_applicable"


def test_the_look_outweighs_the_units_and_says_so(
    smiling: View, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expression_head, "load_head", lambda: leaning_head("sadness"))
    item = only(smiling, settings)
    assert (item.label, item.facts["by_units"], item.facts["by_look"]) == ("sadness", "happy", "sadness")
    assert "F1:AU12" not in item.cites
    assert item.statement == (
        "The apparent expression is sadness, from the look of the face as a whole; after EMFACS alone it would be "
        "happy from AU6, AU12."
    )


def test_the_units_contest_a_look_that_is_not_sure(
    smiling: View, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expression_head, "load_head", lambda: leaning_head("sadness", 0.5))
    item = only(smiling, settings)
    assert (item.label, item.facts["by_look"]) == ("happy", "sadness")


def test_rules_answer_alone_where_the_head_or_its_tower_is_missing(
    smiling: View, settings: Settings, rules: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    alone = only(smiling, rules)
    assert alone.distribution == pytest.approx(read_all(smiling), abs=1e-5)
    assert {one.id for one in alone.tool.weights} == {"face_landmarker"}
    assert {one.id for one in only(smiling, settings).tool.weights} > {"face_landmarker", "adapter:expression"}

    assert only(smiling, Settings(offline=True, cache=tmp_path)).distribution == alone.distribution

    def missing() -> ExpressionHead:
        raise ModelUnavailable("no head")

    monkeypatch.setattr(expression_head, "load_head", missing)
    assert only(smiling, settings).distribution == alone.distribution


def read_all(view: View) -> dict[str, float]:
    assert view.face is not None
    return dict(read({code: unit.deviation for code, unit in activations(view.face).items()}).logits)
