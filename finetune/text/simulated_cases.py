"""Cases with simulated evidence: measured on other faces, with scores drawn anew.

Neither the picture nor a prior helps with such a case: the answer follows only from the evidence in the prompt. A small
model has to learn that first, and the swap test measures it.
"""

from collections.abc import Sequence
from math import exp, log

import numpy as np

from evals.data.synthesis.measured_faces import MeasuredFace
from faceagent import judge
from faceagent.explain.heat import HOT
from faceagent.settings import Settings
from faceagent.tools.action_units import ActionUnits
from faceagent.tools.base import View
from faceagent.tools.expression import Expression
from faceagent.types import INCONCLUSIVE, Evidence, Face, Pose, Quality, Region, Score, ToolStamp, Verdict
from finetune.data.samples import SamplePicture
from finetune.text.case import ExplanationCase
from finetune.text.identity import TABLE

JITTER = 0.15
"""Standard deviation of the factor that every blendshape is multiplied by."""
SETTLED = 0.7
"""Share of open verdicts that are settled as the evidence leans; most would be open otherwise."""
HOT_REGIONS = (0.35, 0.3, 0.2, 0.1, 0.05)
"""How often none, one, two, three or four regions are conspicuous."""
IDENTITIES = ("genuine", "other_person", "forged", INCONCLUSIVE)
_PERFECT = Quality(unified=100, sharpness=100, illumination=100, exposure=100, resolution=100, pose=100, visibility=100)


def jittered_face(shown: MeasuredFace, rng: np.random.Generator, jitter: float = JITTER) -> Face:
    """The measured face, with blendshapes changed a little."""
    shapes = {name: float(np.clip(value * np.exp(rng.normal(0, jitter)), 0, 1)) for name, value in shown.shapes.items()}
    return Face(
        id="F1",
        picture="P1",
        box=shown.found.box,
        confidence=1.0,
        points5=shown.found.points[:5],
        landmarks=shown.found.points,
        blendshapes=shapes,
        pose=Pose(yaw=shown.yaw, pitch=shown.pitch, roll=0),
        quality=_PERFECT,
    )


def simulate_expression(
    name: str, shot: SamplePicture, source: str, donor: MeasuredFace, settings: Settings, seed: int
) -> ExplanationCase:
    """The action units and the expression of ``donor``, with the picture ``shot``."""
    rng = np.random.default_rng((seed, 21))
    face = jittered_face(donor, rng)
    evidence = read_expression(face, settings)
    verdict = judge.weigh("expression", face, evidence)
    reading = next(str(item.label) for item in evidence if item.question == "expression")
    if verdict.firm_label != reading and rng.random() < SETTLED:
        verdict = _relabelled(verdict, reading)
    return ExplanationCase(name, (shot,), source, evidence, verdict, verdict.firm_label)


def read_expression(face: Face, settings: Settings) -> tuple[Evidence, ...]:
    """Action units and expression of a face, by the product's tools; of a jittered face there is no look to read."""
    view, rules = blank_view(face), settings.model_copy(update={"detectors": "fast"})
    return tuple(item for tool in (ActionUnits(settings), Expression(rules)) for item in tool.run([view])[0])


def simulate_forgery(
    name: str, shot: SamplePicture, source: str, measured: Sequence[Evidence], face: Face, seed: int
) -> ExplanationCase:
    """Evidence of the forgery detector with every score drawn anew, with the picture ``shot``."""
    rng = np.random.default_rng((seed, 22))
    regions = [item for item in measured if item.region is not None]
    count = min(len(regions), int(rng.choice(len(HOT_REGIONS), p=HOT_REGIONS)))
    hot = set(rng.choice(len(regions), count, replace=False).tolist()) if regions else set()
    rest = (1.2, 5.0) if rng.random() < 0.6 else (3.0, 4.0)
    evidence = [
        with_score(item, float(rng.uniform(HOT, 0.99) if place in hot else min(rng.beta(*rest), HOT - 0.01)))
        for place, item in enumerate(regions)
    ]
    low, high = (0.5, 0.99) if hot else (0.02, 0.8)
    evidence += [
        with_score(item, float(rng.uniform(low, high))) for item in measured if item.region is None and item.score
    ]
    verdict = judge.weigh("forgery", face, evidence)
    if rng.random() < SETTLED:
        verdict = _relabelled(verdict, "forged" if hot else "bona_fide")
    return ExplanationCase(name, (shot,), source, tuple(evidence), verdict, verdict.firm_label)


