"""Faces as they are seen upright: in the photograph without its margins, turned back by the head's roll.

A face that is found lying or upside down is looked for again in the picture turned by whole quarters, and the face of
one photograph of a collage in that photograph alone. What is found there is what would be found in the picture had it
never been turned or framed, box, points and all. So is the face of a photograph that lies tilted on a filled canvas.
What tilt of the head is left changes the box only, which follows the dense landmarks.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from faceagent.faces.align import Pixels
from faceagent.faces.content import Rectangle, content_of, has_gutter, tile_around
from faceagent.faces.detect import BESIDE, NARROW, SURE, Detection, best_score, redetect, reduced, upright_box
from faceagent.faces.detect import detect as detections_of  # the module keeps its name in the package
from faceagent.faces.landmarks import Landmarks, find_landmarks, five_points
from faceagent.faces.mesh_box import mesh_box, roll_of
from faceagent.faces.tiles import Allowance
from faceagent.faces.turned_photograph import turned_photograph
from faceagent.faces.yunet import SAME
from faceagent.settings import Settings
from faceagent.types import FaceFrame, TurnedPhotograph
from faceagent.upright import Box, box_into, box_out, cut_out, points_into, points_out

SCORE, PRESENCE, DISAGREEMENT = 0.85, 0.99, 0.1
"""A face with less score or presence, or more disagreement, is doubtful and looked at again in four orientations:
both models can take an upside-down face for an upright one, but not as surely. Upright faces reach .92, 1.0, .06."""
CLEAR, LEAD = 0.9, 0.05
"""Score from which no other orientation is tried, and by which a face must be clearer there: a lying face can be taken
for a weaker one that stands."""
PRESENT = 0.95
"""Presence from which a clear face counts in another orientation, if there is nothing as clear in this one."""
TILTED = 10.0
"""Degrees of roll from which the box around a head is looked for in the picture turned back."""
ABSENT = 0.5
"""Presence below which a mesh says that there is no face."""
ALIKE = 0.5
"""Intersection over union from which a mesh lies where the face was seen."""


@dataclass(frozen=True)
class UprightFace:
    """A detection and its landmarks, in px of ``part``, and the frame that detectors read the face in.

    ``part`` is ``cut_out`` of the picture and ``seen_in``.
    """

    detection: Detection
    landmarks: Landmarks | None
    part: Pixels
    seen_in: FaceFrame
    frame: FaceFrame

    @property
    def area(self) -> float:
        """px², of the upright box."""
        x0, y0, x1, y1 = self.frame.box
        return (x1 - x0) * (y1 - y0)

    @property
    def box(self) -> Box:
        """The detection's box in px of the picture."""
        return box_out(self.seen_in, self.detection.box)


class Place(NamedTuple):
    """Where a photograph lies in the picture."""

    content: Rectangle
    photograph: TurnedPhotograph | None = None


@dataclass(frozen=True)
class _Search:
    """One picture and the faces found in parts of it, each part searched once."""

    pixels: Pixels
    settings: Settings
    limit: int
    allowance: Allowance
    parts: dict[tuple[Place, int], Pixels] = field(default_factory=dict)
    found: dict[tuple[Place, int], tuple[list[UprightFace], int]] = field(default_factory=dict)

    def part(self, place: Place, quarters: int) -> Pixels:
        key = (place, quarters)
        if key not in self.parts:
            self.parts[key] = cut_out(self.pixels, _whole(place, quarters))
        return self.parts[key]

    def faces(self, place: Place, quarters: int) -> tuple[list[UprightFace], int]:
        """Faces of one part, largest first, at most ``limit``; and how many there were."""
        key = (place, quarters)
        if key not in self.found:
            part = self.part(place, quarters)
            every = detections_of(part, self.settings, self.allowance)
            large = [one for one in every if _short(one) >= self.settings.min_face]
            largest = sorted(large, key=lambda one: (-_area(one), one.box))[: self.limit]
            frame = _whole(place, quarters)
            looked = {one: pair for one in largest if (pair := _with_landmarks(part, one, self.settings)) is not None}
            settled = {one: pair for one, pair in looked.items() if not _cut_by_tile(*pair, largest)}
            fronts = {one: _front(one, again, largest) for one, (again, _) in settled.items()}
            seen = [
                (replace(again, covers=one.covers or one in fronts.values()), mesh)
                for one, (again, mesh) in settled.items()
                if fronts[one] is None
            ]
            self.found[key] = (
                [UprightFace(one, mesh, part, frame, _with(frame, box=one.box)) for one, mesh in seen],
                len(large) - len(largest) + len(seen),
            )
        return self.found[key]


