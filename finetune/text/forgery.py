"""Texts about forgeries whose place, method and strength are known because we made them.

``known`` asks about the picture alone, and its answer is true by construction. ``explained`` explains evidence: the
strengthening and supplementing of X²-DFD (Chen et al. 2024), where regions that the detector sees are told with their
numbers, features that the model itself can see (``assess``) may be added where the maker really touched them, and an
expert supports the answer only where it agrees with the truth. Knows the parameters of ``finetune``'s makers.
"""

import json
from collections.abc import Mapping, Sequence

import numpy as np

from faceagent.explain import explanation_prompt
from faceagent.explain.check import COLD, HOT
from faceagent.explain.template_explainer import REGIONS
from faceagent.types import INCONCLUSIVE, Evidence, Region, Step
from finetune.data.samples import Sample, Shot
from finetune.text.case import Case, Rejected, faults, sampled
from finetune.text.feature_assessment import EXPERT, Feature, agrees
from finetune.text.grammar import listed, say

FORGED, GENUINE = "forged", "bona_fide"
"""The judge's labels."""
_ASKED = (
    "One part of this face may have been replaced or blended. Say which, by what method and how strongly. "
    'Answer with JSON: {"verdict", "method", "regions", "alpha", "text"}.'
)


def known(shot: Shot, source: str, name: str, seed: int) -> Sample:
    """Question and answer about a made picture, from its maker's parameters and nothing else.

    Raises KeyError when ``shot`` lacks what its maker records.
    """
    rng = np.random.default_rng((seed, 11))
    method = shot.maker or "untouched"
    regions = [] if method in ("untouched", "morph") else _tuple(shot.parameters["regions"])
    alpha = None if method == "untouched" else round(float(str(shot.parameters["alpha"])), 2)
    words = listed([region.replace("_", " ") for region in regions]) if regions else ""
    text = say(rng, "known", method, regions=words, alpha=f"{alpha}")
    if method in ("splice", "self_blend"):
        text = f"{text} {say(rng, 'known', 'strength', alpha=f'{alpha}')}"
    verdict = GENUINE if method == "untouched" else FORGED
    said = {"verdict": verdict, "method": method, "regions": list(regions), "alpha": alpha, "text": text}
    return Sample(
        id=name,
        images=(shot,),
        prompt=_ASKED,
        answer=json.dumps(said, separators=(",", ":")),
        question="forgery",
        source=source,
        seed=seed,
        meta={"engine": "known", "label": verdict},
    )


def explained(case: Case, touched: Sequence[Region], strong: Sequence[Feature], seed: int) -> Sample | Rejected:
    """A case with its regional evidence, and what the experts say, in words.

    ``touched``: what the maker replaced, () for a genuine face. ``strong``: features from ``assess``. Experts
    (``assess.expert``) all stand in the prompt, in the answer only where they agree with the truth. Rejected when the
    verdict is not the truth, or the detector points away from what was replaced.
    """
    label = case.verdict.label
    if label not in (case.truth, INCONCLUSIVE):
        return Rejected(case.id, f"the verdict {label} is not the truth, {case.truth}")
    regional = {item.region: item for item in case.evidence if item.region is not None and item.score is not None}
    found = [part for part in touched if part in regional and _level(regional[part]) == "hot"]
    if label == FORGED and not found:
        return Rejected(case.id, "no replaced region is conspicuous to the detector")
    rng = np.random.default_rng((seed, 12))
    steps = _regions(rng, regional)
    if label == FORGED:
        steps += _seen(rng, regional, found, strong)
    if label != INCONCLUSIVE:
        steps += _supported(rng, case)
    steps += _overall(rng, case)
    struck = faults("forgery", steps, case)
    if struck:
        return Rejected(case.id, f"Not measured: {struck[0]}")
    experts = [item for item in case.evidence if EXPERT in item.id]
    shown = (*explanation_prompt.select_evidence(case.verdict, case.evidence), *experts)
    return sampled(case, steps, shown, seed, engine="forgery", regions=tuple(touched))


def _regions(rng: np.random.Generator, regional: Mapping[Region, Evidence]) -> list[Step]:
    steps = []
    for section, parts in REGIONS:
        for part in parts:
            item = regional.get(part)
            if item is not None and item.score is not None:
                slots = {"where": f"the {part.replace('_', ' ')}", "value": f"{item.score.value:.2f}"}
                text = say(rng, "forgery", _level(item), **slots)
                steps.append(Step(section=section, text=text, cites=(item.id,)))
    return steps


def _level(item: Evidence) -> str:
    value = 0.0 if item.score is None else item.score.value
    return "hot" if value >= HOT else "cold" if value <= COLD else "mild"


def _overall(rng: np.random.Generator, case: Case) -> list[Step]:
    verdict = case.verdict
    weighed = {*verdict.supports, *verdict.contradicts}
    whole = [item for item in case.evidence if item.region is None and item.id in weighed and EXPERT not in item.id]
    said = [
        Step(section="Overall", text=f"{explanation_prompt.format_evidence(item)}.", cites=(item.id,)) for item in whole
    ]
    kind = "open" if verdict.label == INCONCLUSIVE else "fake"
    text = say(rng, "forgery", kind, label=verdict.label.replace("_", " "))
    return [*said, Step(section="Conclusion", text=text, cites=(verdict.id,))]


def _supported(rng: np.random.Generator, case: Case) -> list[Step]:
    steps = []
    for item in case.evidence:
        if EXPERT in item.id and item.score is not None and agrees(item, case.truth == FORGED):
            value = item.score.value
            kind = "obvious" if value >= 0.9 else "some" if value >= 0.7 else "little"
            slots = {
                "expert": item.id.rpartition(EXPERT)[2],
                "value": f"{value:.3f}",
                "much": say(rng, "forgery", kind),
            }
            steps.append(Step(section="Overall", text=say(rng, "forgery", "supports", **slots), cites=(item.id,)))
    return steps


def _seen(
    rng: np.random.Generator,
    regional: Mapping[Region, Evidence],
    found: Sequence[Region],
    strong: Sequence[Feature],
) -> list[Step]:
    """One strong feature that looks where the maker worked and the detector agrees."""
    fitting = [(feature, part) for feature in strong for part in found if part in feature.regions]
    if not fitting:
        return []
    feature, part = fitting[int(rng.integers(len(fitting)))]
    text = say(rng, "forgery", "seen", kind=feature.kind, region=part.replace("_", " "))
    return [Step(section="Overall", text=text, cites=(regional[part].id,))]


def _tuple(value: object) -> list[str]:
    return [str(one) for one in value] if isinstance(value, tuple | list) else [str(value)]
