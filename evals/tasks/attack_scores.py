"""What is read out of a detector's evidence: its score for a question, its shipped decision, and the judge's verdict.

Scores are oriented so that the attack scores high. Knows no label of a set and no tool by name.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from evals.data import Skip
from evals.runner import skip_reason
from evals.task import Values
from faceagent.judge import weigh
from faceagent.judge.calibrate import LN10, Platt, Threshold, calibration_of
from faceagent.judge.fuse import fuse
from faceagent.tools.base import View
from faceagent.types import Evidence, Question

VERDICTS: Mapping[Question, str] = {"forgery": "forged", "morph": "morph", "spoof": "spoof"}
"""The judge's label for the attack."""


def decided_score_of(evidence: Sequence[Evidence], view: View, question: Question) -> Values | Skip:
    """As ``score_of``, with the judge's verdict: its firm label, 1 where that is the attack, and where it leans."""
    values = score_of(evidence, question)
    if isinstance(values, Skip) or view.face is None:
        return values
    verdict = weigh(question, view.face, evidence)
    label = verdict.firm_label
    return {
        **values,
        "verdict": label,
        "verdict_attack": float(label == VERDICTS[question]),
        "answer": verdict.label,
        "action": verdict.action or "",
        "positive": verdict.positive.value if verdict.positive else 0.5,
    }


def score_of(evidence: Sequence[Evidence], question: Question) -> Values | Skip:
    """The tool's score for ``question``, oriented so that the positive label scores high.

    ``probability`` is at even prior odds where a likelihood was calibrated; else that of a logit or probability as
    it stands. ``called`` is the decision at the shipped operating point, else at a probability of one half. A tool
    that knows several ways of being positive scores log10 of their mean likelihood ratio, as the judge fuses them but
    before floors and caps, which would tie scores; it calls where any way does. Each way is kept as ``way_NAME``, and
    so is one that is reported and not weighed.
    """
    mine = [item for item in evidence if item.question == question]
    spoken = [item for item in mine if item.status == "ok" and item.score is not None and not item.region]
    if not spoken:
        return skip_reason(mine or evidence)
    read = {item.id: _spoken(item) for item in spoken}
    weighed = [item for item in spoken if isinstance(calibration_of(item), Platt)]
    parts = [read[item.id] for item in weighed or spoken[:1]]
    # What rests on another item (a family, a distance) is no way of its own.
    alike = [item for item in spoken if not item.cites and read[item.id]["scale"] == parts[0]["scale"]]
    names = [item.id for item in spoken if item in weighed or item in alike]
    ways = {f"way_{name.rpartition(':')[2]}": float(read[name]["score"]) for name in names} if names[1:] else {}
    if len(parts) < 2:
        return parts[0] | ways
    fused = fuse(weighed)
    llr = fused.ratio.value if fused else 0.0
    ratios = [10.0 ** float(part["unclipped"]) for part in parts]
    return {
        "score": float(np.log10(np.mean(ratios))),
        "scale": "log10_ratio",
        "llr": llr,
        "probability": 1.0 / (1.0 + 10.0**-llr),
        "called": max(float(part.get("called", 0.0)) for part in parts),
        "line": "any way",
        **ways,
    }


def _spoken(item: Evidence) -> dict[str, float | str]:
    """One scored item as values."""
    if item.score is None:
        raise ValueError(f"{item.id} has no score")
    score = item.score
    fitted = calibration_of(item)
    values: dict[str, float | str] = {"score": score.value, "scale": score.scale}
    if isinstance(fitted, Platt):
        llr = fitted.ratio(score.value).value
        values |= {"llr": llr, "probability": 1.0 / (1.0 + 10.0**-llr)}
        values["unclipped"] = (fitted.slope * score.value + fitted.intercept) / LN10
        values["score"] = score.value if fitted.slope >= 0 else -score.value
    elif score.scale == "probability":
        values["probability"] = score.value
    elif score.scale == "logit":
        values["probability"] = float(1.0 / (1.0 + np.exp(-score.value)))
    point = fitted.operating_point() if isinstance(fitted, Platt | Threshold) else None
    if point is not None:
        values |= {"called": float(score.value >= point.threshold), "line": point.name}
    elif "probability" in values:
        values |= {"called": float(float(values["probability"]) >= 0.5), "line": "0.5"}
    return values
