"""``python -m finetune.calibration.likeness --data DIR --cache DIR``: thresholds of the region comparison.

Compares photographs of different days of the people of LFW in muxspace, with themselves and with each other. The
threshold of a region is where both error rates are equal.
"""

import argparse
import json
import re
from collections import defaultdict
from importlib import resources
from pathlib import Path

import numpy as np

from evals.data.synthesis.located_faces import read_pixels
from faceagent.encoder.tower import load_tower
from faceagent.settings import load
from faceagent.tools.likeness import BLOCK, region_vectors
from finetune.text.simulated_cases import jittered_face
from finetune.vlm.embedded.data import read_faces

SET = "muxspace_expressions"
PHOTOGRAPHS = 4
CHUNK = 16


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m finetune.calibration.likeness", description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--cache", type=Path, required=True, help="measured faces, as finetune.vlm.embedded keeps them")
    options = parser.parse_args()
    settings = load()
    by = defaultdict(list)
    for one in read_faces(SET, options.data / SET, options.cache, settings):
        if found := re.match(r"(.+)_\d{4}\.jpg$", Path(one.found.path).name):
            by[found[1]].append(one)
    faces = [(name, one) for name in sorted(by) if len(by[name]) > 1 for one in by[name][:PHOTOGRAPHS]]
    tower, rng, vectors = load_tower(settings), np.random.default_rng(0), []
    for start in range(0, len(faces), CHUNK):
        chunk = [one for _, one in faces[start : start + CHUNK]]
        vectors += region_vectors(tower, [(read_pixels(one.found), jittered_face(one, rng)) for one in chunk])
    people = np.array([name for name, _ in faces])
    regions = {}
    for region in vectors[0]:
        kept = [place for place, vector in enumerate(vectors) if region in vector]
        table = np.array([vectors[place][region] for place in kept])
        i, j = np.triu_indices(len(kept), k=1)
        cosine, same = (table @ table.T)[i, j], people[kept][i] == people[kept][j]
        thresholds = np.quantile(cosine, np.linspace(0.01, 0.99, 199))
        fmr, fnmr = (
            np.array([np.mean(test) for test in tests])
            for tests in ([cosine[~same] >= line for line in thresholds], [cosine[same] < line for line in thresholds])
        )
        best = int(np.argmin(np.abs(fmr - fnmr)))
        regions[region] = {
            "threshold": round(float(thresholds[best]), 4),
            "fmr": round(float(fmr[best]), 4),
            "fnmr": round(float(fnmr[best]), 4),
            "pairs": [int(same.sum()), int((~same).sum())],
        }
        print(region, regions[region])
    card = {"fitted_on": f"{len(set(people))} people, {len(faces)} photographs of LFW in {SET}", "block": BLOCK}
    target = Path(str(resources.files("faceagent.tools").joinpath("likeness.json")))
    target.write_text(json.dumps({**card, "regions": regions}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
