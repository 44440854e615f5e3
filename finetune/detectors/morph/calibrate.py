"""``python -m finetune.detectors.morph.calibrate --data DIR --faces CACHE``: calibrations of both morph detectors.

The command fits the differential detector (SFace cosine). A document picture is compared with a live picture of one of
its contributors. Bona fide and morphed documents are compared with the same live pictures: news photographs of other
days (the LFW part of muxspace), and FRLL's training people smiling, degraded to look like another session. Pictures of
one session alone would make every detector of this kind look perfect. The Poisson method and the unsharp mask are kept
for testing. ``single_image_record`` is called by ``train``.
"""

import argparse
import json
import os
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from evals.data.synthesis.degradation import degrade, draw_degradation
from evals.data.synthesis.located_faces import LocatedFace, portrait
from evals.data.synthesis.morph import SEEN, Finish, morph
from evals.data.training_sets import TRAINING_SETS
from evals.views import drawn
from evals.views import portrait as main_portrait
from faceagent.settings import Settings
from faceagent.tools.base import View
from faceagent.tools.identity import Identity
from faceagent.tools.morph import CALIBRATION, SINGLE, dissimilarity
from finetune.calibration.records import CALIBRATIONS, CalibrationRecord, binary_record, operating_point, write_record
from finetune.calibration.tools import FRLL, MUXSPACE
from finetune.data.sources import faces_of
from finetune.detectors.linear import Reals
from finetune.detectors.morph.features import MorphRows

SIZE, MARGIN = 288, 1.5
FALSE_ALARMS = (0.10, 0.05)
"""BPCER of the operating points; the first is the default."""
SINGLE_FALSE_ALARMS = (0.05, 0.02)
"""The same for the single-image detector."""
CAP = 1.3
"""Limit of the single-image detector's log10 likelihood ratio: the makers are few and our own."""
FINISHES: tuple[Finish, ...] = ("plain", "matched")
NEAREST = 5


class Trial(NamedTuple):
    """One comparison of a document with a live picture."""

    morphed: bool
    person: str
    cosine: float


def document_pairs(faces: list[LocatedFace]) -> dict[str, tuple[LocatedFace, LocatedFace]]:
    """Document and live picture of every person who has two: the neutral one first, else by file name."""
    by: dict[str, list[LocatedFace]] = defaultdict(list)
    for one in sorted(faces, key=lambda one: one.path):
        if one.origin == FRLL or re.search(r"_\d{4}\.jpg$", one.path):
            by[one.source].append(one)
    return {person: (found[0], found[1]) for person, found in by.items() if len(found) > 1}


def trials(pairs: dict[str, tuple[LocatedFace, LocatedFace]], settings: Settings, seed: int) -> Iterator[Trial]:
    """Per person a bona fide document and a morph with a similar face, compared with the same live picture."""
    tool, people = Identity(settings), list(pairs)
    shapes = np.stack([pairs[person][0].shape().ravel() for person in people])
    for index, person in enumerate(people):
        rng = np.random.default_rng((seed, index))
        document, later = pairs[person]
        nearest = np.argsort(((shapes - shapes[index]) ** 2).sum(axis=1))[1 : NEAREST + 1]
        other = pairs[people[int(rng.choice(nearest))]][0]
        a, b, live = (portrait(one, SIZE, MARGIN) for one in (document, other, later))
        method, finish = SEEN[int(rng.integers(len(SEEN)))], FINISHES[int(rng.integers(len(FINISHES)))]
        morphed = morph(a, b, method, finish, rng).pixels
        degradation = draw_degradation(rng, SIZE, smallest=0.5)
        seen = [_view(pixels, settings) for pixels in (degrade(live.pixels, degradation), a.pixels, morphed)]
        if all(view is not None for view in seen):
            now, true, false = tool.embed([view for view in seen if view is not None])
            yield Trial(False, person, float(now @ true))
            yield Trial(True, person, float(now @ false))


