"""``python -m finetune.detectors.occlusion.calibrate --data DIR``: from which cover on a part counts as covered.

The limits are those that at most one in fifty parts of faces as they are exceeds, part by part, on faces of the
training sets that the fit did not see. They lie between a third and six tenths: below, an object that hides a third
of a mouth would hide it all, above, one that hides most of it would not. The floors are the likeness that all but few
parts of the same faces have: what is less like a mouth than nearly all mouths is not taken for one.
"""

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evals.data.synthesis.located_faces import LocatedFace, read_pixels
from evals.views import drawn
from faceagent.encoder.crop import crop_face
from faceagent.encoder.head_card import CARD
from faceagent.encoder.occlusion import load_head, look
from faceagent.faces import find_faces, main_face
from faceagent.settings import Settings
from faceagent.tools.visibility import likeness_of, parts_of
from faceagent.types import PARTS, FacePart
from finetune.detectors.linear_head import ADAPTERS
from finetune.detectors.occlusion.train import training_faces

Reals = NDArray[np.float64]

EYES: tuple[FacePart, ...] = ("right_eye", "left_eye")

FALSE_ALARMS = 0.02
RANGE = (0.33, 0.6)
STRANGE, STRANGE_AT_EDGE, STRANGE_IN_DOUBT = 0.003, 0.05, 0.1
"""Share of the parts of faces as they are that may be below the floor; at the edge of a photograph more, and most
where something may cover the part."""
STRANGE_EYES_AT_EDGE = 0.09
"""The same for eyes at the edge, of which an oval cut leaves a half. With these shares, of 3,700 statements about
parts that were cut off from training pictures 12 were made, all at oval or round cuts and corners; 4 % of the parts of
FairFace's training faces count as hidden, 8 % with the shares of .1 that left no such statement."""


def measured(faces: Sequence[LocatedFace], settings: Settings) -> tuple[Reals, Reals]:
    """Two N×10, 0-1, of faces as they are, in the order of ``PARTS``: how far each part is covered, and its likeness.

    The faces are found and cropped as the product does it. A part outside the picture has cover 0 and likeness 1.
    """
    margin = load_head().card.margin
    covered, likeness = [], []
    for face in faces:
        view = drawn(read_pixels(face))
        found = main_face(find_faces(view.picture, view.pixels(), settings), view.picture)
        if found is None or not found.landmarks:
            continue
        (patches,) = look([crop_face(view.pixels(), found, scale=margin)], settings)
        points = np.asarray(found.landmarks)
        cover, alike = parts_of(patches, (), points).covered, likeness_of(patches, points)
        shown = {one.part: one.visible for one in found.parts}
        covered.append([cover[part] for part in PARTS])
        likeness.append([alike.get(part, 1.0) * shown.get(part, 1.0) for part in PARTS])
    return np.asarray(covered, dtype=np.float64), np.asarray(likeness, dtype=np.float64)


def limits(shares: Reals) -> dict[FacePart, float]:
    """The limit of every part, from N×10 shares of uncovered faces."""
    lines = {part: float(np.quantile(values, 1 - FALSE_ALARMS)) for part, values in _both_sides(shares).items()}
    return {part: round(float(np.clip(line, *RANGE)), 3) for part, line in lines.items()}


def floors(likeness: Reals, covered: Reals, limit: Mapping[FacePart, float], strange: float) -> dict[FacePart, float]:
    """The floor of every part, from the N×10 likeness of faces as they are, without what is covered in them.

    ``strange`` is the share that may be below it.
    """
    alike, cover = _both_sides(likeness), _both_sides(covered)
    return {part: round(float(np.quantile(alike[part][cover[part] < limit[part]], strange)), 3) for part in PARTS}


def _both_sides(values: Reals) -> dict[FacePart, Reals]:
    """The values of every part, from N×10; of left and right together, because faces have two alike sides."""
    columns = dict(zip(PARTS, values.T, strict=True))
    other = {"left": "right", "right": "left"}
    found = {}
    for part, column in columns.items():
        side, _, name = part.partition("_")
        twin = [columns[one] for one in PARTS if one == f"{other.get(side)}_{name}"]
        found[part] = np.concatenate([column, *twin])
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure faces of every set as they are, and write limits and floors into the card."""
    parser = argparse.ArgumentParser(prog="python -m finetune.detectors.occlusion.calibrate", description=__doc__)
    parser.add_argument("--data", type=Path, default=os.environ.get("FACEAGENT_DATA"), help="folder of the sets")
    parser.add_argument("--runs", type=Path, default=Path("runs/occlusion"), help="where faces are remembered")
    parser.add_argument("--adapter", type=Path, default=ADAPTERS / "occlusion")
    options = parser.parse_args(arguments)
    if options.data is None:
        parser.error("say where the sets are: --data DIR or FACEAGENT_DATA")
    settings = Settings()
    faces = [face for face in training_faces(Path(options.data), options.runs, settings) if face.held_out]
    covered, likeness = measured(faces, settings)
    limit = limits(covered)
    eyes = floors(likeness, covered, limit, STRANGE_EYES_AT_EDGE)
    found = {
        "limits": limit,
        "floors": floors(likeness, covered, limit, STRANGE),
        "edge_floors": {
            **floors(likeness, covered, limit, STRANGE_AT_EDGE),
            **{part: eyes[part] for part in EYES},
        },
        "doubt_floors": floors(likeness, covered, limit, STRANGE_IN_DOUBT),
    }
    card = json.loads((options.adapter / CARD).read_text(encoding="utf-8")) | found
    (options.adapter / CARD).write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    print(json.dumps({"faces": len(faces)} | found, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
