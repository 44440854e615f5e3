"""``python -m finetune.calibration.expression --data DIR [--out DIR]``: neutral reference and temperature.

Fits ``facs_neutral.json`` (levels of neutral faces, intensity ranges), then the temperature that turns the logits of
the expression rules into probabilities. Faces are found by the product itself. Read are only sets that shipped weights
may be fitted on: FRLL without its test people, SFHQ-T2I, and muxspace without the label "disgust", which its pictures
hardly show. The same data give the same files.
"""

import argparse
import os
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from evals.data.folder import label_rows
from evals.data.held_out import is_test_person
from evals.metrics.bootstrap import Estimate, estimate
from evals.metrics.calibration import ece
from evals.views import portraits
from faceagent.settings import Settings
from faceagent.tools.action_units import PITCH, REACH, SLACK, activations, clip, combined, deviations, levels
from faceagent.tools.distances import SPANS, Sides
from faceagent.tools.expression import CALIBRATION, read
from faceagent.tools.facs import Level, Neutral, Range, table
from faceagent.types import Face
from finetune.calibration.records import CALIBRATIONS, write_record

Reals = NDArray[np.float64]

TOOLS = Path(str(resources.files("faceagent").joinpath("tools")))
SHARE_PRESENT = 0.95
"""Share of neutral faces on which a unit must read as absent."""
LEAST = 1.645
"""Lower bound of the presence threshold in standard deviations, also when neutral faces vary less."""
SHARE_FULL = 0.99
"""Share of all training faces that stays below intensity 5."""
STRAIGHT = 30.0
"""Degrees of yaw up to which a face takes part in the fit of the pitch slope."""
ROUNDS = 500
BINS = 10

SFHQ = {
    "smiling": "happy",
    "surprised": "surprise",
    "angry or enraged": "anger",
    "sad or depressed": "sadness",
    "tounge out": "other",
}
MUXSPACE = {"happiness": "happy", "contempt": "other"}


class LabelledFace(NamedTuple):
    """A face, its label ("" without one), its set, and its source: the person or the picture."""

    face: Face
    label: str
    origin: str
    source: str


def read_faces(data: Path, settings: Settings) -> Iterator[LabelledFace]:
    """Every training face that has landmarks."""
    for name, pick in (("frll_london", _frll), ("sfhq_t2i_tiles", _sfhq), ("muxspace_expressions", _muxspace)):
        chosen = {row["file"]: found for row in label_rows(data / name) if (found := pick(row)) is not None}
        for file, view in portraits(data / name, chosen, settings):
            if view is not None and view.face is not None and view.face.landmarks:
                label, source = chosen[file]
                yield LabelledFace(view.face, label, name, source)


def _frll(row: Mapping[str, str]) -> tuple[str, str] | None:
    person = row["file"].split("/")[1][:3]
    if row["set"] not in ("neutral_front", "smiling_front") or is_test_person(int(person)):
        return None
    return ("neutral" if row["set"] == "neutral_front" else "happy"), person


def _sfhq(row: Mapping[str, str]) -> tuple[str, str]:
    shown = row["condition"].startswith("Expression")
    return (SFHQ.get(row["query_label"], "-") if shown else ""), row["file"]


def _muxspace(row: Mapping[str, str]) -> tuple[str, str] | None:
    if row["emotion"] == "disgust":
        return None
    return MUXSPACE.get(row["emotion"], row["emotion"]), row["file"].split("/")[1].rsplit("_", 1)[0]


