"""Apparent age as a range, and apparent gender: what a face looks like, not what a person is.

Two estimates, averaged: a branch of the encoder, trained on FairFace, and Davis King's dlib predictors (dlib-models,
CC0) as ONNX. The branch ``attributes`` reads CLIP; ``attributes_fast`` on DINOv2 takes its place with
``detectors=fast`` and where CLIP's weights are missing. The labels of all were guessed from pictures, not taken from
documents. All estimate people over 70 too young; the shipped tables correct the middle of the range and widen it by
the residual. Gender has two classes and was fitted on adults: a face whose whole age range lies below theirs gets none.
Race or ethnicity is never estimated.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from faceagent.faces import align
from faceagent.settings import Settings
from faceagent.tools import familiarity
from faceagent.tools.base import Pixels, ToolSpec, View, stamped
from faceagent.tools.encoder_branch import branch_crops, full_or_fast
from faceagent.types import Evidence, Face, Score, ToolStamp
from faceagent.upright import face_upright
from faceagent.weights.sessions import device_of, open_session

if TYPE_CHECKING:
    from faceagent.encoder.encoder import Encoder

Floats = NDArray[np.float32]
Reals = NDArray[np.float64]

MALE = "male"


class Estimator(NamedTuple):
    """A branch, its weights against dlib's estimates, and the ids of what was fitted on the averages.

    The weights have the least error out of fold on FairFace train; that of gender is for the logit of "male".
    """

    branch: str
    age_share: float
    gender_share: float
    age_table: str
    gender_calibration: str


FULL = Estimator("attributes", 0.9, 0.8, "age/averaged-2", "gender/averaged-2")
FAST = Estimator("attributes_fast", 0.8, 0.7, "age/averaged-1", "gender/averaged-1")
ESTIMATORS = {one.branch: one for one in (FULL, FAST)}
CENTRES = {
    "0-2": 1.0,
    "3-9": 6.0,
    "10-19": 14.5,
    "20-29": 24.5,
    "30-39": 34.5,
    "40-49": 44.5,
    "50-59": 54.5,
    "60-69": 64.5,
    "more than 70": 75.0,
}
"""The branch's bands, which are FairFace's, and the age that stands for each."""
STARTS = np.array([0, 3, 10, 20, 30, 40, 50, 60, 70])
"""First year of every band."""

DLIB = ("age", "gender")
"""Ids of dlib's weights."""
AGE_SIDE, GENDER_SIDE = 64, 32
PADDING = 0.2
CORNERS = np.array([(0.8596, 0.2135), (0.6461, 0.2290), (0.1206, 0.2137), (0.3341, 0.2291), (0.4901, 0.6278)])
"""dlib's template: outer and inner corner of the subject's left eye, of the right eye, base of the nose."""
MESH = (263, 362, 33, 133, 2)
"""The same five among the 478 mesh points."""
NOSE_BASE = 0.35
"""Without a mesh: position of the base of the nose between the nose tip (0) and the middle of the mouth (1)."""
MEAN = np.array([122.782, 117.001, 104.298], dtype=np.float32)
YEARS = np.concatenate([[0.25], np.arange(1.0, 81.0)])
"""The age that each of the 81 outputs stands for."""
FINEST = 8
"""Most times finer than the chip that a large face is sampled before it is averaged down."""
GENDER_LIMIT = 12.0
"""Bound on the logit of "male"."""
RAREST = 1e-6
"""Least probability of an age band, so that its logarithm is finite."""
AGE_BIAS = "reads children too old and people over 70 too young; few of either were in the fitting set"
GENDER_BIAS = "weak below 20 years; less often right on faces that FairFace labels Black; two classes only"


@dataclass(frozen=True)
class AgeTable:
    """Network age → corrected age and the ends of its interval, in years, linear between the knots."""

    id: str
    level: float
    predicted: Reals
    value: Reals
    low: Reals
    high: Reals

    def read(self, predicted: float) -> tuple[float, float, float]:
        """Corrected age, low end, high end."""
        value, low, high = (
            float(np.interp(predicted, self.predicted, column)) for column in (self.value, self.low, self.high)
        )
        return value, low, high


def _record(name: str) -> dict[str, Any]:
    file = resources.files("faceagent").joinpath("judge", "calibration", f"{name.replace('/', '-')}.json")
    return dict(json.loads(file.read_text(encoding="utf-8")))


