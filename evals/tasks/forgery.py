"""Forgery detection: frame and video figures kept apart, per manipulation, and what trivial cues reach.

A video's score is the mean of its frames' probabilities, as DeepfakeBench has it. Frames of one video are drawn
together.
"""

from collections.abc import Mapping

import numpy as np

from evals.metrics import ranking
from evals.metrics.arrays import Reals, nanmean
from evals.metrics.bootstrap import Measurement
from evals.task import CaseTable, EvalTask
from evals.tasks import attack_detection

FAKE = ("fake", "forged", "manipulated", "deepfake", "synthetic", "generated", "ai", "ai_generated", "tampered",
        "edited", "spliced", "swap", "1", "true", "yes")  # fmt: skip
REAL = ("real", "bona_fide", "bonafide", "genuine", "original", "authentic", "pristine", "live", "0", "false", "no")


def measurement(table: CaseTable) -> Measurement:
    """Ranking, decisions, per manipulation, and per video where videos are named."""
    columns = attack_detection.AttackColumns(table)
    kinds = {
        name: (rows, ranking.Ranking(columns.score[rows], columns.attack[rows]))
        for name, rows in columns.by_type().items()
    }
    ways = {
        name.removeprefix("way_"): ranking.Ranking(table.numbers(name), columns.attack)
        for name in sorted(key for key in table.values.names if key.startswith("way_"))
        if not np.isnan(table.numbers(name)).any()
    }
    videos = _videos(columns, probabilities(table, columns))

    def measure(weights: Reals) -> Mapping[str, Reals]:
        points = columns.ranking.curve(weights)
        found = {
            "auc": ranking.area(points),
            "eer": ranking.equal_error(points),
            "ap": ranking.average_precision(points),
            **attack_detection.decisions(columns, weights),
            **{f"auc_way.{name}": ranking.area(one.curve(weights)) for name, one in ways.items()},
        }
        if kinds:
            areas = {f"auc.{name}": ranking.area(one.curve(weights[..., rows])) for name, (rows, one) in kinds.items()}
            found |= {"auc_kinds_mean": nanmean(np.stack(list(areas.values()))), **areas}
        if videos is not None:
            first, one = videos
            over = one.curve(weights[..., first])
            found |= {"video_auc": ranking.area(over), "video_eer": ranking.equal_error(over)}
        return found

    return measure


def probabilities(table: CaseTable, columns: attack_detection.AttackColumns) -> Reals:
    """A probability per frame, at even prior odds and without floors and caps; the score where there is none."""
    fused = np.array([scale == "log10_ratio" for scale in table.words("scale")], dtype=bool)
    ratio = np.where(fused, columns.score, table.numbers("unclipped"))
    found = np.where(np.isnan(ratio), columns.probability, 1.0 / (1.0 + 10.0**-ratio))
    return columns.score if np.isnan(found).any() else found


def _videos(columns: attack_detection.AttackColumns, frame: Reals) -> tuple[list[int], ranking.Ranking] | None:
    """First frame of every video, and the videos' ranking; None when no video has several frames."""
    frames: dict[str, list[int]] = {}
    for index, name in enumerate(columns.videos):
        if name:
            frames.setdefault(name, []).append(index)
    if len(frames) == sum(map(len, frames.values())):
        return None
    first = [rows[0] for rows in frames.values()]
    means = np.array([frame[rows].mean() for rows in frames.values()])
    return first, ranking.Ranking(means, columns.attack[first])


TASK = EvalTask(
    name="forgery",
    title="Forged and generated faces",
    protocol="Frame AUC, EER, AP; video AUC apart (mean of frame probabilities); accuracy at the shipped threshold, at "
    "0.5 and at the threshold chosen on a validation split; per manipulation; auc_way.* ranks by one of the tool's "
    "scores alone. Faces that could not be scored are left out and counted (APNRR, BPNRR).",
    tools=("forgery", "frequency"),
    needs="label (real, fake); source, method or difficulty per manipulation; video; split (val for a threshold)",
    read=attack_detection.reader("forgery", FAKE, REAL),
    observe=attack_detection.observer("forgery"),
    measurement=measurement,
    baselines=attack_detection.trivial,
    responses=attack_detection.non_response,
    figures=attack_detection.curves,
    failures=attack_detection.wrongness,
    names=("auc", "eer", "ap", "accuracy", "balanced_accuracy"),
)
