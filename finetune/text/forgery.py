"""Texts about forgeries with known place, method and strength.

``maker_sample`` asks about the picture alone, and its answer is true by construction. ``evidence_sample`` explains
evidence, after the strengthening and supplementing of X²-DFD (Chen et al. 2024): regions that the detector flags are
named with their scores, features that the model itself can see (``feature_assessment``) may be added where the maker
changed the picture, and an expert supports the answer only where it agrees with the truth.
"""

import json
from collections.abc import Mapping, Sequence

import numpy as np

from faceagent.explain import explanation_prompt
from faceagent.explain.heat import COLD, HOT
from faceagent.explain.template_explainer import REGIONS
from faceagent.types import INCONCLUSIVE, Evidence, Region, Step
from finetune.data.samples import SamplePicture, TrainingSample
from finetune.text.case import ExplanationCase, RejectedCase, build_sample, rejected_sentences
from finetune.text.feature_assessment import EXPERT, ForgeryFeature, agrees
from finetune.text.grammar import join_words, render_phrase

FORGED, GENUINE = "forged", "bona_fide"
"""The judge's labels."""
_QUESTION = (
    "One part of this face may have been replaced or blended. Say which, by what method and how strongly. "
    'Answer with JSON: {"verdict", "method", "regions", "alpha", "text"}.'
)


def maker_sample(shot: SamplePicture, source: str, name: str, seed: int) -> TrainingSample:
    """Question and answer about a made picture, from the parameters of its maker.

    Raises KeyError when ``shot`` lacks a parameter that its maker records.
    """
    rng = np.random.default_rng((seed, 11))
    method = shot.maker or "untouched"
    regions = [] if method in ("untouched", "morph") else _tuple(shot.parameters["regions"])
    alpha = None if method == "untouched" else round(float(str(shot.parameters["alpha"])), 2)
    words = join_words([region.replace("_", " ") for region in regions]) if regions else ""
    text = render_phrase(rng, "known", method, regions=words, alpha=f"{alpha}")
    if method in ("splice", "self_blend"):
        text = f"{text} {render_phrase(rng, 'known', 'strength', alpha=f'{alpha}')}"
    verdict = GENUINE if method == "untouched" else FORGED
    said = {"verdict": verdict, "method": method, "regions": list(regions), "alpha": alpha, "text": text}
    return TrainingSample(
        id=name,
        images=(shot,),
        prompt=_QUESTION,
        answer=json.dumps(said, separators=(",", ":")),
        question="forgery",
        source=source,
        seed=seed,
        meta={"engine": "known", "label": verdict},
    )


def evidence_sample(
    case: ExplanationCase, touched: Sequence[Region], strong: Sequence[ForgeryFeature], seed: int
) -> TrainingSample | RejectedCase:
    """An explanation of a case: its regional evidence and the experts.

    ``touched``: the regions that the maker replaced, () for a genuine face. ``strong``: features of
    ``feature_assessment``. All experts are in the prompt; the answer names those that agree with the truth. Rejected
    when the verdict is not the truth, or when the detector flags no replaced region.
    """
    label = case.verdict.firm_label
    if label not in (case.truth, INCONCLUSIVE):
        return RejectedCase(case.id, f"the verdict {label} is not the truth, {case.truth}")
    regional = {item.region: item for item in case.evidence if item.region is not None and item.score is not None}
    found = [part for part in touched if part in regional and _level(regional[part]) == "hot"]
    if label == FORGED and not found:
        return RejectedCase(case.id, "no replaced region is conspicuous to the detector")
    rng = np.random.default_rng((seed, 12))
    steps = _regions(rng, regional)
    if label == FORGED:
        steps += _seen(rng, regional, found, strong)
    if label != INCONCLUSIVE:
        steps += _supported(rng, case)
    steps += _overall(rng, case)
    rejected = rejected_sentences("forgery", steps, case)
    if rejected:
        return RejectedCase(case.id, f"Not measured: {rejected[0]}")
    experts = [item for item in case.evidence if EXPERT in item.id]
    shown = (*explanation_prompt.select_evidence(case.verdict, case.evidence), *experts)
    return build_sample(case, steps, shown, seed, engine="forgery", regions=tuple(touched))


def _regions(rng: np.random.Generator, regional: Mapping[Region, Evidence]) -> list[Step]:
    steps = []
    for section, parts in REGIONS:
        for part in parts:
            item = regional.get(part)
            if item is not None and item.score is not None:
                slots = {"where": f"the {part.replace('_', ' ')}", "value": f"{item.score.value:.2f}"}
                text = render_phrase(rng, "forgery", _level(item), **slots)
                steps.append(Step(section=section, text=text, cites=(item.id,)))
    return steps


def _level(item: Evidence) -> str:
    value = 0.0 if item.score is None else item.score.value
    return "hot" if value >= HOT else "cold" if value <= COLD else "mild"


def _overall(rng: np.random.Generator, case: ExplanationCase) -> list[Step]:
    verdict = case.verdict
    weighed = {*verdict.supports, *verdict.contradicts}
    whole = [item for item in case.evidence if item.region is None and item.id in weighed and EXPERT not in item.id]
    said = [
        Step(section="Overall", text=f"{explanation_prompt.format_evidence(item)}.", cites=(item.id,)) for item in whole
    ]
    kind = "open" if verdict.firm_label == INCONCLUSIVE else "fake"
    text = render_phrase(rng, "forgery", kind, label=verdict.firm_label.replace("_", " "))
    return [*said, Step(section="Conclusion", text=text, cites=(verdict.id,))]


def _supported(rng: np.random.Generator, case: ExplanationCase) -> list[Step]:
    steps = []
    for item in case.evidence:
        if EXPERT in item.id and item.score is not None and agrees(item, case.truth == FORGED):
            value = item.score.value
            kind = "obvious" if value >= 0.9 else "some" if value >= 0.7 else "little"
            slots = {
                "expert": item.id.rpartition(EXPERT)[2],
                "value": f"{value:.3f}",
                "much": render_phrase(rng, "forgery", kind),
            }
            steps.append(
                Step(section="Overall", text=render_phrase(rng, "forgery", "supports", **slots), cites=(item.id,))
            )
    return steps


def _seen(
    rng: np.random.Generator,
    regional: Mapping[Region, Evidence],
    found: Sequence[Region],
    strong: Sequence[ForgeryFeature],
) -> list[Step]:
    """One strong feature of a replaced region that the detector flags."""
    fitting = [(feature, part) for feature in strong for part in found if part in feature.regions]
    if not fitting:
        return []
    feature, part = fitting[int(rng.integers(len(fitting)))]
    text = render_phrase(rng, "forgery", "seen", kind=feature.kind, region=part.replace("_", " "))
    return [Step(section="Overall", text=text, cites=(regional[part].id,))]


def _tuple(value: object) -> list[str]:
    return [str(one) for one in value] if isinstance(value, tuple | list) else [str(value)]
