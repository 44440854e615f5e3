"""Localisation of forgeries: does the detector point at the part that was altered?

Truth is a mask of the altered pixels, or one flag per part of the face, or both. "Left" and "right" are the subject's
own; where a set means the viewer's, ``pointing_viewers_sides`` holds, and ``pointing_either_eye`` always does, because
there both eyes count as one part.
"""

from collections.abc import Sequence

import numpy as np

from evals.data import Case, Cases, Dataset, Item, Skip
from evals.data.columns import find, number
from evals.data.dataset import inside
from evals.metrics import localisation, ranking
from evals.metrics.arrays import Flags, Reals, mean
from evals.metrics.bootstrap import Measurement
from evals.plots import Bars, Figure
from evals.runner import Runner, skip_reason
from evals.task import CaseTable, EvalTask, Values
from faceagent.encoder.regions import REGIONS
from faceagent.errors import InputError
from faceagent.judge.calibrate import Platt, calibration_of
from faceagent.tools.base import View
from faceagent.types import Evidence, HeatMap

PARTS = ("left_eye", "right_eye", "nose", "mouth")
MIRRORED = (1, 0, 2, 3)
MASK = ("mask", "mask_file", "ground_truth_mask")
HOT = 0.5
"""Value of a patch from which it counts as called altered."""


def read(dataset: Dataset, tool: str) -> Cases:
    """Forged pictures with a mask or at least one altered part."""
    del tool
    mask, missing = find(dataset, MASK), [part for part in PARTS if part not in dataset.columns]
    if mask is None and missing:
        raise InputError(
            f"{dataset.name} does not say where pictures were altered: it has neither mask nor {', '.join(missing)}.",
            remedy=f"Call the columns {', '.join(PARTS)} (1 for altered), or mask (a picture, white where altered).",
        )
    cases, skips = [], []
    for item in dataset.items:
        found = _case(dataset, item, mask, () if missing else PARTS)
        if isinstance(found, Skip):
            skips.append(found)
        elif found is not None:
            cases.append(found)
    return Cases(tuple(cases), tuple(skips))


def _case(dataset: Dataset, item: Item, mask: str | None, parts: Sequence[str]) -> Case | Skip | None:
    """A case, why there is none, or None for an unaltered picture: it has no place to point at."""
    file = item.labels.get(mask, "") if mask else ""
    if file and not inside(dataset.root, file):
        return Skip(item.id, "outside", f"{item.id}: {file} is not below {dataset.root.name}.")
    truth: dict[str, str | float] = {}
    if any(item.labels.get(part) for part in parts):
        for part in parts:
            flag = number(item, part)
            if isinstance(flag, Skip):
                return flag
            truth[part] = flag
    if not file and not any(truth.values()):
        return None
    return Case(item.id, item.file, truth, item.id, (file,) if file else ())


def observe(runner: Runner, cases: Sequence[Case]) -> list[Values | Skip]:
    """The detector's score of every part, and how its heat map lies over the mask."""
    views = [runner.face(runner.root / case.file) for case in cases]
    masks = iter(
        [
            runner.look(runner.root / case.others[0]) if case.others else None
            for case, view in zip(cases, views, strict=True)
            if isinstance(view, View)
        ]
    )

    def reading(evidence: tuple[Evidence, ...], view: View) -> Values | Skip:
        return read_out(evidence, view, next(masks))

    return runner.read(views, reading, [case.id for case in cases])


def read_out(evidence: tuple[Evidence, ...], view: View, mask: View | Skip | None) -> Values | Skip:
    """Score and, where calibrated, log10 likelihood ratio per part; overlap with the mask where there is one."""
    if isinstance(mask, Skip):
        return Skip("", "no_mask", f"Its mask cannot be read. {mask.message}")
    mine = [item for item in evidence if item.question == "forgery" and item.status == "ok"]
    values: dict[str, float | str] = {}
    for item in mine:
        if item.region and item.facts.get("strongest") == "yes":
            values["strongest"] = item.region
        if item.region in PARTS and item.score is not None:
            values[str(item.region)] = item.score.value
            fitted = calibration_of(item)
            if isinstance(fitted, Platt):
                values[f"{item.region}_llr"] = fitted.ratio(item.score.value).value
    heat = next((item.heatmap for item in mine if item.heatmap is not None), None)
    if mask is not None and heat is not None:
        size = (view.picture.height, view.picture.width)
        if (mask.picture.height, mask.picture.width) != size:
            return Skip("", "no_mask", "Its mask has another size than the picture.")
        values |= overlap(heat, np.asarray(mask.pixels()).max(axis=2) > 127)
    return values or skip_reason(evidence)


def overlap(heat: HeatMap, mask: Flags) -> dict[str, float]:
    """IoU of hot patches and mask, whether the hottest patch lies in the mask, AUC over pixels, share altered."""
    height, width = mask.shape
    laid = localisation.spread(heat.values, heat.box, height, width)
    seen = ~np.isnan(laid)
    if not mask.any() or not seen.any():
        return {}
    hottest = laid == np.nanmax(laid)
    found = {
        "mask_iou": float(localisation.iou((laid >= HOT).ravel(), mask.ravel())),
        "mask_hit": float(mask[hottest].mean()),
        "mask_share": float(mask[seen].mean()),
    }
    auc = float(ranking.auc(laid[seen], mask[seen]))
    return found if np.isnan(auc) else {**found, "mask_auc": auc}


