"""Takes for the spoof detector: live faces, and the same pictures printed or shown on a screen and photographed again.

Live pictures and recaptures are framed alike and then delivered alike: colour balance, brightness, size and
compression are drawn from the same distributions, so that none of them reveals the class. The same data give the same
takes. The live pictures themselves are tilted too: how features change then must not move the detector.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from evals.data.folder import label_rows
from evals.data.held_out import FRLL, may_train, source_of
from evals.data.synthesis import recapture
from evals.data.synthesis.picture_changes import tilted
from evals.views import drawn, whole
from faceagent.encoder.crop import turned_crop
from faceagent.encoder.intermediate_features import intermediate_features
from faceagent.encoder.tower import Tower
from faceagent.faces import find_faces, main_face
from faceagent.settings import Settings
from faceagent.tools.base import Pixels
from faceagent.tools.spoof import COLOUR, Spoof, chroma_residual, scene_of
from faceagent.types import Face, FaceFrame, TurnedPhotograph
from faceagent.upright import cut_out, face_upright
from finetune.data.precision import autocast

Reals = NDArray[np.float64]

COUNTS: Mapping[str, int] = {FRLL: 66, "fairface_train_4k": 110, "us_portraits": 54, "muxspace_expressions": 36}
"""Pictures of every set."""
STUDIO_ROOM, STREET_ROOM = (1.0, 2.6), (1.0, 1.4)
"""Range of the room left around a face in box sides; the pictures of FairFace and muxspace end soon after it."""
ROOMS = {FRLL: STUDIO_ROOM, "us_portraits": STUDIO_ROOM}
LIVE = ("live", "live")
ATTACKS: tuple[recapture.Attack, ...] = (*recapture.ATTACKS, *recapture.ATTACKS)
DELIVERED = 0.7
"""Share of the takes that are delivered; the others are as the camera made them."""
TAPS = (4, 6, 8, 10)
"""Blocks of CLIP whose features are kept."""
TILT = 30.0
"""Degrees, largest tilt of a twin."""
SAMPLINGS = (cv2.INTER_CUBIC, cv2.INTER_LINEAR, cv2.INTER_NEAREST)
"""How programs tilt a picture; the last is the default of Pillow."""
EVERY = 3
"""One picture in so many is tilted, twice."""
JITTER, ROLL_JITTER = 0.004, 0.2
"""Standard deviations of the place and size of a twin's crop over its side, and of its roll in degrees: those of the
mesh in a tilted picture."""


class Takes(NamedTuple):
    """One row per take: ``kind`` (live, print, replay), the source picture and its set, what was read of it.

    ``networks``: the MiniFASNets' logit of "attack". ``room``: see ``faceagent.tools.spoof.largest_scale``.
    ``features``: pooled features of ``TAPS``.
    """

    kind: NDArray[np.str_]
    source: NDArray[np.str_]
    origin: NDArray[np.str_]
    networks: Reals
    room: Reals
    features: NDArray[np.float32]

    @property
    def attack(self) -> NDArray[np.bool_]:
        """Which rows are recaptures."""
        return np.asarray(self.kind != "live")

    def beside(self, taps: Sequence[int]) -> NDArray[np.float32]:
        """N×(taps·3W) features of these blocks."""
        return _beside(self.features, taps)


class TiltChanges(NamedTuple):
    """One row per tilted copy of a live picture: its set, and by how much the features of ``TAPS`` change."""

    origin: NDArray[np.str_]
    features: NDArray[np.float32]

    def beside(self, taps: Sequence[int]) -> NDArray[np.float32]:
        """M×(taps·3W) changes in these blocks."""
        return _beside(self.features, taps)


def _beside(features: NDArray[np.float32], taps: Sequence[int]) -> NDArray[np.float32]:
    parts = np.split(features, len(TAPS), axis=1)
    return np.concatenate([parts[TAPS.index(tap)] for tap in taps], axis=1)


def load_or_make(path: Path, data: Path, tower: Tower, settings: Settings) -> Takes:
    """The takes stored in the folder ``path``, one file per source picture; those that are missing are made."""
    path.mkdir(parents=True, exist_ok=True)
    tool, chosen = Spoof(settings), [(name, file) for name in COUNTS for file in _files(name, data / name)]
    rows: list[Takes] = []
    for number, (name, file) in enumerate(track(chosen, description="takes")):
        kept = path / f"{number:04}.npz"
        if not kept.is_file():
            _store(kept, _takes_of(number, name, data / name / file, tool, tower, settings))
        with np.load(kept) as stored:
            rows.append(Takes(*(stored[key] for key in Takes._fields)))
    filled = [one for one in rows if len(one.kind)]
    return Takes(*(np.concatenate(column) for column in zip(*filled, strict=True)))


def load_or_make_changes(path: Path, data: Path, tower: Tower, settings: Settings) -> TiltChanges:
    """How features change where a live picture is tilted, stored like takes."""
    path.mkdir(parents=True, exist_ok=True)
    chosen = [(name, file) for name in COUNTS for file in _files(name, data / name)]
    origins, rows = list[str](), list[NDArray[np.float32]]()
    for number, (name, file) in track(list(enumerate(chosen))[::EVERY], description="twins"):
        kept = path / f"{number:04}.npy"
        if not kept.is_file():
            view, rng = whole(data / name / file, settings), np.random.default_rng((3, number))
            crops = [] if view is None else _twin_crops(view.pixels(), settings, rng)
            with autocast(tower.device):
                features = intermediate_features(tower, crops, TAPS)
            np.save(kept, features[1:] - features[:1])
        rows.append(np.load(kept))
        origins += [name] * len(rows[-1])
    return TiltChanges(np.array(origins, dtype=str), np.concatenate(rows))


def _twin_crops(pixels: Pixels, settings: Settings, rng: np.random.Generator) -> list[Pixels]:
    """The crop of a picture's face, and the same of two tilted copies, as the product turns them back; or none."""
    face = _main(pixels, settings)
    if face is None:
        return []
    pixels, face = face_upright(pixels, face)
    frame, (height, width) = face.frame or FaceFrame(content=(0, 0, 0, 0), box=face.box), pixels.shape[:2]
    crops = [turned_crop(pixels, frame.box, frame.degrees).pixels]
    for sign in (-1, 1):
        angle = sign * float(rng.uniform(0, TILT))
        copy = tilted(pixels, angle, sampling=int(rng.choice(SAMPLINGS)))
        middle = (copy.shape[1] - 1) / 2, (copy.shape[0] - 1) / 2
        lying = TurnedPhotograph(degrees=angle, width=width, height=height, centre=middle)
        back = cut_out(copy, FaceFrame(content=(0, 0, *copy.shape[1::-1]), photograph=lying, box=frame.box))
        x0, y0, x1, y1 = frame.box
        side = max(x1 - x0, y1 - y0)
        (x, y), half = rng.normal(0, JITTER * side, 2), side / 2 * float(np.exp(rng.normal(0, JITTER)))
        x, y = x + (x0 + x1) / 2, y + (y0 + y1) / 2
        roll = frame.degrees + float(rng.normal(0, ROLL_JITTER))
        crops.append(turned_crop(back, (x - half, y - half, x + half, y + half), roll).pixels)
    return crops


