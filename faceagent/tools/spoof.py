"""Print and replay attacks: was the face in front of the camera, or a photograph or screen of it?

Two MiniFASNets (Minivision, Silent-Face-Anti-Spoofing, 2020) read the face in crops of 2.7 and 4.0 times its box; their
softmax outputs are averaged. The encoder's branch ``spoof`` reads the texture of the face itself in features of CLIP;
it was trained on simulated recaptures. The log likelihood ratios of both are averaged. With ``detectors=fast`` and
where CLIP's weights are missing, the MiniFASNets answer alone. Both detect paper and screens. They do not detect masks,
and they classify generated faces as live. The surroundings are those in the photograph that the face is in, upright:
margins of any kind, letterbox bars, frames and the fill around a turned photograph are cut off first. When the face
fills the photograph, the crops hold no surroundings and the networks lose most of their power: their output counts for
less the less room there is around the face, without a step. The networks depend on colour and classify a live face
without it as an attack: pictures without colour are not measured.
"""

import json
import math
from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, ClassVar, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from faceagent.encoder.crop import crop_face
from faceagent.faces import align
from faceagent.faces.content import clear_rectangle, shaped_mask
from faceagent.faces.seams import within_seams
from faceagent.settings import Settings
from faceagent.tools import familiarity
from faceagent.tools.base import FollowUp, Pixels, ToolSpec, View, not_measured, per_face, stamped
from faceagent.tools.encoder_branch import full_encoder
from faceagent.types import Evidence, Face, FaceFrame, Score, ToolStamp
from faceagent.upright import face_upright, frame_of
from faceagent.weights import stamp
from faceagent.weights.sessions import device_of, open_session

if TYPE_CHECKING:
    from faceagent.encoder.encoder import Encoder

Floats = NDArray[np.float32]
Box = tuple[float, float, float, float]

SIDE = 80
LIVE = 1
"""Index of the class "live" among print, live and replay."""
NETWORKS = (("minifasnet_v2_onnx", 2.7), ("minifasnet_v1se_onnx", 4.0))
"""Weights and the crop scale each was trained with."""
BRANCH = "spoof"
"""The branch on CLIP."""
NETWORKS_ALONE, JOINED = "spoof/room-2", "spoof/joined-1"
"""Ids of the calibrations of the MiniFASNets alone, and of them with the branch."""
COLOUR = 1.5
"""Least ``chroma_residual`` a face must have. Chosen on 530 live faces (FRLL's training people, FairFace train, SFHQ),
unchanged, paler, toned and grey: below .1 half are called spoof with LR 10, from .7 to 1.1 one in ten, from 1.5 on one
in a hundred. Under 3 % of these pictures lie below it when unchanged, most of them greyscale."""
TILTED = 10.0
"""Degrees of roll from which the surroundings are turned upright; the networks were trained on heads that tilt less."""
CUT = "Margins or a frame around the photograph were cut off before the surroundings of the face were read."
LIMIT = 12.0
"""Logits are clipped here: beyond it float32 softmax is all rounding."""


def largest_scale(width: int, height: int, box: Box) -> float:
    """The largest crop scale that fits into the picture: 1 when the face fills it."""
    x0, y0, x1, y1 = box
    return min((width - 1) / max(x1 - x0, 1.0), (height - 1) / max(y1 - y0, 1.0))


class RoomScale(NamedTuple):
    """What an output counts for by the room around the face, ``largest_scale``: linear between two ends."""

    none: float
    """``largest_scale`` up to which there is no room."""
    full: float
    """The same from which there is as much as the networks need."""
    without: tuple[float, float]
    """Slope and intercept of the natural logarithm of the likelihood ratio on the output's logit, without room."""
    within: tuple[float, float]
    """The same with room."""

    def weigh(self, logit: float, scale: float) -> float:
        """The logit of "attack" that an output stands for with this much room."""
        share = min(max((scale - self.none) / (self.full - self.none), 0.0), 1.0)
        slope, intercept = ((1 - share) * a + share * b for a, b in zip(self.without, self.within, strict=True))
        return slope * logit + intercept


