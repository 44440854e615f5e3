"""Morph detection on FRLL's test people, whom no fit has seen: from one picture, and beside a live picture.

One sitting, so bona fide documents are easier for the differential detector here than in the field. For the single
picture, bona fide and morphed documents went on the same journey; beside it stands what a spectrum fitted on this
very set reaches. Unsharp finish and Poisson method are kept from every fit.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from evals.acceptance import Row, gather, labels, wilson
from evals.acceptance.spoof import auc_interval
from evals.data.synthesis.degradation import degrade, draw_degradation
from evals.data.synthesis.morph import Finish, Method, morph
from evals.data.synthesis.records import Portrait
from evals.frll_morphs import KINDS, SIZE, SOURCE, nearest, subjects
from evals.metrics.ranking import two_sample_auc as auc
from evals.stats.cues import cross_validated, radial_spectrum
from evals.views import drawn, portraits
from evals.views import portrait as main_portrait
from faceagent.judge.calibrate import Platt, calibration
from faceagent.settings import Settings
from faceagent.tools.base import Pixels, View
from faceagent.tools.identity import Identity
from faceagent.tools.morph import CALIBRATION, SINGLE, Morph, dissimilarity

Reals = NDArray[np.float64]
Kind = tuple[Method, Finish]
LOWER = ("poisson", "plain")
GAIN = 0.15
"""By how much the single-image detector must beat the spectrum on matched morphs."""
BATCH = 8


def rows(data: Path, settings: Settings) -> Iterable[Row]:
    """Both detectors on the test people, and bona fide pictures of other sets called morphs."""
    people = subjects(data, settings)
    return gather(
        [
            lambda _, settings: _differential(people, settings),
            lambda _, settings: _single(people, settings),
            _flagged,
        ],
        data,
        settings,
    )


def _differential(people: dict[str, tuple[Portrait, Portrait]], settings: Settings) -> Iterator[Row]:
    """AUC per kind of morph, and both errors at the shipped line."""
    tool, rng = Identity(settings), np.random.default_rng(0)
    genuine: list[float] = []
    attacks: dict[Kind, list[float]] = {kind: [] for kind in KINDS}
    for index, name in enumerate(sorted(people)):
        document, later = people[name]
        other = people[nearest(people, name)[0]][0]
        live = _found(degrade(later.pixels, draw_degradation(rng, SIZE, smallest=0.5)), settings)
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
    line = _line(CALIBRATION)
    on = f"{SOURCE}, {len(genuine)} test people"
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


def _single(people: dict[str, tuple[Portrait, Portrait]], settings: Settings) -> Iterator[Row]:
    """AUC per kind of morph against the contributors' own pictures, beside a spectrum fitted on both."""
    tool, line = Morph(settings), _line(SINGLE)
    calm, calm_spectrum, owner = [], [], []
    attacks: dict[Kind, tuple[list[float], list[Reals], list[str]]] = {kind: ([], [], []) for kind in KINDS}
    for index, name in enumerate(sorted(people)):
        journey = draw_degradation(np.random.default_rng(index), SIZE, smallest=0.5)
        for own in people[name]:
            view = _found(degrade(own.pixels, journey), settings)
            if view is not None:
                calm.append(_logit(tool, view))
                calm_spectrum.append(_spectrum(view))
                owner.append(name)
        for kind, (scores, spectra, whose) in attacks.items():
            made = morph(people[name][0], people[nearest(people, name)[0]][0], *kind, np.random.default_rng(index))
            view = _found(degrade(made.pixels, journey), settings)
            if view is not None:
                scores.append(_logit(tool, view))
                spectra.append(_spectrum(view))
                whose.append(name)
    negative = np.array(calm)
    on = f"{SOURCE}, {len(people)} test people"
    for kind, (scores, spectra, whose) in attacks.items():
        positive, truth = np.array(scores), np.repeat([True, False], [len(scores), len(calm)])
        dull = cross_validated(np.stack([*spectra, *calm_spectrum]), truth, [*whose, *owner])
        trivial = auc(dull[truth], dull[~truth])
        bar = 0.75 if kind == LOWER else max(0.80, trivial + GAIN) if kind[1] == "matched" else 0.80
        low, high = auc_interval(positive, negative)
        yield Row(
            on=on, figure=f"morph: AUC, {kind[0]} {kind[1]}", value=auc(positive, negative), low=low, high=high,
            n=len(truth), bar=min(bar, 1.0),
            note=f"spectrum fitted on this very set {trivial:.3f}; {np.mean(positive < line):.0%} pass at the line",
        )  # fmt: skip
    yield Row(
        on=on, figure="morph: bona fide called morph at the shipped line", value=float(np.mean(negative >= line)),
        n=len(negative), bar=0.1, lower_is_better=True,
    )  # fmt: skip


def _flagged(data: Path, settings: Settings) -> Iterator[Row]:
    """Bona fide pictures as they are, called morphs at the shipped line."""
    tool, line = Morph(settings), _line(SINGLE)
    canada = [row["file"] for row in labels(data, SOURCE) if row["set"] == "canada"]
    for name, folder, files in (
        ("fairface_val_1400", "fairface_val_1400", [row["file"] for row in labels(data, "fairface_val_1400")]),
        ("frll canada", SOURCE, canada),
    ):
        found = [view for _, view in portraits(data / folder, files, settings) if view is not None]
        items = [tool.run(found[start : start + BATCH]) for start in range(0, len(found), BATCH)]
        scores = [item.score.value for batch in items for (item,) in batch if item.score is not None]
        hits = int(np.sum(np.array(scores) >= line))
        low, high = wilson(hits, len(scores))
        yield Row(
            on=name, figure="morph: bona fide called morph at the shipped line", value=hits / len(scores), low=low,
            high=high, n=len(scores), bar=0.1, lower_is_better=True,
        )  # fmt: skip


def _line(name: str) -> float:
    fitted = calibration(name)
    return fitted.operating_points[0].threshold if isinstance(fitted, Platt) else float("nan")


def _logit(tool: Morph, view: View) -> float:
    ((item,),) = tool.run([view])
    return float("nan") if item.score is None else item.score.value


def _spectrum(view: View) -> Reals:
    grey = cv2.cvtColor(np.ascontiguousarray(view.pixels()), cv2.COLOR_RGB2GRAY)
    return np.asarray(radial_spectrum(grey.astype(np.float64)))


def _found(pixels: Pixels, settings: Settings) -> View | None:
    return main_portrait(drawn(pixels), settings)