def find_upright_faces(
    pixels: Pixels, settings: Settings, limit: int, allowance: Allowance
) -> tuple[list[UprightFace], int]:
    """Faces of an H×W×3 RGB picture, largest first, at most ``limit``; and how many were found.

    ``allowance`` is taken from, and says what was missed. Raises ModelUnavailable when the weights cannot be had.
    """
    search = _Search(pixels, settings, limit, allowance)
    place = _place_of(pixels)
    first, total = seen_faces(search, place)
    gutters = bool(first) and place.photograph is None and has_gutter(search.part(place, 0))
    kept: list[UprightFace] = []
    for one in first:
        settled = _settled(search, one, gutters)
        if not any(_overlap(settled.box, other.box) >= SAME for other in kept):
            kept.append(settled)
    # A picture that lies on its side may show more faces once it stands.
    for quarters in sorted({one.frame.quarters for one in kept} - {0}):
        more = [one for one in search.faces(place, quarters)[0] if _quarters(one) == 0]
        kept += [one for one in more if not any(_overlap(one.box, other.box) >= SAME for other in kept)]
    total += max(0, len(kept) - len(first))
    kept.sort(key=lambda one: (-one.area, one.frame.box))
    return [_levelled(one, settings) for one in kept[:limit]], total


def _place_of(pixels: Pixels) -> Place:
    """The photograph without its margins, those on the canvas and those that were turned with it."""
    x0, y0, x1, y1 = content = content_of(pixels)
    height, width = pixels.shape[:2]
    turned = turned_photograph(pixels[y0:y1, x0:x1], (-x0, -y0, width - x0, height - y0))
    if turned is None:
        return Place(content)
    frame = _whole(Place(content, turned), 0)
    left, top, right, bottom = content_of(cut_out(pixels, frame))
    x, y = points_out(frame, [((left + right - 1) / 2, (top + bottom - 1) / 2)])[0].tolist()
    inner = {"width": right - left, "height": bottom - top, "centre": (x - x0, y - y0)}
    return Place(content, turned.model_copy(update=inner))


def seen_faces(search: _Search, place: Place) -> tuple[list[UprightFace], int]:
    """The faces of a photograph as it is, or in the orientation in which they are clearer; and how many there are."""
    first, total = search.faces(place, 0)
    sure = [one.detection.score for one in first if _is_sure(one)]
    if len(sure) <= 1 and max(sure, default=0.0) < CLEAR:
        # On its side, a picture may show a weak face in hair or hands, and not the one that stands in it.
        lying, number = _lying(search, place, first)
        if lying:
            return lying, number
    return first, total


def _lying(search: _Search, place: Place, upright: Sequence[UprightFace]) -> tuple[list[UprightFace], int]:
    """Faces that are only found, or are clearer, once the picture is turned by quarters; nothing where there are none.

    Four looks find four times as much that is no face, so only a face without doubt counts, or one that is clear to
    the detector and clearer than anything that is ``upright``.
    """
    small = reduced(search.part(place, 0))
    scores = [(one.detection.score + LEAD, _is_sure(one)) for one in upright]
    above_sure = max((score for score, sure in scores if sure), default=0.0)
    above_all = max((score for score, _ in scores), default=0.0)
    for quarters in (1, 3, 2):
        if best_score(np.ascontiguousarray(np.rot90(small, quarters)), search.settings) < SCORE:
            continue
        found, total = search.faces(place, quarters)
        standing = [one for one in found if _quarters(one) == 0 and (_is_sure(one) or _is_clear(one))]
        if any(one.detection.score >= (above_sure if _is_sure(one) else above_all) for one in standing):
            return standing, total
    return [], 0


def _settled(search: _Search, one: UprightFace, gutters: bool) -> UprightFace:
    """The face as it is seen in its own photograph of a collage, turned back by whole quarters."""
    quarters = (one.seen_in.quarters + _quarters(one)) % 4
    place = Place(one.seen_in.content, one.seen_in.photograph)
    if gutters:
        x, y = place.content[:2]
        box = one.box
        tile = tile_around(search.part(place, 0), (box[0] - x, box[1] - y, box[2] - x, box[3] - y))
        place = Place((tile[0] + x, tile[1] + y, tile[2] + x, tile[3] + y))
    if (place.content, quarters) == (one.seen_in.content, one.seen_in.quarters):
        return one
    again = max(search.faces(place, quarters)[0], key=lambda other: _overlap(other.box, one.box), default=None)
    if again is not None and _overlap(again.box, one.box) >= SAME and _quarters(again) == 0:
        return again
    frame = _whole(place, quarters)
    return replace(one, frame=_with(frame, box=box_into(frame, one.box)))


def _levelled(one: UprightFace, settings: Settings) -> UprightFace:
    """The face with the rest of its roll noted, and its box as it is once that is undone."""
    box, degrees = _upright_box(one, settings)
    left = _turn(degrees - 90.0 * (one.frame.quarters - one.seen_in.quarters))
    if abs(left) > 60:
        return one
    # An upright box keeps its shape in every frame; only its centre is moved.
    middle = points_out(one.seen_in, [((box[0] + box[2] - 1) / 2, (box[1] + box[3] - 1) / 2)])
    x, y = (points_into(one.frame, middle)[0] + 0.5).tolist()
    half_width, half_height = (box[2] - box[0]) / 2, (box[3] - box[1]) / 2
    upright = (x - half_width, y - half_height, x + half_width, y + half_height)
    return replace(one, frame=_with(one.frame, box=upright, degrees=left))


