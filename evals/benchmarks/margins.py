"""``python -m evals.benchmarks.margins --data DIR``: whether a margin turns a photograph into a spoof.

The pictures of the invariance set that nobody recaptured, each in ``--kinds`` of 26 kinds of margins, frames and
interfaces (``evals.data.synthesis.margin_kinds``), every second one saved as JPEG. Printed as JSON: of how many
pictures the spoof verdict became "spoof", firm or leaning, that is not so without a margin; and the verdicts by kind.
"""

import argparse
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from evals.data import derived
from evals.data.folder import label_rows
from evals.data.synthesis.margin_kinds import MARGINS
from evals.data.synthesis.upright_faces import NAME
from evals.metrics.proportion import wilson
from evals.views import drawn, portrait, whole
from faceagent import judge
from faceagent.settings import Settings
from faceagent.tools.base import Pixels, measure
from faceagent.tools.spoof import Spoof

SPOOF, LOST = "spoof", "no face"
QUALITY = 80


def verdict(pixels: Pixels, tool: Spoof, settings: Settings) -> str:
    """Label of the spoof verdict on the main face."""
    view = portrait(drawn(np.ascontiguousarray(pixels)), settings)
    if view is None or view.face is None:
        return LOST
    return judge.weigh("spoof", view.face, measure(tool, [view])[0]).label


def saved(pixels: Pixels) -> Pixels:
    """As a JPEG file gives the pixels back."""
    _, coded = cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    return np.ascontiguousarray(np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)[..., ::-1])


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m evals.benchmarks.margins", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the sets")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="where made sets are kept")
    parser.add_argument("--kinds", type=int, default=1, help="margins per picture")
    options = parser.parse_args(arguments)
    settings = Settings()
    tool, names = Spoof(settings), list(MARGINS)
    folder = derived.locate(NAME, options.data, options.runs, settings)
    pictures = [row["file"] for row in label_rows(folder) if row["label"] != SPOOF]
    turned, found = list[list[str]](), defaultdict[str, Counter[str]](Counter)
    for number, file in enumerate(pictures):
        view = whole(folder / file, settings)
        if view is None:
            continue
        pixels = view.pixels()
        for place in range(options.kinds):
            name = names[(number + place * len(pictures)) % len(names)]
            framed = MARGINS[name](pixels)
            label = verdict(saved(framed) if (number + place) % 2 else framed, tool, settings)
            found[name][label] += 1
            if label == SPOOF and (plain := verdict(pixels, tool, settings)) != SPOOF:
                turned.append([file, name, plain])
        print(number + 1, len(turned), file=sys.stderr, flush=True)
    changed = len({file for file, *_ in turned})
    low, high = wilson(changed, len(pictures))
    figures = {"pictures": len(pictures), "turned into a spoof": changed, "low": round(low, 4), "high": round(high, 4)}
    print(json.dumps({**figures, "which": turned, "verdicts": found}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