def neutral_reference(found: Sequence[LabelledFace]) -> Neutral:
    """Means, spreads, slopes and intensity ranges from the neutral FRLL faces, and from all faces for the top."""
    is_neutral = np.array([one.origin == "frll_london" and one.label == "neutral" for one in found])
    neutral_faces = [one.face for one, quiet in zip(found, is_neutral, strict=True) if quiet]
    loose = [one.face for one in found if one.origin == "sfhq_t2i_tiles" and not one.label and _frontal(one.face)]
    slopes = {name: _slope(loose, name) for name in SPANS}
    pitch = float(np.mean([_pitch(face) for face in neutral_faces]))
    used = {name for unit in table().units for name in unit.shares}
    reference = Neutral(
        id="facs_neutral",
        fitted_on="FRLL, neutral, training people; slopes SFHQ-T2I; intensity 5 FRLL, SFHQ-T2I and muxspace",
        n=len(neutral_faces),
        pitch=round(pitch, 4),
        levels={name: _level(neutral_faces, name, slopes.get(name, 0.0), pitch) for name in sorted(used)},
        ranges={},
    )
    rows = [_FaceRow(deviations(one.face, reference)) for one in found]
    for unit in table().units:
        free = np.array([combined(unit, row.whole, row.rough, reference).both for row in rows])
        tame = np.array([combined(unit, row.clipped, row.rough, reference).both for row in rows])
        still = tame[is_neutral]
        alone = len(unit.shares) == 1
        mean, sd = (0.0, 1.0) if alone else (float(still.mean()), float(still.std()))
        values, rest = (free - mean) / sd, (still - mean) / sd
        source = next(iter(unit.shares))
        level = reference.levels[source]
        present = max(float(np.quantile(rest, SHARE_PRESENT)), LEAST)
        spread = Range(
            mean=round(mean, 4),
            sd=round(sd, 4),
            # A blendshape that is 0 is intensity 0; a distance has no such zero.
            none=round(-level.mean / (level.sd + SLACK), 4) if alone and source not in SPANS else REACH[0],
            present=round(present, 4),
            full=round(max(float(np.quantile(values, SHARE_FULL)), present + 1), 4),
        )
        reference = reference.model_copy(update={"ranges": {**reference.ranges, unit.code: spread}})
        for row, value in zip(rows, (tame - mean) / sd, strict=True):
            row.rough[unit.code] = clip(Sides(float(value), float(value)))
    return reference


class _FaceRow:
    """Values of one face while the action units are fitted one after another."""

    def __init__(self, whole: Mapping[str, Sides]) -> None:
        self.whole = whole
        self.clipped = {name: clip(sides) for name, sides in whole.items()}
        self.rough: dict[int, Sides] = {}


def _pitch(face: Face) -> float:
    return 0.0 if face.pose is None else float(np.clip(face.pose.pitch, -PITCH, PITCH))


def _frontal(face: Face) -> bool:
    return face.pose is not None and abs(face.pose.yaw) < STRAIGHT and abs(face.pose.pitch) < PITCH


def _slope(faces: Sequence[Face], name: str) -> float:
    """Change of a distance per degree of pitch: least absolute errors, by iterative reweighting."""
    x = np.column_stack([np.ones(len(faces)), [_pitch(face) for face in faces]])
    y = np.array([levels(face)[name].both for face in faces])
    weight = np.ones(len(y))
    found = np.zeros(2)
    for _ in range(20):
        root = np.sqrt(weight)
        found = np.linalg.lstsq(x * root[:, np.newaxis], y * root, rcond=None)[0]
        wrong = np.abs(y - x @ found)
        weight = 1 / np.maximum(wrong, np.median(wrong))
    return float(found[1])


def _level(faces: Sequence[Face], name: str, slope: float, pitch: float) -> Level:
    sides = [levels(face)[name] for face in faces]
    both = np.array([one.both for one in sides]) - slope * (np.array([_pitch(face) for face in faces]) - pitch)
    tilt = float(np.mean([(one.left - one.right) / 2 for one in sides]))
    return Level(
        mean=round(float(both.mean()), 6),
        sd=round(max(float(both.std()), 1e-6), 6),
        tilt=round(tilt, 6),
        slope=round(slope, 6),
    )