def conspicuous(evidence: Sequence[Evidence]) -> tuple[Region, ...]:
    """Regions that the detector scored as high as a replaced region."""
    return tuple(item.region for item in evidence if item.region and item.score and item.score.value >= HOT)


def simulate_identity(
    name: str, shot: SamplePicture, source: str, measured: Sequence[Evidence], seed: int
) -> ExplanationCase:
    """A random comparison, with the forgery evidence ``measured``, with the picture ``shot``."""
    rng = np.random.default_rng((seed, 23))
    label = IDENTITIES[int(rng.integers(len(IDENTITIES)))]
    cosine = float(rng.uniform(-0.05, 0.4) if label == "other_person" else rng.uniform(0.35, 0.95))
    by = ToolStamp(name="identity", version="imagined")
    whole = Evidence(
        id="F1:identity",
        tool=by,
        question="identity",
        subject="F1",
        score=Score(value=cosine, scale="cosine"),
        statement=f"The face and reference R1 have a cosine similarity of {cosine:.2f}.",
    )
    odd = 0.6 if label == "other_person" else 0.15
    compared = [_region_evidence(by, part, odd, rng) for _, part in TABLE]
    level = (0.6, 0.99) if label == "forged" else (0.02, 0.5)
    others = [with_score(item, float(rng.uniform(*level))) for item in measured if not item.region and item.score]
    verdict = Verdict(
        id="V:F1:identity",
        question="identity",
        subject="F1",
        label=label,
        wording=f"{label}.",
        status="stable",
        supports=(whole.id, *(item.id for item in others[:1])),
    )
    return ExplanationCase(name, (shot,), source, (whole, *compared, *others), verdict, label)


def _region_evidence(by: ToolStamp, part: Region, odd: float, rng: np.random.Generator) -> Evidence:
    draw = rng.random()
    label = "not visible" if draw < 0.1 else "different" if draw < 0.1 + odd * 0.9 else "same"
    value = float(rng.uniform(0.6, 0.98) if label == "same" else rng.uniform(0.1, 0.6))
    return Evidence(
        id=f"F1:identity_{part}",
        tool=by,
        question="identity",
        subject="F1",
        region=part,
        label=label,
        score=None if label == "not visible" else Score(value=value, scale="cosine"),
        statement=f"The {part.replace('_', ' ')}: {label}, {value:.2f}.",
    )


def with_score(item: Evidence, share: float) -> Evidence:
    """``item`` with another score of 0-1 (for a logit: its sigmoid), in its statement too."""
    if item.score is None:
        return item
    logit = item.score.scale == "logit"
    old = 1 / (1 + exp(-item.score.value)) if logit else item.score.value
    new = log(share / (1 - share)) if logit else share
    words = item.statement.replace(f"{old:.2f}", f"{share:.2f}").replace(", the most of all regions", "")
    return item.model_copy(update={"score": item.score.model_copy(update={"value": new}), "statement": words})


def blank_view(face: Face) -> View:
    """A view of a face whose pixels are not used."""
    from evals.views import drawn

    view = drawn(np.zeros((8, 8, 3), np.uint8))
    return View(view.picture, view.pixels, view.original, face)


def _relabelled(verdict: Verdict, label: str) -> Verdict:
    words = f"Apparent {label}." if verdict.question == "expression" else f"{label.replace('_', ' ')}."
    return verdict.model_copy(update={"label": label, "wording": words, "probability": None, "reason": None})
