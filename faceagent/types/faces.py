"""A face: where it is, how it is turned, how well it can be seen."""

from collections.abc import Mapping

from pydantic import Field

from faceagent.types.base import FrozenModel, Point, Real, Share
from faceagent.types.vocabulary import FacePart, Occluder, Question, Reason


class Pose(FrozenModel):
    """Head pose in degrees; (0, 0, 0) looks straight into the camera."""

    yaw: Real
    pitch: Real
    roll: Real


class Quality(FrozenModel):
    """Components 0-100, higher is better, named after ISO/IEC 29794-5:2025; our own measures, not OFIQ's."""

    unified: Real = Field(ge=0, le=100)
    sharpness: Real = Field(ge=0, le=100)
    illumination: Real = Field(ge=0, le=100)
    exposure: Real = Field(ge=0, le=100)
    resolution: Real = Field(ge=0, le=100)
    pose: Real = Field(ge=0, le=100)
    visibility: Real = Field(ge=0, le=100)
    detection: Real = Field(
        default=100, ge=0, le=100, description="how surely it is found as a face; reports of before lack it"
    )


class PartVisibility(FrozenModel):
    """How much of one part of a face can be seen, and why it cannot be used where that is too little."""

    part: FacePart
    visible: Share = Field(description="share of the part's area that is in the picture, uncovered and exposed")
    reason: Reason | None = Field(default=None, description="why the part cannot be used; null where it can")
    covered_by: Occluder | None = Field(default=None, description="what it looks covered by, where that is clear")


class TurnedPhotograph(FrozenModel):
    """A photograph that lies turned in a picture, the space around it filled with one colour."""

    degrees: Real = Field(description="by which it is turned, clockwise; undone by resampling")
    width: int = Field(gt=0, description="px, once it is turned back")
    height: int = Field(gt=0, description="px, once it is turned back")
    centre: tuple[Real, Real] = Field(description="x, y in px of the content")


class FaceFrame(FrozenModel):
    """The part of a picture in which a face stands upright; detectors read the face there.

    Margins and frames around the photograph are cut off, and the picture is turned back by the head's roll.
    """

    content: tuple[int, int, int, int] = Field(
        description="x0, y0, x1, y1 in px of the picture, the last two exclusive: the photograph without its margins"
    )
    photograph: TurnedPhotograph | None = Field(
        default=None, description="where the photograph lies turned in the content; turned back before all else"
    )
    quarters: int = Field(default=0, ge=0, le=3, description="quarter turns of the head, clockwise; undone exactly")
    degrees: Real = Field(default=0.0, description="the rest of its turn, clockwise; undone by resampling")
    box: tuple[Real, Real, Real, Real] = Field(
        description="x0, y0, x1, y1 in px of the content after these turns; it lies on the face once it is turned by "
        "the degrees about its centre"
    )


class Face(FrozenModel):
    """One face of one picture; ``id`` is "F1" for the largest and stable between runs."""

    id: str
    picture: str = Field(description="id of the picture it was found in")
    box: tuple[Real, Real, Real, Real] = Field(description="x0, y0, x1, y1 in px; may reach past the picture's edge")
    confidence: Real = Field(ge=0, le=1, description="the detector's score, uncalibrated")
    points5: tuple[Point, ...] = Field(
        description="px: subject's right eye, left eye, nose tip, right mouth corner, left mouth corner"
    )
    landmarks: tuple[Point, ...] = Field(default=(), description="478 mesh points in px, or empty when not found")
    blendshapes: Mapping[str, Real] = Field(default_factory=dict, description="52 coefficients 0-1, or empty")
    pose: Pose | None = None
    frame: FaceFrame | None = Field(
        default=None, description="where detectors read it, when that is not simply its box in the whole picture"
    )
    quality: Quality
    parts: tuple[PartVisibility, ...] = Field(default=(), description="visibility part by part; empty: not measured")
    usable_for: tuple[Question, ...] = ()
    reasons: Mapping[Question, tuple[Reason, ...]] = Field(
        default_factory=dict, description="for each question the face is not usable for: why"
    )