@cache
def youngest(calibration: str = FULL.gender_calibration) -> float:
    """Apparent age in years from which gender was fitted. Raises FileNotFoundError when the package is incomplete."""
    return float(_record(calibration)["youngest"])


@cache
def age_table(name: str = FULL.age_table) -> AgeTable:
    """The shipped table of that id. Raises FileNotFoundError when the package is incomplete."""
    record = _record(name)
    columns = {key: np.asarray(record[key], dtype=np.float64) for key in ("predicted", "value", "low", "high")}
    return AgeTable(id=record["id"], level=record["level"], **columns)


def prepare(pixels: Pixels, face: Face, side: int) -> Floats:
    """2×3×side×side float32: the aligned face and its mirror image; RGB, mean subtracted, divided by 256."""
    points, template = _anchors(face)
    coarse = align.similarity(points, (template + PADDING) / (1 + 2 * PADDING) * side)
    finer = int(np.clip(np.ceil(1.0 / np.hypot(coarse[0, 0], coarse[1, 0])), 1, FINEST))
    # A finer chip is averaged down, because bilinear sampling of a large face reads only one pixel in many.
    fine = coarse * finer
    fine[:, 2] += (finer - 1) / 2
    chip = align.warp(pixels, fine, side * finer)
    if finer > 1:
        chip = np.asarray(cv2.resize(chip, (side, side), interpolation=cv2.INTER_AREA), dtype=np.uint8)
    scaled = ((chip.astype(np.float32) - MEAN) / np.float32(256)).transpose(2, 0, 1)
    return np.stack([scaled, scaled[:, :, ::-1]])


def _anchors(face: Face) -> tuple[Reals, Reals]:
    """Points of the face in px and where they belong in dlib's template."""
    if face.landmarks:
        return np.asarray([face.landmarks[index] for index in MESH], dtype=np.float64), CORNERS
    right_eye, left_eye, tip, *mouth = np.asarray(face.points5, dtype=np.float64)
    base = tip + NOSE_BASE * (np.mean(mouth, axis=0) - tip)
    eyes = CORNERS[:4].reshape(2, 2, 2).mean(axis=1)
    return np.stack([left_eye, right_eye, base]), np.vstack([eyes, CORNERS[4]])