def measurement(table: CaseTable) -> Measurement:
    """Pointing game and IoU over parts where they are flagged; IoU, pointing and AUC over pixels where masks are."""
    columns: dict[str, Reals] = {}
    flagged = np.array([any(part in case.truth for part in PARTS) for case in table.cases], dtype=bool)
    if flagged.any():
        columns |= _over_parts(table.keep(flagged), flagged)
    for name, key in (("mask_iou", "mask_iou"), ("mask_pointing", "mask_hit"), ("mask_auc", "mask_auc")):
        columns[name] = table.numbers(key)
    known = {name: ~np.isnan(values) for name, values in columns.items()}
    there = [name for name in columns if known[name].any()]
    return lambda weights: {name: mean(columns[name][known[name]], weights[..., known[name]]) for name in there}


def _over_parts(table: CaseTable, rows: Flags) -> dict[str, Reals]:
    """One column per metric, NaN outside ``rows``."""
    truth = np.column_stack([table.truth(part) for part in PARTS]) > 0
    scores = np.column_stack([np.nan_to_num(table.numbers(part), nan=-np.inf) for part in PARTS])
    merged_truth = np.column_stack([truth[:, :2].any(axis=1), truth[:, 2:]])
    merged = np.column_stack([scores[:, :2].max(axis=1), scores[:, 2:]])
    ratios = np.column_stack([table.numbers(f"{part}_llr") for part in PARTS])
    # Without a calibration a part is called altered when it scores above the mean of the face's parts.
    called = ratios > 0 if not np.isnan(ratios).any() else scores > scores.mean(axis=1, keepdims=True)
    found = {
        "pointing": localisation.pointing(scores, truth),
        "pointing_viewers_sides": localisation.pointing(scores, truth[:, MIRRORED]),
        "pointing_either_eye": localisation.pointing(merged, merged_truth),
        "iou": np.nan_to_num(localisation.iou(called, truth)),
    }
    named = np.array([[part == word for part in PARTS] for word in table.words("strongest")], dtype=bool)
    if any(table.words("strongest")):
        found["strongest_region"] = (named & truth).any(axis=1).astype(float)
        found["strongest_region_viewers_sides"] = (named & truth[:, MIRRORED]).any(axis=1).astype(float)
    single = truth.sum(axis=1) == 1
    pointed = [name for name in found if name.startswith(("pointing", "strongest"))]
    found |= {f"{name}_one_part": np.where(single, found[name], np.nan) for name in pointed}
    blank = np.full(len(rows), np.nan)
    return {name: _filled(blank, rows, values) for name, values in found.items()}


def _filled(blank: Reals, rows: Flags, values: Reals) -> Reals:
    column = blank.copy()
    column[rows] = values
    return column


def chance(table: CaseTable) -> Measurement:
    """Pointing anywhere, and calling everything altered: over parts, and over pixels."""
    flags = np.column_stack([table.truth(part) for part in PARTS])
    columns = {"random_pointing": (flags > 0).mean(axis=1), "random_mask_pointing": table.numbers("mask_share")}
    columns["random_pointing"][np.isnan(flags).all(axis=1)] = np.nan
    columns["everything_iou"], columns["everything_mask_iou"] = columns.values()
    if any(table.words("strongest")):
        columns["random_region"] = columns["random_pointing"] * len(PARTS) / len(REGIONS)
    known = {name: ~np.isnan(values) for name, values in columns.items()}
    there = [name for name in columns if known[name].any()]
    return lambda weights: {name: mean(columns[name][known[name]], weights[..., known[name]]) for name in there}


def figures(table: CaseTable) -> tuple[Figure, ...]:
    """Every way of pointing beside its interval."""
    names = tuple(measurement(table)(np.ones((1, len(table)))))
    return (Bars("Pointing and overlap", tuple((name.replace("_", " "), name) for name in names)),) if names else ()


def failures(table: CaseTable) -> Reals:
    """Faces on which no altered part and no altered pixel was pointed at."""
    hit = table.numbers("mask_hit")
    flagged = np.array([any(part in case.truth for part in PARTS) for case in table.cases], dtype=bool)
    if flagged.any():
        parts = _over_parts(table.keep(flagged), flagged)["pointing_either_eye"]
        hit = np.where(np.isnan(hit), parts, hit)
    return np.where(hit < 0.5, 1.0 - hit, np.nan)


TASK = EvalTask(
    name="localisation",
    title="Where a face was altered",
    protocol="Altered pictures only. Parts (left eye, right eye, nose, mouth): pointing game, tied parts sharing the "
    "point, and IoU of the set of parts called altered; strongest_region is of all regions of the detector, skin and "
    "surroundings included; *_one_part counts pictures with a single altered part. Masks: "
    f"IoU of patches of at least {HOT}, whether the hottest patch lies in the mask, AUC over the pixels of the crop.",
    tools=("forgery",),
    needs="left_eye, right_eye, nose, mouth (1 for altered); or mask (a picture, white where altered)",
    read=read,
    observe=observe,
    measurement=measurement,
    baselines=chance,
    figures=figures,
    failures=failures,
    version=2,
)
