"""Differential morph detection on FRLL's test people: neutral document pictures against smiling, degraded live ones.

One sitting, so bona fide documents are easier here than in the field. The single-image detector is not trained yet.
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evals.acceptance import Row, labels
from evals.acceptance.spoof import auc, auc_interval
from evals.views import drawn, portraits
from evals.views import portrait as main_portrait
from faceagent.encoder.crop import face_crop
from faceagent.judge.calibrate import Platt, calibration
from faceagent.settings import Settings
from faceagent.tools.base import Pixels, View
from faceagent.tools.identity import Identity
from faceagent.tools.morph import CALIBRATION, dissimilarity
from finetune.degrade import degrade, draw
from finetune.morph import Finish, Method, morph
from finetune.records import Portrait

SET, SIZE, MARGIN = "frll_london", 288, 1.5
KINDS: tuple[tuple[Method, Finish], ...] = (
    ("full", "matched"), ("splice", "matched"), ("full", "unsharp"), ("poisson", "plain"),
)  # fmt: skip
"""What is attacked with; the last two are kept from every fit."""


def rows(data: Path, settings: Settings) -> Iterable[Row]:
    """AUC per kind of morph, and both errors at the shipped line."""
    people = _people(data, settings)
    names = sorted(people)
    shapes = np.stack([_shape(people[name][0]) for name in names])
    tool, rng = Identity(settings), np.random.default_rng(0)
    genuine: list[float] = []
    attacks: dict[tuple[Method, Finish], list[float]] = {kind: [] for kind in KINDS}
    for index, name in enumerate(names):
        document, later = people[name]
        other = people[names[int(np.argsort(((shapes - shapes[index]) ** 2).sum(axis=1))[1])]][0]
        live = _found(degrade(later.pixels, draw(rng, SIZE, smallest=0.5)), settings)
        true = _found(document.pixels, settings)
        if live is None or true is None:
            continue
        now, own = tool.embed([live, true])
        genuine.append(dissimilarity(float(now @ own)))
        for kind in KINDS:
            false = _found(morph(document, other, *kind, np.random.default_rng(index)).pixels, settings)
            if false is not None:
                attacks[kind].append(dissimilarity(float(now @ tool.embed([false])[0])))
    negative = np.array(genuine)
    fitted = calibration(CALIBRATION)
    line = fitted.operating_points[0].threshold if isinstance(fitted, Platt) else float("nan")
    on = f"{SET}, {len(genuine)} test people"
    for kind, found in attacks.items():
        positive = np.array(found)
        low, high = auc_interval(positive, negative)
        yield Row(
            on=on, figure=f"morph_differential: AUC, {kind[0]} {kind[1]}", value=auc(positive, negative), low=low,
            high=high, n=len(positive) + len(negative), bar=0.95, aim=0.99,
            note=f"{np.mean(positive < line):.0%} pass at the shipped line; one sitting",
        )  # fmt: skip
    yield Row(
        on=on, figure="morph_differential: bona fide called morph at the shipped line",
        value=float(np.mean(negative >= line)), n=len(negative), bar=0.1, lower_is_better=True,
    )  # fmt: skip


def _people(data: Path, settings: Settings) -> dict[str, tuple[Portrait, Portrait]]:
    """Neutral and smiling crops of the people whose number is divisible by three: no fit has seen them."""
    files = [row["file"] for row in labels(data, SET) if row["set"] in ("neutral_front", "smiling_front")]
    wanted = sorted(file for file in files if int(Path(file).name[:3]) % 3 == 0)
    found = {file: _crop(file, view) for file, view in portraits(data / SET, wanted, settings) if view is not None}
    by = {part: {Path(f).name[:3]: one for f, one in found.items() if f.startswith(part)} for part in ("neu", "smi")}
    return {name: (by["neu"][name], by["smi"][name]) for name in by["neu"] if name in by["smi"]}


def _crop(file: str, view: View) -> Portrait:
    if view.face is None:
        raise ValueError("a view of a face is needed")
    crop = face_crop(view.pixels(), view.face.box, size=SIZE, scale=MARGIN)
    return Portrait(crop.pixels, crop.place(np.asarray(view.face.landmarks)), Path(file).name[:3], SET)


def _shape(one: Portrait) -> NDArray[np.float64]:
    points = one.points - one.points.mean(axis=0)
    return np.asarray((points / np.linalg.norm(points)).ravel(), dtype=np.float64)


def _found(pixels: Pixels, settings: Settings) -> View | None:
    return main_portrait(drawn(pixels), settings)