class TowerLine(NamedTuple):
    """What the branch's output counts for: a line that gives its ln LR, and its share beside the networks' own."""

    slope: float
    intercept: float
    share: float

    def joined(self, networks: NDArray[np.float64], branch: NDArray[np.float64]) -> NDArray[np.float64]:
        """N logits of "attack" of the networks, as weighed by the room, and of the branch, as one."""
        return (1 - self.share) * networks + self.share * (self.slope * branch + self.intercept)


@cache
def _weights(calibration: str) -> tuple[RoomScale, TowerLine | None]:
    file = resources.files("faceagent").joinpath("judge", "calibration", f"{calibration.replace('/', '-')}.json")
    record = json.loads(file.read_text(encoding="utf-8"))
    room, tower = record["room"], record.get("tower")
    scale = RoomScale(room["none"], room["full"], tuple(room["without"]), tuple(room["within"]))
    return scale, None if tower is None else TowerLine(**tower)


def room_scale(calibration: str = NETWORKS_ALONE) -> RoomScale:
    """The one that ships with a calibration. Raises FileNotFoundError when the package is incomplete."""
    return _weights(calibration)[0]


def tower_line() -> TowerLine:
    """What ships for the branch. Raises FileNotFoundError when the package is incomplete."""
    line = _weights(JOINED)[1]
    if line is None:
        raise ValueError(f"The calibration {JOINED} has no line for the branch.")
    return line


def crop_window(width: int, height: int, box: Box, scale: float) -> tuple[int, int, int, int]:
    """x0, y0, x1, y1 (last two inclusive) of the crop: the box grown by ``scale``, capped and shifted inside.

    This is the published ``CropImage`` rule, with its truncation to int: the networks were trained with it.
    """
    x0, y0, x1, y1 = box
    scale = min(scale, largest_scale(width, height, box))
    wide, high = max(x1 - x0, 1.0) * scale, max(y1 - y0, 1.0) * scale
    left, top = (x0 + x1 - wide) / 2, (y0 + y1 - high) / 2
    right, bottom = left + wide, top + high
    if left < 0:
        left, right = 0.0, right - left
    if top < 0:
        top, bottom = 0.0, bottom - top
    if right > width - 1:
        left, right = left - (right - width + 1), width - 1.0
    if bottom > height - 1:
        top, bottom = top - (bottom - height + 1), height - 1.0
    return max(0, int(left)), max(0, int(top)), int(right), int(bottom)


def chroma_residual(pixels: Pixels, box: Box) -> float:
    """Colour of the face that its brightness does not explain: mean distance in CIELAB's a and b, 0 and up.

    Greyscale gives about 0, and so does a toned picture (sepia), where the colour is a function of brightness. The
    box is averaged down to 20×20 first, so that coloured noise on a greyscale picture does not count.
    """
    height, width = pixels.shape[:2]
    x0, y0, x1, y1 = crop_window(width, height, box, 1.0)
    small = cv2.resize(np.asarray(pixels[y0 : y1 + 1, x0 : x1 + 1]), (20, 20), interpolation=cv2.INTER_AREA)
    lab = cv2.cvtColor(small.astype(np.float32) / 255, cv2.COLOR_RGB2LAB).reshape(-1, 3).astype(np.float64)
    # The colour of a toned picture runs from black over the tint to white: a parabola in brightness, not a line.
    terms = np.vander(lab[:, 0] / 100, 3)
    rest = lab[:, 1:] - terms @ np.linalg.lstsq(terms, lab[:, 1:], rcond=None)[0]
    return float(np.linalg.norm(rest, axis=1).mean())


