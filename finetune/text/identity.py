"""Texts that compare a face with a reference: same person, look-alike, or a forgery of the person.

After VIPGuard (2025): six regions, each flagged same, different or not visible, the similarity given as N/100.
Similarity never decides: forgeries reach the high nineties, so a set in which one threshold on it would do is refused.
Knows no network; the evidence is measured elsewhere.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from faceagent.errors import InputError
from faceagent.explain import explanation_prompt
from faceagent.judge.wording import of_100
from faceagent.types import INCONCLUSIVE, Evidence, Region, Step
from finetune.data.samples import TrainingSample
from finetune.text.case import ExplanationCase, RejectedCase, build_sample, rejected_sentences
from finetune.text.grammar import render_phrase

TABLE: tuple[tuple[str, Region], ...] = (
    ("Outer face", "outer_face"),
    ("Eyes", "left_eye"),
    ("Eyes", "right_eye"),
    ("Nose", "nose"),
    ("Mouth", "mouth"),
    ("Skin", "skin"),
)
FLAGS = {"same": "same", "different": "different", "not visible": "hidden"}
"""Label of a region's evidence → kind of phrase; any other label is refused."""
SEPARABLE = 0.95
"""Balanced accuracy of the best single threshold on the similarity from which a set would teach just that."""


def comparison_sample(case: ExplanationCase, seed: int) -> TrainingSample | RejectedCase:
    """A pair in words: regions, similarity, forgery, verdict.

    The evidence has one item with a cosine for the whole face, one per region, labelled by ``FLAGS``, and whatever
    else the verdict weighed. Rejected when the verdict is not the truth or a region's label is unknown.
    """
    label = case.verdict.label
    if label not in (case.truth, INCONCLUSIVE):
        return RejectedCase(case.id, f"the verdict {label} is not the truth, {case.truth}")
    regional = {item.region: item for item in case.evidence if item.question == "identity" and item.region is not None}
    odd = sorted(str(item.label) for item in regional.values() if item.label not in FLAGS)
    if odd:
        return RejectedCase(case.id, f"a region is labelled {odd[0]!r}")
    whole = (item for item in case.evidence if item.question == "identity" and item.region is None)
    cosine = next((item.score.value for item in whole if item.score), None)
    if cosine is None:
        return RejectedCase(case.id, "no similarity was measured")
    rng = np.random.default_rng((seed, 13))
    shown = explanation_prompt.select_evidence(case.verdict, case.evidence)
    overall = [
        Step(section="Overall", text=f"{explanation_prompt.format_evidence(item)}.", cites=(item.id,))
        for item in shown
        if not item.region
    ]
    steps = [*_regions(rng, regional), *overall, _conclusion(rng, case)]
    struck = rejected_sentences("identity", steps, case)
    if struck:
        return RejectedCase(case.id, f"Not measured: {struck[0]}")
    return build_sample(case, steps, shown, seed, engine="identity", similarity=of_100(cosine))


def not_decisive(samples: Sequence[TrainingSample]) -> float:
    """Balanced accuracy of the best threshold on the similarity, same person against the rest.

    Raises InputError when that is ``SEPARABLE`` or more, or when one side is missing.
    """
    pairs = [(int(str(one.meta["similarity"])), one.meta["truth"] == "genuine") for one in samples]
    same, rest = [n for n, yes in pairs if yes], [n for n, yes in pairs if not yes]
    if not same or not rest:
        raise InputError("Pairs of the same person and others are both needed.")
    best = max((np.mean([n >= line for n in same]) + np.mean([n < line for n in rest])) / 2 for line in range(102))
    if best >= SEPARABLE:
        raise InputError(
            f"One threshold on the similarity tells the pairs apart ({best:.2f} balanced accuracy).",
            remedy="Add look-alikes and forgeries of the person with a high similarity.",
        )
    return float(best)


def _regions(rng: np.random.Generator, regional: Mapping[Region, Evidence]) -> list[Step]:
    steps = []
    for section, part in TABLE:
        item = regional.get(part)
        if item is not None:
            kind = FLAGS[str(item.label)]
            value = "" if item.score is None else f"{item.score.value:.2f}"
            slots = {"where": f"the {part.replace('_', ' ')}", "value": value}
            steps.append(Step(section=section, text=render_phrase(rng, "identity", kind, **slots), cites=(item.id,)))
    return steps


def _conclusion(rng: np.random.Generator, case: ExplanationCase) -> Step:
    label = case.verdict.label.replace("_", " ")
    return Step(
        section="Conclusion", text=render_phrase(rng, "identity", "conclude", label=label), cites=(case.verdict.id,)
    )
