"""Calibrations of the branch ``forgery_generated``.

The likelihood ratio is fitted on photographs of sets that the scoring fit did not see, and on the unseen half of
generated faces: it describes unknown cameras, not those of the training sets. Familiarity is the distance from all
training faces. The family threshold is where most faces of known families are named.
"""

import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from finetune.calibration.curves import draw_reliability
from finetune.calibration.records import CalibrationRecord, binary_record, operating_point
from finetune.detectors.generated import data as generated
from finetune.detectors.generated import fit
from finetune.detectors.generated.data import GeneratedRows
from finetune.detectors.linear import Reals, fold_of

FALSE_ALARMS = (0.02, 0.005)
"""Rates of photographs of the worst unseen set that are flagged at the operating points; the first is the default."""
CAP = 1.3
"""Upper limit of log10 LR, set by hand because three sets of photographs are few."""
FLOOR = -0.3
"""Lower limit of log10 LR (one half): splices and unknown generators score like photographs."""
NAMED = 0.8
"""Share of generated faces of known families whose family is named."""
USUAL, FAR = 0.95, 0.95
"""Quantiles of training distances from which a face is unusual, and from which nothing is concluded about it."""
FITTED_ON = "photographs of FairFace train, muxspace and FRLL, each set unseen by the fit that scored it; SFHQ's faces"


def calibration_records(
    rows: GeneratedRows, taps: Sequence[int], strength: float, folder: Path
) -> Iterator[CalibrationRecord]:
    """All three records; writes the reliability diagram of the ratio into ``folder``."""
    parts = transfer_scores(rows, taps, strength)
    ratio = ratio_record(rows, parts)
    scores = [np.concatenate(side) for side in zip(*parts, strict=True)]
    given = [1 / (1 + np.exp(-(ratio["slope"] * one + ratio["intercept"]))) for one in scores]
    truth = np.repeat([True, False], [len(one) for one in given])
    # The fit has even odds; so have the bins.
    weight = np.concatenate([np.full(len(one), 1 / len(one)) for one in given])
    draw_reliability(folder / "reliability.png", "generated faces", np.concatenate(given), truth, weight)
    yield ratio
    yield familiarity_record(distances(fit.fit_whitening(rows, taps)(rows.beside(taps))))
    yield family_record(rows, taps, strength)


def transfer_scores(rows: GeneratedRows, taps: Sequence[int], strength: float) -> list[tuple[Reals, Reals]]:
    """Per set of photographs: scores of the unseen generated faces and of that set, by a fit without the set."""
    seen, made = _fitted_half(rows), rows.synthetic
    found = []
    for name in np.unique(rows.made_by[~made]):
        fit_on = fit.select_rows(rows, (rows.made_by != name) & (~made | seen))
        scores = fit.fit_detector(fit_on, taps, strength)(rows.beside(taps))[:, 0]
        found.append((scores[made & ~seen], scores[rows.made_by == name]))
    return found


def _fitted_half(rows: GeneratedRows) -> NDArray[np.bool_]:
    return np.array([zlib.crc32(source.encode()) % 2 == 0 for source in rows.source])


def ratio_record(rows: GeneratedRows, parts: Sequence[tuple[Reals, Reals]]) -> CalibrationRecord:
    """The likelihood ratio of the detector score, from ``transfer_scores``."""
    seen, made = _fitted_half(rows), rows.synthetic
    sources = np.unique(rows.source, return_inverse=True)[1].astype(np.int64)
    sets = np.unique(rows.made_by[~made])
    attack, bona_fide = (np.concatenate(part) for part in zip(*parts, strict=True))
    by = (
        np.concatenate([sources[made & ~seen]] * len(sets)),
        np.concatenate([sources[rows.made_by == name] for name in sets]),
    )
    points = []
    for rate in FALSE_ALARMS:
        line = max(float(np.quantile(one, 1 - rate)) for _, one in parts)
        errors = {"bpcer": float(np.mean(bona_fide >= line)), "apcer": float(np.mean(attack < line))}
        points.append(operating_point(f"BPCER {100 * rate:g} % of the worst unseen set", line, errors))
    record = binary_record(
        "forgery/synthetic-1",
        "logit",
        ("forged", "bona_fide"),
        (attack, bona_fide),
        by,
        points,
        fitted_on=FITTED_ON,
        note="Generators are StyleGAN2, FLUX, SDXL and a few of DALL-E 3. The cap is set by hand.",
    )
    return {**record, "cap_log10": CAP, "floor_log10": FLOOR, "attack_type": "generated as a whole"}


def distances(whitened: Reals) -> Reals:
    """Root mean square over the whitened axes: about 1 for typical training faces."""
    return np.asarray(np.sqrt(np.mean(whitened**2, axis=1)))


def familiarity_record(distance: Reals) -> CalibrationRecord:
    """From which distance a face is unusual, and from which nothing is concluded."""
    usual, far = np.quantile(distance, (USUAL, FAR))
    return {
        "id": "forgery/familiar-1",
        "kind": "familiarity",
        "scale": "ratio",
        "usual": round(float(usual), 4),
        "far": round(float(far), 4),
        "n": len(distance),
        "fitted_on": "FairFace train, muxspace, FRLL and SFHQ faces, as they are and after a journey",
        "note": f"usual and far are the {FAR:.0%} quantile of training distances: beyond it a question stays open. "
        "Of drawings and colour negatives of FairFace nearly all lie beyond, of its photographs one in twenty-five.",
    }


def family_record(rows: GeneratedRows, taps: Sequence[int], strength: float) -> CalibrationRecord:
    """The threshold above which a family is named, and the errors for a generator that was left out."""
    fold, made = np.array([fold_of(source) for source in rows.source]), rows.synthetic
    right_one, x = _family_of(rows), rows.beside(taps)
    best, named = np.zeros(len(fold)), np.zeros(len(fold), np.int64)
    for number in np.unique(fold):
        scores = fit.fit_families(fit.select_rows(rows, fold != number), taps, strength)(x[fold == number])
        best[fold == number], named[fold == number] = scores.max(axis=1), scores.argmax(axis=1)
    line = float(np.quantile(best[made], 1 - NAMED))
    errors = {"wrong_when_named": float(np.mean((named != right_one)[made & (best >= line)]))}
    for name in generated.GENERATORS:
        mine = rows.made_by == name
        scores = fit.fit_families(fit.select_rows(rows, ~mine), taps, strength)(x[mine])
        told, right = scores.max(axis=1) >= line, scores.argmax(axis=1) == right_one[mine]
        errors[f"{name}_unseen_named_rightly"] = float(np.mean(told & right))
        errors[f"{name}_unseen_named_wrongly"] = float(np.mean(told & ~right))
    return {
        "id": "forgery/family-1",
        "kind": "threshold",
        "scale": "logit",
        "positive": "known_family",
        "negative": "unknown_family",
        "n_positive": int(made.sum()),
        "n_negative": 0,
        "operating_points": [operating_point(f"{100 * NAMED:.0f} % of known families named", line, errors)],
        "fitted_on": "generated faces of SFHQ and SFHQ-T2I, out of fold",
    }


def _family_of(rows: GeneratedRows) -> NDArray[np.int64]:
    """Index of the family of every row; -1 for photographs."""
    found = np.full(len(rows.made_by), -1)
    for index, names in enumerate(generated.FAMILIES.values()):
        found[np.isin(rows.made_by, names)] = index
    return found