def differential_record(found: list[Trial]) -> CalibrationRecord:
    """Platt fit on the logit of dissimilarity, with the operating points of ``FALSE_ALARMS``."""
    names = np.unique([one.person for one in found], return_inverse=True)[1]
    truth = np.array([one.morphed for one in found])
    scores = np.array([dissimilarity(one.cosine) for one in found])
    positive, negative = scores[truth], scores[~truth]
    points = [
        operating_point(
            f"BPCER {rate:.0%}".replace("%", " %"), line, {"bpcer": rate, "apcer": float(np.mean(positive < line))}
        )
        for rate in FALSE_ALARMS
        for line in [float(np.quantile(negative, 1 - rate))]
    ]
    return binary_record(
        CALIBRATION,
        "logit",
        ("morph", "bona_fide"),
        (positive, negative),
        (names[truth], names[~truth]),
        points,
        fitted_on=f"{len(set(names.tolist()))} people: LFW in muxspace on different days, and FRLL's training people "
        "with degraded live pictures; morphs made from the same document pictures",
        note="Morphs are landmark morphs of our own making. Time between the pictures lowers the cosine as a morph "
        "does. The picture of a stranger looks like a morph here; that case is not measured below cosine .2.",
    )


def single_image_record(rows: MorphRows, scores: Reals, plain: MorphRows, plain_scores: Reals) -> CalibrationRecord:
    """Morphs of photographs against bona fide photographs, degraded and undegraded."""
    photograph = np.array([not TRAINING_SETS[str(name)].synthetic for name in rows.origin])
    attack, bona_fide = photograph & rows.morphed, photograph & ~rows.morphed
    negative = np.concatenate([scores[bona_fide], plain_scores])
    people = np.unique(
        np.concatenate([rows.source[attack], rows.source[bona_fide], plain.source]), return_inverse=True
    )[1]
    groups = people[: attack.sum()], people[attack.sum() :]
    points = []
    for rate in SINGLE_FALSE_ALARMS:
        parts = [plain_scores[plain.origin == name] for name in np.unique(plain.origin)] + [scores[bona_fide]]
        line = max(float(np.quantile(part, 1 - rate)) for part in parts)
        errors = {"bpcer": float(np.mean(negative >= line)), "apcer": float(np.mean(scores[attack] < line))}
        points.append(operating_point(f"BPCER {100 * rate:.0f} %", line, errors))
    record = binary_record(
        SINGLE,
        "logit",
        ("morph", "bona_fide"),
        (scores[attack], negative),
        groups,
        points,
        fitted_on="training people of FRLL, FairFace train and muxspace, out of fold; landmark morphs made of them",
        note="Morphs are landmark morphs of our own making; other makers can be far from them. The cap is set by hand. "
        "The points let at most their rate of the bona fide faces of every set be called morphs.",
    )
    return {**record, "cap_log10": CAP}


def _view(pixels: NDArray[np.uint8], settings: Settings) -> View | None:
    return main_portrait(drawn(pixels), settings)


def main(arguments: list[str] | None = None) -> int:
    """Fit and write; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m finetune.detectors.morph.calibrate", description=__doc__)
    parser.add_argument("--data", type=Path, default=os.environ.get("FACEAGENT_DATA"), help="folder of the sets")
    parser.add_argument("--faces", type=Path, required=True, help="where found faces are remembered")
    parser.add_argument("--out", type=Path, default=CALIBRATIONS)
    options = parser.parse_args(arguments)
    if options.data is None:
        parser.error("say where the sets are: --data DIR or FACEAGENT_DATA")
    settings, folders = Settings(), {name: Path(options.data) / name for name in (FRLL, MUXSPACE)}
    found: list[Trial] = []
    for seed, (name, folder) in enumerate(folders.items()):
        found += trials(document_pairs(faces_of(name, {name: folder}, options.faces, settings)), settings, seed)
    made = differential_record(found)
    print(json.dumps(made, indent=1))
    print(f"wrote {write_record(made, options.out)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
