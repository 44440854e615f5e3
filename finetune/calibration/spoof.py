"""The calibration of the spoof detector: what an output counts for by the room around the face.

Live faces are FRLL's training people and FairFace train, framed with all amounts of room; attacks are simulated from
the same pictures (``evals.data.synthesis.recapture``). One logistic regression has slope and intercept without and with
room, linear between, so that the same face in a little more room gets nearly the same ratio.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from evals.data.folder import label_rows
from evals.data.held_out import FRLL, is_test_person, person
from evals.data.synthesis import recapture
from evals.views import drawn, whole
from faceagent.faces import find_faces, main_face
from faceagent.settings import Settings
from faceagent.tools.base import Pixels
from faceagent.tools.spoof import CALIBRATION, COLOUR, RoomScale, Scene, Spoof, chroma_residual, scene_of
from faceagent.types import Face
from finetune.calibration.records import CalibrationRecord, binary_record, operating_point

Reals = NDArray[np.float64]

FAIRFACE = "fairface_train_4k"
STUDIO, STREET = 66, 70
"""Pictures of FRLL and of FairFace."""
STUDIO_ROOM, STREET_ROOM = (1.0, 2.6), (1.0, 1.4)
"""Range of the room left around a face; FairFace's pictures end soon after it."""
NO_ROOM, FULL_ROOM = 1.0, 1.3
"""Between these the slope and the intercept change: the range with least loss of five; a step at 1.3 loses .02 more."""
FALSE_ALARMS = (0.05, 0.02, 0.01)
ROUNDS = 100


class Take(NamedTuple):
    """One picture as the detector read it: live, print or replay; logit, room, and the source it was made from."""

    kind: str
    logit: float
    room: float
    source: int


def spoof_records(data: Path, settings: Settings) -> Iterable[CalibrationRecord]:
    """The one record."""
    yield room_record(list(takes(data, settings)))


def takes(data: Path, settings: Settings) -> Iterator[Take]:
    """Every source live, once more through a camera model, printed and replayed; each with its own room."""
    tool = Spoof(settings)
    for number, (path, rooms) in enumerate(_sources(data)):
        view = whole(path, settings)
        face = None if view is None else _main(view.pixels(), settings)
        if view is None or face is None:
            continue
        rng = np.random.default_rng((1, number))
        for kind, pixels in _framed(view.pixels(), face, rooms, settings, rng):
            found = _main(pixels, settings)
            scene = None if found is None else scene_of(pixels, found)
            if scene is not None and chroma_residual(scene.pixels, scene.box) >= COLOUR:
                yield _take(tool, kind, scene, number)


def _take(tool: Spoof, kind: str, scene: Scene, source: int) -> Take:
    return Take(kind, float(tool.logits([scene])[0]), scene.room, source)


def _sources(data: Path) -> list[tuple[Path, tuple[float, float]]]:
    front = [row["file"] for row in label_rows(data / FRLL) if row["set"] in ("neutral_front", "smiling_front")]
    training = [data / FRLL / file for file in front if not is_test_person(int(person(FRLL, file)))]
    studio = [training[index * len(training) // STUDIO] for index in range(min(STUDIO, len(training)))]
    rows, rng = label_rows(data / FAIRFACE), np.random.default_rng(0)
    chosen = sorted(rng.choice(len(rows), min(STREET, len(rows)), replace=False))
    street = [data / FAIRFACE / rows[index]["file"] for index in chosen]
    return [(path, STUDIO_ROOM) for path in studio] + [(path, STREET_ROOM) for path in street]


def _main(pixels: Pixels, settings: Settings) -> Face | None:
    picture = drawn(pixels).picture
    return main_face(find_faces(picture, pixels, settings), picture)


def _framed(
    pixels: Pixels, face: Face, rooms: tuple[float, float], settings: Settings, rng: np.random.Generator
) -> Iterator[tuple[str, Pixels]]:
    yield "live", recapture.around(pixels, face.box, rng.uniform(*rooms))
    yield "live", recapture.camera(recapture.around(pixels, face.box, rng.uniform(*rooms)), rng)
    for kind in recapture.ATTACKS:
        seen = recapture.recapture(recapture.around(pixels, face.box, rng.uniform(*rooms)), kind, rng)
        found = _main(seen, settings)
        # The recapture is framed like a live picture.
        yield kind, seen if found is None else recapture.around(seen, found.box, rng.uniform(*rooms))


def fit_room(found: list[Take]) -> RoomScale:
    """Weighted logistic regression of attack against live on the logit, the room, and their product."""
    logit, room = np.array([one.logit for one in found]), np.array([one.room for one in found])
    attack = np.array([one.kind != "live" for one in found])
    share = np.clip((room - NO_ROOM) / (FULL_ROOM - NO_ROOM), 0, 1)
    design = np.column_stack([logit, logit * share, np.ones(len(found)), share])
    weight = np.where(attack, 0.5 / attack.sum(), 0.5 / (~attack).sum())
    beta = np.zeros(4)
    for _ in range(ROUNDS):
        chance = 1 / (1 + np.exp(-np.clip(design @ beta, -60, 60)))
        gradient = design.T @ (weight * (chance - attack))
        curvature = (design * (weight * chance * (1 - chance))[:, np.newaxis]).T @ design
        beta = beta - np.linalg.solve(curvature + 1e-6 * np.eye(4), gradient)
    slope, more, intercept, shift = (round(float(value), 4) for value in beta)
    return RoomScale(NO_ROOM, FULL_ROOM, (slope, intercept), (round(slope + more, 4), round(intercept + shift, 4)))


def room_record(found: list[Take]) -> CalibrationRecord:
    """The record with the fit; the operating points are those of the stricter of live faces with and without room."""
    scale = fit_room(found)
    score = np.array([scale.weigh(one.logit, one.room) for one in found])
    kind, source = np.array([one.kind for one in found]), np.array([one.source for one in found])
    roomy = np.array([one.room >= scale.full for one in found])
    live = kind == "live"
    points = []
    for rate in FALSE_ALARMS:
        line = max(float(np.quantile(score[live & part], 1 - rate)) for part in (roomy, ~roomy))
        missed = max(float(np.mean(score[kind == attack] < line)) for attack in recapture.ATTACKS)
        errors = {"bpcer": float(np.mean(score[live] >= line)), "apcer": missed}
        points.append(operating_point(f"BPCER {100 * rate:.0f} %", line, errors))
    record = binary_record(
        CALIBRATION,
        "logit",
        ("spoof", "live"),
        (score[~live], score[live]),
        (source[~live], source[live]),
        points,
        fitted_on="FRLL training people and FairFace train; attacks simulated from the same pictures",
        note="Attacks are simulated recaptures (evals.data.synthesis.recapture), not real ones; APCER is that of the "
        "worse of print and replay among them. The points let at most their rate of the live faces with room, and of "
        "those without, be called spoofs.",
    )
    room = {"none": scale.none, "full": scale.full, "without": list(scale.without), "within": list(scale.within)}
    return {**record, "room": room}
