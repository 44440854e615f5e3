"""``python -m finetune.detectors.occlusion.calibrate --data DIR``: from which cover on a part counts as covered.

The limits are those that at most one in fifty parts of faces as they are exceeds, part by part, on faces of the
training sets that the fit did not see. They lie between a third and six tenths: below, an object that hides a third
of a mouth would hide it all, above, one that hides most of it would not.
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evals.data.synthesis.located_faces import LocatedFace, read_pixels
from faceagent.encoder.crop import face_crop
from faceagent.encoder.occlusion import CARD, load_head, look
from faceagent.settings import Settings
from faceagent.tools.visibility import parts_of
from faceagent.types import PARTS
from finetune.data.sources import faces_of
from finetune.detectors.linear_head import ADAPTERS
from finetune.detectors.occlusion.train import COUNTS

FALSE_ALARMS = 0.02
RANGE = (0.33, 0.6)


def covered_shares(faces: Sequence[LocatedFace], settings: Settings) -> NDArray[np.float64]:
    """N×10: how far the head takes every part of faces as they are for covered, 0-1, in the order of ``PARTS``."""
    margin = load_head().card.margin
    rows = []
    for face in faces:
        pixels = read_pixels(face)
        crop = face_crop(pixels, (face.box[0], face.box[1], face.box[2], face.box[3]), scale=margin)
        (patches,) = look([crop], settings)
        found = parts_of(patches, np.asarray(face.points))
        rows.append([found.covered[part] for part in PARTS])
    return np.asarray(rows, dtype=np.float64)


def limits(shares: NDArray[np.float64]) -> dict[str, float]:
    """The limit of every part, from N×10 shares of uncovered faces."""
    lines = np.clip(np.quantile(shares, 1 - FALSE_ALARMS, axis=0), *RANGE)
    return {part: round(float(line), 3) for part, line in zip(PARTS, lines, strict=True)}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure uncovered faces of every set and write the limits into the card."""
    parser = argparse.ArgumentParser(prog="python -m finetune.detectors.occlusion.calibrate", description=__doc__)
    parser.add_argument("--data", type=Path, default=os.environ.get("FACEAGENT_DATA"), help="folder of the sets")
    parser.add_argument("--runs", type=Path, default=Path("runs/occlusion"), help="where faces are remembered")
    parser.add_argument("--adapter", type=Path, default=ADAPTERS / "occlusion")
    options = parser.parse_args(arguments)
    if options.data is None:
        parser.error("say where the sets are: --data DIR or FACEAGENT_DATA")
    settings = Settings()
    where = {name: Path(options.data) / name for name in COUNTS}
    faces = [
        face for name in COUNTS for face in faces_of(name, where, options.runs / "faces", settings) if face.held_out
    ]
    found = limits(covered_shares(faces, settings))
    card = json.loads((options.adapter / CARD).read_text(encoding="utf-8")) | {"limits": found}
    (options.adapter / CARD).write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    print(json.dumps({"faces": len(faces), "limits": found}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