def temperature_record(found: Sequence[LabelledFace], reference: Neutral) -> dict[str, object]:
    """The temperature of the shipped rules; every label of every set has the same weight."""
    names = table().labels
    chosen = [one for one in found if one.label in names]
    logits = np.array([_logits(one.face, reference, names) for one in chosen])
    truth = np.array([names.index(one.label) for one in chosen])
    count = Counter((one.origin, one.label) for one in chosen)
    weight = np.array([1 / count[one.origin, one.label] for one in chosen])
    half = np.array([_fold([one.source for one in chosen])[one.source] for one in chosen])
    fitted = _best_temperature(logits[half == 0], truth[half == 0], weight[half == 0])
    held = half == 1
    by = [one.source for one, kept in zip(chosen, held, strict=True) if kept]
    lines = {}
    for title, t in (("before", 1.0), ("after", fitted)):
        lines[title] = _calibration_error(logits[held] / t, truth[held], weight[held], by)
        _print(f"{title:6} T {t:.3f}: {lines[title]}")
    t = _best_temperature(logits, truth, weight)
    guessed = logits.argmax(axis=1)
    for origin in sorted({one.origin for one in chosen}):
        rows = np.array([one.origin == origin for one in chosen])
        hits = {names[i]: round(float(np.mean(guessed[rows & (truth == i)] == i)), 2) for i in set(truth[rows])}
        _print(f"{origin}: recall {hits}")
    after = lines["after"]
    return {
        "id": CALIBRATION,
        "kind": "temperature",
        "labels": list(names),
        "T": round(t, 4),
        "fitted_on": "FRLL training people, SFHQ-T2I, muxspace without disgust; each label of each set weighs alike",
        "n": len(chosen),
        "ece": round(after.ece, 4),
        "nll": round(after.nll, 4),
        "note": "ece and nll on the half of the people and pictures that the temperature was not fitted on",
    }


class _CalibrationError(NamedTuple):
    nll: float
    ece: float
    interval: Estimate

    def __str__(self) -> str:
        low, high = self.interval.low, self.interval.high
        interval = "" if low is None or high is None else f" [{low:.3f}, {high:.3f}]"
        return f"NLL {self.nll:.3f}, ECE {self.ece:.3f}{interval}"


def _logits(face: Face, reference: Neutral, names: Sequence[str]) -> list[float]:
    found = read({code: unit.deviation for code, unit in activations(face, reference).items()})
    return [found.logits[name] for name in names]


def _fold(sources: Sequence[str]) -> dict[str, int]:
    """Fold 0 or 1 of every source: half of the people and pictures in each."""
    known = sorted(set(sources))
    order = np.random.default_rng(0).permutation(len(known))
    return {known[index]: place % 2 for place, index in enumerate(order)}


def _softmax(logits: Reals) -> Reals:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def _nll(logits: Reals, truth: NDArray[np.int64], weight: Reals) -> float:
    chance = _softmax(logits)[np.arange(len(truth)), truth]
    return float(np.average(-np.log(np.maximum(chance, 1e-12)), weights=weight))


def _calibration_error(
    logits: Reals, truth: NDArray[np.int64], weight: Reals, sources: Sequence[str]
) -> _CalibrationError:
    """Loss and ECE; the bootstrap interval of the ECE draws whole sources (people, generated pictures)."""
    chances = _softmax(logits)
    top, hit = chances.max(axis=1), chances.argmax(axis=1) == truth

    def measure(draws: Reals) -> dict[str, Reals]:
        return {"ece": ece(top, hit, BINS, draws * weight)}

    interval = estimate(measure, sources, rounds=ROUNDS)["ece"]
    return _CalibrationError(_nll(logits, truth, weight), float(ece(top, hit, BINS, weight)), interval)


def _best_temperature(logits: Reals, truth: NDArray[np.int64], weight: Reals) -> float:
    """The temperature of least negative log-likelihood: a grid search from 0.1 to 20 in steps of 1 %."""
    tried = np.exp(np.arange(np.log(0.1), np.log(20.0), 0.01))
    return float(min(tried, key=lambda t: _nll(logits / t, truth, weight)))


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")


def main(arguments: list[str] | None = None) -> int:
    """Fit and write both files; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m finetune.calibration.expression", description=__doc__)
    parser.add_argument("--data", type=Path, default=os.environ.get("FACEAGENT_DATA"), help="folder of the sets")
    parser.add_argument("--out", type=Path, help="one folder for both files, in place of the package's own")
    options = parser.parse_args(arguments)
    if options.data is None:
        parser.error("say where the sets are: --data DIR or FACEAGENT_DATA")
    found = list(read_faces(Path(options.data), Settings()))
    _print(f"{len(found)} faces: {dict(Counter(one.origin for one in found))}")
    reference = neutral_reference(found)
    _print(f"wrote {write_record(reference.model_dump(mode='json'), options.out or TOOLS)}")
    _print(f"wrote {write_record(temperature_record(found, reference), options.out or CALIBRATIONS)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