def _files(name: str, folder: Path) -> list[str]:
    files = [row["file"] for row in label_rows(folder) if name != FRLL or may_train(row)]
    count = min(COUNTS[name], len(files))
    return [files[index * len(files) // count] for index in range(count)]


def _store(path: Path, takes: Takes) -> None:
    temporary = path.with_suffix(".part.npz")
    np.savez(temporary, allow_pickle=False, **takes._asdict())
    temporary.replace(path)


def _takes_of(number: int, name: str, path: Path, tool: Spoof, tower: Tower, settings: Settings) -> Takes:
    rng = np.random.default_rng((2, number))
    kinds, crops, logits, rooms = [], [], [], []
    for kind, pixels in _pictures(path, ROOMS.get(name, STREET_ROOM), settings, rng):
        face = _main(pixels, settings)
        scene = None if face is None else scene_of(pixels, face)
        if face is None or scene is None or chroma_residual(scene.pixels, scene.box) < COLOUR:
            continue
        kinds.append(kind)
        crops.append(scene.crop)
        logits.append(float(tool.logits([scene])[0]))
        rooms.append(scene.room)
    with autocast(tower.device):
        features = intermediate_features(tower, crops, TAPS)
    return Takes(
        np.array(kinds, dtype=str),
        np.array([source_of(name, path.name)] * len(kinds), dtype=str),
        np.array([name] * len(kinds), dtype=str),
        np.array(logits, dtype=float),
        np.array(rooms, dtype=float),
        features,
    )


def _pictures(
    path: Path, rooms: tuple[float, float], settings: Settings, rng: np.random.Generator
) -> Iterator[tuple[str, Pixels]]:
    view = whole(path, settings)
    face = None if view is None else _main(view.pixels(), settings)
    if view is None or face is None:
        return
    pixels = view.pixels()
    for number, kind in enumerate((*LIVE, *ATTACKS)):
        part = recapture.around(pixels, face.box, rng.uniform(*rooms))
        if kind == "live":
            # The first take of a face is the picture as it is; the other went through a camera model, as attacks do.
            yield kind, delivered(recapture.camera(part, rng), rng) if number else part
            continue
        seen = recapture.recapture(part, "print" if kind == "print" else "replay", rng)
        found = _main(seen, settings)
        # A recapture is framed like a live picture.
        framed = seen if found is None else recapture.around(seen, found.box, rng.uniform(*rooms))
        yield kind, delivered(framed, rng)


def delivered(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """H×W×3 RGB in other light, smaller, sharpened and compressed, by chance; sometimes as it is."""
    if rng.random() > DELIVERED:
        return pixels
    light = (pixels.astype(np.float64) / 255) ** rng.uniform(0.75, 1.35) * rng.uniform(0.88, 1.12, 3)
    scale = float(rng.uniform(0.45, 1.0))
    size = max(96, round(pixels.shape[1] * scale)), max(96, round(pixels.shape[0] * scale))
    if min(pixels.shape[:2]) > 96:
        light = np.asarray(cv2.resize(light, size, interpolation=cv2.INTER_AREA), np.float64)
    if rng.random() < 0.3:
        light = light + rng.uniform(0.2, 0.8) * (light - cv2.GaussianBlur(light, (0, 0), 1.0))
    bytes_ = np.clip(light * 255, 0, 255).round().astype(np.uint8)
    _, coded = cv2.imencode(".jpg", bytes_[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(45, 96))])
    return np.ascontiguousarray(np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)[..., ::-1])


def _main(pixels: Pixels, settings: Settings) -> Face | None:
    picture = drawn(pixels).picture
    return main_face(find_faces(picture, pixels, settings), picture)
