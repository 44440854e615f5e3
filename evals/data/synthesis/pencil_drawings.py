"""Pencil drawings of photographs: faces unlike all that detectors were trained on, drawn by OpenCV from FairFace."""

from pathlib import Path

import cv2
import numpy as np

from evals.data.folder import label_rows
from evals.synthetic_data import write_labels

NAME, SOURCE = "pencil_drawings", "fairface_val_1400"
COUNT = 80
"""Drawings made; a face is found on a part of them only."""
SEED = 1


def make(data: Path, folder: Path) -> Path:
    """Write the set into ``folder``; returns the folder. Raises InputError without its source."""
    rows = label_rows(data / SOURCE)
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for place in sorted(np.random.default_rng(SEED).permutation(len(rows))[:COUNT].tolist()):
        pixels = cv2.imread(str(data / SOURCE / rows[place]["file"]), cv2.IMREAD_COLOR)
        if pixels is None:
            continue
        drawing, _ = cv2.pencilSketch(pixels[..., ::-1].copy(), sigma_s=30, sigma_r=0.07, shade_factor=0.05)
        file = f"{place:04}.png"
        cv2.imwrite(str(folder / file), np.asarray(drawing, np.uint8))
        made.append({"file": file, "source": rows[place]["file"]})
    return write_labels(folder, made)