def prepare(pixels: Pixels, box: Box, scale: float) -> Floats:
    """3×80×80 float32 for one network: BGR, 0-255, neither divided nor normalised.

    Either mistake raises no error and costs much: RGB order takes the AUC from .946 to .852, division by 255 to .666.
    """
    height, width = pixels.shape[:2]
    x0, y0, x1, y1 = crop_window(width, height, box, scale)
    # Bilinear without smoothing, as in training; an area average removes the texture that the networks detect.
    chip = cv2.resize(np.asarray(pixels[y0 : y1 + 1, x0 : x1 + 1]), (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)
    return np.ascontiguousarray(chip[..., ::-1].transpose(2, 0, 1)).astype(np.float32)


def attack_logit(outputs: Sequence[Floats]) -> NDArray[np.float64]:
    """N logits of "attack" from the networks' N×3 logits; the probabilities are averaged, not the logits."""
    live = np.mean([_softmax(output)[:, LIVE] for output in outputs], axis=0)
    tiny = 1.0 / (1.0 + np.exp(LIMIT))
    live = np.clip(live, tiny, 1.0 - tiny)
    return np.asarray(np.log1p(-live) - np.log(live))


def _softmax(logits: Floats) -> NDArray[np.float64]:
    wide = np.asarray(logits, dtype=np.float64)
    powers = np.exp(wide - wide.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


class Scene(NamedTuple):
    """A face in its surroundings: H×W×3 RGB with the head upright, its box there, and whether something was cut off.

    ``crop`` is the face as the branch reads it: of what lies beyond a seam there is nothing in it.
    """

    pixels: Pixels
    box: Box
    crop: Pixels
    cut: bool = False

    @property
    def room(self) -> float:
        """``largest_scale`` of the face."""
        return largest_scale(self.pixels.shape[1], self.pixels.shape[0], self.box)


def scene_of(pixels: Pixels, face: Face) -> Scene:
    """The surroundings of a face, without margins, frames and the fill around a turned photograph."""
    whole, upright = face_upright(pixels, face)
    frame = frame_of(upright, whole.shape[1], whole.shape[0])
    left, top, right, bottom = within_seams(whole, frame.box)
    part = np.ascontiguousarray(whole[top:bottom, left:right])
    height, width = part.shape[:2]
    cut = part.shape[:2] not in (pixels.shape[:2], pixels.shape[1::-1])
    filled = shaped_mask(part)
    box = (frame.box[0] - left, frame.box[1] - top, frame.box[2] - left, frame.box[3] - top)
    within = FaceFrame(content=(left, top, right, bottom), degrees=frame.degrees, box=box)
    crop = crop_face(whole, upright.model_copy(update={"frame": within})).pixels
    if abs(frame.degrees) > TILTED:
        # All that the crops can reach, turned upright; what lies outside the picture counts as fill.
        side = max(box[2] - box[0], box[3] - box[1])
        reach = 2 * NETWORKS[-1][1]
        size = max(2, round(min(reach * side, 2 * math.hypot(width, height))))
        matrix = align.square_matrix(box, size / side, size, frame.degrees)
        outside = np.zeros((height, width), np.uint8) if filled is None else filled
        blocked = cv2.warpAffine(
            outside, matrix, (size, size), flags=cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT, borderValue=(1,)
        )
        part = align.warp(part, matrix, size)
        half_width, half_height = (box[2] - box[0]) / 2, (box[3] - box[1]) / 2
        box = (size / 2 - half_width, size / 2 - half_height, size / 2 + half_width, size / 2 + half_height)
        cut = cut or filled is not None
        filled = np.asarray(blocked, dtype=np.uint8)
    elif filled is not None:
        cut = True
    if filled is None:
        return Scene(part, box, crop, cut)
    x0, y0, x1, y1 = clear_rectangle(filled, box)
    return Scene(part[y0:y1, x0:x1], (box[0] - x0, box[1] - y0, box[2] - x0, box[3] - y0), crop, cut)


class Spoof:
    """The pair of MiniFASNets, one call of each per batch, and a branch of the encoder."""

    spec: ClassVar[ToolSpec] = ToolSpec(
        name="spoof",
        version="2.1.0",
        title="Print and replay detector",
        summary="Whether a face was live before the camera or shown to it on paper or on a screen.",
        questions=("spoof",),
        follow_ups=(
            FollowUp(verdict="spoof", answers="spoof", crop="closer", priority=0),
            FollowUp(verdict="spoof", answers="spoof", crop="wider", priority=1),
        ),
        scope="face",
        weights=(*(name for name, _ in NETWORKS), "clip_vitb16"),
    )

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def stamp(self) -> ToolStamp:
        """Name, version, the networks and the branch that are there, and the device they run on."""
        return self._stamp(self._encoder())

    def run(self, batch: Sequence[View]) -> list[tuple[Evidence, ...]]:
        """Per face ``F1:spoof``, the logit of "attack" weighed by the room around it, and the face's distance."""
        return per_face(batch, self._measure)

    def _measure(self, faces: Sequence[tuple[View, Face]]) -> list[tuple[Evidence, ...]]:
        scenes = [scene_of(view.pixels(), face) for view, face in faces]
        colours = [chroma_residual(one.pixels, one.box) for one in scenes]
        found: list[tuple[Evidence, ...]] = [
            (_colourless(self.spec, view, value),) for (view, _), value in zip(faces, colours, strict=True)
        ]
        usable = [index for index, value in enumerate(colours) if value >= COLOUR]
        if usable:
            inputs, seen = [scenes[index] for index in usable], [faces[index] for index in usable]
            logits, encoder = self.logits(inputs), self._encoder()
            branch = [None] * len(usable) if encoder is None else branch_logits(encoder, inputs).tolist()
            by = self._stamp(encoder)
            guards = familiarity.guard(by, seen, self.spec.questions, [["spoof"]], self._settings)
            for index, scene, logit, texture, distance in zip(usable, inputs, logits, branch, guards, strict=True):
                view = faces[index][0]
                found[index] = (_evidence(by, view, float(logit), texture, scene, colours[index]), *distance)
        return found

    def logits(self, scenes: Sequence[Scene]) -> NDArray[np.float64]:
        """``attack_logit`` of every scene, not weighed by the room around the face."""
        return attack_logit([self._outputs(name, scale, scenes) for name, scale in NETWORKS])

    def _outputs(self, name: str, scale: float, scenes: Sequence[Scene]) -> Floats:
        """N×3 logits of one network."""
        session = open_session(name, self._settings)
        chips = np.stack([prepare(scene.pixels, scene.box, scale) for scene in scenes])
        return np.asarray(session.run(None, {session.get_inputs()[0].name: chips})[0], dtype=np.float32)

    def _encoder(self) -> "Encoder | None":
        return full_encoder(self._settings, BRANCH, NETWORKS_ALONE)

    def _stamp(self, encoder: "Encoder | None") -> ToolStamp:
        device = device_of(open_session(NETWORKS[0][0], self._settings))
        used = tuple(stamp(name) for name, _ in NETWORKS)
        return stamped(self.spec, device, (*used, *(() if encoder is None else encoder.stamps)))


def branch_logits(encoder: "Encoder", scenes: Sequence[Scene]) -> NDArray[np.float64]:
    """N outputs of the branch on CLIP, not yet weighed."""
    return np.asarray(encoder.run([scene.crop for scene in scenes], [BRANCH])[BRANCH].logits[:, 0], dtype=np.float64)


def _colourless(spec: ToolSpec, view: View, value: float) -> Evidence:
    words = (
        f"{spec.title}: not measured, the face has next to no colour ({value:.1f}, at least {COLOUR:.1f} is needed), "
        "and the detector was calibrated on colour pictures only."
    )
    return not_measured(spec, view, "not_applicable", "no_colour", words)


def _evidence(by: ToolStamp, view: View, logit: float, texture: float | None, scene: Scene, colour: float) -> Evidence:
    calibration = NETWORKS_ALONE if texture is None else JOINED
    scale, room = scene.room, room_scale(calibration)
    value = room.weigh(logit, scale)
    probability = 1.0 / (1.0 + np.exp(-logit))
    facts: dict[str, float | str] = {"network_output": probability, "room_around_face": scale, "colour": colour}
    words = f"raw output for an attack is {probability:.2f} of 1"
    if texture is not None:
        value = float(tower_line().joined(np.array([value]), np.array([texture]))[0])
        facts["texture_output"] = texture
        words = (
            f"raw output for an attack is {probability:.2f} of 1 by the surroundings of the face, and {texture:.2f} "
        )
        words += "by its texture, for which recaptured training faces lie near 1 and the others near -1"
    limit = ""
    if scale < room.full:
        limit = " The face fills the picture, which makes this detector unreliable."
        if texture is not None:
            limit = " The face fills the picture, so its surroundings count for less."
    if scene.cut:
        limit += f" {CUT}"
        facts["limit"] = CUT
    return Evidence(
        id=f"{view.subject}:spoof",
        tool=by,
        question="spoof",
        subject=view.subject,
        score=Score(value=value, scale="logit", calibration=calibration),
        facts=facts,
        # The statement names no side: the output at which both are equally likely is not one half.
        statement=f"The print and replay detector's {words}.{limit}",
    )