def _upright_box(one: UprightFace, settings: Settings) -> tuple[Box, float]:
    """The box around the head once its roll is undone, and that roll, in the part that the face was seen in."""
    detected = one.detection.box
    if one.landmarks is not None:
        box, degrees = mesh_box(one.landmarks.points)
        if _overlap(box, detected) >= ALIKE or abs(degrees) > TILTED:
            return box, degrees
    degrees = _roll(one)
    turned = upright_box(one.part, one.detection, degrees, settings) if abs(degrees) > TILTED else None
    return turned or detected, degrees


def _roll(one: UprightFace) -> float:
    """Degrees by which the head is turned clockwise, in the part that it was seen in; from all five points."""
    return roll_of(one.detection.points if one.landmarks is None else five_points(one.landmarks.points))


def _quarters(one: UprightFace) -> int:
    """Whole quarters nearest to the roll, clockwise, 0-3, in the part that it was seen in."""
    return round(_roll(one) / 90.0) % 4


def _turn(degrees: float) -> float:
    """The same turn in (-180, 180]."""
    return 180.0 - (180.0 - degrees) % 360.0


def _whole(place: Place, quarters: int) -> FaceFrame:
    x0, y0, x1, y1 = place.content
    box = (0.0, 0.0, float(x1 - x0), float(y1 - y0))
    return FaceFrame(content=place.content, photograph=place.photograph, quarters=quarters, box=box)


def _with(frame: FaceFrame, *, box: Box, degrees: float = 0.0) -> FaceFrame:
    # Validated, which rounds: the numbers in memory are those that JSON and a stored conversation give back.
    return FaceFrame.model_validate({**dict(frame), "box": box, "degrees": degrees})


def _short(found: Detection) -> float:
    return min(found.box[2] - found.box[0], found.box[3] - found.box[1])


def _area(found: Detection) -> float:
    return (found.box[2] - found.box[0]) * (found.box[3] - found.box[1])


def _overlap(a: Box, b: Box) -> float:
    """Intersection over union."""
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    common = max(0.0, width) * max(0.0, height)
    return common / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - common)


def _with_landmarks(
    pixels: Pixels, detection: Detection, settings: Settings
) -> tuple[Detection, Landmarks | None] | None:
    """The detection with its landmarks, turned where it must be; None where it turns out to be no face."""
    landmarks = find_landmarks(pixels, detection, settings)
    if landmarks is not None and not _doubtful(detection, landmarks):
        return detection, landmarks
    again = redetect(pixels, detection, settings)
    if again is None:
        return None if landmarks is None else (detection, landmarks)
    turned = find_landmarks(pixels, again, settings)
    if landmarks is None:
        return None if turned is None and detection.score < SURE else (again, turned)
    if turned is not None and _is_better(again, turned, detection, landmarks):
        return again, turned
    return detection, landmarks


def _cut_by_tile(one: Detection, mesh: Landmarks | None, others: Sequence[Detection]) -> bool:
    """Whether a narrow box in which no mesh is present is what the border of a tile cut of a clearer face."""
    x0, y0, x1, y1 = one.box
    if x1 - x0 >= NARROW * (y1 - y0) or (mesh is not None and mesh.presence >= ABSENT):
        return False
    return any(other.score > one.score and _overlap(other.box, one.box) >= BESIDE for other in others)


def _front(one: Detection, again: Detection, others: Sequence[Detection]) -> Detection | None:
    """The clearer face that a second look at ``one`` has found instead, which covers too much of it; or None."""
    clearer = (other for other in others if other.score > one.score)
    return next((other for other in clearer if _overlap(other.box, again.box) >= SAME), None)


def _is_sure(one: UprightFace) -> bool:
    return one.landmarks is not None and not _doubtful(one.detection, one.landmarks)


def _is_clear(one: UprightFace) -> bool:
    present = one.landmarks is not None and one.landmarks.presence >= PRESENT
    return present and one.detection.score >= CLEAR


def _doubtful(detection: Detection, landmarks: Landmarks) -> bool:
    weak = detection.score < SCORE or landmarks.presence < PRESENCE
    return weak or landmarks.disagreement > DISAGREEMENT


def _is_better(again: Detection, turned: Landmarks, detection: Detection, landmarks: Landmarks) -> bool:
    """Whether the second look is the better one: both models surer, or agreeing better."""
    both = again.score > detection.score + 0.03 and turned.presence >= landmarks.presence
    return both or turned.disagreement < landmarks.disagreement
