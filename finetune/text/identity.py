"""Texts that compare a face with a reference: same person, look-alike, or a forgery of the person.

After VIPGuard (2025): six regions, each labelled same, different or not visible, and the similarity as N/100. The
similarity alone does not decide: forgeries reach high similarities too.
"""

from collections.abc import Mapping

import numpy as np

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
"""Label of a region's evidence → kind of phrase; other labels are refused."""


def comparison_sample(case: ExplanationCase, seed: int) -> TrainingSample | RejectedCase:
    """The explanation of a pair: regions, similarity, forgery, verdict.

    The evidence has one item with a cosine for the whole face, one per region labelled by ``FLAGS``, and everything
    else that the verdict is based on. Rejected when the verdict is not the truth or a region's label is unknown.
    """
    label = case.verdict.firm_label
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
    rejected = rejected_sentences("identity", steps, case)
    if rejected:
        return RejectedCase(case.id, f"Not measured: {rejected[0]}")
    return build_sample(case, steps, shown, seed, engine="identity", similarity=of_100(cosine))


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
    label = case.verdict.firm_label.replace("_", " ")
    return Step(
        section="Conclusion", text=render_phrase(rng, "identity", "conclude", label=label), cites=(case.verdict.id,)
    )