def chances(logits: NDArray[np.floating]) -> Reals:
    """N×bands probabilities of N×bands logits."""
    powers = np.exp(np.asarray(logits, dtype=np.float64) - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def banded(shares: Reals) -> Reals:
    """N×81 probabilities of dlib's ages, added up to N×bands."""
    return np.add.reduceat(shares, np.searchsorted(YEARS, STARTS), axis=1)


def expected(bands: Reals) -> Reals:
    """Mean ages of N×bands probabilities."""
    return np.asarray(bands @ np.array(list(CENTRES.values())))


def averaged(own: Reals, dlib: Reals, share: float) -> Reals:
    """The mean of two estimates, ``share`` of it the branch's."""
    return np.asarray(share * own + (1 - share) * dlib)


class Attributes:
    """One call of each network per batch; dlib sees every face also mirrored."""

    spec: ClassVar[ToolSpec] = ToolSpec(
        name="attributes",
        version="3.1.0",
        title="Apparent age and gender",
        summary="An age range and an apparent gender, with the bias that these models are known to have.",
        questions=("age", "gender"),
        scope="face",
        weights=("age", "gender", "clip_vitb16", "dinov2_vits14_224"),
    )

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def stamp(self) -> ToolStamp:
        """Name, version, the networks with the adapter, and the device dlib's run on."""
        return self._stamp(*self._encoder())

    def run(self, batch: Sequence[View]) -> list[tuple[Evidence, ...]]:
        """Per face ``F1:age`` in years with an 80 % interval, ``F1:gender`` as the logit of "male", and distances."""
        if not batch:
            return []
        encoder, estimator = self._encoder()
        bands, male = self._estimate(encoder, estimator, batch)
        by = self._stamp(encoder, estimator)
        faces = [(view, view.face) for view in batch if view.face]
        guards = familiarity.guard(by, faces, self.spec.questions, [["age"], ["gender"]], self._settings)
        found = []
        for view, shares, value, distances in zip(batch, bands, male, guards, strict=True):
            age = _age(by, view, estimator, shares)
            gender = _gender(by, view, estimator, float(value), age)
            measured = {item.id for item in (age, gender) if item.status == "ok"}
            found.append((age, gender, *(one for one in distances if measured.issuperset(one.cites))))
        return found

    def _stamp(self, encoder: "Encoder", estimator: Estimator) -> ToolStamp:
        by = stamped(self.spec, device_of(open_session("age", self._settings)))
        own = tuple(one for one in by.weights if one.id in DLIB)
        return by.model_copy(update={"weights": (*own, encoder.tower.stamp, encoder.branches[estimator.branch].stamp)})

    def _estimate(self, encoder: "Encoder", estimator: Estimator, views: Sequence[View]) -> tuple[Reals, Reals]:
        """Both estimates averaged: N×bands probabilities, N logits of "male". Every view must have a face."""
        crops = branch_crops(encoder, estimator.branch, [(view, view.face) for view in views if view.face])
        output = encoder.run([crop.pixels for crop in crops], [estimator.branch])[estimator.branch]
        logits = output.logits.astype(np.float64)
        years, male = self.dlib(views)
        bands = averaged(chances(logits[:, :-1]), banded(years), estimator.age_share)
        return bands, averaged(logits[:, -1], male, estimator.gender_share)

    def dlib(self, views: Sequence[View]) -> tuple[Reals, Reals]:
        """The estimate of dlib's networks alone: N×81 probabilities of ``YEARS``, N logits of "male"."""
        faces = [(view, view.face) for view in views if view.face is not None]
        shares = self._probabilities("gender", faces, GENDER_SIDE)[:, 1]
        return self._probabilities("age", faces, AGE_SIDE), np.array([logit(float(share)) for share in shares])

    def _encoder(self) -> "tuple[Encoder, Estimator]":
        encoder, branch = full_or_fast(self._settings, FULL.branch, FAST.branch)
        return encoder, ESTIMATORS[branch]

    def _probabilities(self, weights: str, faces: Sequence[tuple[View, Face]], side: int) -> Reals:
        """N×classes, the mean over the face and its mirror image."""
        session = open_session(weights, self._settings)
        chips = np.concatenate([prepare(*face_upright(view.pixels(), face), side) for view, face in faces])
        found = session.run(None, {session.get_inputs()[0].name: chips})[0]
        return np.asarray(np.asarray(found, dtype=np.float64).reshape(len(faces), 2, -1).mean(axis=1))


def _age(by: ToolStamp, view: View, estimator: Estimator, bands: Reals) -> Evidence:
    table, predicted = age_table(estimator.age_table), float(expected(bands[np.newaxis])[0])
    value, low, high = table.read(predicted)
    return Evidence(
        id=f"{view.subject}:age",
        tool=by,
        question="age",
        subject=view.subject,
        label=f"{low:.0f}-{high:.0f}",
        score=Score(value=value, scale="years", low=low, high=high, calibration=table.id),
        distribution={band: float(np.log(max(share, RAREST))) for band, share in zip(CENTRES, bands, strict=True)},
        facts={"network_years": predicted, "interval_level": table.level, "known_bias": AGE_BIAS},
        statement=f"Apparent age {low:.0f} to {high:.0f} years ({table.level:.0%} interval).".replace("%", " %"),
    )


def logit(share: float) -> float:
    """Log odds, bounded where float32 softmax is all rounding."""
    tiny = 1.0 / (1.0 + np.exp(GENDER_LIMIT))
    bounded = min(max(share, tiny), 1.0 - tiny)
    return float(np.log(bounded / (1 - bounded)))


def _gender(by: ToolStamp, view: View, estimator: Estimator, value: float, age: Evidence) -> Evidence:
    oldest, fitted = age.score.high if age.score else None, youngest(estimator.gender_calibration)
    if oldest is not None and oldest < fitted:
        return Evidence(
            id=f"{view.subject}:gender",
            tool=by,
            question="gender",
            subject=view.subject,
            facts={"apparent_age_at_most": oldest, "fitted_from_age": fitted},
            statement=f"Apparent gender: not measured, the face looks at most {oldest:.0f} years old, and the estimate "
            f"was fitted on faces of {fitted:.0f} years and more.",
            status="not_applicable",
            reason="too_young",
        )
    label, share = "male" if value >= 0 else "female", 1 / (1 + np.exp(-value))
    return Evidence(
        id=f"{view.subject}:gender",
        tool=by,
        question="gender",
        subject=view.subject,
        label=label,
        score=Score(value=value, scale="logit", calibration=estimator.gender_calibration),
        facts={"network_output_male": float(share), "known_bias": GENDER_BIAS},
        statement=f"Apparent gender {label} (raw output for male {share:.2f}).",
    )
